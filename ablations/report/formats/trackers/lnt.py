"""Writes every seed's numbers as an LNT report, version 2, and the schema of its test suite.

The schema goes to the server's folder of schemas: LNT takes only metrics that it names. Source:
https://llvm.org/docs/lnt/importing_data.html, "LNT Report File Format" and "Custom Test Suites".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ablations.core.findings import Decision, Findings
from ablations.core.metrics import MetricInfo
from ablations.report.formats.trackers.series import (
    Series,
    commits,
    document,
    environment,
    series,
    within,
)
from ablations.text.escaping import one_line, quote_yaml

MOST = 256
"""Characters of a name in LNT's database."""


def lnt(decision: Decision) -> dict[str, str | bytes]:
    """Returns the report and the schema."""
    found = list(series(decision.findings))
    report = {
        "format_version": "2",
        "machine": _machine(decision.findings),
        "run": _run(decision.findings),
        "tests": _tests(found),
    }
    metrics = list(dict.fromkeys(own.metric for own in found))
    slug = decision.findings.study.slug.replace("-", "_")
    return {"lnt.json": document(report), "lnt-schema.yaml": _schema(slug, metrics)}


def _machine(findings: Findings) -> dict[str, str]:
    facts = environment(findings)
    known = ("system", "cpu", "cores", "device")
    named = {key: value for key, value in facts.items() if key in known}
    return {"name": within(one_line(" ".join(named.values())) or "unknown", MOST), **named}


def _run(findings: Findings) -> dict[str, str]:
    """Gives the run its place in the order: the moment when the last trial ended."""
    moment = findings.finished_at or "1970-01-01T00:00:00+00:00"
    ended = datetime.fromisoformat(moment).astimezone(UTC)
    when = ended.replace(tzinfo=None, microsecond=0).isoformat()
    return {"end_time": when, "finished_at": when, "commit": ", ".join(commits(findings))}


def _tests(found: list[Series]) -> list[dict[str, Any]]:
    tests: dict[str, dict[str, Any]] = {}
    for own in found:
        test = tests.setdefault(own.arm, {"name": within(own.arm, MOST)})
        test[_column(own.metric.name)] = list(own.values)
    return list(tests.values())


def _column(metric: str) -> str:
    """Names a column of LNT's database after a metric."""
    return within(re.sub(r"\W+", "_", metric, flags=re.ASCII), 60)


def _schema(slug: str, metrics: list[MetricInfo]) -> str:
    lines = ["format_version: '2'", f"name: {slug}", "metrics:"]
    for metric in metrics:
        lines += [
            f"- name: {_column(metric.name)}",
            "  type: Real",
            f"  display_name: {quote_yaml(metric.name)}",
            f"  unit: {quote_yaml(metric.unit)}",
            f"  bigger_is_better: {'true' if metric.better == 'higher' else 'false'}",
        ]
    lines += ["run_fields:", "- name: finished_at", "  order: true", "- name: commit"]
    lines += ["machine_fields:", "- name: system", "- name: cpu", "- name: cores"]
    return "\n".join(lines) + "\n"
