from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablations.analyze.analysis import analyze
from ablations.analyze.inference.effects import effects
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.power import (
    POWERS,
    detectable_d,
    detection_power,
    equivalence_power,
    fewest,
    seed_plans,
)
from ablations.core.metrics import MetricInfo

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
RATIOS, SEEDS = st.floats(0.05, 1.0), st.integers(2, 300)


def simulated(n, *, mean=0.0, runs=20_000):
    """Means and standard errors of that many studies of n seeds with a spread of 1."""
    values = np.random.default_rng(n).normal(mean, 1.0, size=(runs, n))
    return values.mean(axis=1), values.std(axis=1, ddof=1) / math.sqrt(n)


def slack(rate, runs=20_000):
    return 3.5 * math.sqrt(rate * (1 - rate) / runs)


def judged(study, table):
    """The declared effects of a table, shape (arm, seed)."""
    rows = zip(study.arms, np.asarray(table, dtype=float).tolist(), strict=True)
    summaries = {arm: summarize(ACCURACY, list(enumerate(row))) for arm, row in rows}
    return effects(study, ACCURACY, summaries=summaries)


def planned(study, table, *, seconds=60.0):
    found = judged(study, table)
    return found, seed_plans(study, found, trial_seconds=dict.fromkeys(study.arms, seconds))


def noise(study, seed=0):
    return np.random.default_rng(seed).normal(size=(len(study.arms), len(study.seeds)))


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(("n", "alpha"), [(4, 0.05), (10, 0.05), (50, 0.05), (10, 0.05 / 7)])
def test_the_detectable_effect_is_that_of_statsmodels(n, alpha, power):
    # There the other tail counts as well, but has no chance worth telling. At fewer seeds and smaller
    # rates SciPy does not know that chance, as stats.nct.cdf(-6.6, 3, 8.3), which leads it astray.
    known = TTestPower().solve_power(nobs=n, alpha=alpha, power=power, alternative="two-sided")
    assert detectable_d(n, alpha=alpha, power=power) == pytest.approx(float(known), rel=1e-5)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(("n", "alpha"), [(2, 0.05), (3, 0.05), (3, 0.05 / 7), (8, 0.05 / 3)])
def test_the_detectable_effect_is_detected_that_often(n, alpha, power):
    mean, error = simulated(n, mean=detectable_d(n, alpha=alpha, power=power))
    found = np.mean(mean > stats.t.isf(alpha / 2, n - 1) * error)
    assert found == pytest.approx(power, abs=slack(power))


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_detectable_effect_is_finite_in_large_families(n):
    found = [detectable_d(n, alpha=0.05 / family, power=0.9) for family in (1, 7, 63)]
    assert found == sorted(found)
    assert all(math.isfinite(d) and d > 0 for d in found)


@pytest.mark.parametrize(
    ("ratio", "n", "alpha"),
    [
        (0.5, 60, 0.05),
        (0.5, 40, 0.05),
        (1.0, 10, 0.05 / 7),
        (1.0, 25, 0.05 / 7),
        (2.0, 3, 0.05),
        (3.0, 5, 0.05 / 3),
        (5.0, 2, 0.05),
        (0.1, 900, 0.05),
    ],
)
def test_equivalence_is_found_as_often_as_simulated(ratio, n, alpha):
    mean, error = simulated(n, runs=5_000)
    inside = np.abs(mean) + stats.t.isf(alpha / 2, n - 1) * error < ratio
    power = equivalence_power(ratio, n, alpha=alpha)
    assert 0.1 < power < 0.999
    assert power == pytest.approx(inside.mean(), abs=slack(power, 5_000))


@pytest.mark.parametrize(
    ("ratio", "at", "n"), [(1.0, 0.5, 12), (1.0, 0.9, 200), (0.5, 0.2, 60), (2.0, 1.0, 6)]
)
def test_a_true_effect_within_the_margin_is_called_equivalent_as_often_as_simulated(ratio, at, n):
    mean, error = simulated(n, mean=at, runs=5_000)
    inside = np.abs(mean) + stats.t.isf(0.05 / 6, n - 1) * error < ratio
    power = equivalence_power(ratio, n, alpha=0.05 / 3, at=at)
    assert 0.1 < power < 0.999
    assert power == pytest.approx(inside.mean(), abs=slack(power, 5_000))
    assert power == pytest.approx(equivalence_power(ratio, n, alpha=0.05 / 3, at=-at))
    assert power < equivalence_power(ratio, n, alpha=0.05 / 3)


