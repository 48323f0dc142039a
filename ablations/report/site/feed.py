"""The feed of a site: an Atom document with each verdict once, for readers and chat rooms.

What names an entry is what was judged and what came out: study, arm, metric, commit and verdict.
Words are no part of it, so that a verdict that is built again, or said in other words, is no news.
The format is RFC 4287: https://www.rfc-editor.org/rfc/rfc4287
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID, uuid5
from xml.etree import ElementTree as ET

from ablations.core.past import PastChange
from ablations.report.publish.summaries import Summary
from ablations.report.site.addresses import address
from ablations.report.site.contents import ArmSeries, Site, SiteStudy, StudyHistory
from ablations.text.commits.history import change_line, changed_word
from ablations.text.escaping import one_line
from ablations.text.formatting import metric_name

FEED = "feed.xml"
TITLE = "Ablation studies: verdicts"
NO_GATES = "a report without gates"
MOST = 100
"""How many entries a feed has, the newest; readers keep those that they have seen."""

_NAMESPACE = UUID("6fe6a8b6-5f0e-4d5b-9d83-6f1d6d4b0a52")
"""Of the names of entries; another one would make all of them news."""

_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict: ``name`` stays the same for ever, ``page`` is the path of its page."""

    name: str
    title: str
    text: str
    page: str
    verdict: str
    updated: datetime


def feed(site: Site) -> dict[str, str | bytes]:
    """Returns the newest verdicts of all studies as an Atom document."""
    found = {entry.name: entry for study in site.studies for entry in _entries(study)}
    entries = sorted(found.values(), key=lambda entry: entry.name)
    entries.sort(key=lambda entry: entry.updated, reverse=True)
    return {FEED: _document(site, entries[:MOST])}


def _entries(study: SiteStudy) -> Iterator[Entry]:
    if study.summary and study.summary.finished_at:
        yield _of_report(study, study.summary, study.summary.finished_at)
    if study.history:
        for arm in study.history.arms:
            for before, change in pairwise((None, *arm.found.changes)):
                if change:
                    yield _of_change(study, study.history, arm, before, change)


def _of_report(study: SiteStudy, summary: Summary, finished_at: str) -> Entry:
    """Returns what the gates and the effects of a report came to."""
    gates = [(gate.arm, gate.status) for gate in summary.gates]
    effects = [effect.verdict for effect in summary.effects]
    return Entry(
        name=_name(summary.slug, gates, effects, summary.commits),
        title=f"{summary.title} – {', '.join(words for words, _ in study.gates) or NO_GATES}",
        text=" ".join(summary.answer),
        page=study.page,
        verdict=study.gates[0][1] if study.gates else "reported",
        updated=_moment(finished_at),
    )


def _of_change(
    study: SiteStudy,
    past: StudyHistory,
    arm: ArmSeries,
    before: PastChange | None,
    change: PastChange,
) -> Entry:
    """Returns a change over commits, which may have undone the one before it."""
    undoes = before is not None and before.vanished == change.commit
    verdict = "vanished" if undoes else change.verdict
    metric, end = arm.found.metric.name, "; the change before it vanished" if undoes else ""
    words = f"{metric_name(metric)} {changed_word(change)}{end}"
    return Entry(
        name=_name(past.name, arm.found.arm.name, metric, change.found.name, verdict),
        title=f"{study.title} – {arm.label}: {words}",
        text=f"{arm.label}: {change_line(arm.found, change)}.",
        page=f"{study.place}/history/{arm.file}",
        verdict=verdict,
        updated=_moment(change.found.date),
    )


def _name(*parts: object) -> str:
    return uuid5(_NAMESPACE, json.dumps(parts)).urn


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _document(site: Site, entries: Sequence[Entry]) -> bytes:
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    updated = max((entry.updated for entry in entries), default=_NEVER)
    _add(root, "id", _name("feed", site.base_url))
    _add(root, "title", TITLE)
    _add(root, "updated", updated.isoformat())
    _add(_add(root, "author"), "name", "ablations")
    _link(root, "alternate", address(site.base_url, "index.html"), "text/html")
    if site.base_url:
        _link(root, "self", address(site.base_url, FEED), "application/atom+xml")
    for entry in entries:
        _add_entry(root, site, entry)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_entry(root: ET.Element, site: Site, entry: Entry) -> None:
    own = _add(root, "entry")
    _add(own, "id", entry.name)
    _add(own, "title", entry.title)
    _add(own, "updated", entry.updated.isoformat())
    _link(own, "alternate", address(site.base_url, entry.page), "text/html")
    _add(own, "category").set("term", entry.verdict)
    _add(own, "summary", entry.text)


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}")
    if text is not None:
        element.text = one_line(text)
    return element


def _link(parent: ET.Element, relation: str, target: str, kind: str) -> None:
    _add(parent, "link").attrib.update({"rel": relation, "type": kind, "href": target})
