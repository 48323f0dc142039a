"""The false alarm rate of the gate against the past, from random halves of a study's own seeds.

A gate with many false alarms is soon ignored, so its users should know the rate. The seeds that all
arms share are divided into two halves at random, and the halves are compared as past and present.
Nothing has changed between them, so every verdict of improved or regressed is a false alarm. Then a
known loss is planted in one arm, to see how often it is found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.effects import ALPHA
from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.quantiles import wilson
from ablations.core.estimates import Interval, Summary
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo, Step
from ablations.core.past import SelfTest

SPLITS = 1_000
"""Random halvings."""

FEWEST = 4
"""Seeds that the arms must share, for two in each half."""

_SEED = 20_260_101

Array = NDArray[np.float64]


def with_self_test(findings: Findings) -> Findings:
    """Returns the findings with how often the gate errs on them, for outputs that show it.

    ``analyze`` leaves it out, because most commands show nothing of it.
    """
    name, margin = findings.metric.name, findings.study.smallest_effect_that_matters
    summaries = [arm.summaries[name] for arm in findings.arms if name in arm.summaries]
    return replace(findings, self_test=self_test(findings.metric, summaries, margin=margin))


def self_test(
    metric: MetricInfo, summaries: Sequence[Summary], *, margin: float
) -> SelfTest | None:
    """Returns how often the gate errs on the study's own records; ``None`` where they are too few.

    The halves share no seed, so they are compared by Welch's interval, at Bonferroni's level over
    the arms. A split divides the seeds of all arms alike, because a seed moves all of them. The
    interval of the rate counts no more splits than there are distinct ones.

    Args:
        metric: With a better direction, or nothing can be worse.
        summaries: The metric's summary of each arm.
        margin: The smallest effect that matters.
    """
    values = _shared(summaries)
    if values is None or metric.better == "neither":
        return None
    n = values.shape[1]
    unit = margin or float(np.median(np.std(values, axis=1, ddof=1)))
    if unit == 0:
        return None
    found = _verdicts(
        values * (1.0 if metric.better == "higher" else -1.0),
        margin=margin,
        planted=(2 * unit, 4 * unit),
        step=metric.step,
    )
    alarmed = found[0].any(axis=0)
    # A half and the other one change places without changing the verdict's being an alarm.
    distinct = min(SPLITS, math.comb(n, n // 2) // (2 if n % 2 == 0 else 1))
    low, high = wilson(alarmed.mean() * distinct, distinct, alpha=0.05)
    return SelfTest(
        splits=SPLITS,
        false_alarms=float(alarmed.mean()),
        interval=Interval(float(low), float(high), LEVEL, "Wilson over distinct splits"),
        planted=(2 * unit, 4 * unit),
        found=tuple(found[1:].mean(axis=(1, 2)).tolist()),
        n_seeds=n,
    )


def _shared(summaries: Sequence[Summary]) -> Array | None:
    """Returns the values of the seeds that all arms have, shape (arm, seed); ``None`` if few."""
    by_seed = [dict(summary.values) for summary in summaries if summary.n]
    seeds = sorted(set(by_seed[0]).intersection(*by_seed[1:])) if by_seed else []
    if len(seeds) < FEWEST:
        return None
    return np.array([[own[seed] for seed in seeds] for own in by_seed])


def _verdicts(
    values: Array, *, margin: float, planted: Sequence[float], step: Step | None
) -> NDArray[np.bool_]:
    """Returns whether the verdict is a change, shape (change, arm, split).

    The first change is none, where either direction counts; then come the planted losses.
    """
    n = values.shape[1]
    rng = np.random.default_rng(_SEED)
    order = rng.permuted(np.tile(np.arange(n), (SPLITS, 1)), axis=1)
    means, variances, ranges = _of_halves(values, order)
    sizes = np.array([n // 2, n - n // 2])
    known, least = step is not None and step.known, step.size**2 / 2 if step else 0.0
    # Equal values have no spread, whatever rounding leaves, and then there is no interval.
    spread = (ranges > 0).any(axis=-1)
    floored = np.maximum(variances, least)
    parts = np.where(~spread[..., None] | known, floored, variances) / sizes
    spread |= step is not None
    error2 = parts.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(spread, error2**2 / (parts**2 / (sizes - 1)).sum(axis=-1), 1.0)
    half_width = -special.stdtrit(df, ALPHA / len(values) / 2) * np.sqrt(error2)
    change = means[..., 0] - means[..., 1]
    alarmed = (np.abs(change) - half_width > margin) & spread
    lost = [(change - shift + half_width < -margin) & spread for shift in planted]
    return np.stack([alarmed, *lost])


def _of_halves(values: Array, order: NDArray[np.int64]) -> Array:
    """Returns mean, variance and range of both halves of the seeds, (number, arm, split, half).

    One arm at a time, since all halves of ten thousand seeds are a gigabyte.
    """
    n = values.shape[1]
    found = [
        [
            (half.mean(axis=1), half.var(axis=1, ddof=1), np.ptp(half, axis=1))
            for half in (own[order[:, : n // 2]], own[order[:, n // 2 :]])
        ]
        for own in values
    ]
    return np.moveaxis(np.array(found), (2, 3, 1), (0, 2, 3))
