"""What stands above and beside each figure: what it shows, how to read it, and its alt text."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import CURVES, unit_of
from ablations.report.figures.dots import DotPlot
from ablations.report.figures.panels import Panels
from ablations.report.figures.scatter import Scatter
from ablations.text.evidence import stands_clear
from ablations.text.formatting import (
    arm_label,
    counted,
    difference,
    listing,
    metric_name,
    named_arm,
    number,
    sentence,
)


def arms_headline(findings: Findings) -> str:
    """Says which arm came out best, and where the reference lies."""
    study, metric = findings.study, metric_name(findings.metric.name)
    if findings.best is None or _mean(findings, findings.best) == number(None):
        known = any(_mean(findings, arm.arm) != number(None) for arm in findings.arms)
        return f"{sentence(metric)} of each arm" if known else f"No arm has a value of {metric} yet"
    best = _mean(findings, findings.best)
    chosen = findings.best_by or findings.metric.name
    by = "" if chosen == findings.metric.name else f" by {metric_name(chosen)}"
    if findings.best == study.reference:
        arm = sentence(named_arm(study, findings.best))
        return f"{arm} is the best arm{by}: {metric} {best}"
    reference = f"{_mean(findings, study.reference)} for {named_arm(study, study.reference)}"
    arm = named_arm(study, findings.best)
    return f"The best arm{by}, {arm}: {metric} {best}, against {reference}"


def _mean(findings: Findings, arm: object) -> str:
    found = [f.summaries.get(findings.metric.name) for f in findings.arms if f.arm == arm]
    mean = found[0].mean if found and found[0] else None
    return number(mean, findings.metric.unit)


def arms_reading(findings: Findings) -> str:
    """Says what the marks of the first figure are; there is no interval of one seed."""
    label = arm_label(findings.study, findings.study.reference)
    line = f"The vertical line is the mean of ‘{label}’."
    if len(findings.study.seeds) == 1:
        return f"Each dot is the one seed of an arm, so there are no intervals. {line}"
    return f"Each dot is one seed; below them stand the mean and its 95% interval. {line}"


def effects_reading(findings: Findings) -> str:
    """Says what the marks of the second figure are."""
    if all(effect.interval is None for effect in findings.effects):
        return "Each dot is the effect within one seed. A hollow mark is inconclusive."
    family = findings.effects[0].family_size
    bars = (
        "The thick bar is the 95% interval of that effect alone; the thin bar is adjusted for all "
        f"{counted(family, 'comparison')} and decides the verdict."
        if family > 1
        else "The bar is its 95% interval, which decides the verdict."
    )
    margin = " The shaded band holds effects too small to matter."
    band = margin if findings.study.smallest_effect_that_matters > 0 else ""
    return f"Each dot is the effect within one seed. {bars} A hollow mark is inconclusive.{band}"


def effects_headline(findings: Findings) -> str:
    """Counts the effects that a verdict could be given to."""
    total = len(findings.effects)
    clear = sum(stands_clear(findings, effect) for effect in findings.effects)
    margin = findings.study.smallest_effect_that_matters
    shown = difference(margin, findings.metric.unit).lstrip("+")
    beyond = f"exceed {shown}" if margin > 0 else "differ from none"
    if all(effect.interval is None for effect in findings.effects):
        return "Estimates without intervals"
    if any(effect.trained for effect in findings.effects):
        beyond += " with and without the networks that did not train"
    if total == 1:
        return f"The effect {'could' if clear else 'could not'} be shown to {beyond}"
    return f"{clear or 'None'} of {total} effects could be shown to {beyond}"


def steps_headline(findings: Findings) -> str:
    """Gives the range of the typical training step."""
    typical = [
        (arm.timing.median_step_seconds, arm_label(findings.study, arm.arm))
        for arm in findings.arms
        if arm.timing and arm.timing.median_step_seconds is not None
    ]
    (low, fast), (high, slow) = min(typical), max(typical)
    if number(low, "seconds") == number(high, "seconds"):
        return f"A typical training step takes {number(low, 'seconds')}"
    return (
        f"The median training step was {number(low, 'seconds')} (‘{fast}’) "
        f"to {number(high, 'seconds')} (‘{slow}’)"
    )


def cost_headline(findings: Findings, chart: Scatter, cost: str) -> str:
    """Compares the cost of the best arm with that of the reference."""
    best, reference = _best_and_reference(findings, cost)
    if findings.best == findings.study.reference or not (best and best.mean):
        return f"What {counted(len(chart.points), 'arm')} cost, and what they reach"
    if not (reference and reference.mean):
        return f"The best arm takes {number(best.mean, 'seconds')}"
    other = named_arm(findings.study, findings.study.reference)
    return (
        f"The best arm took {number(best.median, 'seconds')}, {other} "
        f"{number(reference.median, 'seconds')}"
    )


def _best_and_reference(findings: Findings, cost: str) -> list[Summary | None]:
    arms = (findings.best, findings.study.reference)
    return [findings.arm(arm).summaries.get(cost) if arm else None for arm in arms]


def cost_reading(findings: Findings, cost: str) -> str:
    """Explains the figure of costs, and the medians where its headline has any."""
    costs = _best_and_reference(findings, cost)
    apart = findings.best != findings.study.reference
    medians = apart and all(found and found.mean for found in costs)
    return f"{_COST_READING} {_MEDIANS}" if medians else _COST_READING


CURVES_READING = "Thin lines are seeds, the thick line is their mean."
STEPS_READING = (
    "Each tick is a percentile of the steps after the first epoch, from the 1st to the 99th. "
    "The thick bar holds the middle half, the thin bar 90%; the mark is the median. "
    "Compilation and warm-up are left out here and stand in the table below."
)
_COST_READING = (
    "One point per arm: means over seeds, with the 95% interval of the metric as a bar. The line "
    "joins the arms that no cheaper arm equals or beats (Pareto front); where intervals overlap, "
    "it may run otherwise."
)
_MEDIANS = "The headline gives medians, which a slow first trial does not move."


def dots_alt(chart: DotPlot, what: str) -> str:
    """Describes a dot plot by its ends."""
    known = [(row.middle, row) for row in chart.rows if row.middle is not None]
    if not known:
        return f"Dot plot of {what}, without any value yet."
    low, high = min(known, key=lambda k: k[0])[1], max(known, key=lambda k: k[0])[1]
    ends = f"from {low.note} ({low.label}) to {high.note} ({high.label})"
    return f"Dot plot of {what}: {counted(len(chart.rows), 'row')}, {ends}. Axis: {chart.axis}."


def panels_alt(chart: Panels, what: str) -> str:
    """Describes small multiples by their titles."""
    titles = listing([panel.title for panel in chart.panels])
    return f"{counted(len(chart.panels), 'small plot')} of {what}: {titles}."


def history_headline(arm: ArmFinding) -> str:
    """Says where training and validation end, averaged over the seeds."""
    pair = next(pair for pair in CURVES if set(pair) <= {c.metric for c in arm.curves})
    means = {own.metric: own.last for own in arm.epoch_means}
    trained, validated = (number(means.get(name), unit_of(pair[0])) for name in pair)
    epochs = counted(max(len(curve.values) for curve in arm.curves), "epoch")
    name = metric_name(pair[0])
    return f"After {epochs}, {name} is {trained} in training and {validated} in validation"


def history_reading(arm: ArmFinding, charts: Sequence[Panels]) -> str:
    """Says what the lines are, and what lies outside of the plot."""
    losses = [c.values for c in arm.curves if c.metric in CURVES[1]]
    top = max((value for run in losses for value in run[:1]), default=0.0)
    drawn = max(
        (chart.bounds[1] for chart in charts if chart.y_axis == metric_name(CURVES[1][0])),
        default=top,
    )
    spike = f" The first epoch's loss, up to {number(top)}, lies outside." if top > drawn else ""
    if len({curve.seed for curve in arm.curves}) == 1:
        return f"One seed, so the line is no mean.{spike}"
    return f"{CURVES_READING}{spike}"
