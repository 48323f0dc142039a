"""Do looks keep their promise, and does the rule ask for what it should?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.adaptive import asked
from ablations.analyze.analysis import analyze
from ablations.analyze.inference.effects import judge
from ablations.analyze.inference.intervals import estimate
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Adaptive
from ablations.core.estimates import Interval
from ablations.core.metrics import Step
from ablations.core.record import Metric

FACTORS = {"a": ("off", "on"), "b": ("off", "on"), "c": ("off", "on")}
SHIFTS = {"a": 0.30, "b": 0.0, "c": 0.02}


@pytest.fixture(scope="module")
def few():
    return interim_analyses(Adaptive(3, 12))


@pytest.fixture
def study(make):
    made = make.study("one-factor-in", factors=FACTORS, seeds=12, margin=0.01)
    return replace(made, adaptive=Adaptive(3, 12))


def response(arm, seed):
    rng = np.random.default_rng([seed, *map(ord, arm.name)])
    gain = sum(SHIFTS[factor] for factor, level in arm.levels if level == "on")
    return 0.5 + gain + 0.02 * math.sin(seed) + 0.008 * rng.standard_normal()


def trained(make, study, planned):
    """Trains what the rule asks for until it asks for nothing more."""
    records = {}
    while missing := [
        t for t in asked(study, [*records.values()], planned=planned) if t.key not in records
    ]:
        for trial in missing:
            value = response(trial.arm, trial.seed)
            records[trial.key] = make.record(trial, make.accuracy(value))
    return [*records.values()]


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 7])
@pytest.mark.parametrize("truth", [0.0, 0.7])
def test_all_analyses_together_miss_the_truth_no_more_often_than_alpha(few, alpha, truth):
    rng, runs = np.random.default_rng(11), 20_000
    values = truth + rng.standard_normal((runs, 12)) * 0.3
    n = np.arange(1, 13)
    mean = values.cumsum(axis=1) / n
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(((values**2).cumsum(axis=1) - n * mean**2) / (n - 1))
    missed = np.zeros(runs, bool)
    for seeds in range(3, 13):
        t = stats.t.isf(few.alpha(seeds, alpha=alpha) / 2, seeds - 1)
        missed |= np.abs(mean[:, seeds - 1] - truth) > t * sd[:, seeds - 1] / math.sqrt(seeds)
    assert missed.mean() == pytest.approx(alpha, abs=3.5 * math.sqrt(alpha / runs))


def test_the_interval_is_shared_by_the_intervals_of_all_analyses(few):
    values = np.random.default_rng(3).normal(0.1, 0.05, 7).tolist()
    each = [
        estimate(values[:n]).interval(level=1 - few.alpha(n, alpha=0.05), method="t")
        for n in range(3, 8)
    ]
    found = few.interval(values, alpha=0.05)
    assert (found.low, found.high) == (max(i.low for i in each), min(i.high for i in each))
    assert found.level == 0.95
    assert few.interval(values[:2], alpha=0.05) is None
    assert few.interval([0.1] * 7, alpha=0.05) is None


def test_the_interval_excludes_zero_just_when_p_is_below_alpha(few):
    rng = np.random.default_rng(4)
    for _ in range(200):
        values = rng.normal(rng.uniform(-1, 1), 0.4, rng.integers(3, 13)).tolist()
        found = few.interval(values, alpha=0.05)
        excludes = found.low > 0 or found.high < 0
        # The level is taken two standard errors low, so that a p just below it may not suffice.
        assert excludes == (few.p(values) < 0.05) or 0.0495 < few.p(values) < 0.05


def test_levels_do_not_depend_on_when_they_are_asked_for(few):
    assert interim_analyses(Adaptive(3, 12)) is few
    assert few.alpha(3, alpha=0.01) < few.alpha(3, alpha=0.05) < 0.05


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.5, 0.5, True), (1.1, 3, True), (-3, -1.1, True), (0.9, 3, False), (-2, 2, False)],
)
def test_decided_is_wholly_within_or_wholly_beyond(low, high, expected):
    found = judge(Interval(low, high, 0.95, "t"), margin=1.0, better="higher")
    assert (found != "inconclusive") is expected
    assert judge(None, margin=1.0, better="higher") == "inconclusive"


def test_the_first_block_trains_every_arm(make, study):
    planned = make.planned(study)
    first = asked(study, [], planned=planned)
    assert {(t.arm, t.seed) for t in first} == {(a, s) for a in study.arms for s in range(3)}


def test_seeds_are_added_only_to_undecided_arms(make, study):
    planned = make.planned(study)
    records = trained(make, study, planned)
    counts = {arm: sum(r.arm == arm for r in records) for arm in study.arms}
    base, small, null, large = study.arms
    assert counts[large] < counts[small] <= counts[base]
    assert counts[base] == max(counts[null], counts[small])
    found = analyze(replace(study, seeds=tuple(range(counts[base]))), records,
                    planned=asked(study, records, planned=planned))  # fmt: skip
    verdicts = {effect.changes[0].factor: effect.verdict for effect in found.effects}
    assert verdicts["a"] == "improved"
    assert all(e.adjusted.method.startswith("repeated") for e in found.effects)


def test_it_resumes_wherever_it_stopped(make, study):
    planned = make.planned(study)
    records = trained(make, study, planned)
    wanted = {trial.key for trial in asked(study, records, planned=planned)}
    rng = np.random.default_rng(5)
    for _ in range(10):
        some = [r for r in records if rng.random() < 0.7]
        assert {t.key for t in asked(study, some, planned=planned)} <= wanted


def test_it_waits_for_a_trial_that_may_do_better_but_not_for_one_that_diverged(make, study):
    planned = make.planned(study)
    first = [t for t in planned if t.seed < 3]
    records = [make.record(t, make.accuracy(response(t.arm, t.seed))) for t in first[1:]]
    diverged = make.failed(first[0])
    raised = replace(diverged, reason="raised")
    assert len(asked(study, [*records, raised], planned=planned)) == 12
    assert len(asked(study, [*records, diverged], planned=planned)) > 12


def test_fixed_seeds_ask_for_everything(make):
    study = make.study(seeds=2)
    planned = make.planned(study)
    assert asked(study, [], planned=planned) == tuple(planned)


def test_the_interval_holds_the_estimate(few):
    values = [0.020, 0.021, 0.019, 0.0205, 0.0195, 0.0200, 0.01, 0.01, 0.009, 0.011, 0.010, 0.0]
    found = few.interval(values, alpha=0.05)
    assert found.low <= np.mean(values) <= found.high


def test_a_metric_that_nobody_reports_asks_for_no_more_seeds(make, study):
    planned = make.planned(study)
    records = [make.record(t, Metric("other", 1.0)) for t in planned if t.seed < 3]
    assert len(asked(study, records, planned=planned)) == 12


def test_p_is_one_where_nothing_was_found(few):
    assert few.p([0.01, -0.01, 0.011, -0.012]) == 1.0
    assert few.p([0.01]) is None


def test_early_seeds_that_agree_but_for_rounding_claim_nothing(few):
    values = [0.01, 0.01 + 1e-17, 0.01 - 1e-17, 0.03, -0.02]
    exact = [0.01, 0.01, 0.01, 0.03, -0.02]
    assert few.interval(values[:3], alpha=0.05) is None
    found, expected = few.interval(values, alpha=0.05), few.interval(exact, alpha=0.05)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert few.p(values) == pytest.approx(few.p(exact))


def test_equal_differences_are_decided_where_one_image_is_the_step(few):
    step = Step(1 / 192, known=True)
    assert few.interval([-0.25] * 5, alpha=0.05 / 7) is None
    found = few.interval([-0.25] * 5, alpha=0.05 / 7, step=step)
    assert found is not None
    assert found.high < -0.1
    assert few.p([-0.25] * 5, step=step) < 0.05 / 7
    of_few = few.interval([1 / 192] * 5, alpha=0.05 / 7, step=step)
    assert of_few is not None
    assert of_few.low < 0


def test_an_adaptive_study_of_equal_differences_ends_as_soon_as_it_is_sure(make, study):
    records = {}
    planned = make.planned(study)
    while missing := [
        t for t in asked(study, [*records.values()], planned=planned) if t.key not in records
    ]:
        for trial in missing:
            gain = -48 * (dict(trial.arm.levels)["a"] == "on")
            value = (150 + 3 * (trial.seed % 5) + gain) / 192
            records[trial.key] = make.record(trial, make.accuracy(value))
    found = analyze(study, [*records.values()], planned=planned).effects
    effect = next(effect for effect in found if effect.changes[0].factor == "a")
    assert effect.verdict == "regressed"
    assert effect.n < 12
