from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.analyze.analysis import analyze
from ablations.core.record import Exhibit, Metric
from ablations.core.study import Gate


def response(arm, seed):
    return 0.5 + 0.1 * sum(level == "on" for _, level in arm.levels) + 0.01 * seed**2


def test_counts_failures_and_what_is_missing(make):
    study = make.study(seeds=2)
    done, broken, *others = make.planned(study)
    findings = analyze(
        study,
        [make.record(done, make.accuracy(0.5)), make.failed(broken)],
        planned=[done, broken, *others],
    )
    assert (findings.n_planned, findings.n_completed, findings.n_failed) == (8, 1, 1)
    assert findings.n_missing == 6
    (failure,) = findings.failures
    assert (failure.arm, failure.seed) == (broken.arm, broken.seed)
    assert (failure.reason, failure.message) == ("diverged", "loss is nan")
    counts = [(arm.n_planned, arm.n_completed, arm.n_failed) for arm in findings.arms]
    assert counts == [(2, 1, 0), (2, 0, 1), (2, 0, 0), (2, 0, 0)]


def test_nothing_trained_yet_still_gives_findings(make):
    study = make.study(gates=[Gate("accuracy", at_least=0.5)])
    findings = analyze(study, [], planned=make.planned(study))
    assert findings.n_missing == findings.n_planned == 12
    assert (findings.metrics, findings.failures, findings.environments) == ((), (), ())
    assert (findings.best, findings.best_by, findings.finished_at) == (None, None, None)
    assert {effect.verdict for effect in findings.effects} == {"inconclusive"}
    assert {gate.status for gate in findings.gates} == {"incomplete"}
    assert all(arm.timing is None and not arm.summaries for arm in findings.arms)


def test_every_arm_has_a_summary_of_every_metric(make):
    study = make.study(seeds=2)
    first = make.planned(study)[0]
    findings = analyze(study, [make.record(first, make.accuracy(0.5))], planned=make.planned(study))
    assert [metric.name for metric in findings.metrics] == ["accuracy", "trial_seconds"]
    assert [arm.summaries["accuracy"].n for arm in findings.arms] == [1, 0, 0, 0]
    assert [arm.is_reference for arm in findings.arms] == [True, False, False, False]
    assert findings.arms[1].settings == {"epochs": 2, "a": "off", "b": "on"}


def rule(make, *metrics):
    return judged(make, *metrics).best_rule


def best(make, *metrics):
    findings = judged(make, *metrics)
    place = None if findings.best is None else findings.study.arms.index(findings.best)
    return place, findings.best_by


def judged(make, *metrics):
    """Findings of three arms where arm k has each metric's k-th value."""
    study = make.study("one-factor-in", seeds=1)
    records = [
        make.record(trial, *(Metric(n, v[i], "number", better) for n, better, v in metrics))
        for i, trial in enumerate(make.planned(study))
    ]
    return analyze(study, records, planned=make.planned(study))


TEST = ("accuracy", "higher", (3, 1, 2))
VAL = ("val_accuracy", "higher", (1, 2, 3))
BEST_VAL = ("best_val_accuracy", "higher", (1, 3, 2))
VAL_LOSS = ("val_loss", "lower", (2, 1, 3))


def test_the_best_arm_is_chosen_on_validation(make):
    assert best(make, TEST, VAL, VAL_LOSS, BEST_VAL) == (1, "best_val_accuracy")
    assert best(make, TEST, VAL_LOSS, VAL) == (2, "val_accuracy")
    assert best(make, TEST, VAL_LOSS) == (1, "val_loss")
    assert best(make, TEST) == (0, "accuracy")
    assert best(make, TEST, ("val_thing", "neither", (1, 2, 3))) == (0, "accuracy")
    assert best(make, ("accuracy", "neither", (1, 2, 3))) == (None, None)


def test_of_arms_that_tie_none_is_named_the_best(make):
    assert best(make, ("accuracy", "higher", (1, 2, 2))) == (None, None)
    assert best(make, ("accuracy", "higher", (1, 2, 1))) == (1, "accuracy")


def test_the_findings_name_the_rule_that_selected_the_best_arm(make):
    assert rule(make, TEST, VAL) == rule(make, TEST, BEST_VAL) == "validation"
    assert rule(make, TEST) == "study-metric"
    assert rule(make, ("accuracy", "higher", (1, 2, 2))) == "tied"
    assert rule(make, ("accuracy", "neither", (1, 2, 3))) is None
    assert rule(make) is None


