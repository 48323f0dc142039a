from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from ablations.report.formats.html import render_html
from ablations.text.escaping import escape_markdown

TEXTS = [
    "a|b *c* _d_ `e` test_accuracy",
    "[x](http://evil) ![y](z) <script>alert(1)</script> &amp; <!-- c -->",
    "p < 0.001, [93.1, 96.8], a < b & c > d",
    "[1.0](x) back\\slash ~~gone~~",
]


@pytest.mark.parametrize("text", TEXTS)
def test_escaped_text_reads_as_itself(text: str) -> None:
    (inline,) = [
        token for token in MarkdownIt("gfm-like", {"linkify": False}).parse(
            f"x {escape_markdown(text)}"
        ) if token.type == "inline"
    ]  # fmt: skip
    assert inline.children is not None
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    assert "".join(child.content for child in inline.children) == f"x {text}"


def test_plain_numbers_stay_readable_in_the_source() -> None:
    assert escape_markdown("95.4% [93.1, 96.8], p < 0.001") == "95.4% [93.1, 96.8], p < 0.001"


def test_text_stays_on_one_line() -> None:
    assert escape_markdown("a\n# b\r\n\tc") == "a # b c"


def test_a_name_that_a_template_does_not_know_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="has no attribute"):
        render_html("report.html.j2", object())
