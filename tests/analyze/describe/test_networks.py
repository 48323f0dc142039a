"""Networks that did not train: counted, left out of a second reading, and in the way of verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.adaptive import asked
from ablations.analyze.analysis import analyze
from ablations.analyze.compare.regression import compare_with_past, past_of_records
from ablations.core.design import Adaptive
from ablations.core.metrics import ENERGY_JOULES
from ablations.core.record import Metric, Predictions, known_metric
from ablations.core.study import Gate

LABELS = np.arange(192) % 2
FLAT = Predictions("test", LABELS, np.full((192, 2), 0.5, dtype=np.float32))
LIVE = Predictions("test", LABELS, np.stack([LABELS, 1 - LABELS], axis=1).astype(np.float32))
A_ON = {"a": "on"}


def recorded(make, study, response, lost=()):
    """Records of all trials; those of the (level of a, seed) pairs in ``lost`` did not train."""
    records = []
    for trial in make.planned(study):
        flat = (trial.arm.level("a"), trial.seed) in lost
        value = 0.5 if flat else response(trial.arm, trial.seed)
        made = make.record(trial, make.accuracy(value), Metric("fit_seconds", 9.0 + trial.seed,
                                                              "seconds", "lower"))  # fmt: skip
        records.append(replace(made, predictions=(FLAT if flat else LIVE,)))
    return records


def response(arm, seed):
    return 0.90 + 0.05 * (arm.level("a") == "on") + 0.004 * np.sin(7 * seed + len(arm.name))


def found(make, *, lost=(), gates=(), seeds=5, margin=0.0, response=response):
    study = make.study(factors={"a": ("off", "on")}, seeds=seeds, gates=gates, margin=margin)
    records = recorded(make, study, response, lost)
    return analyze(study, records, planned=make.planned(study))


def test_they_are_counted_with_the_interval_of_their_share(make):
    off, on = found(make, lost={("on", 1)}).arms
    assert on.untrained == (1,)
    assert on.training.n == 5
    exact = stats.binomtest(1, 5).proportion_ci(method="exact")
    assert (on.training.share.low, on.training.share.high) == pytest.approx(exact)
    assert off.untrained == ()
    assert off.training.share.high == pytest.approx(1 - 0.025**0.2)  # 52%
    assert off.training.summaries == {}


def test_both_readings_of_the_mean(make):
    on = found(make, lost={("on", 1)}).arms[1]
    every, trained = on.summaries["accuracy"], on.over_trained("accuracy")
    assert (every.n, trained.n) == (5, 4)
    assert trained.mean == pytest.approx(np.mean([v for s, v in every.values if s != 1]))
    assert on.over_trained("fit_seconds") is None  # time does not depend on it


def test_energy_is_that_of_all_networks(make):
    study = make.study(factors={"a": ("off", "on")}, seeds=5)
    records = [
        replace(record, metrics=(*record.metrics, known_metric(ENERGY_JOULES, 40.0 + record.seed)))
        for record in recorded(make, study, response, {("on", 1)})
    ]
    on = analyze(study, records, planned=make.planned(study)).arms[1]
    assert on.over_trained("accuracy").n == 4
    assert on.over_trained(ENERGY_JOULES) is None
    assert (on.summaries[ENERGY_JOULES].n, on.summaries[ENERGY_JOULES].mean) == (5, 42.0)


def test_training_is_unknown_where_no_record_shows_it(make):
    study = make.study(seeds=2)
    assert all(arm.training is None for arm in make.findings(study, response).arms)


@pytest.mark.parametrize(
    ("gate", "clean", "status"),
    [
        (Gate("accuracy", A_ON, at_least=0.9), "passed", "inconclusive"),
        (Gate("accuracy", A_ON, at_least=0.9, judge="mean"), "passed", "inconclusive"),
        (Gate("accuracy", A_ON, at_most=0.9, judge="mean"), "failed", "inconclusive"),
        (Gate("accuracy", A_ON, at_least=0.8, judge="mean"), "passed", "passed"),
        (Gate("accuracy", A_ON, at_least=0.96, judge="mean"), "failed", "failed"),
        (Gate("accuracy", A_ON, at_least=0.9, judge="every-seed"), "passed", "failed"),
        (Gate("fit_seconds", A_ON, at_most=60, judge="lower"), "passed", "passed"),
    ],
)
def test_a_gate_needs_both_readings(make, gate, clean, status):
    assert found(make, gates=[gate]).gates[0].status == clean
    judged = found(make, gates=[gate], lost={("on", 1)}).gates[0]
    assert judged.status == status
    if gate.metric == "accuracy":
        assert judged.training.untrained == (1,)


@pytest.mark.parametrize("judge", ["lower", "mean"])
def test_an_arm_of_which_no_network_trained_passes_nothing(make, judge):
    every = {("on", seed) for seed in range(5)}
    gates = [Gate("accuracy", A_ON, at_least=bar, judge=judge) for bar in (0.4, 0.9)]
    statuses = [gate.status for gate in found(make, gates=gates, lost=every).gates]
    assert statuses == ["inconclusive", "failed"]


def test_a_verdict_needs_both_readings(make):
    (clean,) = found(make).effects
    assert (clean.verdict, clean.trained) == ("improved", None)
    (one,) = found(make, lost={("on", 1)}).effects
    assert one.verdict == "inconclusive"  # -0.04 on average with it, +0.05 without
    assert (one.n, one.trained.n) == (5, 4)
    assert one.trained.verdict == "improved"
    (none,) = found(make, lost={("on", seed) for seed in range(5)}).effects
    assert none.adjusted.high < 0
    assert none.verdict == "inconclusive"
    assert none.trained.n == 0


def test_differences_and_simple_effects_carry_both_readings(make):
    study = make.study(seeds=6)

    def crossed(arm, seed):
        both = arm.level("a") == "on" == arm.level("b")
        return 0.7 + 0.1 * both + 0.002 * np.sin(9 * seed + len(arm.name))

    records = recorded(make, study, crossed, {("on", 2)})
    findings = analyze(study, records, planned=make.planned(study))
    assert findings.arms[2].difference.trained.n == 5
    assert findings.arms[1].difference.trained is None
    assert {len(e.trained.per_seed) for e in findings.simple_effects if e.trained} == {5}
    assert all(e.trained for e in findings.effects)  # each contrast needs an arm with a = on


def test_an_effect_that_lost_no_seed_is_judged_at_the_stricter_of_two_levels(make):
    """Holm's levels follow from the whole family, whose other members lost some."""
    study = make.study("one-factor-in", seeds=6)
    records = recorded(make, study, lambda arm, seed: 0.9 + 0.01 * np.sin(9 * seed + len(arm.name))
                       + 0.02 * (arm.level("b") == "on"), {("on", 2)})  # fmt: skip
    findings = analyze(study, records, planned=make.planned(study))
    assert [effect.trained is None for effect in findings.effects] == [True, False]


