"""Which arm validation selected, and what it scores."""

from __future__ import annotations

from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import (
    HELD_OUT_ACCURACY,
    TEST_IN_ANY_VALIDATION,
    heading,
    shown_in,
)
from ablations.report.blocks import Block, Prose, Table, linked, present
from ablations.report.tables import make_table
from ablations.report.words.glossary import SELECTED, validation_data
from ablations.text.formatting import count, counted, low_to_high, metric_name, number, sentence
from ablations.text.naming import arm_label, named_arm
from ablations.text.sentences import mean_estimate


def score(findings: Findings) -> tuple[Block, ...]:
    """Says which arm was selected and what it scores, and whether its test data were unseen."""
    arm = findings.arm(findings.best) if findings.best else None
    return present(chosen(findings), _reused(arm), _table(findings, arm)) if arm else ()


def chosen(findings: Findings) -> Prose | None:
    """Says how the best arm was selected, what that does to its mean, and what it scores."""
    arm = findings.arm(findings.best) if findings.best else None
    found = arm.summaries.get(findings.metric.name) if arm else None
    if arm is None or found is None or found.mean is None:
        return None
    name, metric = named_arm(findings.study, arm.arm), metric_name(findings.metric.name)
    by = metric_name(findings.best_by or findings.metric.name)
    basis = f"95% interval, {counted(found.n, 'seed')}" if found.interval else "one seed"
    same = findings.best_by == findings.metric.name
    text = (
        f"From {counted(len(findings.arms), 'arm')}, {name} was selected by its mean {by}, "
        f"{'the number that it is also scored by' if same else validation_data(findings)}. "
        f"{SELECTED} "
        f"{sentence(metric)}: {mean_estimate(found)} ({basis})."
    )
    return linked(text, "#score-table", "the scores")


def _reused(arm: ArmFinding) -> Prose | None:
    """Says how many test images were seen in validation, and what unseen ones would give."""
    names = (TEST_IN_ANY_VALIDATION, HELD_OUT_ACCURACY)
    seen, held_out = (arm.summaries.get(name) for name in names)
    if seen is None or not seen.mean:
        return None
    text = (
        f"Of these test images, {number(seen.mean, 'fraction')} were validation images in some "
        "epoch, so the score is not independent of the selection."
    )
    if held_out is not None and held_out.mean is not None:
        reached = mean_estimate(held_out)
        text += f" On all images held out from training, the same arm reaches {reached}."
    return linked(text, "#score-table", "the scores")


def _table(findings: Findings, arm: ArmFinding) -> Table | None:
    """One row per number of the selected arm."""
    added = (entry.name for entry in shown_in("score"))
    names = dict.fromkeys((findings.best_by or "", findings.metric.name, *added))
    shown = [arm.summaries[name] for name in names if name in arm.summaries]
    if not shown:
        return None
    columns = ["seeds", "mean, 95% interval", "min to max"]
    rows = [[_title(findings, found), *_numbers(found)] for found in shown]
    caption = f"The selected arm, ‘{arm_label(findings.study, arm.arm)}’, over its seeds"
    return make_table(caption, ["number", *columns], rows, numeric=columns, name="score")


def _title(findings: Findings, found: Summary) -> str:
    name = found.metric.name
    by = ", by which it was selected" if name == findings.best_by else ""
    return f"{heading('score', name) or metric_name(name)}{by}"


def _numbers(found: Summary) -> list[str]:
    spread = low_to_high(found.minimum, found.maximum, found.metric.unit)
    return [count(found.n), mean_estimate(found), spread]
