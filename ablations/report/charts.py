"""Turns findings into the values that the figures draw: scaled, labelled, and in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.findings import ArmFinding, Effect, Findings, Interval, MetricInfo, Summary
from ablations.formatting import (
    Scale,
    arm_label,
    better_direction,
    difference,
    interval,
    level_label,
    metric_name,
    number,
    scale_for,
)
from ablations.report.figures import Bounds, DotPlot, Point, Row, Scatter
from ablations.report.frames import factor_pairs, interaction_cells
from ablations.report.narrative import effect_label
from ablations.report.palette import VERDICT_COLOURS
from ablations.report.panels import Line, Panel, Panels

CURVES = (("accuracy", "val_accuracy"), ("loss", "val_loss"))
"""Pairs of training and validation metrics to draw, in order of preference."""

COSTS = ("fit_seconds", "trial_seconds")
_LABELLED_POINTS = 14


def arms_chart(findings: Findings) -> DotPlot:
    """One row per arm: its seeds, mean and interval, with the reference as a line."""
    name = findings.metric.name
    found = [(arm, arm.summaries.get(name)) for arm in findings.arms]
    scale = scale_for(findings.metric.unit, [v for _, s in found if s for _, v in s.values])
    rows = tuple(_arm_row(findings, arm, s, scale=scale) for arm, s in found)
    reference = findings.arm(findings.study.reference).summaries.get(name)
    known = reference.mean if reference else None
    return DotPlot(
        rows=rows,
        axis=axis_label(findings.metric, scale),
        line=None if known is None else known * scale.factor,
        line_label="" if known is None else arm_label(findings.study, findings.study.reference),
    )


def _arm_row(
    findings: Findings, arm: ArmFinding, summary: Summary | None, *, scale: Scale
) -> Row:
    values = [value for _, value in summary.values] if summary else []
    bounds = _raw(summary.interval) if summary else None
    mean = summary.mean if summary else None
    return Row(
        label=arm_label(findings.study, arm.arm),
        dots=_scaled(values, scale),
        middle=None if mean is None else mean * scale.factor,
        bar=_bounds(bounds, scale),
        note=number(mean, findings.metric.unit),
        detail=interval(*bounds, findings.metric.unit, suffix=False) if bounds else "",
        colour="muted" if arm.is_reference else "blue",
    )


def _raw(interval: Interval | None) -> Bounds | None:
    return (interval.low, interval.high) if interval else None


def _bounds(bounds: Bounds | None, scale: Scale) -> Bounds | None:
    return (bounds[0] * scale.factor, bounds[1] * scale.factor) if bounds else None


def _scaled(values: Iterable[float], scale: Scale) -> tuple[float, ...]:
    return tuple(value * scale.factor for value in values)


def axis_label(metric: MetricInfo, scale: Scale, *, change: bool = False) -> str:
    """Names an axis, with its unit and the direction that is better."""
    name = f"{'change in ' if change else ''}{metric_name(metric.name)}"
    unit = scale.suffix.strip()
    direction = better_direction(metric.better)
    return f"{name}{f', {unit}' if unit else ''}{f'  ({direction})' if direction else ''}"


def effects_chart(findings: Findings) -> DotPlot | None:
    """One row per effect: each seed's contrast, its interval and its adjusted interval."""
    known = [effect for effect in findings.effects if effect.estimate is not None]
    if not known:
        return None
    metric = findings.metric
    scale = scale_for(metric.unit, [e.estimate for e in known], signed=True)
    margin = findings.study.smallest_effect_that_matters * scale.factor
    return DotPlot(
        rows=tuple(_effect_row(findings, effect, scale) for effect in known),
        axis=axis_label(metric, scale, change=True),
        line=0.0,
        line_label="no effect",
        band=(-margin, margin) if margin > 0 else None,
    )


def _effect_row(findings: Findings, effect: Effect, scale: Scale) -> Row:
    kinds = {"main": "Effects", "arm": "Against the reference", "interaction": "Interactions"}
    bounds = _raw(effect.adjusted or effect.interval)
    crossed = any(other.kind != effect.kind for other in findings.effects)
    return Row(
        label=effect_label(findings, effect),
        dots=_scaled((value for _, value in effect.per_seed), scale),
        middle=None if effect.estimate is None else effect.estimate * scale.factor,
        bar=_bounds(_raw(effect.interval), scale),
        thin=_bounds(_raw(effect.adjusted), scale),
        note=difference(effect.estimate, effect.metric.unit),
        detail=interval(*bounds, effect.metric.unit, signed=True, suffix=False) if bounds else "",
        colour=VERDICT_COLOURS[effect.verdict],
        hollow=effect.verdict == "inconclusive",
        group=kinds[effect.kind] if crossed else "",
    )


def interaction_chart(findings: Findings) -> Panels | None:
    """One panel per pair of factors: a line per level of the second over those of the first."""
    pairs = factor_pairs(findings)
    cells = {pair: interaction_cells(findings, pair) for pair in pairs}
    values = [v for found in cells.values() for by_seed in found.values() for v in by_seed.values()]
    if not values:
        return None
    scale = scale_for(findings.metric.unit, values)
    panels = tuple(_interaction_panel(findings, pair, scale) for pair in pairs)
    axis = axis_label(findings.metric, scale).replace("→", "↑").replace("←", "↓")
    return Panels(panels, axis, _limits(values, scale))


