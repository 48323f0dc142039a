"""Summaries and comments keep GitHub's limits, put the verdict first, and hold no one's markup."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from ablations.report.formats.checks.github_summary import github_summary
from ablations.report.formats.checks.pull_request import pull_request
from ablations.text.judged import judged_decision


def comment(decision) -> str:
    return str(pull_request(judged_decision(decision))["pull-request.md"])


def html(text: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(text)


def test_the_mark_comes_first_then_the_verdict_then_what_needs_attention(decision):
    lines = [line for line in comment(decision).splitlines() if line]
    assert lines[0] == "<!-- ablations: cats-or-dogs -->"
    assert lines[1] == "### ✗ Cats or dogs: what did each step buy?: failed"
    assert lines[2] == "- ✗ Gates: 2 passed, 1 failed and 1 inconclusive."
    assert lines[3].startswith("Between the arms: Transfer instead of scratch helped the most")
    assert lines[4].startswith("- ✗ Of ‘augmentation + transfer’")
    assert lines[5].startswith("- ? Of ‘transfer’")
    assert lines[6] == "<details><summary>4 gates</summary>"


def test_the_past_has_its_own_line_and_table(against):
    text = comment(against)
    assert "- ✗ Against main:report.json: 8 regressed." in text
    assert "<details><summary>8 comparisons with the past</summary>" in text
    assert "| verdict | arm | what | then | now | change | seeds |" in text


def test_a_table_is_a_table(decision):
    page = html(comment(decision))
    assert page.count("<table>") == 3
    assert page.count("<tr>") == (1 + 4) + (1 + 8) + (1 + 6)


def test_names_are_no_markup_and_call_nobody(hostile):
    text = comment(hostile)
    page = html(text)
    tags = set(re.findall(r"</?([a-z0-9]+)[^>]*>", page))
    own = {
        "h3",
        "ul",
        "li",
        "p",
        "strong",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert tags <= own
    assert not re.search(r"@\w|[#]\d|://\w|www\.|:tada:", page)
    assert [line for line in text.splitlines() if line.startswith("::")] == []
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {4, 5, 7, 8}


def test_a_comment_on_256_arms_has_less_than_65536_characters_and_says_what_is_left_out(large):
    text = comment(large)
    assert 60_000 < len(text.encode(errors="replace")) <= 65_000
    assert re.search(r"^and \d+ more checks$", text.replace("\u202f", ""), re.MULTILINE)
    assert text.count("<details>") == text.count("</details>") == 4


def test_a_summary_of_256_arms_is_below_a_mebibyte(large):
    text = str(github_summary(judged_decision(large))["github-summary.md"])
    assert 65_536 < len(text.encode(errors="replace")) <= 1_000_000 < 2**20
    assert not text.startswith("<!--")


def test_a_study_that_has_not_run_has_a_summary(nothing, decide):
    text = str(github_summary(judged_decision(decide(nothing)))["github-summary.md"])
    assert text.startswith("### … Cats or dogs: what did each step buy?: incomplete")
    assert "There is no answer yet: no trial has completed." in text
