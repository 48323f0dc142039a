"""The formats that are written only where ``--format`` names them, each named once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import cast

from ablations.core.findings import Decision
from ablations.errors import StudyError, meant
from ablations.report.blocks import Report
from ablations.text.judged import Judged

Files = Mapping[str, str | bytes]
OfChecks = Callable[[Judged], Files]
"""Returns the files of what was judged by their paths in the folder that they are written to."""

OfDecision = Callable[[Decision], Files]
"""The same for what needs the findings behind a decision."""

OfReport = Callable[[Report], Files]
"""Returns the files of a report by their paths, for what needs its sections."""

OF_CHECKS: Mapping[str, str] = {
    "junit": "checks.junit",
    "github-summary": "checks.github_summary",
    "github-annotations": "checks.github_annotations",
    "pull-request": "checks.pull_request",
    "gitlab": "checks.gitlab",
    "badge": "checks.badge",
}
"""The module of each format, in which a function of the same name writes it. A module is imported
when its format is asked for, so that ``--help`` and completion stay quick. These show what was
judged, be it by gates, by the past or by a history."""

OF_DECISIONS: Mapping[str, str] = {
    "latex": "papers.latex",
    "markdown-table": "papers.markdown_table",
    "csv": "papers.csv",
    "parquet": "papers.parquet",
    "pytest-benchmark": "trackers.pytest_benchmark",
    "github-action-benchmark": "trackers.github_action_benchmark",
    "bencher": "trackers.bencher",
    "asv": "trackers.asv",
    "lnt": "trackers.lnt",
    "model-index": "trackers.model_index",
}
"""The same for the formats that show findings."""

OF_REPORTS: Mapping[str, str] = {"pdf": "papers.pdf", "pgf": "papers.pgf"}
"""The same for the formats that need the sections of a report."""


def names() -> list[str]:
    """Returns the names of all formats."""
    return [*OF_CHECKS, *OF_DECISIONS, *OF_REPORTS]


def require_known(asked: list[str], known: Sequence[str] | None = None) -> None:
    """Makes sure that there is each of these formats, among all or those that are ``known``.

    Raises:
        StudyError: if there is one that is not.
    """
    known = names() if known is None else known
    for name in asked:
        if name not in known:
            raise StudyError(
                "there is no such format here" if name in names() else "there is no such format",
                received=f"--format {name}",
                cure=f"{meant(name, known)}There are {', '.join(known)}",
            )


def of_checks(asked: list[str]) -> list[OfChecks]:
    """Imports the formats of checks among those that are asked for."""
    return [cast("OfChecks", _function(OF_CHECKS[n])) for n in asked if n in OF_CHECKS]


def of_decisions(asked: list[str]) -> list[OfDecision]:
    """Imports the formats of decisions among those that are asked for."""
    return [cast("OfDecision", _function(OF_DECISIONS[n])) for n in asked if n in OF_DECISIONS]


def of_reports(asked: list[str]) -> list[OfReport]:
    """Imports the formats of reports among those that are asked for."""
    return [cast("OfReport", _function(OF_REPORTS[n])) for n in asked if n in OF_REPORTS]


def _function(place: str) -> object:
    module = import_module(f"{__package__}.{place}")
    return getattr(module, place.rpartition(".")[2])