@settings(deadline=None, max_examples=100)  # shared machines stall
@given(st.floats(0.01, 30.0), st.integers(2, 10_000), st.sampled_from([0.05, 0.05 / 7, 5e-5]))
def test_a_large_effect_is_detected_also_where_scipy_knows_no_chance(d, n, alpha):
    # `scipy.special.nctdtr` is NaN for some chances near 0, as at 2,536 seeds and d = 0.79.
    assert detection_power(0.786324786, 2536, alpha=0.05 / 3) == 1.0
    found = detection_power(d, n, alpha=alpha)
    assert 0 <= found <= 1
    assert detection_power(d, min(10_000, 2 * n), alpha=alpha) >= found - 1e-6


def test_twice_the_margin_is_called_improved_at_least_as_often():
    for ratio, n in ((0.5, 30), (1.0, 12), (3.0, 4)):
        mean, error = simulated(n, mean=2 * ratio)
        improved = np.mean(mean - stats.t.isf(0.025, n - 1) * error > ratio)
        power = equivalence_power(ratio, n, alpha=0.05)
        assert improved >= power - slack(power)


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(RATIOS, SEEDS, st.integers(1, 50), st.sampled_from([0.05, 0.05 / 7]))
def test_more_seeds_or_a_wider_margin_never_lower_the_power(ratio, n, more, alpha):
    before = equivalence_power(ratio, n, alpha=alpha)
    assert 0 <= before <= 1 + 1e-9
    assert equivalence_power(ratio * 1.1, n, alpha=alpha) >= before - 1e-6
    # Two seeds may be luckier than three where both are hopeless: 1.2% and 0.9% at half a sd.
    assert equivalence_power(ratio, n + more, alpha=alpha) >= before - 1e-6 or before < 0.1


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(SEEDS, st.integers(1, 50), st.sampled_from([0.05, 0.05 / 7]))
def test_more_seeds_detect_less(n, more, alpha):
    fewer, further = (detectable_d(k, alpha=alpha, power=0.8) for k in (n, n + more))
    assert further < fewer


@pytest.mark.parametrize(
    ("ratio", "alpha", "power"), [(0.6, 0.05, 0.8), (0.8, 0.05 / 7, 0.9), (4.0, 0.05, 0.9)]
)
def test_the_fewest_seeds_are_those_of_a_linear_search(ratio, alpha, power):
    def enough(n):
        return equivalence_power(ratio, n, alpha=alpha) >= power

    found = fewest(enough)
    assert found == next(n for n in range(2, 500) if enough(n))


@given(st.integers(0, 5000))
def test_the_fewest_that_are_enough_are_found_wherever_they_lie(bar):
    assert fewest(lambda n: n >= bar) == max(2, bar)


def test_beyond_reason_no_number_is_enough():
    assert fewest(lambda n: False) is None
    assert fewest(lambda n: n > 100_000) is None


def test_without_a_margin_seeds_are_unknown(make):
    study = make.study(seeds=4)
    found, plans = planned(study, noise(study))
    assert [plan.effect for plan in plans] == list(found)
    for plan in plans:
        assert (plan.powers, plan.no_effect.seeds, plan.no_effect.seconds) == (
            POWERS,
            (None, None),
            (None, None),
        )
        expected = [detectable_d(4, alpha=0.05 / 3, power=power) for power in POWERS]
        assert plan.detectable == pytest.approx([plan.effect.sd * d for d in expected])


def test_a_margin_has_seeds_and_lies_below_what_is_detectable(make):
    study = make.study(seeds=4, margin=0.5)
    for plan in planned(study, noise(study))[1]:
        ratio, alpha = 0.5 / plan.effect.sd, 0.05 / 3
        d = [detectable_d(4, alpha=alpha, power=power) for power in POWERS]
        assert plan.detectable == pytest.approx([0.5 + plan.effect.sd * one for one in d])
        for n, power in zip(plan.no_effect.seeds, POWERS, strict=True):
            assert equivalence_power(ratio, n, alpha=alpha) >= power
            assert equivalence_power(ratio, n - 1, alpha=alpha) < power


