"""Which arm validation chose, and what it scores."""

from __future__ import annotations

from ablations.core.estimates import ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import HELD_OUT_ACCURACY, TEST_IN_ANY_VALIDATION
from ablations.report.blocks import Prose, linked
from ablations.text.formatting import counted, estimate, metric_name, number
from ablations.text.naming import named_arm


def best_arm(findings: Findings) -> ArmFinding | None:
    """Returns the arm that was chosen, if one is the best."""
    return findings.arm(findings.best) if findings.best else None


def chosen(findings: Findings) -> Prose | None:
    """Names the arm that validation chose, and its score on the study's metric."""
    arm, metric = best_arm(findings), findings.metric
    found = arm.summaries.get(metric.name) if arm else None
    if arm is None or found is None or found.mean is None:
        return None
    name = named_arm(findings.study, arm.arm)
    shown = estimate(found.mean, ends(found.interval), metric.unit)
    basis = f"95% interval, {counted(found.n, 'seed')}" if found.interval else "one seed"
    scored = f"{metric_name(metric.name)} {shown} ({basis})"
    if findings.best_by == metric.name:
        text = f"{name} is best by the very number it is scored by, which flatters it: {scored}."
    else:
        by = metric_name(findings.best_by or metric.name)
        text = f"By {by}, {name} is chosen. This section gives only its score: {scored}."
    return linked(text, "#score-table", "the scores")


def reused(findings: Findings) -> Prose | None:
    """Says how many test images were seen in validation, and what unseen ones would give."""
    arm = best_arm(findings)
    names = (TEST_IN_ANY_VALIDATION, HELD_OUT_ACCURACY)
    seen, held_out = (arm.summaries.get(name) if arm else None for name in names)
    if seen is None or not seen.mean:
        return None
    text = (
        f"These test images are not unseen: {number(seen.mean, 'fraction')} of them were "
        "validation images in some epoch."
    )
    if held_out is not None and held_out.mean is not None:
        shown = estimate(held_out.mean, ends(held_out.interval), "fraction")
        text += f" On all images held out from training, the same arm reaches {shown}."
    return linked(text, "#score-table", "the scores")
