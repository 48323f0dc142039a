"""The feed is valid, says each verdict once, and depends on nothing but what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest

from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.report.site.feed import MOST, feed

ATOM = "{http://www.w3.org/2005/Atom}"
RULES = {
    "feed": {"id": 1, "title": 1, "updated": 1, "author": 1, "link": None, "entry": None},
    "entry": {"id": 1, "title": 1, "updated": 1, "link": 1, "category": 1, "summary": 1},
    "author": {"name": 1},
}
"""What RFC 4287 lets an element hold, as far as we use it, and how often (4.1)."""


def document(site: Site) -> ET.Element:
    (content,) = feed(site).values()
    assert isinstance(content, bytes)
    return ET.fromstring(content)


def texts(site: Site, name: str) -> list[str]:
    return [own.text or "" for own in document(site).iterfind(f"{ATOM}entry/{ATOM}{name}")]


@pytest.mark.parametrize("base_url", [None, "https://example.org/a"])
def test_the_feed_follows_the_rules_of_atom(site: Site, base_url: str | None):
    root = document(replace(site, base_url=base_url))
    for element in root.iter():
        name = element.tag.removeprefix(ATOM)
        held = [child.tag.removeprefix(ATOM) for child in element]
        allowed = RULES.get(name, {})
        assert set(held) <= set(allowed), name
        assert {n: held.count(n) for n, often in allowed.items() if often} == {
            n: often for n, often in allowed.items() if often
        }
    for updated in root.iter(f"{ATOM}updated"):
        assert datetime.fromisoformat(updated.text or "").tzinfo is not None
    ids = [own.text or "" for own in root.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(ids) == 5
    assert all(own.startswith("urn:uuid:") for own in ids)
    targets = [own.get("href", "") for own in root.iter(f"{ATOM}link")]
    assert all(target.startswith(base_url) for target in targets if base_url)
    alone = [own.get("rel") for own in root.iterfind(f"{ATOM}link")]
    assert alone == (["alternate", "self"] if base_url else ["alternate"])


def test_a_reader_reads_the_feed(site: Site):
    feedparser = pytest.importorskip("feedparser", reason="no feedparser: install ablations[test]")
    (content,) = feed(replace(site, base_url="https://example.org/a")).values()
    found = feedparser.parse(content)
    assert not found.bozo
    assert found.version == "atom10"
    assert [own.title for own in found.entries] == [
        "Another – ✗\u00a01\u00a0failed, ?\u00a01\u00a0inconclusive, ✓\u00a02\u00a0passed",
        "Cats or dogs: what did each step buy? – ✗\u00a01\u00a0failed, ?\u00a01\u00a0inconclusive, "
        "✓\u00a02\u00a0passed",
        "Cats or dogs: what did each step buy? – baseline: test accuracy ▲\u00a0improved; "
        "the change before it vanished",
        "Cats or dogs: what did each step buy? – baseline: test accuracy ▼\u00a0regressed",
    ]
    last = found.entries[-1]
    assert [own.term for own in last.tags] == ["regressed"]
    assert last.link == "https://example.org/a/cats-or-dogs/history/baseline-test-accuracy.html"
    assert last.summary.startswith("baseline: test accuracy ▼\u00a0regressed with 0000000000 (7 ")


def test_a_verdict_is_said_once_whatever_comes_after_it(
    site: Site, past: Callable[..., StudyHistory]
):
    def names(n: int, **changed) -> set[str]:
        shifts = (0.0,) * 6 + (-0.04,) * 3 + (0.0,) * 9
        return set(texts(Site([SiteStudy("a", None, past(shifts[:n], **changed))]), "id"))

    seen: set[str] = set()
    for n in range(1, 19):
        assert seen <= names(n)
        seen = names(n)
    assert len(seen) == 2
    assert names(18, title="Reworded", question="Why?") == seen
    assert names(18, slug="another").isdisjoint(seen)
    both = [SiteStudy("a", None, past()), SiteStudy("elsewhere/a", None, past())]
    assert len(texts(Site(both), "id")) == 2


def test_the_verdict_of_a_report_is_news_where_it_or_its_commit_is_another(site: Site):
    report = site.studies[1].report
    assert report is not None

    def name(**changed) -> str:
        own = replace(report, summary=report.summary.model_copy(update=changed))
        (found,) = texts(Site([SiteStudy("a", own, None)]), "id")
        return found

    summary = report.summary
    assert name() == name(answer=["Other words"], title="Other", finished_at="2027-01-01T00:00:00Z")
    failed = [own.model_copy(update={"status": "failed"}) for own in summary.gates]
    measured = summary.measured.model_copy(update={"environments": [{"commit": "abcdef1"}]})
    assert len({name(), name(gates=failed), name(measured=measured)}) == 3


def test_a_feed_keeps_the_newest_and_is_the_same_each_time(site: Site):
    report = site.studies[1].report
    assert report is not None
    many = [
        SiteStudy(
            f"s{i}",
            replace(report, summary=report.summary.model_copy(
                update={"slug": f"s{i}", "title": str(i), "finished_at": f"2026-01-01T00:{i // 60:02}:{i % 60:02}"}
            )),
            None,
        )
        for i in range(MOST + 20)
    ]  # fmt: skip
    shown = texts(Site(many), "title")
    assert len(shown) == MOST
    assert shown[0].startswith("119 – ")
    assert feed(Site(many)) == feed(Site(many[::-1]))


def test_a_site_without_a_result_has_an_empty_feed():
    assert texts(Site([]), "id") == []
    assert document(Site([])).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00+00:00"


def test_hostile_names_are_text(past: Callable[..., StudyHistory]):
    attack = '"]]></title><script>alert(1)</script>\x00\x1b\ud800&amp;'
    (title,) = set(texts(Site([SiteStudy("a", None, past(title=attack))]), "title")[:1])
    assert title.startswith('"]]></title><script>alert(1)</script>���&amp; – baseline')
