"""Texts that a study, a training or a record can hold are only ever text, whoever sets the page."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ablations.core.estimates import Curve
from ablations.core.findings import Failure, Findings
from ablations.core.metrics import MetricInfo
from ablations.core.record import Exhibit, Table
from ablations.core.study import Chapter, Study
from ablations.report.writing import render_report
from ablations.sites import make_posts, make_site
from ablations.text.escaping import (
    escape_entities,
    escape_markdown,
    fence,
    printable,
    quote_yaml,
)

Make = Callable[..., Findings]
PIECES = [
    "a", "B ", " ", "  ", "7", "é", "\n", "\n\n", "\t", "    ", "\x00", "\x1b", "\u2028", "\ud800",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "</summary>", "<!--",
    "<", ">", "&lt;", "&#60;", "&", "`", "```", "~~~", "~", "*", "**", "_", "__", "[", "]", "(", ")",
    "[x](javascript:alert(1))", "![y](z)", "[1]: http://evil", "[^1]", "[^1]: note", "*[a]: b", "|",
    '{: onclick="alert(1)"}', "{:.x}", "{::nomarkdown}", "{:/}", "{:x: onclick=y}", "{", "}", "{{", "}}",
    "{{ site.title }}", "{%", "%}", "{% raw %}", "{% endraw %}", "{% include x %}", "$", "$$", "$$x$$",
    "\\", "#", "# ", "- ", "+ ", "1. ", "1) ", "> ", ": ", "^", "---", "===", "***", ":--", "!", "=", '"', "'",
    "](figures/arms.svg)", "[ ] ", "http://evil", "<http://evil>", "<a@b.example>",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
TAGS = {
    "h1", "h2", "h3", "p", "em", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "img",
    "details", "summary", "pre", "code", "div", "blockquote", "br", "span", "html", "head", "body", "hr",
}  # fmt: skip
ATTRIBUTES = {"id", "href", "src", "alt", "class", "style", "markdown"}


class Seen(HTMLParser):
    """Collects the tags, attributes, targets and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.scripts = 0
        self.attributes: set[str] = set()
        self.targets: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(html: str) -> Seen:
    """Makes sure that a page holds nothing but what our templates set."""
    seen = Seen(html)
    assert seen.tags <= TAGS
    assert seen.attributes <= ATTRIBUTES
    assert not [target for target in seen.targets if "evil" in target or "script" in target]
    return seen


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_text_is_one_paragraph_of_text_in_markdown(text: str) -> None:
    escaped = escape_markdown(text)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(escaped)
    if not escaped:
        return
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    shown = "".join(child.content for child in children)
    assert shown.split() == printable(text.replace("\x0b", " ")).split()


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_text_stays_in_its_fence_and_its_tag(text: str) -> None:
    (block,) = MarkdownIt("gfm-like", {"linkify": False}).parse(fence(text, "text"))
    assert block.type == "fence"
    assert block.content.rstrip("\n") == printable(text).rstrip("\n")
    html = f"<details>\n<summary>{escape_entities(text)}</summary>\n\nx\n\n</details>"
    seen = Seen(MarkdownIt("gfm-like", {"linkify": False}).render(html))
    assert seen.tags == {"details", "summary", "p"}
    assert not set("\n{") & set(escape_entities(text))


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_a_title_is_one_line_of_yaml(text: str) -> None:
    line = quote_yaml(text)
    assert line.isprintable() or "\u2060" in line or "\ufffd" in line
    assert "<script" not in line
    assert "\n" not in line


def _document(texts: list[str]) -> str:
    """Sets texts in every place where our templates set them."""
    parts = []
    for i, text in enumerate(texts):
        plain, tag = escape_markdown(text), escape_entities(text)
        parts += [
            f"## {plain}", plain, f"*{plain}*", f"**{plain}**: {plain}", f"- {plain}\n- {plain}",
            f"![{plain}](figures/{i}.svg)", f"| a | {plain} |\n| --- | ---: |\n| {plain} | {plain} |",
            f'<details markdown="1">\n<summary>{tag} of {tag}</summary>\n\n{fence(text, "text")}\n\n'
            f"{plain}\n\n</details>", f"> **{plain}**", f"{plain} [CSV](data/{i}.csv)",
        ]  # fmt: skip
    return "\n\n".join(parts)


