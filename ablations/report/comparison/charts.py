"""Turns a comparison into the values of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import cycle

from ablations.core.estimates import EpochMeans, Interval, ends
from ablations.core.metrics import VAL_ACCURACY, VALIDATION, unit_of
from ablations.core.several import ComparedArm, ComparedEffect, SideBySide
from ablations.report.figures.charts import axis_label, limits, scaled, unit_label
from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.panels import Line, Panel, Panels
from ablations.report.figures.theme import SERIES
from ablations.text.formatting import Scale, difference, interval, number, scale_for
from ablations.text.naming import seed_values
from ablations.text.side_by_side import Compared, Difference, compared_label, is_changed


def effects_chart(found: SideBySide) -> DotPlot:
    """One group per effect: a row for each member with its seeds, and one for each difference."""
    return DotPlot(
        rows=_grouped(found, found.effects),
        axis=axis_label(found.metric, _scale(found, signed=True), change=True),
        line=0.0,
        line_label="no effect, no difference",
        band=(-found.margin, found.margin) if found.margin else None,
        factor=_scale(found, signed=True).factor,
    )


def arms_chart(found: SideBySide) -> DotPlot:
    """One group per arm: a row for each member with its seeds, mean and interval."""
    return DotPlot(
        rows=_grouped(found, found.arms),
        axis=axis_label(found.metric, _scale(found, signed=False)),
        factor=_scale(found, signed=False).factor,
    )


def _scale(found: SideBySide, *, signed: bool) -> Scale:
    items: Sequence[Compared] = found.effects if signed else found.arms
    values = [reading(found, item, name)[1] for item in items for name in item.found]
    return scale_for(found.metric.unit, values, signed=signed)


Reading = tuple[tuple[float, ...], float | None, Interval | None]
"""The value of each seed, their mean, and its interval."""


def reading(found: SideBySide, item: Compared, name: str) -> Reading:
    """Returns what one member measured of an effect or an arm."""
    if isinstance(item, ComparedEffect):
        effect = item.found[name]
        return tuple(v for _, v in effect.per_seed), effect.estimate, effect.interval
    summary = item.found[name].summaries[found.metric.name]
    return tuple(v for _, v in summary.values), summary.mean, summary.interval


def _said(found: SideBySide, item: Compared, name: str) -> tuple[str, ...]:
    """Writes what each seed of a member gave."""
    if isinstance(item, ComparedEffect):
        return seed_values(item.found[name].per_seed, partial(difference, unit=found.metric.unit))
    values = item.found[name].summaries[found.metric.name].values
    return seed_values(values, partial(number, unit=found.metric.unit))


def _grouped(found: SideBySide, items: Sequence[Compared]) -> tuple[Row, ...]:
    return tuple(row for item in items for row in _rows(found, item))


def _rows(found: SideBySide, item: Compared) -> Iterable[Row]:
    """Yields the rows of one effect or arm; differences only where they share the axis."""
    group = compared_label(found, item)
    unit, is_effect = found.metric.unit, isinstance(item, ComparedEffect)
    colours = dict(zip(found.names, cycle(SERIES), strict=False))
    for name in item.found:
        dots, mean, own = reading(found, item, name)
        bounds = ends(own)
        yield Row(
            label=name,
            dots=dots,
            says=_said(found, item, name),
            middle=mean,
            bar=bounds,
            note=difference(mean, unit) if is_effect else number(mean, unit),
            detail=interval(*bounds, unit, signed=is_effect, suffix=False) if bounds else "",
            colour=colours[name],
            group=group,
        )
    if is_effect:
        for name, diff in item.differences:
            yield _difference_row(found, name, diff, group)


def _difference_row(found: SideBySide, name: str, own: Difference, group: str) -> Row:
    bounds, unit = ends(own.interval), found.metric.unit
    several = len(found.members) > 2
    return Row(
        label=f"{name}: difference" if several else "difference",
        dots=(),
        middle=own.change,
        bar=bounds,
        note=difference(own.change, unit),
        detail=interval(*bounds, unit, signed=True, suffix=False) if bounds else "",
        colour="ink",
        hollow=not is_changed(own),
        group=group,
    )


def curve_metric(found: SideBySide) -> str | None:
    """Chooses the epoch metric to draw: one that two members or more recorded of an arm.

    Accuracy on validation images comes first, then whatever else was validated.
    """
    names: dict[str, None] = {}
    for arm in found.arms:
        sides = [{own.metric: None for own in one.epoch_means} for one in arm.found.values()]
        names |= {n: None for side in sides for n in side if sum(n in s for s in sides) > 1}
    order = (VAL_ACCURACY, *(name for name in names if name.startswith(VALIDATION)), *names)
    return next((name for name in order if name in names), None)


def curves_chart(found: SideBySide) -> Panels | None:
    """One panel per arm: the mean over seeds of each member, over the epochs that all reached."""
    metric = curve_metric(found)
    if metric is None:
        return None
    drawn = [arm for arm in found.arms if len(_means(arm, metric)) > 1]
    values = [v for arm in drawn for own in _means(arm, metric).values() for v in _shown(own)]
    unit = found.metric.unit if metric.endswith(found.metric.name) else unit_of(metric)
    scale = scale_for(unit, values)
    panels = tuple(
        Panel(
            title=compared_label(found, arm),
            lines=tuple(_line(arm, metric, name, scale) for name in found.names),
            x_axis="epoch",
        )
        for arm in drawn
    )
    return Panels(panels, unit_label(metric, scale), limits(values, scale), found.names)


def _means(arm: ComparedArm, metric: str) -> dict[str, EpochMeans]:
    return {
        name: own
        for name, one in arm.found.items()
        for own in one.epoch_means
        if own.metric == metric
    }


def _shown(own: EpochMeans) -> tuple[float, ...]:
    return own.values[: own.shared]


def _line(arm: ComparedArm, metric: str, name: str, scale: Scale) -> Line:
    own = _means(arm, metric).get(name)
    mean = _shown(own) if own else ()
    last = (f"mean: {scale.show(mean[-1])}",) if mean else ()
    return Line(name, scaled(mean, scale), (), means=last)