def test_seeds_as_measured_give_the_verdict_that_the_estimate_calls_for(make):
    study = make.study("one-factor-in", seeds=4, margin=0.5)
    table = noise(study)
    table[1] += 1.0 - (table[1] - table[0]).mean()  # an estimate beyond the margin
    table[2] += 0.25 - (table[2] - table[0]).mean()  # and one within it
    beyond, within = planned(study, table)[1]
    assert (beyond.effect.estimate, within.effect.estimate) == pytest.approx((1.0, 0.25))
    assert beyond.effect.verdict == within.effect.verdict == "inconclusive"
    for place, power in enumerate(POWERS):
        n, spread = beyond.as_measured.seeds[place], beyond.effect.sd
        assert detection_power(0.5 / spread, n, alpha=0.025) >= power
        assert detection_power(0.5 / spread, n - 1, alpha=0.025) < power
        mean, error = (spread * found for found in simulated(n, mean=1.0 / spread))
        improved = np.mean(mean - stats.t.isf(0.0125, n - 1) * error > 0.5)
        assert improved >= power - slack(power)
        n, spread = within.as_measured.seeds[place], within.effect.sd
        assert equivalence_power(0.5 / spread, n, alpha=0.025, at=0.25 / spread) >= power
        assert equivalence_power(0.5 / spread, n - 1, alpha=0.025, at=0.25 / spread) < power
        assert n > within.no_effect.seeds[place]
    assert beyond.as_measured.seconds == pytest.approx(
        [120.0 * max(0, n - 4) for n in beyond.as_measured.seeds]
    )


def test_without_a_margin_seeds_as_measured_show_an_effect(make):
    study = make.study("one-factor-in", seeds=4)
    for plan in planned(study, noise(study))[1]:
        d = abs(plan.effect.estimate) / plan.effect.sd
        for n, power in zip(plan.as_measured.seeds, POWERS, strict=True):
            assert (
                detection_power(d, n, alpha=0.025) >= power > detection_power(d, n - 1, alpha=0.025)
            )
    neither = [
        replace(e, metric=replace(ACCURACY, better="neither")) for e in judged(study, noise(study))
    ]
    assert {p.as_measured.seeds for p in seed_plans(study, neither, trial_seconds={})} == {
        (None, None)
    }


def test_time_is_that_of_the_missing_seeds_of_the_arms_that_count(make):
    study = make.study("one-factor-in", seeds=4, margin=0.5)
    found = judged(study, noise(study))
    each = dict(zip(study.arms, (10.0, 20.0, 40.0), strict=True))  # the reference, b, a
    b, a = seed_plans(study, found, trial_seconds=each)
    assert b.no_effect.seconds == pytest.approx([30.0 * (n - 4) for n in b.no_effect.seeds])
    assert a.no_effect.seconds == pytest.approx([50.0 * (n - 4) for n in a.no_effect.seeds])
    del each[study.arms[1]]
    b, a = seed_plans(study, found, trial_seconds=each)
    assert (b.no_effect.seconds, a.no_effect.seconds[0]) == (
        (None, None),
        pytest.approx(50.0 * (a.no_effect.seeds[0] - 4)),
    )


def test_what_is_decided_takes_no_more_seeds(make):
    study = make.study("one-factor-in", seeds=12, margin=50.0)
    for plan in planned(study, noise(study))[1]:
        assert plan.effect.verdict == "equivalent"
        assert plan.decided
        assert plan.no_effect.seeds == plan.no_effect.seconds == (None, None)


def test_a_decided_change_is_not_sent_for_more_seeds_to_call_it_equivalent(make):
    study = make.study("one-factor-in", seeds=4, margin=0.5)
    table = noise(study) / 10
    table[1] += 10.0  # far beyond the margin, though 0.5 takes many seeds to tell from nothing
    plans = seed_plans(study, judged(study, table), trial_seconds={})
    moved = [plan for plan in plans if plan.effect.verdict == "improved"]
    assert moved
    assert all(plan.decided and plan.no_effect.seeds == (None, None) for plan in moved)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_without_spread_nothing_is_known(make, margin):
    for study, table in (
        (make.study(seeds=3, margin=margin), np.ones((4, 3))),
        (make.study(seeds=1, margin=margin), noise(make.study(seeds=1))),
    ):
        for plan in planned(study, table)[1]:
            assert plan.effect.sd is None
            assert plan.detectable == plan.no_effect.seeds == plan.no_effect.seconds == (None, None)


def test_a_spread_far_beyond_the_margin_has_no_plan(make):
    study = make.study(seeds=3, margin=1e-4)
    for plan in planned(study, noise(study))[1]:
        assert plan.no_effect.seeds == plan.no_effect.seconds == (None, None)
        assert None not in plan.detectable


def test_findings_plan_with_the_durations_of_their_records(make):
    study = make.study("one-factor-in", seeds=3, margin=0.5)
    table = noise(study)
    records = make.records(study, lambda arm, seed: float(table[study.arms.index(arm), seed]))
    records = [replace(one, seconds=10.0 + one.seed) for one in records]
    plans = analyze(study, records, planned=make.planned(study)).plans
    for plan in plans:
        assert plan.no_effect.seconds == pytest.approx(
            [2 * 11.0 * (n - 3) for n in plan.no_effect.seeds]
        )
