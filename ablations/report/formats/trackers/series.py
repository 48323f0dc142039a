"""What tools that follow numbers over time take of a study: one series for each arm and metric."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.core.estimates import Interval, Summary
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo
from ablations.text.escaping import one_line


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one arm: its mean, and the values of its seeds.

    ``arm`` names the arm by its levels, which stays the same from commit to commit; a label says
    only what differs from the baseline.
    """

    arm: str
    metric: MetricInfo
    mean: float
    interval: Interval | None
    values: tuple[float, ...]
    summary: Summary


def series(findings: Findings) -> Iterator[Series]:
    """Yields what is known of each arm and each metric that has a better direction."""
    for arm in findings.arms:
        for summary in arm.summaries.values():
            values = tuple(value for _, value in summary.values)
            mean = summary.mean
            if summary.metric.better == "neither" or mean is None:
                continue
            if all(map(math.isfinite, (mean, *values))):
                name = one_line(arm.arm.name)
                yield Series(name, summary.metric, mean, summary.interval, values, summary)


def within(name: str, most: int) -> str:
    """Shortens a name that is too long for a tool, so that two long ones stay apart.

    Example:
        >>> within("a" * 20, 16), within("short", 16)
        ('aaaaaaa-42492da0', 'short')
    """
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
    return f"{name[: most - 9]}-{digest}"


def environment(findings: Findings) -> dict[str, str]:
    """Returns the facts of the machine and packages of most records."""
    return dict(findings.environments[0][0]) if findings.environments else {}


def commits(findings: Findings) -> list[str]:
    """Returns the distinct commits that the records name, as far as they do."""
    found = (facts.get("commit") for facts, _ in findings.environments)
    return sorted({commit for commit in found if commit})


def document(content: Sequence[Any] | dict[str, Any]) -> str:
    """Writes a JSON document, equal for equal content."""
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n"
