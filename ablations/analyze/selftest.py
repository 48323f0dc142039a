"""The gate against itself: halves of one recipe's seeds, where nothing has changed.

A gate that cries wolf is switched off, so it should say how often it does. Each arm's seeds are
divided into two halves at random, the halves are held against each other as past and present, and
every verdict of improved or regressed is a false alarm. Then a known loss is planted in one arm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.effects import ALPHA
from ablations.analyze.intervals import LEVEL
from ablations.drift import SelfTest
from ablations.estimates import Interval, MetricInfo, Summary

SPLITS = 1_000
"""Random halvings; fewer where the seeds allow no more distinct ones."""

FEWEST = 4
"""Seeds that an arm needs, for two in each half."""

_SEED = 20_260_101

Array = NDArray[np.float64]


def self_test(
    metric: MetricInfo, summaries: Sequence[Summary], *, margin: float
) -> SelfTest | None:
    """Returns how often the gate errs on the study's own records; ``None`` with too few seeds.

    The halves share no seed, so they are compared by Welch's interval at Bonferroni's level over
    the arms. The interval of the rate counts no more splits than there are distinct ones.

    Args:
        metric: With a better direction, or nothing can be worse.
        summaries: The metric's summary of each arm.
        margin: The smallest effect that matters.
    """
    values = [np.array([v for _, v in s.values]) for s in summaries if s.n >= FEWEST]
    if not values or metric.better == "neither":
        return None
    sign = 1.0 if metric.better == "higher" else -1.0
    planted, alpha = _planted(margin, values), ALPHA / len(values)
    rng = np.random.default_rng(_SEED)
    found = np.array(
        [_halved(sign * own, rng, alpha=alpha, margin=margin, planted=planted) for own in values]
    )  # (arm, change, split)
    alarmed = found[:, 0].any(axis=0)
    fewest = min(len(own) for own in values)
    distinct = min(SPLITS, math.comb(fewest, fewest // 2))
    low, high = proportion_confint(alarmed.mean() * distinct, distinct, method="wilson")
    return SelfTest(
        splits=SPLITS,
        alarms=int(alarmed.sum()),
        false_alarms=float(alarmed.mean()),
        interval=Interval(float(low), float(high), LEVEL, "Wilson over distinct splits"),
        planted=planted,
        found=tuple(found[:, 1:].mean(axis=(0, 2)).tolist()),
        n_seeds=fewest,
    )


def _planted(margin: float, values: Sequence[Array]) -> tuple[float, ...]:
    """Returns losses to look for: twice and four times the margin, else standard deviations."""
    unit = margin or float(np.median([np.std(own, ddof=1) for own in values]))
    return (2 * unit, 4 * unit)


def _halved(
    values: Array,
    rng: np.random.Generator,
    *,
    alpha: float,
    margin: float,
    planted: Sequence[float],
) -> NDArray[np.bool_]:
    """Returns whether the verdict is a change, shape (change, split).

    The first change is none, where either direction counts; then come the planted losses.
    """
    half = len(values) // 2
    order = rng.permuted(np.tile(values, (SPLITS, 1)), axis=1)
    now, then = order[:, :half], order[:, half:]
    parts = [np.var(side, axis=1, ddof=1) / side.shape[1] for side in (now, then)]
    error = np.sqrt(parts[0] + parts[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        df = error**4 / (parts[0] ** 2 / (half - 1) + parts[1] ** 2 / (then.shape[1] - 1))
    reach = stats.t.isf(alpha / 2, np.where(error > 0, df, 1.0)) * error
    change = now.mean(axis=1) - then.mean(axis=1)
    spread = error > 0
    alarmed = (np.abs(change) - reach > margin) & spread
    lost = [(change - shift + reach < -margin) & spread for shift in planted]
    return np.stack([alarmed, *lost])