def test_seeds_are_added_while_the_readings_disagree(make):
    study = make.study(factors={"a": ("off", "on")}, seeds=12, margin=0.01)
    study = replace(study, adaptive=Adaptive(3, 12))
    planned = make.planned(study)

    def count(lost):
        records = {r.key: r for r in recorded(make, study, response, lost)}
        known = []
        while missing := [t for t in asked(study, known, planned=planned)
                          if t.key not in {r.key for r in known}]:  # fmt: skip
            known += [records[trial.key] for trial in missing]
        return max(record.seed for record in known) + 1

    decided = count(set())
    assert decided < 12
    # Decided without the seed, while with it nothing can be said: it goes on to the end.
    assert count({("on", 1)}) == 12


def test_the_past_is_held_against_with_and_without_them(make):
    """Six of eight networks of now did not train: worse with them, and as before without."""
    study = make.study(factors={"a": ("off", "on")}, seeds=8, margin=0.02)
    old = recorded(make, study, lambda arm, seed: response(arm, seed + 20))
    lost = {("on", seed) for seed in range(6)}

    def verdicts(now, then):
        findings = analyze(study, now, planned=make.planned(study))
        return [drift.verdict for drift in compare_with_past(findings, past_of_records(then, "then")).changes
                if not drift.is_ratio]  # fmt: skip

    new = recorded(make, study, response, lost)
    deaf = [replace(record, predictions=()) for record in new]
    assert verdicts(deaf, old) == ["equivalent", "regressed"]
    assert verdicts(new, old) == ["equivalent", "inconclusive"]
    assert verdicts(old, new) == ["equivalent", "inconclusive"]


def test_no_arm_is_the_best_where_only_networks_that_did_not_train_decide(make):
    assert found(make).best.level("a") == "on"
    assert found(make, lost={("off", 0), ("off", 1)}).best.level("a") == "on"
    without = found(make, lost={("on", 0), ("on", 1)})
    assert (without.best, without.best_rule) == (None, "untrained")
    everything = {(level, seed) for level in ("on", "off") for seed in range(5)}
    assert found(make, lost=everything).best is None  # all alike


def test_where_networks_did_not_train_no_effect_is_promised_a_verdict(make):
    (sound,), (lost,) = found(make).plans, found(make, lost={("on", 1)}).plans
    assert None not in sound.detectable
    assert lost.detectable == lost.no_effect.seeds == lost.no_effect.seconds == (None, None)
