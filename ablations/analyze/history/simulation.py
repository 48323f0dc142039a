"""How often the judgement of a history errs: simulated histories with a known truth.

The residuals of all seeds, commits and series are independent and normal. One series falls by a
step in the middle of the history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ablations.analyze.history.changes import Series, find_changes
from ablations.analyze.inference.quantiles import wilson
from ablations.core.estimates import Interval
from ablations.core.past import HORIZON

STEPS = (1.0, 2.0, 3.0, 4.0)
"""Sizes of the steps, in margins."""

SOON = 5
"""Within how many commits a step is to be found."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of simulated histories of `HORIZON` commits.

    ``false_alarms`` is the share of ``histories`` without any change in which one was found,
    ``found`` the share in which each step of `STEPS` was found within `SOON` commits, ``at_once``
    that in which it was found at its own commit.
    """

    histories: int
    false_alarms: float
    interval: Interval
    found: tuple[float, ...]
    at_once: tuple[float, ...]


def simulate(
    rng: np.random.Generator, *, sd: float, seeds: int, family: int, histories: int = 100
) -> Simulated:
    """Simulates histories of a study.

    Args:
        rng: Where the noise comes from.
        sd: Standard deviation of the residuals within seeds, in margins.
        seeds: Of each commit.
        family: How many series, arms and metrics, are judged together.
        histories: How many.
    """
    shape = (HORIZON, seeds)
    alarms = sum(
        any(_found(sd * rng.standard_normal(shape), family) for _ in range(family))
        for _ in range(histories)
    )
    at = HORIZON // 2
    runs = [
        [_found(_stepped(rng, sd, shape, step), family) for _ in range(histories)] for step in STEPS
    ]
    found, at_once = (
        tuple(sum(any(at <= p < at + n for p in own) for own in each) / histories for each in runs)
        for n in (SOON, 1)
    )
    low, high = wilson(alarms, histories, alpha=0.05)
    interval = Interval(low, high, 0.95, "Wilson")
    return Simulated(histories, alarms / histories, interval, found, at_once)


def _stepped(
    rng: np.random.Generator, sd: float, shape: tuple[int, int], step: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = sd * rng.standard_normal(shape)
    values[len(values) // 2 :] -= step
    return values


def _found(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], family: int) -> list[int]:
    """Returns when changes beyond a margin of 1 were found."""
    return [change.found for change in find_changes(Series(values), margin=1.0, family=family)]
