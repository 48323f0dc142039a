"""What was judged and what came out, in words: gates, changes since the past, and trials.

Every format that shows a decision shows these checks, so that no two of them differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablations.core.estimates import Interval, Verdict, ends
from ablations.core.findings import ArmFinding, Decision, Findings, GateFinding, GateStatus
from ablations.core.metrics import MetricInfo, Unit
from ablations.core.past import ChangeSincePast, ComparisonWithPast
from ablations.core.study import Gate
from ablations.text.formatting import (
    UNKNOWN,
    count,
    counted,
    difference,
    exact,
    finer,
    interval,
    listing,
    metric_name,
    number,
    resolved,
    scale_for,
    sentence,
    times,
    times_interval,
)
from ablations.text.naming import arm_label, named_arm
from ablations.text.sentences import mean_estimate

GATE_SIGNS = {"passed": "✓", "failed": "✗", "inconclusive": "?", "incomplete": "…"}
_JUDGED = {"mean": "mean over seeds", "every-seed": "every seed"}

CheckKind = Literal["gate", "past", "history", "trials"]

STATUS_OF_CODE: dict[int, GateStatus] = {
    0: "passed",
    1: "failed",
    3: "inconclusive",
    4: "incomplete",
}
"""What each exit code of a gate says."""

SEVERITY: tuple[GateStatus, ...] = ("failed", "incomplete", "inconclusive", "passed")
"""The most severe first, as exit codes rank them."""

STATUS_OF_VERDICT: dict[Verdict, GateStatus] = {
    "improved": "passed",
    "equivalent": "passed",
    "regressed": "failed",
    "inconclusive": "inconclusive",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was judged, of one arm.

    ``rule`` is what was asked and ``arm`` the arm's label; ``name`` tells the check from all others
    of the study and stays the same from run to run. ``verdict`` is the word for what came out,
    ``then``, ``now`` and ``bounds`` are its numbers, ``text`` says all of it in sentences. One that
    does not ``decide`` is only for information: the exit code does not depend on it.
    """

    kind: CheckKind
    name: str
    rule: str
    arm: str
    status: GateStatus
    verdict: str
    then: str
    now: str
    bounds: str
    seeds: str
    text: str
    decides: bool = True


def gate_checks(findings: Findings) -> tuple[Check, ...]:
    """Returns one check for each gate and arm that it judges."""
    return tuple(_gate_check(findings, found) for found in findings.gates)


def past_checks(decision: Decision) -> tuple[Check, ...]:
    """Returns one check for each arm and metric that was compared with the past."""
    if decision.past is None:
        return ()
    found, findings = decision.past, decision.findings
    changes = (_past_check(findings, found, change) for change in found.changes)
    gone = (_gone_check(found, arm.name) for arm in found.gone)
    return (*changes, *gone)


def undecided_lines(findings: Findings, found: ComparisonWithPast) -> tuple[str, ...]:
    """Says why the study's metric cannot regress, or has no interval, however large its change."""
    own = [c for c in found.changes if not c.is_ratio and c.verdict == "inconclusive"]
    if not own:
        return ()
    name = metric_name(own[0].metric.name)
    lines = [no_direction_line(own[0].metric)] if own[0].metric.better == "neither" else []
    bare = [c for c in own if c.interval is None and min(c.n, c.n_past) > 1]
    if bare:
        arms = listing([arm_label(findings.study, c.arm) for c in bare])
        lines.append(
            f"{arms}: the seeds show no spread in the change of {name}, so it has no interval and "
            "no verdict, however large it is: let the seed vary the training, or judge the value "
            "itself by a gate of the study (at_least or at_most)"
        )
    return tuple(lines)


def no_direction_line(metric: MetricInfo) -> str:
    """Says that a metric was reported without the direction that is better, and what to do."""
    return (
        f"no direction of {metric_name(metric.name)} counts as better, so no change is a "
        'regression: report it with better="higher" or better="lower" (log.metric)'
    )


def trial_checks(findings: Findings) -> tuple[Check, ...]:
    """Returns one check for each arm: whether all of its trials have completed."""
    return tuple(_trial_check(findings, arm) for arm in findings.arms)


