"""The answers to the checklist say what was computed, with the study's own numbers."""

from __future__ import annotations

from ablations.report.words.checklist import checklist


def test_each_question_has_the_numbers_of_the_study(findings):
    text = checklist(findings)
    assert text.count("\n## ") == 6
    assert f"each of {len(findings.effects)} effects has a 95% interval over seeds" in text
    assert f"over {len(findings.study.seeds)} seeds and capture" in text
    assert f"adjusted for {findings.effects[0].family_size} comparisons by " in text
    assert "4.3 standard errors to each side with 3 seeds" in text
    assert text.endswith("None: all trials completed.\n")


def test_trials_that_failed_are_counted(failed):
    assert f"{failed.n_failed} trials failed" in checklist(failed)
