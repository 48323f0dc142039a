"""Turns findings into the values of the figures about training: curves, steps and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ablations.core.estimates import Summary, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import ACCURACY, CURVES, VALIDATION, MetricInfo, Unit, unit_of
from ablations.report.figures.charts import (
    arm_colour,
    axis_label,
    limits,
    scaled,
    unit_label,
    upright,
)
from ablations.report.figures.dots import MOST, DotPlot, Row
from ablations.report.figures.panels import Line, Panel, Panels
from ablations.report.figures.scatter import Point, Scatter
from ablations.report.many import costed_arms, drawn_words, fewer_arms
from ablations.text.formatting import Scale, duration, metric_name, number, reads_as_zero, scale_for
from ablations.text.naming import arm_label, seed_values
from ablations.text.sentences import mean_estimate

_LABELLED_POINTS = 14
SPIKE = 2.0
"""The first loss is drawn if it is at most so many times the largest later one."""


def curve_metrics(findings: Findings) -> tuple[str, ...]:
    """Chooses which epoch metrics to draw: a training metric and its validation twin."""
    names = list(dict.fromkeys(c.metric for arm in findings.arms for c in arm.curves))
    for pair in CURVES:
        if set(pair) <= set(names):
            return pair
    twins = [(name, VALIDATION + name) for name in names if VALIDATION + name in names]
    return twins[0] if twins else tuple(names[:1])


def curves_chart(findings: Findings) -> Panels | None:
    """One panel per arm: training and validation over the epochs."""
    metrics = curve_metrics(findings)
    if not metrics:
        return None
    unit = findings.metric.unit if metrics[0] in findings.metric.name else "number"
    arms = [arm for arm in fewer_arms(findings) if arm.curves]
    panels = _panels(findings, arms, metrics, unit, _values(arms, metrics))
    return replace(panels, left_out=drawn_words(findings, arms))


def history_charts(findings: Findings, arm: ArmFinding) -> tuple[Panels, ...]:
    """One plot a metric with its validation twin; the accuracies of all arms share their axis."""
    own = {curve.metric for curve in arm.curves}
    return tuple(_history(findings, arm, pair) for pair in CURVES if set(pair) <= own)


def _history(findings: Findings, arm: ArmFinding, pair: tuple[str, str]) -> Panels:
    shared = pair[0] == ACCURACY
    shown = _values(findings.arms, pair) if shared else _without_spike(arm, pair)
    return _panels(findings, [arm], pair, unit_of(pair[0]), shown)


def _values(arms: Sequence[ArmFinding], metrics: Sequence[str]) -> list[float]:
    return [v for arm in arms for c in arm.curves if c.metric in metrics for v in c.values]


def _panels(
    findings: Findings,
    arms: Sequence[ArmFinding],
    metrics: Sequence[str],
    unit: Unit,
    shown: Sequence[float],
) -> Panels:
    """One panel per arm, with a line per metric, on an axis for the values that are shown."""
    scale = scale_for(unit, shown)
    panels = tuple(
        Panel(
            title=arm_label(findings.study, arm.arm),
            lines=tuple(_curve(arm, metric, scale) for metric in metrics),
            x_axis="epoch",
        )
        for arm in arms
    )
    legend = ("training", "validation") if len(metrics) == 2 else ()
    return Panels(panels, unit_label(metrics[0], scale), limits(shown, scale), legend)


def _curve(arm: ArmFinding, metric: str, scale: Scale) -> Line:
    curves = [curve for curve in arm.curves if curve.metric == metric]
    runs = tuple(scaled(curve.values, scale) for curve in curves)
    ends = [(curve.seed, curve.values[-1]) for curve in curves[:MOST]]  # no more are drawn
    means = (own.values[: own.shared] for own in arm.epoch_means if own.metric == metric)
    mean = next(means, ())
    return Line(
        label=metric_name(metric),
        mean=scaled(mean, scale),
        seeds=runs,
        says=seed_values(ends, scale.show),
        means=(f"mean: {scale.show(mean[-1])}",) if mean else (),
    )


def steps_chart(findings: Findings) -> DotPlot | None:
    """One row per arm: percentiles 1 to 99 of its steps as ticks, the middle half as a bar."""
    arms = fewer_arms(findings)
    timed = [(arm, arm.timing.quantiles) for arm in arms if arm.timing]
    timed = [(arm, quantiles) for arm, quantiles in timed if len(quantiles) == 101]
    if not timed:
        return None
    scale = scale_for("seconds", [quantiles[99] for _, quantiles in timed])
    rows = tuple(
        Row(
            label=arm_label(findings.study, arm.arm),
            dots=tuple(quantiles[1:100]),
            middle=quantiles[50],
            bar=(quantiles[25], quantiles[75]),
            thin=(quantiles[5], quantiles[95]),
            note=_visible(quantiles[50], scale),
            colour=arm_colour(arm),
        )
        for arm, quantiles in timed
    )
    axis = axis_label(MetricInfo("step_time", "seconds", "lower"), scale)
    return DotPlot(
        rows, axis, ticks_for_dots=True, factor=scale.factor, left_out=drawn_words(findings, arms)
    )


def _visible(seconds: float, scale: Scale) -> str:
    """Writes a time in the unit of the axis, or in its own one where it would read as none."""
    shown = scale.show(seconds)
    return number(seconds, "seconds") if reads_as_zero(shown) else shown


def cost_chart(findings: Findings) -> Scatter | None:
    """One point per arm: mean cost and mean of the study's metric."""
    cost, metric = findings.cost_metric, findings.metric
    found = [
        (arm, arm.summaries[cost].mean, arm.summaries[metric.name])
        for arm in costed_arms(findings)
        if cost and cost in arm.summaries and metric.name in arm.summaries
    ]
    costs = [x for _, x, _ in found if x is not None]
    if len(costs) < 2 or cost is None:
        return None
    across = scale_for("seconds", costs)
    upward = scale_for(metric.unit, [y.mean for *_, y in found])
    points = {own[0].arm: point for own in found if (point := _point(findings, own, len(found)))}
    return Scatter(
        points=tuple(points.values()),
        x_axis=axis_label(MetricInfo(cost, "seconds", "lower"), across),
        y_axis=upright(axis_label(metric, upward)),
        log=min(costs) > 0 and max(costs) / min(costs) > 20,
        front=tuple(points[arm] for arm in findings.front if arm in points),
        factors=(across.factor, upward.factor),
        left_out=drawn_words(findings, [arm for arm, *_ in found], " and those on the line"),
    )


