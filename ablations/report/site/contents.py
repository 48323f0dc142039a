"""What a site is made of: its studies, each with a report, a history over commits, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.core.past import Commit, History
from ablations.core.study import Study
from ablations.report.publish.summaries import FoundReport


@dataclass(frozen=True, slots=True)
class StudyHistory:
    """A study over its commits: what it asks, and what was found."""

    study: Study
    found: History


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
    def title(self) -> str:
        """The study's title."""
        return self.report.summary.title if self.report else self._study.title

    @property
    def page(self) -> str:
        """The path of its first page in the site."""
        return f"{self.place}/{'' if self.report else 'history/'}index.html"

    @property
    def changed_at(self) -> str | None:
        """When something last changed (ISO 8601): its last trial ended, or a commit was added."""
        moments = [self.report.summary.finished_at] if self.report else []
        moments += [self._newest.date] if self.history else []
        return max((moment for moment in moments if moment), default=None)

    @property
    def _newest(self) -> Commit:
        return self._past.found.commits[-1]

    @property
    def _study(self) -> Study:
        return self._past.study

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
