"""Interim analyses after each seed: repeated confidence intervals with t statistics.

A 95% interval covers less than 95% where it is computed after each seed and the study stops when
the result pleases. Repeated confidence intervals keep the level over all interim analyses together:
each analysis has a higher level, chosen such that a true effect is missed at any of them in 5% of
studies. With a largest number of seeds declared beforehand they are narrower than an anytime-valid
sequence, which also allows for analyses that never come (docs/statistics.md compares the two).

Sources: Jennison and Turnbull (1989), "Interim analyses: the repeated confidence interval
approach", JRSS B 51(3); levels that grow with the seeds follow the power family of Kim and DeMets
(1987), "Design and analysis of group sequential tests based on the type I error spending rate
function", Biometrika 74. The sequence of t statistics does not depend on the true spread, so that
the levels are found by simulating it once, from a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.intervals import Estimate, estimate
from ablations.analyze.inference.quantiles import t_isf
from ablations.core.design import Adaptive
from ablations.core.estimates import Interval
from ablations.core.metrics import Step

Array = NDArray[np.float64]

METHOD = "repeated Student t over interim analyses"

SHAPE = 1.0
"""The error rate of an interim analysis grows as its seeds to this power.

At equal power 1 spends fewer trials than 0, the same rate at every analysis, because the first ones
find little: 45% saved instead of 37% on the mix of ``bench/adaptive.py``.
"""

_LIKELY = 0.25
"""A weighted p above this is no candidate for the smallest of a study that finds something."""

_ROUNDING = 1e-9
"""Spread below this share of the values is rounding."""

_PATHS = 400_000
_CHUNK = 20_000
_SEED = 20_260_101


@dataclass(frozen=True, slots=True, eq=False)
class InterimAnalyses:
    """The interim analyses of a study, after each seed from ``first`` to ``last``.

    ``smallest`` holds, sorted, the smallest weighted p over all analyses of simulated studies
    without effect, shape (path,).
    """

    first: int
    last: int
    smallest: Array

    def alpha(self, n: int, *, alpha: float) -> float:
        """Returns the error rate of the analysis at ``n`` seeds, for ``alpha`` over all of them.

        The quantile is taken two standard errors of the simulation low.
        """
        rank = alpha * len(self.smallest)
        place = max(0, math.floor(rank - 2 * math.sqrt(rank)) - 1)
        return float(self.smallest[place]) * self._weight(n)

    def p(self, values: Sequence[float], *, step: Step | None = None) -> float | None:
        """Returns the p of "no effect" over all analyses so far; ``None`` before the first.

        It is 1 from 0.49 on, where no exact value is simulated. Like the level it is conservative
        by two standard errors of the simulation.
        """
        each = self._each(values, step)
        found = [p / self._weight(e.n) for e in each if (p := e.p()) is not None]
        if not found:
            return None
        if min(found) > _LIKELY:
            return 1.0
        below = int(np.searchsorted(self.smallest, min(found), side="right")) + 1
        return min(1.0, (below + 2 * math.sqrt(below)) / (len(self.smallest) + 1))

    def interval(
        self, values: Sequence[float], *, alpha: float, step: Step | None = None
    ) -> Interval | None:
        """Returns the values that the intervals of all analyses of ``values``, (seed,), share.

        The true mean lies in it with a chance of at least 1 - alpha, however the study stopped.
        Where later seeds move the mean out of it, it is widened to the mean. ``None`` before the
        first analysis, or while there is no spread and no ``step`` of the metric is known.
        """
        lows, highs = [], []
        for each in self._each(values, step):
            level = 1 - self.alpha(each.n, alpha=alpha)
            if (found := each.interval(level=level, method=METHOD)) is not None:
                lows.append(found.low)
                highs.append(found.high)
        if not lows:
            return None
        low, high = max(lows), min(highs)
        if low > high:  # intervals without a common value: one of them has missed
            low, high = lows[-1], highs[-1]
        mean = float(np.mean(values))
        return Interval(min(low, mean), max(high, mean), 1 - alpha, METHOD)

    def _each(self, values: Sequence[float], step: Step | None) -> Iterator[Estimate]:
        """Yields the estimate of each analysis; seeds equal up to rounding have no spread.

        ``evaluate`` takes rounding away where all seeds agree, but not where later ones differ.
        """
        rounding = _ROUNDING * max(map(abs, values), default=0.0)
        for n in range(self.first, len(values) + 1):
            seen = estimate(values[:n])
            agree = seen.sd is not None and seen.sd <= rounding
            yield (replace(seen, sd=0.0) if agree else seen).floored(step)

    def _weight(self, n: int) -> float:
        return float((n / self.last) ** SHAPE)


@lru_cache(maxsize=8)
def interim_analyses(adaptive: Adaptive) -> InterimAnalyses:
    """Returns the interim analyses of an adaptive study, with their levels simulated."""
    first, last = adaptive.at_least, adaptive.at_most
    parts = [_smallest(path, first, last) for path in _paths(last)]
    return InterimAnalyses(first, last, np.sort(np.concatenate(parts)))


def equal_fixed(adaptive: Adaptive, *, alpha: float) -> int:
    """Returns the seeds of the fixed design whose interval is as narrow as the last analysis's.

    It has the same power, but for the seeds that stopping early saves.
    """
    last = adaptive.at_most
    narrow = _half(interim_analyses(adaptive).alpha(last, alpha=alpha), last)
    return next(n for n in range(2, last + 1) if _half(alpha, n) <= narrow)


def _half(alpha: float, n: int) -> float:
    """Returns half the width of a t interval, in standard deviations of a seed."""
    return t_isf(alpha / 2, n - 1) / math.sqrt(n)


def _paths(last: int) -> Iterator[Array]:
    """Yields standard normal seeds of simulated studies, shape (study, seed)."""
    rng = np.random.default_rng(_SEED)
    for _ in range(_PATHS // _CHUNK):
        yield rng.standard_normal((_CHUNK, last))


def _smallest(values: Array, first: int, last: int) -> Array:
    """Returns the smallest weighted two-sided p over the analyses of each study, shape (study,)."""
    n = np.arange(1, last + 1)
    sums, squares = values.cumsum(axis=1), (values**2).cumsum(axis=1)
    spread = np.maximum(squares - sums**2 / n, 1e-300)[:, first - 1 :]
    n = n[first - 1 :]
    t = np.abs(sums[:, first - 1 :]) * np.sqrt((n - 1) / (n * spread))
    weights = (n / last) ** SHAPE
    # Only the smallest p of a study counts, and it is small; the many others need no exact value.
    likely = t > -special.stdtrit(n - 1, _LIKELY * weights / 2)
    p = np.ones_like(t)
    df = np.broadcast_to(n - 1.0, t.shape)
    p[likely] = 2 * special.stdtr(df[likely], -t[likely])
    return np.asarray((p / weights).min(axis=1), dtype=np.float64)
