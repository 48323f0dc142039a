"""Seeds of two kinds are warned of, and normal seeds hardly ever are."""

from __future__ import annotations

import numpy as np
import pytest

from ablations.analyze.inference.gaps import chance, seed_gap, widest
from ablations.analyze.inference.intervals import summarize
from ablations.core.metrics import MetricInfo
from ablations.core.study import Gate

ACCURACY = MetricInfo("accuracy", "fraction", "higher")


def gap(values, *, family=8):
    return seed_gap(summarize(ACCURACY, list(enumerate(values))), family=family)


@pytest.mark.parametrize(
    ("values", "low", "high", "n_low"),
    [
        ([0.931, 0.9302, 0.5, 0.9347, 0.9323], 0.5, 0.9302, 1),
        ([0.5011, 0.931, 0.9302, 0.5, 0.9347, 0.9323], 0.5011, 0.9302, 2),
        ([96 / 192, 181 / 192, 182 / 192, 182 / 192, 184 / 192], 0.5, 181 / 192, 1),
    ],
)
def test_two_kinds_of_seeds(values, low, high, n_low):
    found = gap(values)
    assert (found.low, found.high, found.n_low, found.n) == (low, high, n_low, len(values))
    assert found.p <= 0.05 / 8


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.9],
        [0.5, 0.9],  # one gap and no more
        [0.9, 0.9, 0.9],
        [0.9, 0.9, 0.91],  # shares of 100 images: one image apart
        [175 / 192, 175 / 192, 175 / 192, 175 / 192, 177 / 192],
        [0.90, 0.91, 0.92, 0.93, 0.94],
    ],
)
def test_no_warning(values):
    assert gap(values) is None


def test_the_statistic_is_dixons_at_the_ends():
    """Dixon's table of r10, one outlier at a chosen end: 0.642 at n = 5 and 0.412 at 10 for 5%.

    Both ends and all gaps between are looked at here, so that each of them has at most 5%.
    """
    assert 0.05 <= chance(0.642, 5) <= 0.30
    rng = np.random.default_rng(2)
    for n, critical in ((5, 0.642), (10, 0.412)):  # Dixon (1951), Annals 22(1), alpha = 0.05
        values = np.sort(rng.standard_normal((100_000, n)), axis=1)
        one_end = (values[:, -1] - values[:, -2]) / np.ptp(values, axis=1)
        assert np.mean(one_end > critical) == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize("n", [3, 5, 10, 40])
def test_false_alarms_over_eight_arms(n):
    rng = np.random.default_rng(n)
    alarms = [
        any(chance(widest(np.sort(seeds)), n) <= 0.05 / 8 for seeds in study)
        for study in rng.standard_normal((3_000, 8, n))
    ]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3_000)


def test_false_alarms_on_coarse_shares():
    """Binomial shares of 192 images tie often; the step of the metric is allowed for."""
    rng = np.random.default_rng(4)
    draws = rng.binomial(192, 0.9, (1_500, 8, 5)) / 192
    alarms = [any(gap(seeds.tolist()) for seeds in study) for study in draws]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1_500)


def test_units_do_not_matter():
    values = np.array([0.931, 0.9302, 0.5, 0.9347, 0.93231])
    assert widest(np.sort(values)) == pytest.approx(widest(np.sort(1000 * values + 7)))


def test_an_analysis_watches_the_studys_metric_and_those_of_gates(make):
    gate = Gate("accuracy", {"a": "on"}, at_least=0.1)
    study = make.study(factors={"a": ("off", "on")}, seeds=5, gates=[gate])
    values = {"off": [0.9, 0.91, 0.905, 0.913, 0.908], "on": [0.931, 0.9302, 0.5, 0.9347, 0.9323]}
    findings = make.findings(study, lambda arm, seed: values[arm.level("a")][seed])
    off, on = findings.arms
    assert off.gaps == ()
    (found,) = on.gaps
    assert (found.family, found.n_low) == (2, 1)
    assert findings.gates[0].gap == found
