"""The search page finds studies and arms, without a server and without another host."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ablations.report.formats.policy import digest, rules_of
from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.report.site.search import search
from ablations.sites import make_site

CHROMIUM = shutil.which("chromium")


def page(site: Site) -> str:
    (text,) = search(site).values()
    assert isinstance(text, str)
    return text


def shown(path: Path, query: str = "") -> list[str]:
    """Opens the page as a browser does, from its file, and returns the studies that it shows."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
               "--disable-background-networking", "--disable-component-update", "--dump-dom"]  # fmt: skip
    command = [str(CHROMIUM), *options, f"--user-data-dir={path.parent}/browser", f"{path.as_uri()}{query}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    rows = re.findall(r"<li( hidden=\"\")?><a href=\"[^\"]*\">([^<]*)</a>", done.stdout)
    return [title for hidden, title in rows if not hidden]


def test_the_page_lists_all_studies_and_arms_without_a_script(site: Site):
    text = page(site)
    assert re.findall(r'<li><a href="([^"]+)">([^<]+)</a>', text) == [
        ("cats-or-dogs/index.html", "Cats or dogs: what did each step buy?"),
        ("deep/other/index.html", "Another"),
    ]
    assert text.count("baseline · ") == 2
    assert "✓\u00a02\u00a0passed · 12 commits</p>" in text
    assert '<form class="search" role="search" action="search.html" hidden>' in text


def test_the_page_allows_its_own_script_and_no_other(site: Site):
    text = page(site)
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    rules = rules_of(text)
    assert rules["script-src"] == digest(script)
    assert rules["default-src"] == "'none'"
    assert "fetch" not in script


@pytest.mark.skipif(CHROMIUM is None, reason="no browser: install the package chromium")
def test_a_browser_finds_studies_and_arms_in_the_file(site: Site, tmp_path: Path):
    own = site.studies[1]
    assert own.report is not None
    arms = [arm.model_copy(update={"words": "dropoût 0.3"}) for arm in own.report.summary.arms]
    summary = own.report.summary.model_copy(update={"arms": arms})
    path = tmp_path / "search.html"
    path.write_text(page(Site([site.studies[0], replace(own, report=replace(own.report, summary=summary))])))  # fmt: skip
    assert shown(path, "?q=DROPOUT+0.3") == ["Another"]
    assert shown(path, "?q=baseline") == ["Cats or dogs: what did each step buy?"]


def test_a_hundred_studies_take_less_than_fifty_kilobytes(site: Site):
    first = site.studies[0]
    assert first.report is not None
    assert len(first.report.summary.arms) == 8
    many = [replace(first, place=f"studies/study-number-{i}") for i in range(100)]
    index = len(page(Site(many)).encode()) - len(page(Site([])).encode())
    assert index < 50_000


def test_hostile_names_are_text(past: Callable[..., StudyHistory]):
    attack = '"></li></ul><script>alert(1)</script><img src=x onerror=alert(1)>\x00'

    class Scripts(HTMLParser):
        found = 0

        def handle_starttag(self, tag, attrs):
            self.found += tag in ("script", "img")

    scripts = Scripts()
    scripts.feed(page(Site([SiteStudy(attack.replace("/", "|"), None, past(title=attack, question=attack))])))  # fmt: skip
    assert scripts.found == 1


def test_the_index_leads_to_the_search(tmp_path: Path):
    built = make_site([Path(__file__).parents[3] / "reports"], tmp_path / "site")
    index = built.read_text(encoding="utf-8")
    assert '<form class="search" role="search" action="search.html">' in index
    assert "form-action 'self'" in index
    assert (built.parent / "search.html").is_file()
