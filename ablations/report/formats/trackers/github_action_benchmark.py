"""Writes the means for github-action-benchmark, in a file for each direction that is better.

For its tools ``customSmallerIsBetter`` and ``customBiggerIsBetter``. Source:
https://github.com/benchmark-action/github-action-benchmark, "Tool specific setup". It compares the
last values alone, without their intervals; `gate --against` compares seeds.
"""

from __future__ import annotations

from ablations.core.findings import Decision
from ablations.report.formats.trackers.series import Series, document, series
from ablations.text.formatting import counted, interval

_FILES = {"lower": "smaller-is-better.json", "higher": "bigger-is-better.json"}


def github_action_benchmark(decision: Decision) -> dict[str, str | bytes]:
    """Returns a file for each direction; one without any metric is an empty list."""
    found: dict[str, list[dict[str, str | float]]] = {name: [] for name in _FILES.values()}
    for own in series(decision.findings):
        found[_FILES[own.metric.better]].append(_entry(decision.findings.study.slug, own))
    return {name: document(entries) for name, entries in found.items()}


def _entry(slug: str, own: Series) -> dict[str, str | float]:
    entry: dict[str, str | float] = {
        "name": f"{slug}: {own.arm}: {own.metric.name}",
        "unit": own.metric.unit,
        "value": own.mean,
        "extra": f"mean over {counted(len(own.values), 'seed')}",
    }
    if own.interval is not None:
        bounds = interval(own.interval.low, own.interval.high, own.metric.unit)
        entry["range"] = f"95% interval {bounds}"
    return entry