def _interaction_panel(findings: Findings, pair: tuple[str, str], scale: Scale) -> Panel:
    """Lines that run parallel say that the factors do not depend on each other."""
    cells = interaction_cells(findings, pair)
    first, second = (findings.study.factor(name) for name in pair)
    lines = []
    for level in second.levels:
        columns = [_scaled(cells[own.name, level.name].values(), scale) for own in first.levels]
        lines.append(
            Line(
                label=level_label(findings.study, second.name, level.name),
                mean=tuple(sum(column) / len(column) for column in columns),
                seeds=tuple(zip(*columns, strict=True)),
            )
        )
    return Panel(
        title=f"{pair[0]} × {pair[1]}",
        lines=tuple(lines),
        x_labels=tuple(level.name for level in first.levels),
        x_axis=first.name,
    )


def _limits(values: Sequence[float], scale: Scale) -> Bounds:
    """Leaves some room around the values, but none above 100%."""
    shown = _scaled(values, scale)
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    top = 100.5 if scale.suffix == "%" and high <= 100 else high + room
    return low - room, min(top, high + room)


def curve_metrics(findings: Findings) -> tuple[str, ...]:
    """Chooses which epoch metrics to draw: a training metric and its validation twin."""
    names = list(dict.fromkeys(c.metric for arm in findings.arms for c in arm.curves))
    for pair in CURVES:
        if set(pair) <= set(names):
            return pair
    twins = [(name, f"val_{name}") for name in names if f"val_{name}" in names]
    return twins[0] if twins else tuple(names[:1])


def curves_chart(findings: Findings) -> Panels | None:
    """One panel per arm: training and validation over the epochs."""
    metrics = curve_metrics(findings)
    if not metrics:
        return None
    unit = findings.metric.unit if metrics[0] in findings.metric.name else "number"
    arms = [arm for arm in findings.arms if arm.curves]
    values = [v for arm in arms for c in arm.curves if c.metric in metrics for v in c.values]
    scale = scale_for(unit, values)
    panels = tuple(
        Panel(
            title=arm_label(findings.study, arm.arm),
            lines=tuple(_curve(arm, metric, scale) for metric in metrics),
            x_axis="epoch",
        )
        for arm in arms
    )
    suffix = scale.suffix.strip()
    axis = f"{metric_name(metrics[0])}{f', {suffix}' if suffix else ''}"
    legend = ("training", "validation") if len(metrics) == 2 else ()
    return Panels(panels, axis, _limits(values, scale), legend)


def _curve(arm: ArmFinding, metric: str, scale: Scale) -> Line:
    runs = tuple(_scaled(curve.values, scale) for curve in arm.curves if curve.metric == metric)
    # The mean ends with the shortest run: beyond it, it would jump as seeds drop out.
    mean = tuple(sum(column) / len(column) for column in zip(*runs, strict=False))
    return Line(metric_name(metric), mean, runs)


def steps_chart(findings: Findings) -> DotPlot | None:
    """One row per arm: percentiles 1 to 99 of its steps as ticks, the middle half as a bar."""
    timed = [arm for arm in findings.arms if arm.timing and len(arm.timing.quantiles) == 101]
    ends = [arm.timing.quantiles[99] for arm in timed if arm.timing]
    if not timed:
        return None
    scale = scale_for("seconds", ends)
    metric = MetricInfo("step_time", "seconds", "lower")
    return DotPlot(
        rows=tuple(_step_row(findings, arm, scale) for arm in timed),
        axis=axis_label(metric, scale),
        ticks_for_dots=True,
    )


def _step_row(findings: Findings, arm: ArmFinding, scale: Scale) -> Row:
    quantiles = arm.timing.quantiles if arm.timing else ()
    return Row(
        label=arm_label(findings.study, arm.arm),
        dots=_scaled(quantiles[1:100], scale),
        middle=quantiles[50] * scale.factor,
        bar=(quantiles[25] * scale.factor, quantiles[75] * scale.factor),
        thin=(quantiles[5] * scale.factor, quantiles[95] * scale.factor),
        note=scale.show(quantiles[50]),
        colour="muted" if arm.is_reference else "blue",
    )


def cost_metric(findings: Findings) -> str | None:
    """Chooses what stands for cost: the fit alone, else the whole trial."""
    for name in COSTS:
        if name != findings.metric.name and any(name in arm.summaries for arm in findings.arms):
            return name
    return None


def cost_chart(findings: Findings) -> Scatter | None:
    """One point per arm: mean cost and mean of the study's metric."""
    cost = cost_metric(findings)
    found = [
        (arm, arm.summaries[cost].mean, arm.summaries[findings.metric.name])
        for arm in findings.arms
        if cost and cost in arm.summaries and findings.metric.name in arm.summaries
    ]
    costs = [x for _, x, _ in found if x is not None]
    if len(costs) < 2 or cost is None:
        return None
    across = scale_for("seconds", costs)
    upward = scale_for(findings.metric.unit, [y.mean for *_, y in found])
    points = tuple(
        Point(
            label=_point_label(findings, arm, len(found)),
            x=x * across.factor,
            y=y.mean * upward.factor,
            bar=_bounds(_raw(y.interval), upward),
            colour="muted" if arm.is_reference else "blue",
        )
        for arm, x, y in found
        if x is not None and y.mean is not None
    )
    x_axis = axis_label(MetricInfo(cost, "seconds", "lower"), across)
    y_axis = axis_label(findings.metric, upward).replace("→", "↑").replace("←", "↓")
    return Scatter(points, x_axis, y_axis, log=min(costs) > 0 and max(costs) / min(costs) > 20)


def _point_label(findings: Findings, arm: ArmFinding, points: int) -> str:
    """Labels all points of a small study, and the best and the reference of a large one."""
    if points > _LABELLED_POINTS and not (arm.is_reference or arm.arm == findings.best):
        return ""
    return arm_label(findings.study, arm.arm)
