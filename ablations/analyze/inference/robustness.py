"""Robustness checks of an effect, by methods that suppose no normal distribution.

Sources: Fisher (1935), "The Design of Experiments", section 21 (sign-flip); Wilcoxon (1945),
"Individual comparisons by ranking methods", Biometrics Bulletin 1(6); Efron (1987), "Better
bootstrap confidence intervals", JASA 82 (BCa). SciPy computes all three.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.intervals import LEVEL
from ablations.core.estimates import (
    BOOTSTRAP_FROM,
    TESTS_FROM,
    Effect,
    Interval,
    NonparametricResults,
)

_EXACT = 13
"""Seeds up to which all sign flips are tried."""

_MOST = 1_000
"""Seeds above which nothing is drawn anew: its time grows with their square, and Student's interval
is the same."""

_DRAWS = 9_999
_BATCH = 1_000
_SEED = 20_260_101
"""Of what is drawn, so that equal records give equal findings."""


def with_nonparametric(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Adds to each effect what these methods give for its seeds."""
    return tuple(
        replace(effect, nonparametric=nonparametric_results([v for _, v in effect.per_seed]))
        for effect in effects
    )


def nonparametric_results(values: Sequence[float]) -> NonparametricResults | None:
    """Returns the results of these methods for an effect's values, shape (seed,).

    ``None`` where none of them applies: with too few seeds, or where all values are equal.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size < TESTS_FROM or np.ptp(x) == 0:
        return None
    return NonparametricResults(
        sign_flip_p=_sign_flip(x),
        wilcoxon_p=_wilcoxon(_without_rounding(x)),
        bca=_bca(x) if BOOTSTRAP_FROM <= x.size <= _MOST else None,
    )


def _without_rounding(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Makes differences equal that differ only by rounding, as they do between fractions."""
    unit = float(np.abs(x).max()) * 1e-12
    return np.asarray(np.round(x / unit))


def _wilcoxon(x: NDArray[np.float64]) -> float:
    """Gives the signs of all ranks in all ways up to 13 seeds, where some tie or are 0.

    SciPy does the same there, in a second rather than a millisecond.
    """
    from scipy import stats  # a second to import, for which few seeds need not wait

    sizes = np.abs(x)
    if x.size > _EXACT or (np.unique(sizes).size == x.size and sizes.all()):
        return float(stats.wilcoxon(x).pvalue)
    moved = x[x != 0]
    return _share_of_flips(np.sign(moved) * stats.rankdata(np.abs(moved)))


def _sign_flip(x: NDArray[np.float64]) -> float:
    """Flips the sign of each seed's difference: in all ways up to 13 seeds, else at random."""
    if x.size > _MOST:
        return float(2 * special.ndtr(-abs(x.sum()) / math.sqrt(float(x @ x))))
    return _share_of_flips(x)


def _share_of_flips(x: NDArray[np.float64]) -> float:
    """Returns how many flips of signs give a sum as far from 0 as the signs that were found."""
    sums = np.abs(_flips(x.size) @ x)
    reached = np.count_nonzero(sums >= abs(x.sum()) - 1e-12 * np.abs(x).sum())
    if x.size <= _EXACT:
        return float(reached / len(sums))
    return float((reached + 1) / (len(sums) + 1))


@lru_cache(maxsize=2)
def _flips(n: int) -> NDArray[np.int8]:
    """Returns rows of signs, shape (flip, seed): all there are, or as many as are drawn."""
    if n <= _EXACT:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(_SEED).integers(0, 2, size=(_DRAWS, n), dtype=np.int8)
    return (2 * bits - 1).astype(np.int8)


def _bca(x: NDArray[np.float64]) -> Interval:
    from scipy import stats

    found = stats.bootstrap(
        (x,),
        np.mean,
        confidence_level=LEVEL,
        n_resamples=_DRAWS,
        batch=_BATCH,
        method="BCa",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Interval(float(found.low), float(found.high), LEVEL, "BCa bootstrap over seeds")
