"""Each page of a site leads back, names the feed and, where its address is known, itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from ablations.report.formats.html import looking, render_html
from ablations.report.formats.policy import digest, rules_of
from ablations.report.site.around import surrounded
from ablations.report.site.contents import Site, SiteStudy, StudyHistory

PAGE = "<head><title>x</title>\n</head>\n<body>\n<!-- home -->\n</body>"


def around(path: str, study: SiteStudy | None = None, base_url: str | None = None) -> str:
    (text,) = surrounded({path: PAGE}, study, base_url).values()
    assert isinstance(text, str)
    return text


def trail(text: str) -> list[tuple[str, str]]:
    return re.findall(r'<li><a href="([^"]+)">([^<]+)</a></li>', text)


def test_the_way_back_goes_through_all_pages_above(site: Site):
    study, title = site.studies[0], "Cats or dogs: what did each step buy?"
    assert trail(around("index.html")) == []
    assert trail(around("search.html")) == [("index.html", "All studies")]
    assert trail(around("cats-or-dogs/index.html", study)) == [("../index.html", "All studies")]
    assert trail(around("cats-or-dogs/history/index.html", study)) == [
        ("../../index.html", "All studies"), ("../index.html", title),
    ]  # fmt: skip
    assert trail(around("cats-or-dogs/history/a.html", study)) == [
        ("../../index.html", "All studies"), ("../index.html", title), ("index.html", "History"),
    ]  # fmt: skip
    alone = SiteStudy("deep/a b", None, study.history)
    assert trail(around("deep/a b/history/index.html", alone)) == [("../../../index.html", "All studies")]  # fmt: skip
    assert trail(around("deep/a b/history/x.html", alone)) == [
        ("../../../index.html", "All studies"), ("index.html", title),
    ]  # fmt: skip
    assert '<a href="history/index.html">History' in around("cats-or-dogs/index.html", study)
    assert ">History over" not in around("deep/other/index.html", site.studies[1])


@pytest.mark.parametrize("base_url", [None, "https://example.org/a"])
def test_pages_name_the_feed_and_full_addresses_only_where_they_are_known(
    site: Site, base_url: str | None
):
    text = around("deep/other/index.html", site.studies[1], base_url)
    head, _, _ = text.partition("</head>")
    assert '<link rel="alternate" type="application/atom+xml" title="Verdicts" href="../../feed.xml">' in head  # fmt: skip
    assert '<meta property="og:title" content="Another">' in head
    full = re.findall(r'(?:href|content)="(https[^"]+)"', head)
    page, image = "https://example.org/a/deep/other/index.html", "https://example.org/a/deep/other/preview.png"  # fmt: skip
    assert full == ([page, page, image] if base_url else [])


def test_what_is_no_page_stays_as_it_is(site: Site):
    files = {"a/x.html": b"<!-- home --></head>", "a/x.json": "<!-- home --></head>"}
    assert surrounded(files, site.studies[0], None) == files


def test_hostile_names_are_text(past: Callable[..., StudyHistory]):
    attack = '"><script>alert(1)</script><!-- home --></head>'
    study = SiteStudy("a", None, past(title=attack, question=attack))
    text = around("a/history/x.html", study, "https://example.org")
    assert "<script" not in text
    assert text.count("</head>") == 1
    assert unescape(trail(text)[1][1]) == attack


def test_each_template_of_a_page_has_the_place_for_the_way_back():
    templates = Path(__file__).parents[3] / "templates"
    pages = [own for own in templates.glob("[!_]*.html.j2") if "_base.html.j2" in own.read_text()]
    assert len(pages) >= 3
    for own in pages:
        assert ("<!-- home -->" in own.read_text()) == (own.name != "index.html.j2"), own.name
    assert "</head>" in render_html("search.html.j2", type("Page", (), {"rows": (), "digest": ""}))


def test_the_policy_allows_the_styles_that_a_site_adds_and_leaves_older_pages_theirs(
    tmp_path: Path,
):
    (tmp_path / "style.css").write_text("h1{color:red}")
    meta = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {}">'
    head = "<head>{}</head><!-- home -->"
    with looking(tmp_path):
        files = {
            "index.html": head.format(meta.format("style-src 'sha256-x'")),
            "old.html": head.format(meta.format("style-src 'unsafe-inline'")),
        }
        made = surrounded(files, None, None)
    page, old = str(made["index.html"]), str(made["old.html"])
    assert page.count("<style>") == 2
    for style in re.findall(r"<style>(.*?)</style>", page, re.DOTALL):
        assert digest(style) in rules_of(page)["style-src"]
    assert rules_of(page)["connect-src"] == "'self'"
    assert rules_of(old)["style-src"] == "'unsafe-inline'"
