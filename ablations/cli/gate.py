"""What the command ``gate`` shows: its tables, its JSON, its lines and its exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ablations.analyze.compare.gates import exit_code
from ablations.analyze.compare.regression import compare_with_past, past_exit_code
from ablations.analyze.inference.selftest import with_self_test
from ablations.cli.screens import STYLES, make_table, revisions_json, unreported_line
from ablations.core.estimates import Summary, ends
from ablations.core.findings import Findings, GateFinding
from ablations.core.past import ChangeSincePast, ComparisonWithPast, Past, SelfTest
from ablations.errors import StudyError
from ablations.text import checks, formatting, naming
from ablations.text.checks import (
    change_seeds,
    change_words,
    no_direction_line,
    undecided_lines,
)
from ablations.text.sentences import (
    gate_gap_sentences,
    revision_sentences,
    untrained_sentence,
    untrained_share,
)


@dataclass(frozen=True, slots=True)
class GateOutput:
    """What the command prints: tables by title, a JSON document, lines for standard error."""

    tables: Mapping[str, Table]
    document: dict[str, Any]
    lines: Sequence[str]
    exit_code: int


def judged(
    findings: Findings, found: ComparisonWithPast | None, *, self_test: bool, required: bool
) -> GateOutput:
    """Judges findings as the options of the command ask for.

    Raises:
        StudyError: if the study has no gates, and they are ``required``.
    """
    if self_test:
        return self_tested(findings)
    return gated(findings, required=required) if found is None else held_against(findings, found)


def gated(findings: Findings, *, required: bool = False) -> GateOutput:
    """Judges findings by the study's own gates.

    Raises:
        StudyError: if it has none, and they are ``required``.
    """
    if required and not findings.gates:
        raise StudyError(
            f"{findings.study.slug}: nothing was judged, as the study has no gates",
            received="--require-gates",
            cure="Add [[gates]] to the study file, or leave the option out",
        )
    code = exit_code(findings)
    return GateOutput(
        _gate_tables(findings), _gates_json(findings, code), _gate_lines(findings), code
    )


def compared(
    findings: Findings, past: Past | None, *, despite: Sequence[str]
) -> ComparisonWithPast | None:
    """Compares findings with an earlier state of the study, if there is one to compare with.

    Raises:
        StudyError: if the two may not be compared.
    """
    return None if past is None else compare_with_past(findings, past, despite=despite)


def held_against(findings: Findings, found: ComparisonWithPast) -> GateOutput:
    """Judges findings by their comparison with an earlier state of the study."""
    code = past_exit_code(found, findings)
    lost = filter(None, [untrained_sentence(findings)])
    why = undecided_lines(findings, found)
    lines = [*_left_out(found), *why, *_missing(findings), *lost, *revision_sentences(findings)]
    return GateOutput(
        _change_tables(findings, found), _changes_json(found, findings, code), lines, code
    )


APART = (
    "speeds now and then were not measured in turn, and a machine may differ by 10% between two "
    "days: their intervals are widened by that, and an inconclusive speed does not change the exit "
    "code. For narrower intervals let --against-commit train both in turn, with 3 seeds or more"
)


def _left_out(found: ComparisonWithPast) -> list[str]:
    """Returns what was not compared, and which intervals are wider for it."""
    lines = []
    if found.machines:
        now, then = ("; ".join(facts) or "unknown" for facts in found.machines)
        lines.append(f"speeds are not compared: another machine (now {now}, then {then})")
    if any(compared.apart for compared in found.changes):
        lines.append(APART)
    lines += [f"not compared: {arm.name} is new" for arm in found.added]
    return [*lines, *(f"not compared: {arm.name} is gone" for arm in found.gone)]


def self_tested(findings: Findings) -> GateOutput:
    """Compares random halves of the records with each other, as --against compares states."""
    found = with_self_test(findings).self_test
    if found is None:
        line = (
            "each half needs two seeds, so all arms must share four seeds, with different results"
        )
        if findings.n_completed and findings.metric.better == "neither":
            line = no_direction_line(findings.metric)
        return GateOutput(
            {}, {"study": findings.study.slug, "self_test": None}, [f"unknown: {line}"], 3
        )
    document = {"study": findings.study.slug, "self_test": _self_test_json(found)}
    return GateOutput({_self_title(findings, found): _self_table(findings, found)}, document, [], 0)


def _gate_lines(findings: Findings) -> list[str]:
    """Returns what limits or qualifies the verdicts of the gates."""
    none = "nothing was judged: this study has no gates (--require-gates makes that an error)"
    gaps = [f"{gap} Its interval may promise too much." for gap in gate_gap_sentences(findings)]
    return [
        *([] if findings.gates else [none]),
        *_unreported(findings),
        *_missing(findings),
        *training_lines(findings),
        *gaps,
        *revision_sentences(findings),
    ]


def training_lines(findings: Findings) -> list[str]:
    """Says which networks did not train, and what a gate on the others does not exclude."""
    groups: dict[str, list[str]] = {}
    for arm, found in findings.judged_training.items():
        both = "; a gate holds only with and without these seeds" if found.untrained else ""
        names = groups.setdefault(f"{untrained_share(found)}{both}", [])
        names.append(naming.arm_label(findings.study, arm))
    return [f"{formatting.listing(names)}: {share}" for share, names in groups.items()]


def _unreported(findings: Findings) -> list[str]:
    """Names the metrics that gates judge and no completed trial has."""
    reported = {metric.name for metric in findings.metrics}
    unknown = dict.fromkeys(g.gate.metric for g in findings.gates if g.gate.metric not in reported)
    lines = [unreported_line(name, reported, "which a gate judges") for name in unknown]
    return lines if findings.n_completed else []


def _missing(findings: Findings) -> list[str]:
    """Returns how many trials have no results."""
    counts = {"not trained yet": findings.n_missing, "failed": findings.n_failed}
    return [f"{formatting.counted(n, 'trial')} {what}" for what, n in counts.items() if n]


def _gate_tables(findings: Findings) -> dict[str, Table]:
    """Returns each gate's rule with a table of one row an arm."""
    tables: dict[str, Table] = {}
    for gate in findings.gates:
        unit = gate.metric.unit if gate.metric else "number"
        rule = checks.gate_rule(gate.gate, unit)
        columns = ("arm", "n", "judged", "interval of the mean", "verdict")
        table = tables.setdefault(rule, make_table(*columns))
        low, high = ends(gate.summary.interval if gate.summary else None) or (None, None)
        table.add_row(
            Text(naming.arm_label(findings.study, gate.arm)),
            str(gate.summary.n if gate.summary else 0),
            checks.judged_number(gate),
            Text(formatting.interval(low, high, unit)),
            Text(checks.gate_status(gate.status), style=STYLES.get(gate.status, "")),
        )
    return tables


