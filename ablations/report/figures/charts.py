"""Turns findings into the values that the figures draw: labelled and in order."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from ablations.core.estimates import CellMean, Effect, Summary, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import MetricInfo
from ablations.report.figures.dots import DotPlot, Row, crowded
from ablations.report.figures.layout import Bounds
from ablations.report.figures.panels import Line, Panel, Panels
from ablations.report.figures.theme import VERDICT_COLOURS
from ablations.report.many import (
    MOST,
    PANELS,
    SHOWN,
    WORST,
    drawn_arms,
    drawn_words,
    end_names,
    first_ones,
)
from ablations.text.formatting import (
    Scale,
    better_direction,
    difference,
    interval,
    metric_name,
    number,
    scale_for,
    sentence,
)
from ablations.text.naming import arm_label, effect_label, level_label, seed_values


def arms_chart(findings: Findings, page: Sequence[ArmFinding] = ()) -> DotPlot:
    """One row per arm: its seeds, mean and interval, with the reference as a line.

    Args:
        findings: What the study found.
        page: The arms of a figure that is one of several, which share their axis; of none, those
            that a figure alone shows.
    """
    name, study = findings.metric.name, findings.study
    drawn = page or drawn_arms(findings)
    found = [_arm_row(findings, arm, arm.summaries.get(name)) for arm in drawn]
    every = findings.arms if page else drawn
    known = [own for arm in every if (own := arm.summaries.get(name))]
    scale = scale_for(findings.metric.unit, [value for own in known for _, value in own.values])
    reference = findings.arm(study.reference).summaries.get(name)
    mean = reference.mean if reference else None
    return DotPlot(
        rows=tuple(found) if page else _by_end(findings, found),
        axis=axis_label(findings.metric, scale),
        line=mean,
        line_label="" if mean is None else arm_label(study, study.reference),
        factor=scale.factor,
        left_out="" if page else drawn_words(findings, drawn),
        beside=_outer(known) if page else (),
    )


def _outer(known: Sequence[Summary]) -> tuple[float, ...]:
    """Returns the least and the largest number that is drawn of some arms, or none."""
    values = [value for own in known for _, value in own.values]
    shown = [*values, *(end for own in known for end in ends(own.interval) or ())]
    finite = [value for value in shown if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else ()


def _by_end(findings: Findings, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Groups the rows of a large study: the reference, the best arms and the worst."""
    if len(findings.arms) <= MOST:
        return tuple(rows)
    best, worst = (f"{sentence(name)} means" for name in end_names(findings))
    reference = arm_label(findings.study, findings.study.reference)
    names = [sentence(reference), *[best] * (SHOWN - WORST - 1), *[worst] * WORST]
    return tuple(replace(row, group=name) for row, name in zip(rows, names, strict=False))


def _arm_row(findings: Findings, arm: ArmFinding, summary: Summary | None) -> Row:
    bounds = ends(summary.interval) if summary else None
    mean, unit = summary.mean if summary else None, findings.metric.unit
    return Row(
        label=arm_label(findings.study, arm.arm),
        dots=tuple(value for _, value in summary.values) if summary else (),
        says=_words_of(summary.values, partial(number, unit=unit)) if summary else (),
        middle=mean,
        bar=bounds,
        note=number(mean, unit),
        detail=interval(*bounds, unit, suffix=False) if bounds else "",
        colour=arm_colour(arm),
    )


def _words_of(values: Sequence[tuple[int, float]], show: Callable[[float], str]) -> tuple[str, ...]:
    """Writes what each seed gave; nothing of so many that a seed has no dot of its own."""
    return () if crowded([values]) else seed_values(values, show)


def arm_colour(arm: ArmFinding) -> str:
    """Names the colour of an arm: the reference is muted."""
    return "muted" if arm.is_reference else "blue"


def scaled(values: Iterable[float], scale: Scale) -> tuple[float, ...]:
    """Brings values into the units of the axis."""
    return tuple(value * scale.factor for value in values)


def axis_label(metric: MetricInfo, scale: Scale, *, change: bool = False) -> str:
    """Names a horizontal axis, with its unit and the direction that is better."""
    direction = better_direction(metric.better)
    name = f"{'change in ' * change}{unit_label(metric.name, scale)}"
    return f"{name} ({direction})" if direction else name


def upright(label: str) -> str:
    """Turns the arrow in the label of an axis upwards or downwards."""
    return label.replace("→", "↑").replace("←", "↓")


def unit_label(metric: str, scale: Scale) -> str:
    """Names a metric and the unit of its axis."""
    unit = scale.suffix.strip()
    return f"{metric_name(metric)}{f', {unit}' if unit else ''}"


