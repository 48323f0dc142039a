"""What studies and findings show of themselves in a notebook."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from ablations.analyze.compare.side_by_side import compare
from ablations.analyze.compare.synthesis import synthesize
from ablations.core.findings import Findings
from ablations.report.blocks import Extras
from ablations.report.formats.html import html
from ablations.report.formats.markdown import markdown
from ablations.report.opening import make_report
from ablations.report.words.answer import answer
from ablations.text.side_by_side import comparison_caveats, comparison_sentences
from ablations.text.synthesis import pooled_sentences, synthesis_caveats


def texts(shown: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", shown, flags=re.DOTALL))


def test_findings_show_the_words_and_numbers_of_the_report(findings: Findings) -> None:
    report = make_report(findings, Extras())
    page = texts(str(html(report)["index.html"]))
    post = str(next(iter(markdown(report).values())))
    shown, text = findings._repr_html_(), findings._repr_markdown_()
    for sentence in (*answer(findings).sentences, *answer(findings).caveats):
        assert sentence in texts(shown)
    for cell in re.findall(r"<t[dh][^>]*>([^<]+)</t[dh]>", shown):
        assert unescape(cell) in page
    for line in text.splitlines()[1:]:
        assert not line or line in post or line.startswith(("**", "*")), line
    assert "| augmentation |" in text


def test_nothing_in_them_leads_to_a_page_or_has_an_id(findings: Findings) -> None:
    shown = findings._repr_html_() + findings.study._repr_html_()
    assert "href" not in shown
    assert " id=" not in shown
    assert "](" not in findings._repr_markdown_()


def test_names_are_shown_as_text(findings: Findings) -> None:
    study = replace(findings.study, title="<b>x</b> | *y*")
    renamed = replace(findings, study=study)
    for shown in (renamed._repr_html_(), study._repr_html_()):
        assert "&lt;b&gt;x&lt;/b&gt;" in shown
    for shown in (renamed._repr_markdown_(), study._repr_markdown_()):
        assert "&lt;b>x&lt;/b>" in shown


def test_a_study_shows_its_arms_and_what_levels_set(findings: Findings) -> None:
    study = findings.study
    shown = texts(study._repr_html_())
    assert study.question in shown
    for factor in study.factors:
        for level in factor.levels:
            assert level.name in shown
    assert study._repr_markdown_().startswith(f"**{study.title}**")


def test_ipython_on_a_terminal_shows_the_words_too(findings: Findings) -> None:
    printed: list[str] = []

    class Printer:
        def text(self, words: str) -> None:
            printed.append(words)

    findings._repr_pretty_(Printer(), False)
    findings.study._repr_pretty_(Printer(), False)
    assert printed == [findings._repr_markdown_(), findings.study._repr_markdown_()]


def test_a_python_prompt_names_them_in_a_line(findings: Findings) -> None:
    named = findings.study.report_name
    assert repr(findings) == f"<Findings of {named}: 8 arms, 24 of 24 trials completed>"


def test_several_studies_show_their_answer_what_limits_it_and_a_table(make, findings) -> None:
    others = [make(slug=f"study-{i}", gains={"augmentation": i / 50}) for i in range(2)]
    apart = [
        replace(own, trials=tuple(replace(t, key=f"{i}{t.key}") for t in own.trials))
        for i, own in enumerate(others)
    ]
    together = synthesize(apart)
    beside = compare({"<b>one</b>": others[0], "two": others[1]})
    assert len(repr(together)) + len(repr(beside)) < 200
    for found, words in (
        (together, (*pooled_sentences(together), *synthesis_caveats(together))),
        (beside, (*comparison_sentences(beside), *comparison_caveats(beside))),
    ):
        shown = found._repr_html_()
        for sentence in words:
            assert sentence in texts(shown)
        assert "<b>one" not in shown
        assert "href" not in shown
        assert "<table" in shown
        assert found._repr_markdown_().startswith(("**Studies together**", "**Side by side**"))