def _gates_json(findings: Findings, exit_code: int) -> dict[str, Any]:
    """Returns the gates' verdicts as JSON values."""
    return {
        "study": findings.study.slug,
        "exit_code": exit_code,
        "planned": findings.n_planned,
        "completed": findings.n_completed,
        "failed": findings.n_failed,
        "gates": [_gate_json(gate) for gate in findings.gates],
        "revisions": revisions_json(findings),
    }


def _gate_json(finding: GateFinding) -> dict[str, Any]:
    gate = finding.gate
    return {
        "metric": gate.metric,
        "judge": gate.judge,
        "at_least": gate.at_least,
        "at_most": gate.at_most,
        "arm": dict(finding.arm.levels),
        "status": finding.status,
        "judged": finding.judged,
        **_summary_json(finding.summary),
        **_training_json(finding),
    }


def _training_json(finding: GateFinding) -> dict[str, Any]:
    """Returns how many networks trained, and the reading without those that did not."""
    found, gap = finding.training, finding.gap and asdict(finding.gap)
    if found is None:
        return {"untrained": None, "seed_gap": gap}
    trained = found.summaries.get(finding.gate.metric)
    return {
        "untrained": {"seeds": list(found.untrained), "of": found.n, "share": ends(found.share)},
        "trained": None if trained is None else _summary_json(trained),
        "seed_gap": gap,
    }


def _summary_json(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"n": 0, "mean": None, "interval": None}
    return {"n": summary.n, "mean": summary.mean, "interval": ends(summary.interval)}


def _change_tables(findings: Findings, found: ComparisonWithPast) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for compared in found.changes:
        title = f"{formatting.metric_name(compared.metric.name)}, against {found.past.source}"
        columns = ("arm", "then", "now", "change", "adjusted interval", "seeds", "verdict")
        table = tables.setdefault(title, make_table(*columns))
        table.add_row(
            Text(naming.arm_label(findings.study, compared.arm)), *_change_cells(compared)
        )
    return tables


def _change_cells(compared: ChangeSincePast) -> tuple[str | Text, ...]:
    unit = compared.metric.unit
    change, interval = change_words(
        compared.change, compared.interval, unit, is_ratio=compared.is_ratio
    )
    return (
        formatting.number(compared.past_mean, unit),
        formatting.number(compared.mean, unit),
        change,
        Text(interval),
        change_seeds(compared),
        Text(formatting.verdict(compared.verdict), style=STYLES.get(compared.verdict, "")),
    )


def _changes_json(found: ComparisonWithPast, findings: Findings, code: int) -> dict[str, Any]:
    return {
        "against": found.past.source,
        "exit_code": code,
        "machines": found.machines and {"now": found.machines[0], "then": found.machines[1]},
        "arms_added": [dict(arm.levels) for arm in found.added],
        "arms_gone": [dict(arm.levels) for arm in found.gone],
        "revisions": revisions_json(findings),
        "drifts": [
            {
                "arm": dict(compared.arm.levels),
                "metric": compared.metric.name,
                "kind": "ratio" if compared.is_ratio else "difference",
                "now": compared.mean,
                "then": compared.past_mean,
                "n": compared.n,
                "n_then": compared.n_past,
                "change": compared.change,
                "interval": ends(compared.interval),
                "margin": compared.margin,
                "paired": compared.paired,
                "alike": compared.alike,
                "apart": compared.apart,
                "comparisons": compared.family_size,
                "verdict": compared.verdict,
            }
            for compared in found.changes
        ],
    }


def _self_title(findings: Findings, found: SelfTest) -> str:
    return (
        f"the gate against itself: {found.splits} random halvings of "
        f"{formatting.counted(found.n_seeds, 'seed')} an arm, "
        f"{formatting.counted(len(findings.arms), 'arm')}"
    )


def _self_table(findings: Findings, found: SelfTest) -> Table:
    unit = findings.metric.unit
    table = make_table("what was changed", "called a change", "95% interval")
    bounds = formatting.interval(found.interval.low, found.interval.high, "fraction")
    table.add_row("nothing", formatting.number(found.false_alarms, "fraction"), Text(bounds))
    for loss, share in zip(found.planted, found.found, strict=True):
        worse = f"one arm worse by {formatting.spread(loss, unit)}"
        table.add_row(worse, formatting.number(share, "fraction"), "")
    return table


def _self_test_json(found: SelfTest) -> dict[str, Any]:
    return {
        "splits": found.splits,
        "false_alarms": found.false_alarms,
        "interval": [found.interval.low, found.interval.high],
        "seeds": found.n_seeds,
        "planted": list(found.planted),
        "found": list(found.found),
    }
