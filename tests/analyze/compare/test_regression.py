"""The gate against the past."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from ablations.analyze.compare.comparable import in_turn
from ablations.analyze.compare.regression import (
    compare_with_past,
    past_exit_code,
    past_of_records,
    welch,
)
from ablations.core.metrics import MetricInfo
from ablations.core.record import Metric
from ablations.errors import StudyError

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
HERE = {"cpu": "one", "device": "cpu:0", "precision": "float32"}


def rows(
    make, study, *, seeds=None, gain=0.0, step=0.01, data="data-1", facts=HERE, salt=0, loss=True
):
    made = []
    for trial in make.planned(study):
        if seeds is not None and trial.seed not in seeds:
            continue
        rng = np.random.default_rng([trial.seed, salt, *map(ord, trial.arm.name)])
        value = 0.8 + gain + 0.01 * rng.standard_normal()
        took = step * math.exp(0.01 * rng.standard_normal())
        metrics = (make.accuracy(value), Metric("median_step_seconds", took, "seconds", "lower"))
        metrics += (Metric("loss", 1 - value, "number", "lower"),) if loss else ()
        record = make.record(trial, *metrics)
        made.append(replace(record, data=data, environment=facts))
    return made


def held(make, study, now, then, **options):
    from ablations.analyze.analysis import analyze

    findings = analyze(study, now, planned=make.planned(study))
    return compare_with_past(findings, past_of_records(then, "before"), **options), findings


def verdicts(found):
    return {change.metric.name: change.verdict for change in found.changes}


@pytest.fixture
def study(make):
    return make.study("arms", factors={"a": ("off", "on")}, seeds=6, margin=0.02)


def test_equal_records_are_equivalent_and_pass(make, study):
    records = rows(make, study)
    found, findings = held(make, study, records, records)
    accuracy = [d for d in found.changes if not d.is_ratio]
    assert all(d.alike and d.verdict == "equivalent" and d.change == 0.0 for d in accuracy)
    assert all(d.alike for d in found.changes)
    assert past_exit_code(found, findings) == 0


def test_copies_of_records_with_only_coarse_results_are_equivalent(make):
    study = make.study("arms", factors={"a": ("off", "on")}, seeds=3)
    records = [
        replace(r, metrics=(make.accuracy(0.875), r.metrics[1]))
        for r in rows(make, study, loss=False)
    ]
    found, findings = held(make, study, records, records)
    assert {change.verdict for change in found.changes} == {"equivalent"}
    assert past_exit_code(found, findings) == 0
    again = [
        replace(new, metrics=(make.accuracy(0.875), new.metrics[1]), seconds=new.seconds + 0.1)
        for new in rows(make, study, loss=False, salt=1)
    ]
    found, _ = held(make, study, again, records)
    assert verdicts(found)["accuracy"] == "inconclusive"


def test_a_loss_beyond_the_margin_fails_whichever_the_seeds(make, study):
    now = rows(make, study, gain=-0.1, salt=1)
    found, findings = held(make, study, now, rows(make, study))
    assert {d.verdict for d in found.changes if not d.is_ratio} == {"regressed"}
    assert all(d.paired for d in found.changes if not d.is_ratio)
    assert past_exit_code(found, findings) == 1


def test_other_seeds_are_two_samples(make, study):
    then = [replace(r, seed=r.seed + 100) for r in rows(make, study)]
    found, _ = held(make, study, rows(make, study, salt=1), then)
    change = found.changes[0]
    assert (change.paired, change.n, change.n_past) == (False, 6, 6)


def test_pairs_agree_with_scipy(make, study):
    now, then = rows(make, study, gain=0.01, salt=1), rows(make, study)
    found, _ = held(make, study, now, then)
    change = found.changes[0]
    a, b = (
        [m.value for r in rs if r.arm == change.arm for m in r.metrics if m.name == "accuracy"]
        for rs in (now, then)
    )
    expected = stats.ttest_rel(a, b).confidence_interval(1 - 0.05 / len(found.changes))
    assert (change.interval.low, change.interval.high) == pytest.approx(
        (expected.low, expected.high), abs=1e-9
    )


@pytest.mark.parametrize("seed", range(10))
def test_welch_agrees_with_scipy_and_statsmodels(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1, rng.integers(2, 12)), rng.normal(0.3, 3, rng.integers(2, 12))
    change, interval = welch(a.tolist(), b.tolist(), alpha=0.01)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.99)
    other = CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff(0.01, usevar="unequal")
    assert change == pytest.approx(a.mean() - b.mean(), abs=1e-9)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (interval.low, interval.high) == pytest.approx(other, abs=1e-9)


def test_a_slower_step_regresses_as_a_quotient(make, study):
    found, findings = held(make, study, rows(make, study, step=0.02, salt=1), rows(make, study))
    assert {c.metric.name: c.family_size for c in found.changes} == dict.fromkeys(
        ("accuracy", "median_step_seconds", "trial_seconds"), 6
    )
    speeds = [change for change in found.changes if "step" in change.metric.name]
    assert {change.verdict for change in speeds} == {"regressed"}
    for change in speeds:
        assert change.change == pytest.approx(change.mean / change.past_mean)
    assert all(1.9 < change.change < 2.1 and change.interval.low > 1.05 for change in speeds)
    assert past_exit_code(found, findings) == 1


def test_speeds_of_another_machine_are_not_compared_and_its_facts_are_named(make, study):
    then = rows(make, study, facts={**HERE, "cpu": "another"})
    found, _ = held(make, study, rows(make, study, salt=1), then)
    assert {change.metric.name for change in found.changes} == {"accuracy"}
    assert found.machines == (("cpu one, device cpu:0",), ("cpu another, device cpu:0",))


def test_an_arm_that_is_gone_leaves_the_gate_incomplete(make, study):
    wider = make.study("arms", factors={"a": ("off", "on", "more")}, seeds=6, margin=0.02)
    found, findings = held(make, study, rows(make, study, salt=1), rows(make, wider))
    assert [arm.name for arm in found.gone] == ["a=more"]
    assert past_exit_code(found, findings) == 4
    found, findings = held(make, wider, rows(make, wider, salt=1), rows(make, study))
    assert [arm.name for arm in found.added] == ["a=more"]
    assert past_exit_code(found, findings) != 4


def test_equal_shares_of_images_are_not_the_same_run(make, study):
    records = [
        replace(r, metrics=(make.accuracy(round(r.metrics[0].value * 192) / 192),))
        for r in rows(make, study)
    ]
    again = [replace(record, seconds=record.seconds + 0.1) for record in records]
    found, _ = held(make, study, again, records)
    assert not any(change.alike for change in found.changes if not change.is_ratio)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("data", {"data": "data-2"}),
        ("device", {"facts": {**HERE, "device": "gpu:0"}}),
        ("precision", {"facts": {**HERE, "precision": "bfloat16"}}),
    ],
)
def test_unlike_things_are_refused_unless_one_insists(make, study, what, change):
    then = rows(make, study, **change)
    with pytest.raises(StudyError, match=f"other {what}.*--despite {what}"):
        held(make, study, rows(make, study), then)
    found, _ = held(make, study, rows(make, study, salt=1), then, despite=[what])
    assert found.changes


def test_another_study_is_refused(make, study):
    other = make.study("arms", factors={"b": ("x", "y")})
    with pytest.raises(StudyError, match="no arm of this study"):
        held(make, study, rows(make, study), rows(make, other))


def test_missing_trials_are_no_verdict(make, study):
    now = rows(make, study, seeds={0, 1, 2}, salt=1)
    found, findings = held(make, study, now, rows(make, study))
    assert past_exit_code(found, findings) == 4


def test_seeds_that_overlap_in_part_are_two_samples(make, study):
    then = [replace(r, seed=r.seed + 4) for r in rows(make, study)]
    found, _ = held(make, study, rows(make, study, salt=1), then)
    assert not found.changes[0].paired


def on_192_images(make, study, gain, *, seeds):
    trials = [trial for trial in make.planned(study) if trial.seed in seeds]
    return [make.record(t, make.accuracy((150 + (t.seed % 6) ** 2 + gain) / 192)) for t in trials]


def test_equal_differences_of_many_images_are_a_regression_and_of_few_nothing(make, study):
    everyone = range(6)
    before = on_192_images(make, study, 0, seeds=everyone)
    for gain, expected in (
        (-48, "regressed"),
        (48, "improved"),
        (-4, "inconclusive"),
        (0, "equivalent"),
    ):
        found, _ = held(make, study, on_192_images(make, study, gain, seeds=everyone), before)
        assert verdicts(found) == {"accuracy": expected}
        assert all(change.paired for change in found.changes)


def test_two_samples_without_any_spread_are_judged_by_the_step(make):
    study = make.study("arms", factors={"a": ("off", "on")}, seeds=12, margin=0.02)

    def constant(correct, seeds):
        trials = [trial for trial in make.planned(study) if trial.seed in seeds]
        return [make.record(trial, make.accuracy(correct / 192)) for trial in trials]

    then = constant(151, range(6, 12))
    for correct, expected in ((103, "regressed"), (147, "inconclusive")):
        found, _ = held(make, study, constant(correct, range(6)), then)
        assert verdicts(found) == {"accuracy": expected}
        assert not any(change.paired for change in found.changes)


def days(records, first, *, step=2):
    """Gives seed i the start of hour ``first + step * i``."""
    hours = {r.seed: first + step * r.seed for r in records}
    return [
        replace(
            r,
            started_at=f"2026-01-{1 + hours[r.seed] // 24:02d}T{hours[r.seed] % 24:02d}:00:00+00:00",
        )
        for r in records
    ]


def speeds(found):
    return {(d.verdict, d.apart) for d in found.changes if d.metric.name == "median_step_seconds"}


@pytest.mark.parametrize(
    ("slower", "code", "verdict"),
    [(1.0, 0, "inconclusive"), (1.08, 0, "inconclusive"), (1.4, 1, "regressed")],
)
def test_the_drift_of_a_machine_between_days_is_no_regression(make, study, slower, code, verdict):
    then = days(rows(make, study, salt=5), 0)
    now = days(rows(make, study, step=0.01 * slower), 96)
    found, findings = held(make, study, now, then)
    assert speeds(found) == {(verdict, True)}
    assert past_exit_code(found, findings) in {code, 3}  # accuracy may be undecided
    others = [d.verdict for d in found.changes if not d.is_ratio]
    if "inconclusive" not in others:
        assert past_exit_code(found, findings) == code


def test_speeds_that_were_measured_in_turn_are_compared_as_finely_as_seeds_allow(make, study):
    then = days(rows(make, study, salt=5), 0)
    found, _ = held(make, study, days(rows(make, study, step=0.0115), 1), then)
    assert speeds(found) == {("regressed", False)}
    found, _ = held(make, study, days(rows(make, study), 1), then)
    assert speeds(found) == {("equivalent", False)}


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ((0, 2, 4), (1, 3, 5), True),
        ((0, 1, 2), (0, 1, 2), True),
        ((0, 1, 2), (3, 4, 5), False),
        ((0, 1, 2, 3), (1, 2, 3, 4), True),
        ((0, 1, 2, 3), (2, 3, 4, 5), False),
        ((0, 1, 2, 3), (3, 4, 5, 6), False),
        ((0, 9), (4, 5), False),
        ((0, 1), (), False),
    ],
)
def test_in_turn_means_that_each_middle_lies_within_the_other_span(now, then, expected):
    one, other = ([f"2026-01-01T{h:02d}:00:00+00:00" for h in hours] for hours in (now, then))
    assert in_turn(one, other) is expected
    assert in_turn(other, one) is expected


def test_a_study_about_a_speed_is_no_finer_between_days(make, study):
    timed = replace(study, metric="median_step_seconds", smallest_effect_that_matters=0.0002)
    then, now = rows(make, study, salt=5), rows(make, study, step=0.0106)
    found, _ = held(make, timed, days(now, 96), days(then, 0))
    assert {(d.verdict, d.apart, d.paired) for d in found.changes} == {
        ("inconclusive", True, False)
    }
    assert {d.metric.name for d in found.changes} == {"median_step_seconds"}
    found, _ = held(make, timed, days(now, 1), days(then, 0))
    steps = [d for d in found.changes if "step" in d.metric.name]
    assert {(d.verdict, d.apart) for d in steps} == {("regressed", False)}
    elsewhere = [replace(r, environment={**HERE, "cpu": "other"}) for r in days(then, 0)]
    found, findings = held(make, timed, days(now, 1), elsewhere)
    assert {d.verdict for d in found.changes} == {"inconclusive"}
    assert past_exit_code(found, findings) == 3
