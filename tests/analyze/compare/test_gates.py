from __future__ import annotations

import pytest
from scipy import stats

from ablations.analyze.analysis import analyze
from ablations.analyze.compare.gates import exit_code
from ablations.core.study import Gate

VALUES = (0.90, 0.92, 0.94)
INTERVAL = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)  # about (0.870, 0.970)
A_ON = {"a": "on"}


def gated(make, gate, values=VALUES, *, drop=()):
    """Findings of one arm, ``a=on``, with these accuracies by seed; ``drop`` names lost seeds."""
    study = make.study(factors={"a": ("off", "on")}, seeds=len(values), gates=[gate])
    records = [
        make.record(trial, make.accuracy(values[trial.seed]))
        for trial in make.planned(study)
        if not (trial.seed in drop and trial.arm.matches(A_ON))
    ]
    return analyze(study, records, planned=make.planned(study))


def only(findings):
    (gate,) = findings.gates
    return gate


@pytest.mark.parametrize(
    ("gate", "judged", "status"),
    [
        (Gate("accuracy", A_ON, at_least=0.86), INTERVAL.low, "passed"),
        (Gate("accuracy", A_ON, at_least=0.95), INTERVAL.low, "inconclusive"),
        (Gate("accuracy", A_ON, at_least=0.98), INTERVAL.low, "failed"),
        (Gate("accuracy", A_ON, at_most=0.98), INTERVAL.high, "passed"),
        (Gate("accuracy", A_ON, at_most=0.90), INTERVAL.high, "inconclusive"),
        (Gate("accuracy", A_ON, at_most=0.86), INTERVAL.high, "failed"),
        (Gate("accuracy", A_ON, at_least=0.92, judge="mean"), 0.92, "passed"),
        (Gate("accuracy", A_ON, at_least=0.93, judge="mean"), 0.92, "failed"),
        (Gate("accuracy", A_ON, at_most=0.91, judge="mean"), 0.92, "failed"),
        (Gate("accuracy", A_ON, at_least=0.90, judge="every-seed"), 0.90, "passed"),
        (Gate("accuracy", A_ON, at_least=0.91, judge="every-seed"), 0.90, "failed"),
        (Gate("accuracy", A_ON, at_most=0.94, judge="every-seed"), 0.94, "passed"),
        (Gate("accuracy", A_ON, at_most=0.93, judge="every-seed"), 0.94, "failed"),
    ],
)
def test_judges(make, gate, judged, status):
    finding = only(gated(make, gate))
    assert finding.judged == pytest.approx(judged)
    assert finding.status == status
    assert finding.metric is not None
    assert finding.summary is not None


def test_two_thresholds_are_a_band_and_the_worse_side_counts(make):
    band = Gate("accuracy", A_ON, at_least=0.5, at_most=0.91, judge="mean")
    assert only(gated(make, band)).status == "failed"
    inside = Gate("accuracy", A_ON, at_least=0.5, at_most=0.95, judge="mean")
    assert only(gated(make, inside)).status == "passed"


def test_a_gate_is_applied_to_every_arm_that_it_matches(make):
    findings = gated(make, Gate("accuracy", at_least=0.5))
    assert [finding.arm.name for finding in findings.gates] == ["a=off", "a=on"]


def test_one_seed_bounds_nothing(make):
    finding = only(gated(make, Gate("accuracy", A_ON, at_least=0.1), values=(0.9,)))
    assert (finding.judged, finding.status) == (None, "inconclusive")


def test_a_lost_seed_leaves_the_gate_incomplete_but_judged(make):
    gate = Gate("accuracy", A_ON, at_least=0.91, judge="mean")
    finding = only(gated(make, gate, drop=(2,)))
    assert finding.judged == pytest.approx(0.91)
    assert finding.status == "incomplete"


def test_a_seed_that_fails_every_seed_decides_though_others_are_lost(make):
    gate = Gate("accuracy", A_ON, at_least=0.91, judge="every-seed")
    assert only(gated(make, gate, drop=(1, 2))).status == "failed"
    assert only(gated(make, gate, drop=(0, 1))).status == "incomplete"


def test_a_metric_that_no_record_has_is_incomplete(make):
    finding = only(gated(make, Gate("recall", A_ON, at_least=0.5)))
    assert (finding.metric, finding.summary, finding.judged) == (None, None, None)
    assert finding.status == "incomplete"


def test_an_arm_without_any_seed_is_incomplete(make):
    finding = only(gated(make, Gate("accuracy", A_ON, at_least=0.5), drop=(0, 1, 2)))
    assert (finding.judged, finding.status) == (None, "incomplete")
    assert finding.metric is not None


PASSING = Gate("accuracy", A_ON, at_least=0.5)
FAILING = Gate("accuracy", A_ON, at_least=0.99, judge="every-seed")
OPEN = Gate("accuracy", A_ON, at_least=0.95)


@pytest.mark.parametrize(
    ("gate", "drop", "code"),
    [
        (PASSING, (), 0),
        (FAILING, (), 1),
        (FAILING, (2,), 1),
        (OPEN, (), 3),
        (OPEN, (2,), 4),
        (PASSING, (2,), 4),
        (Gate("recall", A_ON, at_least=0.5), (), 4),
    ],
)
def test_exit_codes_and_their_precedence(make, gate, drop, code):
    assert exit_code(gated(make, gate, drop=drop)) == code


def test_a_failed_trial_counts_though_no_gate_judges_it(make):
    study = make.study(seeds=2)
    first, *others = make.planned(study)
    records = [make.failed(first), *(make.record(t, make.accuracy(0.9)) for t in others)]
    assert exit_code(analyze(study, records, planned=[first, *others])) == 4


def test_inconclusive_effects_are_no_broken_rule(make):
    findings = make.findings(make.study(seeds=2), lambda arm, seed: 0.5)
    assert {effect.verdict for effect in findings.effects} == {"inconclusive"}
    assert exit_code(findings) == 0
