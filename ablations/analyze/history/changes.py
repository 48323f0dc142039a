"""Changes in a series of commits: the newest commits against those since the last change.

Each commit has values of several seeds, and all commits share the seeds, so that a change is
estimated within seeds: value = seed + level of the commit + residual, by least squares. Whenever a
commit is added, its last 1, 2, 3, 5, 8 ... commits are compared with all earlier ones since the
last change that was found. A change is found when the interval of one of these differences lies
beyond the margin on one side; its place is then where the two parts fit best, and what follows is
compared with the commits since. The level of each interval allows for all of them in `HORIZON`
commits, by Bonferroni.

Sources: the search for one change after the other is binary segmentation (Scott and Knott 1974,
Biometrics 30) of a series that grows, as in Page (1954), Biometrika 41, with t statistics in the
place of likelihoods; the commits at which a change may have happened are those whose residual sum
of squares an F test does not refuse (Bai 1997, Review of Economics and Statistics 79, has the
asymptotic interval).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.intervals import LEVEL
from ablations.core.estimates import Interval
from ablations.core.past import HORIZON

Array = NDArray[np.float64]
Places = int | np.intp | NDArray[np.intp]

ALPHA = 0.05
"""The chance of a false alarm anywhere in `HORIZON` commits of a study."""

LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55)
"""How many of the newest commits are compared with those before."""

ENOUGH = 10
"""Commits since the last change from which more than the newest one is compared."""

METHOD = "least squares within seeds, Student t"

_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was found.

    Places count the commits of the series. The commit at ``first`` is the first one after the
    change by the best fit; with 95% confidence it is one of ``earliest`` to ``latest``. It was
    ``found`` when that commit was added. ``interval`` has the level of a false alarm in the whole
    history.
    """

    first: int
    earliest: int
    latest: int
    found: int
    change: float
    interval: Interval


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Differences of later commits from earlier ones, within seeds; arrays of one shape.

    ``error`` is the standard error of ``change`` with ``df`` degrees of freedom, ``misfit`` the
    residual sum of squares. NaN where no seed is on both sides, or no residual is left.
    """

    change: Array
    error: Array
    df: Array
    misfit: Array

    def half(self, alpha: float) -> Array:
        """Returns half the width of the intervals of level 1 - alpha."""
        return -special.stdtrit(self.df, alpha / 2) * self.error

    def interval(self, alpha: float) -> Interval:
        """Returns the interval of level 1 - alpha of a single difference."""
        middle, half = self.change.item(), self.half(alpha).item()
        return Interval(middle - half, middle + half, 1 - alpha, METHOD)


class Series:
    """The values of one metric and arm over commits, as running sums.

    Args:
        values: Shape (commit, seed), NaN where a commit lacks a seed.
        least_sd: The least standard deviation that the values can have, 0 if unknown: a coarse
            metric may tie over all commits and would give intervals without width.
    """

    def __init__(self, values: Array, *, least_sd: float = 0.0) -> None:
        known = ~np.isnan(values)
        centre = values[known][0] if known.any() else 0.0  # later commits change no rounding
        kept = np.where(known, values - centre, 0.0)
        self._count, self._total, self._squares = (
            _running(part) for part in (known.astype(np.float64), kept, kept**2)
        )
        self._least = least_sd**2

    def __len__(self) -> int:
        return len(self._count) - 1

    def differences(self, start: int, first: Places, end: Places) -> Differences:
        """Returns the commits from ``first`` to before ``end`` against those from ``start`` on.

        Args:
            start: The first commit that is used.
            first: The first one after the supposed change; any shape.
            end: The first one that is not used any more; of a shape that broadcasts with it.
        """
        count, total, squares = (
            own[end] - own[start] for own in (self._count, self._total, self._squares)
        )
        later, later_total = (own[end] - own[first] for own in (self._count, self._total))
        share = later / np.maximum(count, 1)
        weight = (later * (1 - share)).sum(axis=-1)
        df = count.sum(axis=-1) - (count > 0).sum(axis=-1) - 1
        unknown = (weight <= _NOTHING) | (df < 1)
        weight, df = (np.where(unknown, np.nan, own) for own in (weight, df))
        change = (later_total - share * total).sum(axis=-1) / weight
        around = (squares - total**2 / np.maximum(count, 1)).sum(axis=-1)
        misfit = np.maximum(around - change**2 * weight, 0.0)
        variance = np.maximum(misfit / df, self._least)
        return Differences(change, np.sqrt(variance / weight), df, misfit)


def residual_sd(series: Series, start: int) -> float | None:
    """Returns the standard deviation of values around their seed's mean, from ``start`` on."""
    found = series.differences(start, len(series) - 1, len(series))
    value = float(np.sqrt(found.misfit / found.df)) if len(series) > start + 1 else math.nan
    return None if math.isnan(value) else value


def find_changes(series: Series, *, margin: float, family: int) -> tuple[Change, ...]:
    """Returns the changes beyond a margin, in their order.

    Args:
        series: The values over commits.
        margin: Changes within it are none.
        family: How many series, arms and metrics, are judged together.
    """
    return tuple(_changes(series, margin, ALPHA / (HORIZON * family * len(LENGTHS))))


def _changes(series: Series, margin: float, alpha: float) -> Iterator[Change]:
    start = 0
    while (end := _alarm(series, start, margin=margin, alpha=alpha)) is not None:
        places = np.arange(start + 1, end)
        misfit = series.differences(start, places, end).misfit
        best = int(np.nanargmin(misfit))
        found = series.differences(start, places[best], end)
        room = float(special.fdtri(1, found.df.item(), LEVEL)) / found.df.item()
        near = places[misfit <= misfit[best] * (1 + room)]
        first, earliest, latest = (int(own) for own in (places[best], near[0], near[-1]))
        yield Change(first, earliest, latest, end - 1, found.change.item(), found.interval(alpha))
        start = first


def _alarm(series: Series, start: int, *, margin: float, alpha: float) -> int | None:
    """Returns the end of the shortest stretch from ``start`` on that shows a change; else none."""
    ends = np.arange(start + 2, len(series) + 1)[:, None]
    lengths = np.array(LENGTHS)
    fits = (ends - lengths > start) & ((lengths == 1) | (ends - start >= ENOUGH))
    found = series.differences(start, np.where(fits, ends - lengths, start), ends)
    with np.errstate(invalid="ignore"):
        alarms = fits & (np.abs(found.change) - found.half(alpha) > margin)
    hits = np.flatnonzero(alarms.any(axis=1))
    return int(ends[hits[0], 0]) if len(hits) else None


def _running(values: Array) -> Array:
    """Returns sums over the commits before each place, shape (commit + 1, seed)."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
