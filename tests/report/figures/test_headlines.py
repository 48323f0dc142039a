"""The first figure's headline says no more than the verdicts support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ablations.core.findings import Findings
from ablations.report.figures.headlines import arms_headline
from ablations.text.formatting import THIN

NO_GAIN = dict.fromkeys(("augmentation", "preprocessing", "initialization"), 0.0)


def headline(findings: Findings) -> str:
    return arms_headline(findings).replace(THIN, " ")


def test_the_best_arm_is_named_beside_the_baseline(findings: Findings) -> None:
    best = "‘augmentation + preprocessing + transfer’"
    assert headline(findings).startswith(
        f"Chosen by validation accuracy, {best} has test accuracy "
    )
    assert headline(findings).endswith(" for the baseline")
    own = replace(findings, best_by="test_accuracy")
    assert headline(own).startswith(f"{best} has the best test accuracy: ")
    metric = replace(findings.metric, name="best_val_accuracy")
    summaries = [
        replace(a, summaries={metric.name: a.summaries["test_accuracy"]}) for a in own.arms
    ]
    chosen = replace(own, metric=metric, best_by=metric.name, arms=tuple(summaries))
    assert " has the best validation accuracy: " in headline(chosen)


def test_under_an_answer_that_decides_nothing_it_is_no_winner(
    make: Callable[..., Findings],
) -> None:
    found = make(gains=NO_GAIN, interaction=0.0, noise=0.02)
    assert {e.verdict for e in found.effects} == {"inconclusive"}
    assert headline(found).startswith("No change is shown to help; chosen by validation ")
    baseline = replace(found, best=found.study.reference, best_by="test_accuracy")
    assert headline(baseline).startswith(
        "No change is shown to help; the baseline has the best test accuracy: "
    )
    assert headline(replace(found, effects=())).startswith("Chosen by ")