def gate_rule(gate: Gate, unit: Unit) -> str:
    """Writes what a gate asks for."""
    where = listing([f"{factor} is {level}" for factor, level in gate.where.items()])
    sides = ((gate.at_least, "at least", "lower"), (gate.at_most, "at most", "upper"))
    rules = [
        f"{metric_name(gate.metric)} {word} {exact(threshold, unit)}, judged by "
        + _JUDGED.get(gate.judge, f"{bound} bound of the 95% interval")
        for threshold, word, bound in sides
        if threshold is not None
    ]
    return listing(rules) + (f", where {where}" if where else "")


def gate_status(status: str) -> str:
    """Writes a gate's status with its sign."""
    return f"{GATE_SIGNS[status]}\u00a0{status}"


def gate_count(n: int, status: str) -> str:
    """Writes how many gates have a status: ``✓ 2 passed``."""
    return f"{GATE_SIGNS[status]}\u00a0{n}\u00a0{status}"


def judged_number(found: GateFinding) -> str:
    """Writes what a gate judged, with as many digits as tell it from the threshold.

    It is as fine as the interval of the mean beside it.
    """
    unit, value = found.metric.unit if found.metric else "number", found.judged
    if value is None:
        return number(value, unit)
    bounds = found.summary.interval if found.summary else None
    own = resolved(scale_for(unit, [value]), ends(bounds))
    bars = [b for b in (found.gate.at_least, found.gate.at_most) if b is not None]
    apart = [bar for bar in bars if not math.isclose(value, bar)]
    scale = finer(own, lambda s: all(s.show(value) != s.show(bar) for bar in apart))
    return number(value, unit) if scale == scale_for(unit, [value]) else scale.show(value)


