"""What a site is made of: its studies, each with a report, a history over commits, or both."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ablations.core.findings import GateStatus
from ablations.core.past import Commit, History, SeriesFinding
from ablations.report.publish.summaries import FoundReport, Summary
from ablations.text.checks import gate_counts

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class ArmSeries:
    """One metric of one arm over commits: the arm in words, and the file of its page."""

    label: str
    file: str
    found: SeriesFinding


@dataclass(frozen=True, slots=True)
class StudyHistory:
    """A study over its commits: what it asks, and what was found.

    Args:
        name: Of the history, that is of its study.
        title: The study's.
        question: The study's, empty if it has none.
        labels: The arm of each of the ``found.series`` in words.
        found: What happened over commits.
    """

    name: str
    title: str
    question: str
    labels: tuple[str, ...]
    found: History

    @property
    def newest(self) -> Commit:
        """The commit that is judged."""
        return self.found.commits[-1]

    @property
    def arms(self) -> tuple[ArmSeries, ...]:
        """What has a page: each metric of each arm."""
        files = _files([_words(own, label) for own, label in self._pairs()])
        return tuple(
            ArmSeries(label, file, own)
            for file, (own, label) in zip(files, self._pairs(), strict=True)
        )

    def _pairs(self) -> list[tuple[SeriesFinding, str]]:
        return list(zip(self.found.series, self.labels, strict=True))


def _words(own: SeriesFinding, label: str) -> tuple[str, str]:
    """Returns a readable name, and one that no other arm and metric has."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{label} {own.metric.name}".lower()).strip("-")
    return plain[:_LONGEST].strip("-"), f"{own.arm.name}\n{own.metric.name}"


def _files(names: Sequence[tuple[str, str]]) -> list[str]:
    """Returns files of their own; a name that several have, or none, gets a digest."""
    often = Counter(plain for plain, _ in names)
    kept = [
        plain
        if often[plain] == 1 and plain not in ("", "index")
        else f"{plain}-{hashlib.sha256(full.encode(errors='replace')).hexdigest()[:8]}".strip("-")
        for plain, full in names
    ]
    return [f"{name}.html" for name in kept]


@dataclass(frozen=True, slots=True)
class SiteStudy:
    """One study of a site; ``place`` is the path of its folder there.

    Its report is ``<place>/index.html``, its history ``<place>/history/index.html`` with a page for
    each arm and metric beside it. It has one of them, or both.
    """

    place: str
    report: FoundReport | None
    history: StudyHistory | None

    @property
    def summary(self) -> Summary | None:
        """What the report comes to, if there is one."""
        return self.report.summary if self.report else None

    @property
    def gates(self) -> tuple[tuple[str, GateStatus], ...]:
        """How many gates of the report have each status, in words, the most severe first."""
        return gate_counts([gate.status for gate in self.summary.gates]) if self.summary else ()

    @property
    def title(self) -> str:
        """The study's title."""
        return self.summary.title if self.summary else self._past.title

    @property
    def question(self) -> str:
        """The study's question, empty if it has none."""
        return self.summary.question if self.summary else self._past.question

    @property
    def page(self) -> str:
        """The path of its first page in the site."""
        return self.pages[0]

    @property
    def pages(self) -> tuple[str, ...]:
        """The paths of all its pages: the report, the history, and those of arms and metrics."""
        report = [f"{self.place}/index.html"] if self.report else []
        if self.history is None:
            return tuple(report)
        own = ("index.html", *(arm.file for arm in self.history.arms))
        return (*report, *(f"{self.place}/history/{file}" for file in own))

    @property
    def changed_at(self) -> str | None:
        """When something last changed (ISO 8601): its last trial ended, or a commit was added."""
        moments = [self.summary.finished_at] if self.summary else []
        moments += [self.history.newest.date] if self.history else []
        return max((moment for moment in moments if moment), default=None)

    @property
    def _past(self) -> StudyHistory:
        if self.history is None:
            raise ValueError(f"{self.place} has neither a report nor a history")
        return self.history


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site shows.

    Args:
        studies: The newest first.
        base_url: Where it will be served, without a slash at its end; ``None`` if unknown, and
            then nothing that needs absolute addresses is written.
    """

    studies: Sequence[SiteStudy]
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What a study of a site is made from, read only where it changed.

    Args:
        place: The path of the study's folder in the site.
        digest: Changes with anything that the study's pages show.
        report: Returns the report, if there is one.
        history: Returns the history, if there is one.
    """

    place: str
    digest: str
    report: Callable[[], FoundReport] | None = None
    history: Callable[[], StudyHistory] | None = None