def effects_chart(findings: Findings) -> DotPlot | None:
    """One row per effect: each seed's contrast, its interval and its adjusted interval."""
    known = [effect for effect in findings.effects if effect.estimate is not None]
    if not known:
        return None
    shown = first_ones(known)
    scale = scale_for(findings.metric.unit, [e.estimate for e in shown], signed=True)
    margin = findings.study.smallest_effect_that_matters
    return DotPlot(
        rows=tuple(_grouped_row(findings, effect) for effect in shown),
        axis=axis_label(findings.metric, scale, change=True),
        line=0.0,
        line_label="no effect",
        band=(-margin, margin) if margin > 0 else None,
        factor=scale.factor,
        left_out=of_effects(len(known)),
    )


def of_effects(total: int) -> str:
    """Says which effects a figure shows; empty where it shows all."""
    if total <= MOST:
        return ""
    return (
        f"It shows {SHOWN} of {total} effects: interactions follow the other effects, the largest "
        "of each kind first; the data file has all."
    )


def _grouped_row(findings: Findings, effect: Effect) -> Row:
    kinds = {"main": "Effects", "arm": "Against the reference", "interaction": "Interactions"}
    crossed = any(other.kind != effect.kind for other in findings.effects)
    row = effect_row(effect_label(findings, effect), effect)
    return replace(row, group=kinds[effect.kind]) if crossed else row


def effect_row(label: str, effect: Effect) -> Row:
    """Shows the effect within each seed, both of its intervals, and its verdict as the colour."""
    bounds, unit = ends(effect.adjusted or effect.interval), effect.metric.unit
    return Row(
        label=label,
        dots=tuple(value for _, value in effect.per_seed),
        says=_words_of(effect.per_seed, partial(difference, unit=unit)),
        middle=effect.estimate,
        bar=ends(effect.interval),
        thin=ends(effect.adjusted),
        note=difference(effect.estimate, unit),
        detail=interval(*bounds, unit, signed=True, suffix=False) if bounds else "",
        colour=VERDICT_COLOURS[effect.verdict],
        hollow=effect.verdict == "inconclusive",
    )


def interaction_chart(findings: Findings) -> Panels | None:
    """One panel per pair of factors: a line per level of the second over those of the first."""
    values = [value for cell in findings.cells for _, value in cell.per_seed]
    if not values:
        return None
    scale = scale_for(findings.metric.unit, values)
    every = tuple(dict.fromkeys(cell.factors for cell in findings.cells))
    pairs = first_ones(every, PANELS)
    panels = tuple(_interaction_panel(findings, pair, scale) for pair in pairs)
    axis = upright(axis_label(findings.metric, scale))
    left_out = (
        f"It shows {PANELS} of {len(every)} pairs, those of the largest interactions; the data "
        "file has all."
    )
    return Panels(
        panels, axis, limits(values, scale), left_out=left_out if len(every) > MOST else ""
    )


def _interaction_panel(findings: Findings, pair: tuple[str, str], scale: Scale) -> Panel:
    """Parallel lines mean that the factors do not depend on each other."""
    cells = {cell.levels: cell for cell in findings.cells if cell.factors == pair}
    first, second = (findings.study.factor(name) for name in pair)
    across = [level for level in first.levels if any(at == level.name for at, _ in cells)]
    lines = []
    for level in second.levels:
        if not any(at == level.name for _, at in cells):
            continue  # one of the two factors does not exist there
        own = [cells[other.name, level.name].per_seed for other in across]
        columns = [scaled((value for _, value in cell), scale) for cell in own]
        means = [sum(column) / len(column) for column in columns]
        lines.append(
            Line(
                label=level_label(findings.study, second.name, level.name),
                mean=tuple(means),
                seeds=tuple(zip(*columns, strict=True)),
                says=_seed_words(findings, [cells[other.name, level.name] for other in across]),
                means=tuple(
                    f"{other.name}: {scale.show(own / scale.factor)}"
                    for other, own in zip(across, means, strict=True)
                ),
            )
        )
    return Panel(
        title=f"{pair[0]} × {pair[1]}",
        lines=tuple(lines),
        x_labels=tuple(level.name for level in across),
        x_axis=first.name,
    )


def _seed_words(findings: Findings, cells: Sequence[CellMean]) -> tuple[str, ...]:
    """Writes the dots of a line in the order in which they are drawn: seed by seed."""
    show = partial(number, unit=findings.metric.unit)
    words = [
        [f"{cell.levels[0]}, {one}" for one in _words_of(cell.per_seed, show)] for cell in cells
    ]
    return tuple(one for seed in zip(*words, strict=True) for one in seed)


def limits(values: Sequence[float], scale: Scale) -> Bounds:
    """Leaves some room around the values, but none above 100%."""
    shown = [value for value in scaled(values, scale) if math.isfinite(value)] or [0.0]
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    top = 100.5 if scale.suffix == "%" and high <= 100 else high + room
    most = sys.float_info.max
    return max(low - room, -most), min(top, high + room, most)