def most_severe(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Sorts checks so that what needs attention comes first; equal ones keep their order."""
    return tuple(sorted(checks, key=lambda check: SEVERITY.index(check.status)))


def count_verdicts(checks: Sequence[Check], first: Sequence[str]) -> str:
    """Counts the verdicts in words, in the order of ``first``, and the others after them."""
    verdicts = [check.verdict for check in checks]
    words = dict.fromkeys((*first, *verdicts))
    return listing([f"{count(verdicts.count(w))} {w}" for w in words if w in verdicts])


def _gate_check(findings: Findings, found: GateFinding) -> Check:
    unit = found.metric.unit if found.metric else "number"
    rule, summary = gate_rule(found.gate, unit), found.summary
    n = summary.n if summary else 0
    low, high = ends(summary.interval if summary else None) or (None, None)
    mean = f"{metric_name(found.gate.metric)} is {mean_estimate(summary)}" if n else ""
    value = f"{mean} over {counted(n, 'seed')}" if n else "there is no result"
    asked = f"The gate asks for {rule}: {found.status}."
    return Check(
        kind="gate",
        name=f"gate {rule} / {found.arm.name}",
        rule=rule,
        arm=arm_label(findings.study, found.arm),
        status=found.status,
        verdict=found.status,
        then=UNKNOWN,
        now=judged_number(found),
        bounds=interval(low, high, unit),
        seeds=count(n),
        text=f"Of {named_arm(findings.study, found.arm)}, {value}. {asked}{_why(findings, found)}",
    )


def _why(findings: Findings, found: GateFinding) -> str:
    """Says why a gate could not be decided; nothing where it was."""
    if found.status == "incomplete":
        arm, n = findings.arm(found.arm), found.summary.n if found.summary else 0
        return f" Of {counted(arm.n_planned, 'trial')}, {count(n)} completed with this metric."
    if found.status != "inconclusive" or found.summary is None:
        return ""
    if (bounds := found.summary.interval) is None:
        return " There is no interval, which two seeds with different results are needed for."
    thresholds = (found.gate.at_least, found.gate.at_most)
    if any(bar is not None and bounds.low <= bar <= bounds.high for bar in thresholds):
        return " The interval contains the threshold: more seeds make it narrower."
    return " With and without the networks that did not train, the verdict is not the same."


def gate_counts(statuses: Sequence[GateStatus]) -> tuple[tuple[str, GateStatus], ...]:
    r"""Says how many gates have each status, the most severe first.

    Example:
        >>> gate_counts(["passed", "failed", "passed"])
        (('✗\xa01\xa0failed', 'failed'), ('✓\xa02\xa0passed', 'passed'))
    """
    return tuple(
        (gate_count(statuses.count(status), status), status)
        for status in SEVERITY
        if status in statuses
    )


def change_words(
    change: float | None, bounds: Interval | None, unit: Unit, *, is_ratio: bool
) -> tuple[str, str]:
    """Writes a change since the past, a difference or a quotient, and its interval."""
    low, high = ends(bounds) or (None, None)
    if is_ratio:
        return times(change), times_interval(low, high)
    return difference(change, unit, (low, high)), interval(low, high, unit, signed=True)


def change_cell(change: str, bounds: str) -> str:
    """Writes a change and its interval in one cell, with one dash where both are unknown."""
    return change if bounds == UNKNOWN else f"{change} {bounds}"


def change_seeds(compared: ChangeSincePast) -> str:
    """Writes how many seeds a change since the past rests on."""
    if compared.paired or compared.alike:
        return f"{compared.n} {'alike' if compared.alike else 'pairs'}"
    return f"{compared.n_past} + {compared.n}"


def _past_check(findings: Findings, found: ComparisonWithPast, compared: ChangeSincePast) -> Check:
    unit, metric = compared.metric.unit, metric_name(compared.metric.name)
    then, now = number(compared.past_mean, unit), number(compared.mean, unit)
    change, bounds = change_words(
        compared.change, compared.interval, unit, is_ratio=compared.is_ratio
    )
    limit = times(compared.margin) if compared.is_ratio else difference(compared.margin, unit)
    margin = f", margin {limit.lstrip('+')}" if compared.margin else ""
    adjusted = f"interval {bounds}, adjusted for {counted(compared.family_size, 'comparison')}"
    known = "all results are the same" if compared.alike else f"{change} ({adjusted}{margin})"
    apart = (
        " The two were not measured in turn, so this decides nothing." if _open(compared) else ""
    )
    return Check(
        kind="past",
        name=f"past {compared.metric.name} / {compared.arm.name}",
        rule=f"{metric} against {found.past.source}",
        arm=arm_label(findings.study, compared.arm),
        status=STATUS_OF_VERDICT[compared.verdict] if compared.n else "incomplete",
        verdict=compared.verdict,
        then=then,
        now=now,
        bounds=change_cell(change, bounds),
        seeds=change_seeds(compared),
        text=f"{sentence(metric)} of {named_arm(findings.study, compared.arm)} was {then} and is "
        f"{now}: {known}: {compared.verdict}.{apart}",
        decides=not _open(compared),
    )


def _open(compared: ChangeSincePast) -> bool:
    return compared.apart and compared.verdict == "inconclusive"


def _gone_check(found: ComparisonWithPast, arm: str) -> Check:
    return Check(
        kind="past",
        name=f"past gone / {arm}",
        rule=f"each arm of {found.past.source} is still there",
        arm=arm,
        status="incomplete",
        verdict="gone",
        then=UNKNOWN,
        now=UNKNOWN,
        bounds=UNKNOWN,
        seeds=UNKNOWN,
        text=f"‘{arm}’ was there in {found.past.source} and is gone, so it cannot be compared.",
    )


def _trial_check(findings: Findings, arm: ArmFinding) -> Check:
    missing = arm.n_planned - arm.n_completed - arm.n_failed
    status: GateStatus = "passed" if arm.n_completed == arm.n_planned else "incomplete"
    parts = {"completed": arm.n_completed, "failed": arm.n_failed, "not trained yet": missing}
    counts = [f"{count(n)} {what}" for what, n in parts.items() if n or what == "completed"]
    causes = [
        f" Seed {failure.seed} failed ({failure.reason}): {failure.message or UNKNOWN}"
        for failure in findings.failures
        if failure.arm == arm.arm
    ]
    label = arm_label(findings.study, arm.arm)
    return Check(
        kind="trials",
        name=f"trials / {arm.arm.name}",
        rule="all trials have completed",
        arm=label,
        status=status,
        verdict="completed" if status == "passed" else "incomplete",
        then=UNKNOWN,
        now=count(arm.n_completed),
        bounds=UNKNOWN,
        seeds=count(arm.n_planned),
        text=f"Of {counted(arm.n_planned, 'trial')} of {named_arm(findings.study, arm.arm)}, "
        f"{listing(counts)}.{''.join(causes)}",
    )
