"""The formats that are written only where ``--format`` names them, each named once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from ablations.core.findings import Decision
from ablations.errors import StudyError, meant
from ablations.report.blocks import Report

Files = Mapping[str, str | bytes]
OfDecision = Callable[[Decision], Files]
"""Returns the files of a decision by their paths in the folder that they are written to."""

OfReport = Callable[[Report], Files]
"""Returns the files of a report by their paths, for what needs its sections."""

OF_DECISIONS: Mapping[str, str] = {
    "junit": "checks.junit",
    "github-summary": "checks.github_summary",
    "github-annotations": "checks.github_annotations",
    "pull-request": "checks.pull_request",
    "gitlab": "checks.gitlab",
    "badge": "checks.badge",
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
"""The module of each format, in which a function of the same name writes it. A module is imported
when its format is asked for, so that ``--help`` and completion stay quick."""

OF_REPORTS: Mapping[str, str] = {"pdf": "papers.pdf", "pgf": "papers.pgf"}
"""The same for the formats that need the sections of a report."""


def names() -> list[str]:
    """Returns the names of all formats."""
    return [*OF_DECISIONS, *OF_REPORTS]


def require_known(asked: list[str]) -> None:
    """Makes sure that there is each of these formats.

    Raises:
        StudyError: if there is one that is not.
    """
    for name in asked:
        if name not in names():
            raise StudyError(
                "there is no such format",
                received=f"--format {name}",
                cure=f"{meant(name, names())}There are {', '.join(names())}",
            )


def of_decisions(asked: list[str]) -> list[OfDecision]:
    """Imports the formats of decisions among those that are asked for."""
    return [cast("OfDecision", _function(OF_DECISIONS[n])) for n in asked if n in OF_DECISIONS]


def of_reports(asked: list[str]) -> list[OfReport]:
    """Imports the formats of reports among those that are asked for."""
    return [cast("OfReport", _function(OF_REPORTS[n])) for n in asked if n in OF_REPORTS]


def _function(place: str) -> object:
    module = import_module(f"{__package__}.{place}")
    return getattr(module, place.rpartition(".")[2])
