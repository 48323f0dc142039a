"""Do intervals cover, and do verdicts cry wolf, as often as they say? Seeded simulations.

Bounds are 3.5 standard errors of the simulation wide, so that only a real fault breaks them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ablations.analyze.inference.effects import effects
from ablations.analyze.inference.intervals import estimate, summarize
from ablations.core.metrics import MetricInfo

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
CUBE = {"a": ("off", "on"), "b": ("off", "on"), "c": ("off", "on")}


def slack(rate, runs):
    return 3.5 * math.sqrt(rate * (1 - rate) / runs)


def simulated(study, rng, *, means=0.0, sds=1.0):
    """The study's effects on normal noise around the arms' means, shapes (arm,)."""
    noise = rng.normal(size=(len(study.arms), len(study.seeds)))
    table = np.reshape(means, (-1, 1)) + np.reshape(sds, (-1, 1)) * noise
    rows = zip(study.arms, table.tolist(), strict=True)
    summaries = {arm: summarize(ACCURACY, list(enumerate(row))) for arm, row in rows}
    return effects(study, ACCURACY, summaries=summaries)


@pytest.mark.parametrize("n", [3, 5])
def test_intervals_cover_the_mean(n):
    rng, runs = np.random.default_rng(n), 3000
    intervals = [
        estimate(rng.normal(0.9, 0.02, size=n).tolist()).interval(level=0.95, method="t")
        for _ in range(runs)
    ]
    covered = sum(interval.low <= 0.9 <= interval.high for interval in intervals)
    assert covered / runs == pytest.approx(0.95, abs=slack(0.95, runs))


@pytest.mark.parametrize("design", ["full-factorial", "one-factor-in"])
def test_false_alarms_of_a_family_without_effects(make, design):
    study, rng, runs = make.study(design, factors=CUBE, seeds=3), np.random.default_rng(1), 600
    alarms = sum(
        any(effect.verdict != "inconclusive" for effect in simulated(study, rng))
        for _ in range(runs)
    )
    assert alarms / runs <= 0.05 + slack(0.05, runs)


def test_false_claims_of_a_family_at_the_margin(make):
    # The hardest case for a margin: every effect lies just on it, far from 0, and the effects
    # differ in spread. Any verdict but inconclusive is false. Holm's levels would err in 9%.
    study = make.study("one-factor-in", factors=CUBE, seeds=5, margin=1e5)
    rng, runs = np.random.default_rng(2), 600
    means, sds = [0.0, 1e5, 1e5, 1e5], [0.0, 1.0, 20.0, 400.0]
    claims = sum(
        any(e.verdict != "inconclusive" for e in simulated(study, rng, means=means, sds=sds))
        for _ in range(runs)
    )
    assert claims / runs <= 0.05 + slack(0.05, runs)


@pytest.mark.parametrize("n", [2, 3])
def test_false_alarms_where_accuracy_is_coarse(make, n):
    # 192 test images near 97%: seeds often agree to the last image, which must not look certain.
    study, rng, runs = (
        make.study("full-factorial", factors=CUBE, seeds=n),
        np.random.default_rng(3),
        600,
    )
    alarms = 0
    for _ in range(runs):
        rows = [(arm, rng.binomial(192, 0.97, size=n) / 192) for arm in study.arms]
        summaries = {arm: summarize(ACCURACY, list(enumerate(row.tolist()))) for arm, row in rows}
        found = effects(study, ACCURACY, summaries=summaries)
        alarms += any(effect.verdict != "inconclusive" for effect in found)
    assert alarms / runs <= 0.05 + slack(0.05, runs)
