"""Writes the times of a study as pytest-benchmark saves its runs: a round for each seed.

Only metrics in seconds are times; the means of the others stand in ``extra_info``. For
``pytest-benchmark compare``. Source: pytest-benchmark 5, ``stats.py``, whose fields these are.
"""

from __future__ import annotations

import statistics
from typing import Any

from ablations.core.findings import Decision, Findings
from ablations.report.formats.trackers.series import (
    Series,
    commits,
    document,
    environment,
    series,
)


def pytest_benchmark(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file: a benchmark for each arm and time, grouped by what was timed."""
    findings = decision.findings
    found = list(series(findings))
    times = [own for own in found if own.metric.unit == "seconds" and min(own.values) > 0]
    others: dict[str, dict[str, float]] = {own.arm: {} for own in found}
    for own in found:
        if own.metric.unit != "seconds":
            others[own.arm][own.metric.name] = own.mean
    run = {
        "machine_info": environment(findings),
        "commit_info": _commit_info(findings),
        "benchmarks": [_benchmark(findings, own, others[own.arm]) for own in times],
        "datetime": findings.finished_at,
        "version": "5.0.0",
    }
    return {"pytest-benchmark.json": document(run)}


def _commit_info(findings: Findings) -> dict[str, Any]:
    found = commits(findings)
    return {
        "id": found[0].partition(" ")[0] if len(found) == 1 else "unknown",
        "time": findings.finished_at,
        "dirty": any(" " in commit for commit in found),
        "branch": "unknown",
    }


def _benchmark(findings: Findings, own: Series, extra: dict[str, float]) -> dict[str, Any]:
    return {
        "group": own.metric.name,
        "name": f"{own.metric.name}[{own.arm}]",
        "fullname": f"{findings.study.slug}::{own.metric.name}[{own.arm}]",
        "params": {"arm": own.arm},
        "param": own.arm,
        "extra_info": extra,
        "options": {},
        "stats": _stats(own),
    }


def _stats(own: Series) -> dict[str, Any]:
    """Gives what the findings have of the seeds, and what only this format shows of them.

    These are quartiles, and how many values lie outside of 1.5 times their distance, and outside of
    one SD around the mean, as pytest-benchmark counts them.
    """
    summary, values, sd = own.summary, list(own.values), own.summary.sd or 0.0
    several = len(values) > 1
    first, _, third = statistics.quantiles(values, method="inclusive") if several else values * 3
    reach = 1.5 * (third - first)
    inside = [value for value in values if first - reach <= value <= third + reach]
    beyond = sum(abs(value - own.mean) > sd for value in values) if several else 0
    return {
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": own.mean,
        "stddev": sd,
        "rounds": len(values),
        "median": summary.median,
        "iqr": third - first,
        "q1": first,
        "q3": third,
        "iqr_outliers": len(values) - len(inside),
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{len(values) - len(inside)}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1 / own.mean,
        "total": sum(values),
        "data": values,
        "iterations": 1,
    }
