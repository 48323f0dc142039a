"""The answers to the checklist say what was computed, with the study's own numbers."""

from __future__ import annotations

import re
from dataclasses import replace

from ablations.core.study import Adaptive, Import
from ablations.report.words.checklist import DUNN, HOLM, LOOKS, STUDENT, checklist


def test_each_question_has_the_numbers_of_the_study(findings):
    text = checklist(findings)
    assert re.findall("^## ([0-9])", text, re.MULTILINE) == ["6", "7", "8"]
    assert text.count("\n### ") == 5
    assert f"each of {len(findings.effects)} effects has a 95% interval over seeds" in text
    assert "The intervals are over 3 seeds, each a complete training of every arm." in text
    assert f"adjusted for {findings.effects[0].family_size} comparisons by Holm's" in text
    assert "That is 4.30 standard errors with 3 seeds. The sample SD" in text
    assert "None: all trials completed.\n" in text
    assert "docs/" not in text


def test_only_the_seeds_of_the_study_are_named(make):
    assert "That is 2.78 standard errors with 5 seeds. " in checklist(make(seeds=range(5)))
    assert "there are no error bars" in checklist(make(seeds=(0,)))


def test_methods_have_their_published_source(findings, make):
    def sources(text):
        return [own for own in (STUDENT, DUNN, HOLM, LOOKS) if own in text]

    assert sources(checklist(findings)) == [STUDENT, HOLM]
    assert sources(checklist(make(margin=0.01))) == [STUDENT, DUNN, HOLM]
    adaptive = replace(findings, study=replace(findings.study, adaptive=Adaptive(3, 9)))
    assert sources(checklist(adaptive)) == [STUDENT, DUNN, LOOKS]


def test_what_only_the_author_knows_is_marked(findings):
    own = replace(findings, study=replace(findings.study, entry="mine:train"))
    assert "TODO: what mine:train draws from the seed" in checklist(own)
    imported = replace(findings, study=replace(findings.study, imported=Import("seed", ())))
    assert "TODO: what differs between the runs of one arm, which another tool" in checklist(
        imported
    )
    assert "A seed draws first weights" in checklist(findings)
    assert checklist(findings).count("TODO: how these settings were chosen") == 1


def test_settings_and_machine_are_those_of_the_records(findings):
    text = checklist(findings)
    assert "on the data cats-vs-dogs-2f1d0c, with these settings:\n\n- dataset = cats" in text
    assert "\n- initialization = transfer: base = MobileNetV2, freeze = true\n" in text
    assert "Yes. 24 trials took 24\u202fmin 0\u202fs in all" in text
    assert "from 1\u202fmin 0\u202fs to 1\u202fmin 0\u202fs each" in text
    assert "\n- 24 trials: cpu AMD EPYC 7B13, 2 cores, device cpu\n" in text
    assert "A worker held up to 1.8\u202fGB of memory." in text


def test_trials_that_failed_are_counted(failed):
    assert f"{failed.n_failed} trials failed" in checklist(failed)


def test_settings_are_no_markup(findings):
    settings = {"name": "<script>*x*</script>"}
    own = replace(findings, study=replace(findings.study, settings=settings))
    assert "\n- name = &lt;script>\\*x\\*&lt;/script>\n" in checklist(own)
