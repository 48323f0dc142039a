"""Writes the means and their intervals in Bencher Metric Format.

For ``bencher run --adapter json --file bencher.json``. Source:
https://bencher.dev/docs/reference/bencher-metric-format/: names of benchmarks have at most 1,024
characters, those of measures 64.
"""

from __future__ import annotations

from ablations.core.findings import Decision
from ablations.report.formats.trackers.series import document, series, within


def bencher(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file: a benchmark for each arm, a measure for each metric."""
    findings = decision.findings
    found: dict[str, dict[str, dict[str, float]]] = {}
    for own in series(findings):
        name = within(f"{findings.study.slug}: {own.arm}", 1024)
        value = {"value": own.mean}
        if own.interval is not None:
            value |= {"lower_value": own.interval.low, "upper_value": own.interval.high}
        found.setdefault(name, {})[within(own.metric.name, 64)] = value
    return {"bencher.json": document(found)}