Reached = tuple[ArmFinding, float | None, Summary]
"""An arm, its mean cost, and what it reached."""


def _point(findings: Findings, own: Reached, points: int) -> Point | None:
    """Places an arm, if both of its means are known."""
    arm, cost, reached = own
    if cost is None or reached.mean is None:
        return None
    says = f"{arm_label(findings.study, arm.arm)}: {mean_estimate(reached)}, {duration(cost)}"
    label = _point_label(findings, arm, points)
    bar, colour = ends(reached.interval), arm_colour(arm)
    return Point(label, cost, reached.mean, bar, colour, says)


def _point_label(findings: Findings, arm: ArmFinding, points: int) -> str:
    """Labels all points of a small study, and the best and the reference of a large one."""
    if points > _LABELLED_POINTS and not (arm.is_reference or arm.arm == findings.best):
        return ""
    return arm_label(findings.study, arm.arm)


def _without_spike(arm: ArmFinding, pair: tuple[str, str]) -> list[float]:
    """Leaves the first epoch out of the axis where it would flatten all that follows."""
    runs = [curve.values for curve in arm.curves if curve.metric in pair]
    later = [value for run in runs for value in run[1:]]
    spiked = later and max(run[0] for run in runs) > SPIKE * max(later)
    return later if spiked else [value for run in runs for value in run]