def test_trials_come_by_arm_seed_and_start_whatever_the_order_of_records(make):
    study = make.study("one-factor-in", seeds=2)
    first, second, *others = make.planned(study)
    records = [
        make.record(second, make.accuracy(0.7), hour=3),
        make.failed(first, hour=5),
        make.record(first, make.accuracy(0.5), hour=1),
        make.record(others[1], hour=2),
        make.record(replace(first, data="other"), hour=2),
    ]
    for order in (records, records[::-1]):
        findings = analyze(study, order, planned=[first, second, *others])
        assert [(study.arms.index(t.arm), t.seed, t.status) for t in findings.trials] == [
            (0, 0, "completed"), (0, 0, "failed"), (0, 1, "completed"), (1, 0, "completed"),
        ]  # fmt: skip
        values = [trial.metrics.get("accuracy") for trial in findings.trials]
        assert values == [0.5, None, None, 0.7]
        assert [t.reason for t in findings.trials] == [None, "diverged", None, None]
        assert findings.trials[0].key == first.key


def test_curves_and_timing_of_completed_trials(make):
    study = make.study(seeds=1)
    trial, broken, *_ = make.planned(study)
    epochs = ({"loss": 2.0, "lr": 0.1}, {"loss": 1.0})
    steps = (np.array([9.0, 1.0]), np.array([2.0, 4.0]))
    records = [
        replace(make.record(trial), epochs=epochs, steps=steps),
        replace(make.failed(broken), epochs=epochs, steps=steps),
    ]
    first, second, *_ = analyze(study, records, planned=make.planned(study)).arms
    assert [(c.seed, c.metric, c.values) for c in first.curves] == [(0, "loss", (2.0, 1.0))]
    assert first.timing.median_step_seconds == 3.0
    assert first.summaries["median_step_seconds"].mean == 3.0
    assert (second.curves, second.timing) == ((), None)


def test_exhibits_come_once_each_and_from_completed_trials_if_they_can(make):
    study = make.study(seeds=1)
    first, second, *_ = make.planned(study)
    partial = Exhibit("counts", "From a failed trial", "study")
    whole = Exhibit("counts", "From a completed trial", "study")
    layers = Exhibit("layers", "Layers", "arm")
    records = [
        replace(make.failed(first), exhibits=(partial,)),
        replace(make.record(second), exhibits=(whole, layers)),
    ]
    findings = analyze(study, records, planned=make.planned(study))
    assert findings.exhibits == (whole,)
    assert [arm.exhibits for arm in findings.arms] == [(), (layers,), (), ()]


def test_environments_data_and_end(make):
    study = make.study(seeds=1)
    hosts = ("one", "two", "two", "two")
    records = [
        replace(make.record(trial, hour=i), environment={"cpu": host})
        for i, (trial, host) in enumerate(zip(make.planned(study), hosts, strict=True))
    ]
    findings = analyze(study, records, planned=make.planned(study))
    assert findings.environments == (({"cpu": "two"}, 3), ({"cpu": "one"}, 1))
    assert findings.data == ("data-1",)
    assert findings.finished_at == "2025-03-01T03:01:00+00:00"


def test_seeds_whose_arms_had_several_machines_are_counted(make):
    study = make.study(seeds=3)
    records = []
    for trial in make.planned(study):
        second = trial.seed == 1 and trial.arm == study.arms[-1]
        node = {} if trial.seed == 2 else {"node": "b" if second else "a"}
        records.append(replace(make.record(trial), environment=node))
    assert analyze(study, records, planned=make.planned(study)).scattered_seeds == 1
    assert analyze(study, records[:1], planned=make.planned(study)).scattered_seeds == 0


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(order=st.permutations(range(12)), plan=st.permutations(range(12)))
def test_order_of_records_and_of_the_plan_is_irrelevant(make, order, plan):
    study = make.study(gates=[Gate("accuracy", at_least=0.5)])
    records, planned = make.records(study, response), make.planned(study)
    shuffled = analyze(study, [records[i] for i in order], planned=[planned[i] for i in plan])
    assert shuffled == analyze(study, records, planned=planned)


def test_an_unknown_arm_is_a_key_error(make):
    findings = make.findings(make.study(), response)
    assert findings.arm(findings.arms[1].arm) is findings.arms[1]
    with pytest.raises(KeyError):
        findings.arm(make.study(factors={"other": ("x", "y")}).arms[0])


def test_a_fact_that_some_records_lack_makes_no_other_environment(make):
    study = make.study(factors={"a": ("off", "on")}, seeds=2)
    planned = make.planned(study)
    records = [
        replace(record, environment={"cpu": "c", **({"engine": "e"} if on else {})})
        for record, on in zip(make.records(study, lambda arm, seed: 0.5), (0, 1, 0, 1), strict=True)
    ]
    assert analyze(study, records, planned=planned).environments == (
        ({"cpu": "c", "engine": "e"}, 4),
    )
    records[0] = replace(records[0], environment={"cpu": "other"})
    counts = [count for _, count in analyze(study, records, planned=planned).environments]
    assert counts == [3, 1]
