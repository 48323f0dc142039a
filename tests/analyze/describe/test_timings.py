from __future__ import annotations

from dataclasses import replace

import numpy as np

from ablations.analyze.derived import measured
from ablations.analyze.describe.timings import arm_timing, warmed_up
from ablations.core.record import Metric

COLD = np.array([9.0, 5.0])
WARM = np.array([1.0, 2.0, 3.0])


def test_first_epoch_is_left_out():
    assert warmed_up([COLD, WARM, WARM]).tolist() == [1, 2, 3, 1, 2, 3]


def test_of_a_single_epoch_only_the_first_step_is_left_out():
    assert warmed_up([COLD]).tolist() == [5.0]


def test_no_steps_at_all():
    assert warmed_up([]).size == 0
    assert arm_timing([]) is None
    assert arm_timing([(), ()]) is None


def test_derived_metrics_have_unit_and_direction(make):
    trial = make.planned(make.study())[0]
    metrics = measured(replace(make.record(trial, make.accuracy(0.5)), steps=(COLD, WARM)))
    assert list(metrics) == ["accuracy", "trial_seconds", "median_step_seconds", "p95_step_seconds"]
    assert metrics["trial_seconds"] == Metric("trial_seconds", 60.0, "seconds", "lower")
    assert metrics["median_step_seconds"] == Metric("median_step_seconds", 2.0, "seconds", "lower")
    assert metrics["p95_step_seconds"].value == np.percentile(WARM, 95)


def test_a_trial_without_steps_has_no_step_metrics(make):
    record = make.record(make.planned(make.study())[0])
    assert list(measured(record)) == ["trial_seconds"]
    assert list(measured(replace(record, steps=(COLD, np.empty(0))))) == ["trial_seconds"]


def test_a_logged_metric_is_not_replaced_by_a_derived_one(make):
    own = Metric("trial_seconds", 1.5, "seconds", "lower")
    assert measured(make.record(make.planned(make.study())[0], own))["trial_seconds"] is own


def test_arm_timing_pools_steps_and_takes_medians_of_warm_ups():
    timing = arm_timing([(COLD, WARM), (COLD * 3, WARM * 10)])
    assert timing is not None
    pooled = [1, 2, 3, 10, 20, 30]
    assert timing.n_steps == 6
    assert timing.median_step_seconds == np.median(pooled)
    assert timing.p95_step_seconds == np.percentile(pooled, 95)
    assert timing.quantiles == tuple(np.percentile(pooled, range(101)))
    assert timing.warmup_first_step_seconds == 18.0
    assert timing.warmup_epoch_seconds == 28.0


def test_arm_timing_of_one_step_has_only_the_warm_up():
    timing = arm_timing([(np.array([4.0]),)])
    assert timing is not None
    assert (timing.n_steps, timing.quantiles, timing.median_step_seconds) == (0, (), None)
    assert timing.warmup_first_step_seconds == timing.warmup_epoch_seconds == 4.0
