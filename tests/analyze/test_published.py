from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablations.analyze import analyze
from ablations.analyze.derived import measured
from ablations.analyze.intervals import prediction_interval, summarize
from ablations.estimates import MetricInfo
from ablations.plan import load_study, plan_trials
from ablations.record import Metric, RunRecord
from ablations.study import Claim, PublishedRun

ACCURACY = MetricInfo("val_accuracy", "fraction", "higher")


def test_a_prediction_interval_is_as_wide_as_a_new_run_needs():
    values = [0.60, 0.62, 0.67]
    interval = prediction_interval(summarize(ACCURACY, list(enumerate(values))))
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(1 + 1 / 3)
    assert (interval.low, interval.high) == pytest.approx((0.63 - half, 0.63 + half))
    assert prediction_interval(summarize(ACCURACY, [(0, 0.6)])) is None


def test_a_prediction_interval_covers_the_next_run_as_often_as_it_says():
    rng = np.random.default_rng(0)
    runs = rng.normal(0.6, 0.02, (4000, 4))
    hits = 0
    for *seen, new in runs.tolist():
        interval = prediction_interval(summarize(ACCURACY, list(enumerate(seen))))
        hits += interval.low <= new <= interval.high
    assert hits / len(runs) == pytest.approx(0.95, abs=0.012)


def record(trial, epochs):
    metrics = (
        Metric("val_accuracy", epochs[-1], "fraction", "higher"),
        Metric("best_val_accuracy", max(epochs), "fraction", "higher"),
        Metric("test_accuracy", epochs[-1], "fraction", "higher"),
    )
    return RunRecord(
        key=trial.key,
        study=trial.study,
        entry=trial.entry,
        arm=trial.arm,
        seed=trial.seed,
        settings=trial.settings,
        data=trial.data,
        status="completed",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        metrics=metrics,
        epochs=tuple({"accuracy": 1.0, "val_accuracy": value} for value in epochs),
        steps=(np.array([0.5, 0.5]), np.array([0.1, 0.3])),
    )


def found(seeds):
    study = load_study("post-a", seeds=seeds)
    planned = plan_trials(study)
    records = [record(t, [0.5, 0.60 + 0.01 * t.seed, 0.58 + 0.01 * t.seed]) for t in planned]
    return analyze(study, records, planned=planned)


def test_published_runs_stand_beside_ours():
    first = found(seeds=3).reproductions[0]
    assert first.published.source == "000_c3b9b93e19210ce7.txt"
    assert first.arm.name == "model=model1"
    assert first.published_range == (0.5495, 0.6188)
    assert first.our_range == (0.5, 0.62)
    best, last = first.comparisons
    assert (best.metric.name, best.published) == ("best_val_accuracy", 0.6188)
    assert (last.published, last.ours.mean) == (0.604, pytest.approx(0.59))
    assert last.inside is True
    assert first.published_step_seconds == pytest.approx(0.074)
    assert first.our_step_seconds == pytest.approx(0.2)
    fourth = found(seeds=3).reproductions[3]
    assert fourth.outside
    assert [c.metric.name for c in fourth.comparisons][-1] == "test_accuracy"
    assert fourth.comparisons[-1].published == 0.9792


def test_one_seed_says_neither_inside_nor_outside():
    reproduction = found(seeds=1).reproductions[3]
    assert {comparison.inside for comparison in reproduction.comparisons} == {None}
    assert not reproduction.outside


def test_a_claim_stands_beside_the_main_effect_of_the_same_change():
    study = load_study("post-a-clean", seeds=2)
    planned = plan_trials(study)
    gain = {"off": 0.0, "on": 0.04, "scratch": 0.0, "transfer": 0.3}
    records = [
        record(t, [0.5 + sum(gain[level] for _, level in t.arm.levels)] * 3) for t in planned
    ]
    survivals = analyze(study, records, planned=planned).survivals
    assert [s.claim.factor for s in survivals] == [
        "augmentation",
        "preprocessing",
        "initialization",
    ]
    assert [s.effect.estimate for s in survivals] == pytest.approx([0.04, 0.04, 0.3])
    model1, model2 = (run.epochs["val_accuracy"] for run in load_study("post-a").published[:2])
    assert survivals[0].published == pytest.approx(np.mean(model2[-10:]) - np.mean(model1[-10:]))


def test_a_claim_that_the_study_has_no_effect_for_is_left_out():
    study = load_study("post-a", seeds=1)
    run = PublishedRun("x", {}, {"val_accuracy": (0.5,)})
    claimed = replace(study, claims=(Claim("augmentation", "on", run, run),))
    assert analyze(claimed, [], planned=plan_trials(claimed)).survivals == ()


def test_the_overfit_gap_is_taken_over_the_last_ten_epochs():
    trial = plan_trials(load_study("post-a", seeds=1))[0]
    values = [0.1] * 5 + [0.6, 0.8] * 5
    assert measured(record(trial, values))["overfit_gap"].value == pytest.approx(0.3)
