"""What a reader yields: a run as another tool recorded it, before it is a trial of any study."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ablations.core.metrics import Better
from ablations.errors import StoreError

State = Literal["finished", "failed", "killed", "running", "pruned"]
"""How a run ended, as its tool says; ``pruned`` was stopped on purpose and is no failure."""

Series = tuple[tuple[float, float], ...]
"""The points (step, value) of one metric, in the order of their steps, each step once."""

Wanted = Collection[str] | None
"""The metrics whose every point is needed; ``None`` asks for the last point of each metric."""


@dataclass(frozen=True, slots=True)
class SourceRun:
    """One run of another tool.

    Args:
        name: What messages call it, and what a study file excludes it by.
        params: What was set, as the tool recorded it: text, numbers, lists, tables.
        series: The points of each metric; they need not be finite.
        labels: What else tells runs apart: tags, the experiment, the names of folders.
        state: How it ended.
        started_at: ISO 8601 in UTC.
        seconds: How long it took, 0 where the tool does not say it.
        message: Why it failed, where that is recorded.
        data: The digest of its data, where that is recorded.
        facts: What is known of its environment, such as the commit of its code.
        better: The direction of a metric that is better, where the tool records it.
    """

    name: str
    params: Mapping[str, Any]
    series: Mapping[str, Series]
    labels: Mapping[str, Any] = field(default_factory=dict)
    state: State = "finished"
    started_at: str = ""
    seconds: float = 0.0
    message: str = ""
    data: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    better: Mapping[str, Better] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of source.

    Args:
        kind: What ``--from`` calls it.
        title: What reports call the tool.
        takes: Whether a source is of this kind; it reads as little as that takes.
        read: Yields the runs of a source, with every point of the metrics that are wanted.
    """

    kind: str
    title: str
    takes: Callable[[str], bool]
    read: Callable[[str, Wanted], Iterator[SourceRun]]


def ordered(points: Iterable[tuple[float, float]]) -> Series:
    """Returns points by their steps; of several at one step the one that was written last.

    Example:
        >>> ordered([(2, 0.5), (1, 0.25), (2, 0.75)])
        ((1, 0.25), (2, 0.75))
    """
    return tuple(sorted(dict(points).items()))


def chosen(name: str, wanted: Wanted) -> bool:
    """Whether the points of a metric are asked for."""
    return wanted is None or name in wanted


def moment(seconds: float | None) -> str:
    """Returns a time since 1970 as ISO 8601 in UTC; nothing where there is none.

    Example:
        >>> moment(0.5), moment(None), moment(float("nan"))
        ('1970-01-01T00:00:00.500000+00:00', '', '')
    """
    if seconds is None or not math.isfinite(seconds):
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def written_at(path: Path) -> str:
    """Returns when a file was last written, for formats that hold no time of their own."""
    return moment(path.stat().st_mtime)


def between(start: float | None, end: float | None) -> float:
    """Returns the seconds between two times; 0 where one is unknown or they are in disorder."""
    if not start or not end or not math.isfinite(end - start):
        return 0.0
    return max(0.0, end - start)


def damaged(path: Path | str, problem: object, cure: str) -> StoreError:
    """Returns the error of a file that is not what its name says."""
    return StoreError(f"{path} cannot be read", received=str(problem), cure=cure)
