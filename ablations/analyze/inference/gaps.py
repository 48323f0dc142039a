"""Whether seeds fall into two groups, or one lies far from the rest: the widest gap between them.

The statistic is the widest gap between neighbouring seeds as a share of their range. At either end
it is Dixon's r10 for one outlier (Dixon 1950, "Analysis of extreme values", Annals of Mathematical
Statistics 21(4)); in the middle it finds two groups. Its distribution for normal seeds depends
neither on their mean nor on their spread and is simulated once for each number of seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.inference.resolution import common_step
from ablations.core.estimates import SeedGap, Summary
from ablations.core.findings import ArmFinding

FALSE_ALARMS = 0.05
"""The chance of a warning about any arm, where all seeds are normal."""

FEWEST = 3
"""Seeds below which there is one gap and no more."""

_MOST = 30
"""Seeds from which the distribution of 30 is taken, whose gaps are wider."""

_PATHS = 100_000
_SEED = 20_260_101


def seed_gap(summary: Summary, *, family: int) -> SeedGap | None:
    """Returns the widest gap of a metric's seeds if normal seeds hardly ever have one so wide.

    Args:
        summary: The seeds of one arm.
        family: How many sets of seeds are tested; the chance of a warning about any of them is
            5%.
    """
    values = np.sort(np.array([value for _, value in summary.values]))
    if len(values) < FEWEST:
        return None
    step = common_step(summary.metric, values.tolist())
    share = widest(values, step.size if step else 0.0)
    p = chance(share, len(values))
    if share <= 0 or p > FALSE_ALARMS / family:
        return None
    place = int(np.diff(values).argmax())
    return SeedGap(summary.metric, float(values[place]), float(values[place + 1]), place + 1,
                   len(values), share, p, family)  # fmt: skip


def with_gaps(arms: Sequence[ArmFinding], metrics: Sequence[str]) -> tuple[ArmFinding, ...]:
    """Adds to each arm which of the metrics fall into two groups, among the seeds that trained."""
    watched = list(dict.fromkeys(metrics))
    family = len(arms) * len(watched)
    return tuple(replace(arm, gaps=tuple(_gaps(arm, watched, family))) for arm in arms)


def _gaps(arm: ArmFinding, metrics: Sequence[str], family: int) -> Iterator[SeedGap]:
    for name in metrics:
        summary = arm.over_trained(name) or arm.summaries.get(name)
        if summary is not None and (gap := seed_gap(summary, family=family)) is not None:
            yield gap


def widest(values: NDArray[np.float64], step: float = 0.0) -> float:
    """Returns the widest gap of sorted values as a share of their range, 0 without a range.

    Where the values move in steps, such as one image of 192, each may lie up to half a step off
    what a finer test would give: the gap is taken a step narrower, and the range a step wider.
    """
    gap, span = float(np.diff(values).max()), float(values[-1] - values[0])
    return max(0.0, gap - step) / (span + step) if span > 0 else 0.0


def chance(share: float, n: int) -> float:
    """Returns how often the widest gap of n normal seeds is at least that share of their range."""
    drawn = _shares(min(n, _MOST))
    reached = len(drawn) - int(np.searchsorted(drawn, share, side="left"))
    return (reached + 1) / (len(drawn) + 1)


@lru_cache(maxsize=64)
def _shares(n: int) -> NDArray[np.float64]:
    """Returns the statistic of simulated sets of n normal seeds, sorted, shape (set,)."""
    rng = np.random.default_rng([_SEED, n])
    values = np.sort(rng.standard_normal((_PATHS, n)), axis=1)
    span = values[:, -1] - values[:, 0]
    return np.sort(np.diff(values, axis=1).max(axis=1) / span)