_RUBY = """
require 'kramdown'
require 'kramdown-parser-gfm' if ARGV[0] == 'GFM'
print Kramdown::Document.new($stdin.read.force_encoding('utf-8'), input: ARGV[0]).to_html
"""


@pytest.mark.parametrize("reader", ["GFM", "kramdown"])
def test_kramdown_reads_text_as_text(reader: str) -> None:
    known = subprocess.run(["ruby", "-e", "require 'kramdown-parser-gfm'"], capture_output=True, check=False) if shutil.which("ruby") else None  # fmt: skip
    if known is None or known.returncode:
        pytest.skip("no kramdown: install the packages ruby-kramdown and ruby-kramdown-parser-gfm")
    rng = random.Random(3)
    texts = ["".join(rng.choices(PIECES, k=rng.randint(1, 8))) for _ in range(150)] + PIECES
    done = subprocess.run(
        ["ruby", "-e", _RUBY, reader], input=_document(texts).encode(errors="replace"),
        capture_output=True, check=True,
    )  # fmt: skip
    seen = harmless(done.stdout.decode())
    assert seen.text.count("onerror=alert(1)") > 100


ATTACK = (
    '"\n```\n~~~\n</details>\n\n<script>alert(1)</script>\n{: onclick="alert(1)"}\n{{ 1 }}{% x %}'
)


@pytest.fixture(scope="module")
def attacked(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose every text is an attack."""
    factors = {ATTACK: {"off": {}, ATTACK: {"k": ATTACK}}, "b": {"x": {}, "y\x00": {}}}
    metric = MetricInfo(ATTACK, "number", "higher")
    found = make(title=f"{ATTACK}\x1b\x00", question=ATTACK, factors=factors, metric=metric)
    table = Table((ATTACK, "b"), ((ATTACK, 1.0), ("{: onclick=x}", None)))
    exhibits = (Exhibit(ATTACK, ATTACK, "study", '{: onclick="alert(1)"}', table, alt=ATTACK),)
    arms = tuple(
        replace(
            arm,
            exhibits=exhibits,
            curves=(*arm.curves, *(Curve(s, ATTACK, (0.5, 0.6)) for s in (0, 1, 2))),
        )
        for arm in found.arms
    )
    chapters = tuple(Chapter(f"{ATTACK}{i}", dict(arm.arm.levels)) for i, arm in enumerate(arms))
    study: Study = replace(found.study, chapters=chapters, source=ATTACK)
    failures = (Failure(arms[0].arm, 0, "raised", f"{ATTACK}\x00\ud800"),)
    environments = (({ATTACK: ATTACK, "python": "\x1b[31m"}, 24),)
    found = replace(
        found, study=study, arms=arms, exhibits=exhibits, failures=failures, n_failed=1,
        environments=environments, data=(ATTACK,),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("attacked")
    render_report(found, folder)
    return folder


def test_no_text_runs_on_the_page_or_in_a_figure(attacked: Path, tmp_path: Path) -> None:
    for name in ("index.html", "cats-or-dogs/index.html"):
        make_site([attacked], tmp_path / "site")
        seen = Seen((tmp_path / "site" / name).read_text(encoding="utf-8"))
        assert seen.scripts == (name != "index.html")  # ours
        assert not [name for name in seen.attributes if name.startswith("on")]
        assert not set("\x00\x1b") & set(seen.text)
    for figure in (attacked / "cats-or-dogs").rglob("*.svg"):
        ET.parse(figure)


def test_no_text_runs_in_a_blog_that_jekyll_builds(attacked: Path, tmp_path: Path) -> None:
    blog = tmp_path / "blog"
    (blog / "_posts").mkdir(parents=True)
    (blog / "_layouts").mkdir()
    (blog / "_layouts" / "post.html").write_text("<h1>{{ page.title }}</h1>\n{{ content }}")
    (blog / "_config.yml").write_text("title: Mine\n")
    (post,) = make_posts([attacked], blog)
    assert "\x00" not in post.read_text(encoding="utf-8")
    if shutil.which("jekyll") is None:
        pytest.skip("no Jekyll: install the package jekyll")
    command = ["jekyll", "build", "--quiet", "--source", str(blog), "--destination", str(blog / "_site")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (page,) = (blog / "_site").glob("2026/**/*.html")
    seen = harmless(page.read_text(encoding="utf-8"))
    assert "{{ 1 }}{% x %}" in seen.text
    assert seen.text.count("alert(1)") > 50
