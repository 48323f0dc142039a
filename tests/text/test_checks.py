"""What was judged is said once, with the status that the exit code has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablations.core.design import Arm, Factor, Level
from ablations.core.estimates import Interval, Summary
from ablations.core.findings import ArmFinding, Decision, Failure, Findings, GateFinding, GateStatus
from ablations.core.metrics import MetricInfo
from ablations.core.past import ChangeSincePast, ComparisonWithPast, Past
from ablations.core.study import Gate, Study
from ablations.plan.designs import Wanted, lay_out
from ablations.text.checks import (
    gate_checks,
    gate_count,
    gate_rule,
    gate_status,
    judged_number,
    most_severe,
    past_checks,
    trial_checks,
)
from ablations.text.formatting import THIN
from ablations.text.judged import judged_decision

FACTORS = (Factor("dropout", (Level("off", {}), Level("on", {}))),)
DESIGN = lay_out(Wanted("full-factorial", FACTORS))
OFF, ON = DESIGN.arms
ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
GATE = Gate("test_accuracy", at_least=0.9)


def summary(mean: float | None, half: float | None, n: int = 3) -> Summary:
    bounds = None if mean is None or half is None else Interval(mean - half, mean + half, 0.95, "t")
    values = tuple((seed, mean or 0.0) for seed in range(n))
    return Summary(ACCURACY, values, mean, None, mean, mean, mean, bounds)


def arm(of: Arm, *, completed: int = 3, failed: int = 0) -> ArmFinding:
    return ArmFinding(of, of == OFF, {}, 3, completed, failed, {}, None, (), ())


def gate(status: GateStatus, found: Summary | None) -> GateFinding:
    judged = found.interval.low if found and found.interval else None
    return GateFinding(GATE, ON, ACCURACY, found, judged, status)


def findings(*gates: GateFinding, arms: tuple[ArmFinding, ...] | None = None) -> Findings:
    study = Study("small", "Small?", "", "m:f", {}, FACTORS, DESIGN, (0, 1, 2), gates=(GATE,))
    own = arms or (arm(OFF), arm(ON))
    done, failed = sum(a.n_completed for a in own), sum(a.n_failed for a in own)
    return Findings(
        study, ACCURACY, (ACCURACY,), own, (), gates, (), 6, done, failed, None, None, (), (), (), None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "found", "text"),
    [
        (
            "passed",
            summary(0.95, 0.02),
            "Of ‘dropout’, test accuracy is 95.0% [93.0, 97.0] over 3 seeds. The gate asks for "
            "test accuracy at least 90.0%, judged by lower bound of the 95% interval: passed.",
        ),
        (
            "inconclusive",
            summary(0.91, 0.02),
            "Of ‘dropout’, test accuracy is 91.0% [89.0, 93.0] over 3 seeds. The gate asks for "
            "test accuracy at least 90.0%, judged by lower bound of the 95% interval: "
            "inconclusive. The interval contains the threshold: more seeds make it narrower.",
        ),
        (
            "inconclusive",
            summary(0.91, None, n=1),
            "Of ‘dropout’, test accuracy is 91.0% over 1 seed. The gate asks for test accuracy at "
            "least 90.0%, judged by lower bound of the 95% interval: inconclusive. There is no "
            "interval, which two seeds with different results are needed for.",
        ),
        (
            "inconclusive",
            summary(0.5, 0.1),
            "Of ‘dropout’, test accuracy is 50.0% [40.0, 60.0] over 3 seeds. The gate asks for "
            "test accuracy at least 90.0%, judged by lower bound of the 95% interval: "
            "inconclusive. With and without the networks that did not train, the verdict is not "
            "the same.",
        ),
        (
            "incomplete",
            None,
            "Of ‘dropout’, there is no result. The gate asks for test accuracy at least 90.0%, "
            "judged by lower bound of the 95% interval: incomplete. Of 3 trials, 0 completed with "
            "this metric.",
        ),
    ],
)
def test_a_gate_is_said_with_its_numbers_and_why_it_is_undecided(status, found, text):
    (check,) = gate_checks(findings(gate(status, found)))
    assert (check.status, check.verdict, check.arm) == (status, status, "dropout")
    assert check.text == text


def test_the_headline_counts_the_gates_and_the_trials_without_a_result():
    found = findings(
        gate("failed", summary(0.5, 0.1)),
        gate("passed", summary(0.95, 0.02)),
        arms=(arm(OFF, completed=1, failed=1), arm(ON)),
    )
    decision = Decision(found, 1)
    assert judged_decision(decision).headlines == (
        (
            "Gates: 1 passed and 1 failed; 1 trial not trained yet and 1 trial failed.",
            "failed",
        ),
    )
    assert (judged_decision(decision).status, judged_decision(decision).brief) == (
        "failed",
        "1 of 2 checks failed",
    )
    assert [c.status for c in most_severe(gate_checks(found))] == ["failed", "passed"]


def test_a_study_without_gates_says_that_nothing_was_judged():
    decision = Decision(findings(), 0)
    assert (
        judged_decision(decision).headlines[0][0] == "Nothing was judged: this study has no gates."
    )
    assert judged_decision(decision).brief == "no gates"


def test_trials_that_are_missing_or_failed_are_named():
    found = replace(
        findings(arms=(arm(OFF), arm(ON, completed=1, failed=1))),
        failures=(Failure(ON, 2, "raised", "ValueError: no"),),
    )
    whole, short = trial_checks(found)
    assert (whole.status, whole.text) == ("passed", "Of 3 trials of the baseline, 3 completed.")
    assert short.status == "incomplete"
    assert short.text == (
        "Of 3 trials of ‘dropout’, 1 completed, 1 failed and 1 not trained yet. Seed 2 failed "
        "(raised): ValueError: no"
    )


def change(verdict: str, **facts: object) -> ChangeSincePast:
    own = ChangeSincePast(
        ON, ACCURACY, is_ratio=False, n=3, n_past=3, mean=0.9, past_mean=0.95, change=-0.05,
        interval=Interval(-0.06, -0.04, 0.975, "t"), margin=0.01, paired=True, alike=False,
        family_size=2, verdict=verdict,
    )  # fmt: skip
    return replace(own, **facts)


def against(*changes: ChangeSincePast, code: int, gone: tuple[Arm, ...] = ()) -> Decision:
    past = Past("main:report.json", (), (), ())
    found = ComparisonWithPast(past, changes, None, (), gone)
    return Decision(findings(), 0, found, code)


def test_a_change_since_the_past_is_said_with_its_numbers():
    decision = against(change("regressed"), code=1)
    (check,) = past_checks(decision)
    assert check.text == (
        "Test accuracy of ‘dropout’ was 95.0% and is 90.0%: −5.0\u202fpp (interval "
        "[−6.0, −4.0]\u202fpp, adjusted for 2 comparisons, margin 1.0\u202fpp): regressed."
    )
    assert (check.status, check.seeds, check.decides) == ("failed", "3 pairs", True)
    assert judged_decision(decision).headlines[1] == (
        "Against main:report.json: 1 regressed.",
        "failed",
    )
    assert judged_decision(decision).status == "failed"


def test_speeds_of_another_day_are_shown_and_decide_nothing():
    decision = against(change("inconclusive", apart=True), code=0)
    (check,) = past_checks(decision)
    assert not check.decides
    assert check.text.endswith("The two were not measured in turn, so this decides nothing.")
    assert judged_decision(decision).status == "passed"
    (regressed,) = past_checks(against(change("regressed", apart=True), code=1))
    assert regressed.decides


def test_arms_that_are_gone_or_have_no_result_are_incomplete():
    other = Arm((("another factor", "on"),))
    unknown = change("inconclusive", n=0, mean=None, change=None, interval=None)
    decision = against(unknown, code=4, gone=(other,))
    assert [check.status for check in past_checks(decision)] == ["incomplete", "incomplete"]
    assert past_checks(decision)[1].text.startswith("‘another factor=on’ was there in main:")
    assert (judged_decision(decision).status, judged_decision(decision).brief) == (
        "incomplete",
        "2 of 2 checks incomplete",
    )


def test_gates_in_words() -> None:
    asked = Gate("test_accuracy", {"initialization": "transfer"}, at_least=0.9545)
    assert gate_rule(asked, "fraction") == (
        "test accuracy at least 95.45%, judged by lower bound of the 95% interval, "
        "where initialization is transfer"
    )
    speed = Gate("fit_seconds", at_most=90.0, judge="every-seed")
    assert gate_rule(speed, "seconds") == (
        f"fit time at most 1{THIN}min 30{THIN}s, judged by every seed"
    )
    assert gate_status("passed") == "✓\u00a0passed"
    assert gate_count(2, "passed") == "✓\u00a02\u00a0passed"


@pytest.mark.parametrize(
    ("mean", "half", "shown"),
    [(0.9197, 0.02, "89.97%"), (0.92, 0.02, "90.0%"), (0.95, 0.0002, "94.98%"), (None, None, "–")],
)
def test_a_judged_number_shows_on_which_side_of_the_threshold_it_lies(mean, half, shown):
    assert judged_number(gate("failed", summary(mean, half))) == shown
