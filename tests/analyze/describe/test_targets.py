from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ablations.analyze.analysis import analyze
from ablations.analyze.derived import measured
from ablations.analyze.describe.time_to_target import target_seconds
from ablations.core.record import Metric, RunRecord


def trained(record: RunRecord, accuracies: list[float], **frozen: float) -> RunRecord:
    """Gives a record epochs of two steps, of one second each."""
    more = tuple(Metric(name, seconds, "seconds") for name, seconds in frozen.items())
    return replace(
        record,
        epochs=tuple({"val_accuracy": value} for value in accuracies),
        steps=tuple(np.ones(2) for _ in accuracies),
        metrics=(*record.metrics, *more),
    )


@pytest.fixture
def record(make):
    study = make.study()
    return make.record(make.planned(study)[0], make.accuracy(0.5))


def test_steps_are_added_up_to_the_first_epoch_at_the_target(record):
    climbed = trained(record, [0.5, 0.8, 0.7, 0.9])
    assert target_seconds(climbed, 0.5) == 2.0
    assert target_seconds(climbed, 0.8) == 4.0
    assert target_seconds(climbed, 0.81) == 8.0
    assert target_seconds(climbed, 0.95) is None
    assert target_seconds(record, 0.1) is None


def test_a_target_is_reached_within_the_rounding_of_one_image(record):
    target = 474 / 808
    below = math.nextafter(target, 0)
    single = float(np.float32(target)) - 2e-9
    for value in (target, below, single):
        assert target_seconds(trained(record, [0.5, value, 0.6]), target) == 4.0
    assert target_seconds(trained(record, [0.5, 473 / 808, 0.6]), target) == 6.0


def test_frozen_layers_count_before_the_first_step_or_evenly_over_the_epochs(record):
    climbed = trained(record, [0.5, 0.8], frozen_seconds=7.0, frozen_augmented_seconds=10.0)
    assert target_seconds(climbed, 0.5) == 7.0 + 2.0 + 5.0
    assert target_seconds(climbed, 0.8) == 7.0 + 4.0 + 10.0


def test_the_time_is_unknown_where_layers_are_unfrozen_on_the_way(record):
    # Passes before the first half's epochs and in its epochs only are spread over all of them else.
    tuned = replace(record, settings={**record.settings, "unfreeze": "all"})
    passes = {"frozen_seconds": 7.0, "frozen_augmented_seconds": 10.0}
    assert target_seconds(trained(tuned, [0.5, 0.8], **passes), 0.5) is None
    assert target_seconds(trained(tuned, [0.5, 0.8]), 0.5) == 2.0
    frozen = replace(record, settings={**record.settings, "unfreeze": None})
    assert target_seconds(trained(frozen, [0.5, 0.8], **passes), 0.5) == 7.0 + 2.0 + 5.0


def test_the_target_is_where_the_reference_ends_or_what_the_study_sets(make):
    study = make.study(factors={"a": ("off", "on")}, seeds=2)
    planned = make.planned(study)
    ends = {("off", 0): 0.6, ("off", 1): 0.8, ("on", 0): 0.75, ("on", 1): 0.65}
    records = [
        trained(make.record(t, make.accuracy(0.5)), [0.4, ends[t.arm.level("a"), t.seed]])
        for t in planned
    ]
    found = analyze(study, records, planned=planned)
    assert found.target == pytest.approx(0.7)
    reached = {arm.arm.level("a"): arm.summaries["target_seconds"] for arm in found.arms}
    assert {level: summary.n for level, summary in reached.items()} == {"off": 1, "on": 1}
    named = analyze(replace(study, target_accuracy=0.62), records, planned=planned)
    assert named.target == 0.62
    assert named.arms[1].summaries["target_seconds"].n == 2


def test_without_epochs_there_is_no_target(make):
    study = make.study()
    found = make.findings(study, lambda arm, seed: 0.5)
    assert found.target is None
    assert "target_seconds" not in found.arms[0].summaries


def test_the_full_fit_counts_what_others_have_done(record):
    fit = Metric("fit_seconds", 3.0, "seconds", "lower")
    alone = replace(record, metrics=(fit,))
    assert measured(alone)["full_fit_seconds"].value == 3.0
    helped = replace(record, metrics=(fit, Metric("shared_seconds", 2.0, "seconds")))
    assert measured(helped)["full_fit_seconds"].value == 5.0
    assert "full_fit_seconds" not in measured(record)


def test_a_quick_run_that_never_reached_the_target_does_not_make_its_arm_fast(make):
    study = replace(make.study(factors={"a": ("off", "on")}, seeds=3), target_accuracy=0.8)
    planned = make.planned(study)
    ends = {0: 0.7, 1: 0.9, 2: 0.7}
    records = [trained(make.record(t, make.accuracy(0.5)), [0.4, ends[t.seed]]) for t in planned]
    quick = [
        replace(r, steps=tuple(step / 10 for step in r.steps)) if r.seed == 0 else r
        for r in records
    ]
    for found in (analyze(study, kind, planned=planned) for kind in (records, quick)):
        times = [arm.target_time for arm in found.arms]
        assert [(time.n, time.reached, time.median) for time in times] == [(3, 1, None)] * 2
