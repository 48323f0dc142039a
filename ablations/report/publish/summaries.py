"""Finds reports by their ``report.json``, and reads of it what a site needs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, Field, StrictStr, ValidationError
from pydantic.functional_validators import AfterValidator

from ablations.core.estimates import Verdict
from ablations.core.findings import GateStatus
from ablations.errors import StudyError
from ablations.records.written import MANIFEST
from ablations.report.publish.atomic import require_own
from ablations.report.publish.manifests import (
    add_to_manifest,
    all_files,
    read_manifest,
)

SUMMARY = "report.json"
"""The summary of a report."""

SITE_MARKER = ".ablations-site"
"""Marks a folder as a site of ours."""


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", text):
        raise ValueError("a moment begins with its day, as in 2026-11-20T14:03:22+00:00")
    return text


class GateSummary(BaseModel):
    """How one gate ended in one arm."""

    status: GateStatus
    arm: StrictStr = ""


class EffectSummary(BaseModel):
    """What came out for one effect; a page about several studies has no verdicts."""

    verdict: Verdict | None = None


class ArmSummary(BaseModel):
    """An arm in words, which a page about several studies has under another name."""

    words: Annotated[StrictStr, Field(validation_alias=AliasChoices("label", "name"))] = ""


class Measured(BaseModel):
    """What was measured: here only where."""

    environments: list[dict[str, Any]] = []


class TrialCounts(BaseModel):
    """How many trials a report is about."""

    completed: int = 0


class Summary(BaseModel):
    """What a site needs of ``report.json``. ``slug`` and ``finished_at`` become part of paths."""

    version: Annotated[Literal[1], Field(alias="schema")] = 1
    slug: Annotated[StrictStr, Field(pattern=r"\A[a-z0-9]+(?:-[a-z0-9]+)*\z", max_length=200)]
    title: StrictStr
    question: StrictStr
    answer: list[StrictStr]
    finished_at: Annotated[StrictStr, AfterValidator(_moment)] | None
    picture: StrictStr
    gates: list[GateSummary]
    trials: TrialCounts = TrialCounts()
    arms: list[ArmSummary] = []
    effects: list[EffectSummary] = []
    measured: Measured = Measured()

    @property
    def commits(self) -> list[str]:
        """The commits at which the trials ran, as far as their records say."""
        return sorted({str(own.get("commit", "")) for own in self.measured.environments} - {""})


@dataclass(frozen=True, slots=True)
class FoundReport:
    """A report and where it was found; ``place`` is its path below the folder of all reports."""

    folder: Path
    place: str
    summary: Summary

    @property
    def files(self) -> list[str]:
        """The report's own files: what else lies in its folder is not ours to publish.

        Raises:
            StudyError: if no manifest says which they are.
        """
        own = read_manifest(self.folder)
        if own is None:
            raise StudyError(
                "it is unknown which files of this report may be published",
                received=f"no {MANIFEST} in {self.folder}",
                cure="Move the folder away, then render the report again: 'ablations report STUDY'",
            )
        there = (name for name in all_files(self.folder) if name in own)
        return [name for name in there if not (self.folder / name).is_symlink()]

    def copy(self, target: Path, names: Iterable[str]) -> None:
        """Copies some of the report's files into a folder."""
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / name, target / name)


def find_reports(reports_dir: Path) -> list[FoundReport]:
    """Returns every report in a folder or below it, in the order of their paths.

    Sites of ours, and folders whose names begin with a dot, are left out.

    Raises:
        StudyError: if there is none, or one cannot be read.
    """
    found = sorted(_report_folders(reports_dir))
    if not found:
        raise StudyError(
            "there is no report to build from",
            received=str(reports_dir),
            cure="Render one first: 'ablations report STUDY'",
        )
    places = [folder.relative_to(reports_dir).as_posix() for folder in found]
    return [
        FoundReport(folder, folder.resolve().name if place == "." else place, _read(folder))
        for folder, place in zip(found, places, strict=True)
    ]


def has_reports(folder: Path) -> bool:
    """Whether there is a report in a folder or below it."""
    return next(_report_folders(folder), None) is not None


def _report_folders(reports_dir: Path) -> Iterator[Path]:
    seen = set()
    for place, folders, files in os.walk(reports_dir, followlinks=True):
        real = os.path.realpath(place)
        if SUMMARY in files and real not in seen:
            yield Path(place)
        if SUMMARY in files or SITE_MARKER in files or real in seen:
            folders.clear()
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _read(folder: Path) -> Summary:
    summary = read_summary(folder)
    if summary is None:
        raise StudyError(
            "this is not the summary of a report",
            received=str(folder / SUMMARY),
            cure="Render the report again: 'ablations report STUDY'",
        )
    return summary


def require_report_folder(folder: Path) -> None:
    """Makes sure that a report can be written here.

    A summary that git has put there counts as ours: of a report it is what one keeps, so it lies
    there alone in a new clone, and is another one after a change of branches.

    Raises:
        StudyError: if the folder holds something else than a report, or none may be written there.
    """
    there = next(own for own in folder.absolute().parents if own.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise StudyError(
            "reports may not be written here",
            received=str(folder.parent),
            cure="Change the permissions of this folder, or name another with --reports-dir",
        )
    alone = folder.is_dir() and all_files(folder) == [SUMMARY]
    if (alone or read_manifest(folder)) and read_summary(folder):
        add_to_manifest(folder, SUMMARY)
    require_own(folder, SUMMARY)


def read_summary(folder: Path) -> Summary | None:
    """Reads the summary in a report's folder, or returns None if it holds no such thing."""
    path = folder / SUMMARY
    try:
        return Summary.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValidationError:
        return None
