"""What the command line shows: tables for people, JSON values for programs. Prints nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ablations import formatting
from ablations.estimates import Summary
from ablations.findings import Findings, GateFinding
from ablations.plan import Progress
from ablations.record import RunRecord
from ablations.study import Study, Trial

_NUMBERS = frozenset({"seeds", "done", "to do", "judged", "n"})
_STYLES = {"passed": "green", "failed": "bold red", "inconclusive": "yellow"}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    return table


def plan_head(study: Study) -> list[str]:
    """Returns what a plan says above its table."""
    seeds = ", ".join(map(str, study.seeds))
    lines = [study.title, study.question, f"{study.design}, seeds {seeds}"]
    return [*(line for line in lines if line), ""]


def arms_table(study: Study, trials: Sequence[Trial], progress: Progress) -> Table:
    """Returns one row an arm: its levels, seeds, and trials done and to do."""
    to_do = [trial.arm for trial in progress.to_do]
    table = _table("", *(factor.name for factor in study.factors), "seeds", "done", "to do")
    for arm in study.arms:
        planned = sum(trial.arm == arm for trial in trials)
        left = to_do.count(arm)
        mark = "baseline" if arm == study.baseline else "full" if arm == study.reference else ""
        counts = (str(planned), str(planned - left), str(left))
        table.add_row(
            *(Text(text) for text in (mark, *(level for _, level in arm.levels), *counts))
        )
    return table


def progress_line(progress: Progress) -> str:
    """Returns the counts in one line, with the time still to go."""
    line = f"{progress.completed} of {formatting.counted(progress.planned, 'trial')} done"
    if progress.failed:
        line += f", {progress.failed} failed"
    if progress.to_do:
        line += f"; 'run' would train {len(progress.to_do)}, time to go: {time_to_go(progress)}"
    return line


def time_to_go(progress: Progress) -> str:
    """Returns the estimate in words."""
    if progress.seconds_to_go is None:
        return "unknown until a first trial has run (--measure trains two epochs of each arm)"
    return formatting.duration(progress.seconds_to_go)


def progress_json(study: Study, progress: Progress) -> dict[str, Any]:
    """Returns the plan and its counts as JSON values."""
    return {
        "study": study.slug,
        "title": study.title,
        "design": study.design,
        "baseline": dict(study.baseline.levels),
        "arms": [dict(arm.levels) for arm in study.arms],
        "seeds": list(study.seeds),
        "planned": progress.planned,
        "completed": progress.completed,
        "failed": progress.failed,
        "to_do": [
            {"key": t.key, "arm": dict(t.arm.levels), "seed": t.seed} for t in progress.to_do
        ],
        "seconds_to_go": progress.seconds_to_go,
    }


def metric_lines(study: Study, records: Sequence[RunRecord]) -> list[str]:
    """Returns a warning if trials have completed but none reported the study's metric."""
    reported = {m.name for record in records if record.completed for m in record.metrics}
    if not reported or study.metric in reported:
        return []
    close = difflib.get_close_matches(study.metric, reported, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"it reports {', '.join(sorted(reported))}"
    return [f"no trial reported '{study.metric}', which the study is about: {hint}"]


def failure_lines(study: Study, failures: Sequence[RunRecord]) -> list[str]:
    """Returns one line for each failed trial."""
    return [
        f"failed ({r.reason}): {formatting.arm_label(study, r.arm)}, seed {r.seed}: {r.message}"
        for r in failures
    ]


def gate_lines(findings: Findings) -> list[str]:
    """Returns what a reader of the gates' table has to know besides."""
    lines = []
    if not findings.gates:
        lines.append("this study has no gates")
    if findings.n_missing:
        lines.append(f"{formatting.counted(findings.n_missing, 'trial')} not trained yet")
    if findings.n_failed:
        lines.append(f"{formatting.counted(findings.n_failed, 'trial')} failed")
    return lines


def gate_tables(findings: Findings) -> list[tuple[str, Table]]:
    """Returns each gate's rule with a table of one row an arm."""
    tables: dict[str, Table] = {}
    for gate in findings.gates:
        unit = gate.metric.unit if gate.metric else "number"
        rule = formatting.gate_rule(gate.gate, unit)
        columns = ("arm", "n", "judged", "interval of the mean", "verdict")
        table = tables.setdefault(rule, _table(*columns))
        interval = gate.summary.interval if gate.summary else None
        low, high = (interval.low, interval.high) if interval else (None, None)
        table.add_row(
            Text(formatting.arm_label(findings.study, gate.arm)),
            str(gate.summary.n if gate.summary else 0),
            formatting.number(gate.judged, unit),
            Text(formatting.interval(low, high, unit)),
            Text(formatting.gate_status(gate.status), style=_STYLES.get(gate.status, "")),
        )
    return list(tables.items())


def gates_json(findings: Findings, exit_code: int) -> dict[str, Any]:
    """Returns the gates' verdicts as JSON values."""
    return {
        "study": findings.study.slug,
        "exit_code": exit_code,
        "planned": findings.n_planned,
        "completed": findings.n_completed,
        "failed": findings.n_failed,
        "gates": [_gate_json(gate) for gate in findings.gates],
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
    }


def _summary_json(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"n": 0, "mean": None, "interval": None}
    interval = summary.interval
    return {
        "n": summary.n,
        "mean": summary.mean,
        "interval": None if interval is None else [interval.low, interval.high],
    }


def studies_table(titles: Mapping[str, str]) -> Table:
    """Returns the built-in studies with their titles."""
    table = _table("study", "title")
    for name, title in titles.items():
        table.add_row(name, Text(title))
    return table
