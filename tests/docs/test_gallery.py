"""The figures of reports on pages of the documentation, and what its pages gain for all readers."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def conf():
    return runpy.run_path(str(ROOT / "docs" / "conf.py"))


def test_the_gallery_has_a_figure_of_each_report_in_the_colours_of_the_page(conf):
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    source = [text]
    conf["_adapt"](None, "gallery", source)
    reports = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("reports/*/*/index.html")}
    assert reports == {
        f"reports/{own}" for own in re.findall(r"site:\.\./(.+)/index\.html", source[0])
    }
    pictures = re.findall(r"^!\[.+\]\(\.\./(.+)/figures/.+\.svg\)$", text, re.MULTILINE)
    assert sorted(pictures) == sorted(reports)
    assert (
        source[0].count('<svg class="wide"')
        == source[0].count('<svg class="narrow"')
        == len(reports)
    )
    assert "![" not in source[0]
    ids = re.findall(r' id="([^"]+)"', source[0])
    assert len(ids) == len(set(ids)) > 0
    assert set(re.findall(r'url\(#(.+?)\)| href="#(.+?)"', source[0])) <= {
        *((i, "") for i in ids),
        *(("", i) for i in ids),
    }
    used = set(re.findall(r"var\(--(\w+)\)", source[0]))
    assert all(f"--{name}:" in conf["_colours"]() for name in used)
    assert "<image" not in source[0]


def test_pages_are_completed_once(conf, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(
        '<aside class="sidebar-drawer"><p class="caption" role="heading">Begin</p></aside>'
        '<pre>$ ls</pre><div class="table-wrapper docutils container"><table><th></th><th class="head"><p></p></th></table></div>'
        '<aside class="toc-drawer no-toc"></aside>'
    )
    sphinx = SimpleNamespace(outdir=str(tmp_path), builder=SimpleNamespace(format="html"))
    for _ in range(2):
        conf["_complete"](sphinx, None)
        assert page.read_text() == (
            '<aside class="sidebar-drawer" aria-label="Site"><p class="caption" role="heading" aria-level="2">Begin</p></aside>'
            '<pre tabindex="0">$ ls</pre><div class="table-wrapper docutils container" tabindex="0"><table><td></td><td class="head"></td></table></div>'
            '<aside class="toc-drawer no-toc" aria-label="Page"></aside>'
        )


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (
            '<h1>A</h1><p>Say <b>“x” or "y"</b>\nto it.</p><p>No.</p>',
            "Say “x” or &quot;y&quot; to it.",
        ),
        ("<p>" + 99 * "word " + "</p>", 38 * "word " + "word …"),
        ("", "The documentation of ablations"),
    ],
)
def test_a_page_is_described_by_its_first_paragraph(conf, body, about):
    page = {"body": body, "metatags": "<meta>"}
    conf["_describe"](None, "", "", page, None)
    assert page["metatags"] == f'<meta><meta name="description" content="{about}">'
