from __future__ import annotations

from dataclasses import replace

import pytest

from ablations.analyze.outcomes import finished_at, match
from ablations.core.design import Arm
from ablations.errors import StoreError


def chosen(make, records):
    study = make.study(seeds=1)
    trial = make.planned(study)[0]
    (outcome,) = match(records(trial), [trial], arms=study.arms)
    return outcome


def test_the_latest_completed_record_counts(make):
    outcome = chosen(
        make, lambda t: [make.record(t, make.accuracy(h / 10), hour=h) for h in (1, 3, 2)]
    )
    assert outcome.metrics["accuracy"].value == 0.3


def test_a_later_failure_does_not_undo_a_completed_trial(make):
    outcome = chosen(make, lambda t: [make.record(t, hour=1), make.failed(t, hour=9)])
    assert outcome.completed is not None
    assert outcome.failed is None


def test_without_a_completed_record_the_latest_failed_one_counts(make):
    def records(trial):
        late = replace(make.failed(trial, hour=5), reason="timeout")
        return [late, make.failed(trial, hour=4)]

    outcome = chosen(make, records)
    assert outcome.completed is None
    assert outcome.failed.reason == "timeout"
    assert outcome.metrics == {}


def test_a_record_under_the_key_of_another_seed_is_refused(make):
    with pytest.raises(StoreError, match=r"seed 0\) with a record of .*, seed 7"):
        chosen(make, lambda t: [replace(make.record(t, make.accuracy(0.5)), seed=7)])


def test_records_of_other_keys_are_ignored(make):
    outcome = chosen(make, lambda trial: [make.record(replace(trial, data="other"))])
    assert (outcome.record, outcome.completed, outcome.failed) == (None, None, None)


def test_moments_are_compared_across_time_zones(make):
    def records(trial):
        east = replace(make.record(trial), started_at="2025-03-01T03:00:00+05:00", seconds=1.0)
        return [east, make.record(trial, hour=1)]

    assert chosen(make, records).record.seconds == 60.0


def test_a_renamed_arm_keeps_its_records(make):
    study = make.study(seeds=1)
    trial = make.planned(study)[0]
    old = replace(make.record(trial), arm=Arm((("former", "name"),)))
    (outcome,) = match([old], [trial], arms=study.arms)
    assert outcome.completed is old
    assert outcome.trial.arm == study.arms[0]


def test_outcomes_come_by_arm_and_seed_whatever_the_plan(make):
    study = make.study(seeds=2)
    outcomes = match([], make.planned(study)[::-1], arms=study.arms)
    order = [(outcome.trial.arm, outcome.trial.seed) for outcome in outcomes]
    assert order == [(arm, seed) for arm in study.arms for seed in (0, 1)]


def test_finished_at_is_the_end_of_the_last_trial(make):
    study = make.study(seeds=1)
    first, second, *_ = make.planned(study)
    long_one = replace(make.record(first, hour=1), seconds=7200.4)
    outcomes = match([long_one, make.record(second, hour=2)], [first, second], arms=study.arms)
    assert finished_at(outcomes) == "2025-03-01T03:00:00+00:00"
    assert finished_at([]) is None
