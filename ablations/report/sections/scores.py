"""Scores the one arm that validation chose, and sums the arms up."""

from __future__ import annotations

from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding, Findings
from ablations.report.sections.last_epochs import GAP, reach_of, tails
from ablations.report.sections.observations import compared
from ablations.report.tables import bounds, make_table
from ablations.report.views import Observation, TableView
from ablations.text.formatting import (
    UNKNOWN,
    arm_label,
    count,
    counted,
    estimate,
    metric_name,
    named_arm,
    number,
    reach,
)

SEEN, HELD_OUT = "test_in_any_validation", "held_out_accuracy"
"""Metrics of a split whose test images are validation images in other epochs."""

_TITLES = {
    SEEN: "test images that were validation images in some epoch",
    HELD_OUT: "accuracy on all images held out from training",
}


def score(findings: Findings) -> tuple[Observation, ...]:
    """Says which arm was chosen and what it scores, and whether its test data were unseen."""
    found = (chosen(findings), reused(findings))
    return tuple(observation for observation in found if observation)


def score_table(findings: Findings) -> TableView | None:
    """One row per number of the chosen arm."""
    shown = _score_summaries(findings)
    if not shown:
        return None
    columns = ["seeds", "mean, 95% interval", "min to max"]
    rows = [[_title(findings, found), *_score_row(found)] for found in shown]
    label = arm_label(findings.study, findings.best) if findings.best else UNKNOWN
    caption = f"The chosen arm, ‘{label}’, over its seeds"
    return make_table(caption, ["number", *columns], rows, numeric=columns, name="score")


def _best(findings: Findings) -> ArmFinding | None:
    return findings.arm(findings.best) if findings.best else None


def _score_summaries(findings: Findings) -> list[Summary]:
    arm, names = _best(findings), [findings.best_by, findings.metric.name, SEEN, HELD_OUT]
    if arm is None:
        return []
    wanted = [name for name in dict.fromkeys(names) if name]
    return [arm.summaries[name] for name in wanted if name in arm.summaries]


def _title(findings: Findings, found: Summary) -> str:
    name = found.metric.name
    by = ", by which it was chosen" if name == findings.best_by else ""
    return f"{_TITLES.get(name, metric_name(name))}{by}"


def _score_row(found: Summary) -> list[str]:
    unit = found.metric.unit
    shown = estimate(found.mean, bounds(found.interval), unit)
    return [count(found.n), shown, reach(found.minimum, found.maximum, unit)]


def chosen(findings: Findings) -> Observation | None:
    """Names the arm that validation chose, and its score on the study's metric."""
    arm, metric = _best(findings), findings.metric
    found = arm.summaries.get(metric.name) if arm else None
    if arm is None or found is None or found.mean is None:
        return None
    name = named_arm(findings.study, arm.arm)
    shown = estimate(found.mean, bounds(found.interval), metric.unit)
    basis = f"95% interval, {counted(found.n, 'seed')}" if found.interval else "one seed"
    scored = f"{metric_name(metric.name)} {shown} ({basis})"
    if findings.best_by == metric.name:
        text = f"{name} is best by the very number it is scored by, which flatters it: {scored}."
    else:
        by = metric_name(findings.best_by or metric.name)
        text = f"By {by}, the choice falls on {name}; it alone is scored here: {scored}."
    return Observation(text, "#score-table", "the scores")


def reused(findings: Findings) -> Observation | None:
    """Says how many test images were seen in validation, and what unseen ones would give."""
    arm = _best(findings)
    seen, held_out = (arm.summaries.get(name) if arm else None for name in (SEEN, HELD_OUT))
    if seen is None or not seen.mean:
        return None
    text = (
        f"These test images are not unseen: {number(seen.mean, 'fraction')} of them were "
        "validation images in some epoch."
    )
    if held_out is not None and held_out.mean is not None:
        shown = estimate(held_out.mean, bounds(held_out.interval), "fraction")
        text += f" On all images held out from training, the same arm reaches {shown}."
    return Observation(text, "#score-table", "the scores")


def summary(findings: Findings) -> tuple[Observation, ...]:
    """One comparison for each arm, and what the chosen one scores."""
    said = [compared(findings, arm) for arm in findings.arms]
    return tuple(observation for observation in (*said, chosen(findings)) if observation)


def summary_table(findings: Findings) -> TableView:
    """One row per arm: its size, where it settled, and what it scores."""
    metric = f"{metric_name(findings.metric.name)}, 95% interval"
    numeric = ["parameters", "trained", "validation accuracy, last epochs", "gap", metric]
    rows = [
        [arm_label(findings.study, arm.arm), *_summary_row(arm, findings.metric.name)]
        for arm in findings.arms
    ]
    return make_table("The arms beside each other", ["arm", *numeric], rows, numeric=numeric)


def _summary_row(arm: ArmFinding, metric: str) -> list[str]:
    found = tails(arm)
    low, high = reach_of(found) if found else (None, None)
    sizes = [whole(arm, name) for name in ("parameters", "trainable_parameters")]
    scored = [arm.summaries.get(name) for name in (GAP, metric)]
    return [
        *(UNKNOWN if size is None else count(size) for size in sizes),
        reach(low, high, "fraction"),
        *(_mean(found, signed=found is scored[0]) for found in scored),
    ]


def _mean(found: Summary | None, *, signed: bool) -> str:
    if found is None:
        return UNKNOWN
    return estimate(found.mean, bounds(found.interval), found.metric.unit, signed=signed)


def whole(arm: ArmFinding, name: str) -> int | None:
    """Returns a metric that is the same whole number in every seed."""
    found = arm.summaries.get(name)
    return None if found is None or found.mean is None else round(found.mean)


def parameters(arm: ArmFinding) -> str:
    """Counts what is trained and what is frozen; empty where nobody reported it."""
    every, trained = (whole(arm, name) for name in ("parameters", "trainable_parameters"))
    if every is None:
        return ""
    if trained is None or trained == every:
        return f"{count(every)} parameters{', all of them trained' if trained else ''}."
    return f"{count(every)} parameters: {count(trained)} trained, {count(every - trained)} frozen."
