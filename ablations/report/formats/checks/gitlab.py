"""Writes what was decided for GitLab: metrics of a merge request, and code quality.

``metrics.txt`` is OpenMetrics text for ``reports:metrics``: GitLab shows which of its numbers
changed. ``gl-code-quality-report.json`` is for ``reports:codequality``: an entry for each check
that needs attention, with a fingerprint that stays the same, so that GitLab tells what is new.
Sources: GitLab Docs, "Metrics reports" and "Code Quality"; OpenMetrics 1.0.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablations.core.findings import Findings, GateStatus
from ablations.core.study import Study
from ablations.text.checks import Check, gate_checks
from ablations.text.escaping import one_line
from ablations.text.judged import Judged
from ablations.text.naming import effect_label

_SEVERITY: dict[GateStatus, str] = {
    "failed": "critical",
    "incomplete": "major",
    "inconclusive": "minor",
}
Sample = tuple[dict[str, str], float]


def gitlab(judged: Judged) -> dict[str, str | bytes]:
    """Returns both files; for a history, which has no findings, only that of code quality."""
    issues = [_issue(judged.study, check) for check in judged.open_checks]
    files: dict[str, str | bytes] = {
        "gl-code-quality-report.json": f"{json.dumps(issues, indent=2)}\n"
    }
    return files | ({"metrics.txt": _metrics(judged.findings)} if judged.findings else {})


def _metrics(findings: Findings) -> str:
    """Lists means, effects and gates; times differ in each run and are listed only if judged."""
    families = {
        "ablations_mean": ("Mean over seeds.", _means(findings)),
        "ablations_effect": ("Estimated effect on the study's metric.", _effects(findings)),
        "ablations_gate_passed": ("1 where a gate passed, else 0.", _gates(findings)),
    }
    lines: list[str] = []
    for name, (words, samples) in families.items():
        lines += [f"# TYPE {name} gauge", f"# HELP {name} {words}"]
        lines += [f"{name}{{{_labels(labels)}}} {value!r}" for labels, value in samples]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _means(findings: Findings) -> Iterator[Sample]:
    shown = {findings.metric.name, *(gate.gate.metric for gate in findings.gates)}
    for arm in findings.arms:
        for name, summary in arm.summaries.items():
            if name in shown and summary.mean is not None and math.isfinite(summary.mean):
                yield {"arm": arm.arm.name, "metric": name}, float(summary.mean)


def _effects(findings: Findings) -> Iterator[Sample]:
    for effect in findings.effects:
        if effect.estimate is not None and math.isfinite(effect.estimate):
            where = ", ".join(f"{factor}={level}" for factor, level in effect.given)
            labels = {"effect": effect_label(findings, effect), "kind": effect.kind}
            yield labels | ({"where": where} if where else {}), float(effect.estimate)


def _gates(findings: Findings) -> Iterator[Sample]:
    seen: set[str] = set()  # OpenMetrics has each sample once; a gate may be declared twice
    for check in gate_checks(findings):
        if check.name not in seen:
            yield {"arm": check.arm, "gate": check.rule}, float(check.status == "passed")
        seen.add(check.name)


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return one_line(value).replace("\\", "\\\\").replace('"', '\\"')


def _issue(study: Study, check: Check) -> dict[str, Any]:
    name = json.dumps([study.report_name, check.name])
    return {
        "type": "issue",
        "check_name": f"ablations-{check.kind}",
        "description": one_line(check.text),
        "severity": _SEVERITY[check.status],
        "fingerprint": hashlib.sha256(name.encode(errors="replace")).hexdigest(),
        "location": {"path": _path(study), "lines": {"begin": 1}},
    }


def _path(study: Study) -> str:
    """Returns the study's file relative to its repository; a built-in study has none."""
    if study.file is None:
        return study.slug
    path = Path(study.file)
    top = next((folder for folder in path.parents if (folder / ".git").exists()), path.parent)
    return path.relative_to(top).as_posix()
