"""The search page of a site: a list of all studies and arms, which a script of its own narrows.

The list is the index of the search, so that nothing is fetched: a page from a file may fetch
nothing. Without the script it is a plain list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.report.formats.html import render_html
from ablations.report.site.addresses import SEARCH, address
from ablations.report.site.contents import Site, SiteStudy
from ablations.text.formatting import counted, day


@dataclass(frozen=True, slots=True)
class Row:
    """A study in the list; its words are what a search finds."""

    address: str
    title: str
    question: str
    status: str
    arms: Sequence[str]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The list of all studies."""

    rows: Sequence[Row]


def search(site: Site) -> dict[str, str | bytes]:
    """Returns the page that finds studies and arms."""
    page = SearchPage([_row(study) for study in site.studies])
    return {SEARCH: render_html("search.html.j2", page)}


def _row(study: SiteStudy) -> Row:
    summary, past = study.summary, study.history
    arms = [own.words for own in summary.arms] if summary else []
    arms += past.labels if past else ()
    commits = [counted(len(past.found.commits), "commit")] if past else []
    return Row(
        address=address(None, study.page),
        title=study.title,
        question=study.question,
        status=" · ".join([day(study.changed_at), *(words for words, _ in study.gates), *commits]),
        arms=[words for words in dict.fromkeys(arms) if words],
    )
