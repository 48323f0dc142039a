"""The index of a site: a card for each study, with its answer and what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ablations.report.formats.html import render_html
from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.report.site.histories.pages import THUMBNAIL
from ablations.text.checks import gate_count
from ablations.text.commits.history import answer_lines, last_change, overview_alt, verdict_count
from ablations.text.formatting import counted, day

ABOVE_THE_FOLD = 4
"""How many pictures a reader may see without scrolling; the others load when they are near."""

MANY = 50
"""From more studies on, cards show the first sentence of an answer, so that the index stays small
(docs/site.md)."""


@dataclass(frozen=True, slots=True)
class Card:
    """One study on the index of a site.

    ``decided`` are words with the status that colours them: gates, or verdicts of the history.
    ``history`` leads to the history where the card itself leads to a report; ``commits`` says how
    many it has, and which change was found last.
    """

    page: str
    title: str
    question: str
    answer: tuple[str, ...]
    date: str
    decided: tuple[tuple[str, str], ...]
    history: str
    commits: str
    picture: str
    alt: str
    lazy: bool


def index(site: Site) -> Mapping[str, str | bytes]:
    """Returns the index of a site, the study that changed last first."""
    brief = len(site.studies) > MANY
    cards = tuple(
        _card(study, lazy=i >= ABOVE_THE_FOLD, brief=brief) for i, study in enumerate(site.studies)
    )
    return {"index.html": render_html("index.html.j2", cards)}


def _card(study: SiteStudy, *, lazy: bool, brief: bool) -> Card:
    past, report = study.history, study.report
    answer = tuple(report.summary.answer) if report else _answer(past)
    gates = Counter(gate.status for gate in report.summary.gates) if report else {}
    decided = [(gate_count(n, status), status) for status, n in gates.items()]
    folder = f"{study.place}/history"
    return Card(
        page=study.page,
        title=study.title,
        question=study.question,
        answer=answer[:1] if brief else answer,
        date=day(study.changed_at),
        decided=tuple(decided + _verdicts(past)),
        history=f"{folder}/index.html" if past and report else "",
        commits=_commits(past) if past else "",
        picture=f"{study.place}/figures/thumbnail.svg" if report else f"{folder}/{THUMBNAIL}",
        alt=report.summary.picture if report else overview_alt(past.found) if past else "",
        lazy=lazy,
    )


def _answer(past: StudyHistory | None) -> tuple[str, ...]:
    return answer_lines(past.found, past.labels)[:1] if past else ()


def _commits(past: StudyHistory) -> str:
    """The newest commit may be like the one before, which a change that stays came with."""
    commits = counted(len(past.found.commits), "commit")
    return ", ".join(filter(None, [commits, last_change(past.found)]))


def _verdicts(past: StudyHistory | None) -> list[tuple[str, str]]:
    verdicts = Counter(own.verdict for own in past.found.series) if past else {}
    return [(verdict_count(n, word), word) for word, n in verdicts.items()]
