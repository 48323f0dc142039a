"""A policy allows what stands in the head of a page, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.formats.html import looking, render_html
from ablations.report.formats.policy import allowing, digest, rules_of, sealed

META = '<meta http-equiv="Content-Security-Policy" content="{}">'
PAGE = "<head>" + META + "<style>a{{}}</style><script>1</script></head><body><style>b{{}}</style>"


def test_styles_and_scripts_of_the_head_are_allowed_by_their_digests() -> None:
    page = sealed(PAGE.format("default-src 'none'"))
    assert rules_of(page) == {
        "default-src": "'none'",
        "style-src": digest("a{}"),
        "script-src": digest("1"),
    }
    assert digest("b{}") not in page
    assert sealed(page) == page


def test_a_rule_that_allows_all_stays_since_a_digest_would_narrow_it() -> None:
    page = sealed(PAGE.format("style-src 'unsafe-inline'"))
    assert rules_of(page) == {"style-src": "'unsafe-inline'", "script-src": digest("1")}


def test_a_page_without_a_policy_or_a_head_stays_as_it_is() -> None:
    assert sealed("<style>a{}</style>") == "<style>a{}</style>"
    assert rules_of("x") == {}
    assert allowing("x", {"a": "b"}) == "x"


def test_no_page_of_ours_allows_what_it_does_not_name() -> None:
    page = render_html("index.html.j2", ())
    policy = rules_of(page)
    assert "unsafe" not in str(policy)
    assert policy["style-src"] == digest(re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0])
    assert policy["default-src"] == "'none'"


OURS = '{% extends "ablations/index.html.j2" %}{% block body %}'


@pytest.mark.parametrize(
    "inline",
    [
        '<p style="color:red">', "<p onclick='x()'>", "<style>p{}</style>", "<script>1</script>",
        "<P STYLE=color:red>",
    ],
)  # fmt: skip
def test_what_a_browser_would_leave_out_of_a_look_is_refused(tmp_path: Path, inline: str) -> None:
    (tmp_path / "index.html.j2").write_text(OURS + inline + "{% endblock %}")
    with looking(tmp_path), pytest.raises(StudyError) as error:
        render_html("index.html.j2", ())
    shown = inline.partition(">")[0] + ">"
    assert str(error.value) == (
        f"{tmp_path}/index.html.j2: the policy of the page does not allow this. Received: {shown}. "
        "Write styles into style.css of the look, and leave scripts out."
    )
    (tmp_path / "index.html.j2").write_text(OURS + "<p class=mine>{% endblock %}")  # the cure
    with looking(tmp_path):
        assert "<p class=mine>" in render_html("index.html.j2", ())


def test_texts_that_only_look_like_it_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "index.html.j2").write_text(OURS + "<p title=\"a style='x' onclick=1\">{{ page }}{% endblock %}")  # fmt: skip
    with looking(tmp_path):
        page = render_html("index.html.j2", '<p style="x">')
    assert "&lt;p style=&#34;x&#34;&gt;" in page


def test_a_look_with_a_policy_of_its_own_may_do_as_it_likes(tmp_path: Path) -> None:
    base = META.format("style-src 'unsafe-inline'") + "<p style='x'>{% block body %}{% endblock %}"
    blocks = "".join(f"{{% block {name} %}}{{% endblock %}}" for name in ("title", "description", "policy", "script"))  # fmt: skip
    (tmp_path / "_base.html.j2").write_text(base + blocks)
    with looking(tmp_path):
        assert "<p style='x'>" in render_html("index.html.j2", ())
