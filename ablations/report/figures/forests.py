"""Turns a synthesis into the values of its figures: all effects, and a forest plot of each."""

from __future__ import annotations

from functools import partial

from ablations.core.estimates import ends
from ablations.core.several import PooledEffect, StudyEffect, Synthesis
from ablations.report.figures.charts import axis_label
from ablations.report.figures.dots import DotPlot, Row
from ablations.text.formatting import counted, difference, interval, scale_for
from ablations.text.naming import seed_values
from ablations.text.synthesis import mean_words, pooled_label


def pooled_chart(synthesis: Synthesis) -> DotPlot:
    """One row per effect: each study as a dot, their mean, its interval and the prediction."""
    shown = synthesis.effects or synthesis.simple_effects
    rows = tuple(
        _pooled_row(synthesis, effect, pooled_label(synthesis, effect), dots=True)
        for effect in shown
    )
    return _plot(synthesis, rows, shown)


def forest_chart(synthesis: Synthesis, effect: PooledEffect) -> DotPlot:
    """One row per study with its seeds, and one for all of them together."""
    label = f"mean of {counted(len(effect.studies), 'study', 'studies')}"
    rows = (
        *(_study_row(synthesis, own) for own in effect.studies),
        _pooled_row(synthesis, effect, label, group="Together"),
    )
    return _plot(synthesis, rows, (effect,))


def _plot(synthesis: Synthesis, rows: tuple[Row, ...], shown: tuple[PooledEffect, ...]) -> DotPlot:
    unit = synthesis.metric.unit
    scale = scale_for(unit, [e.pooled.estimate for e in shown], signed=True)
    return DotPlot(
        rows=rows,
        axis=axis_label(synthesis.metric, scale, change=True),
        line=0.0,
        line_label="no effect",
        factor=scale.factor,
    )


def _pooled_row(
    synthesis: Synthesis, effect: PooledEffect, label: str, *, dots: bool = False, group: str = ""
) -> Row:
    found, unit = effect.pooled, synthesis.metric.unit
    return Row(
        label=label,
        dots=tuple(own.estimate for own in effect.studies) if dots else (),
        says=tuple(f"{own.study}: {difference(own.estimate, unit)}" for own in effect.studies),
        middle=found.estimate,
        bar=ends(found.interval),
        thin=ends(found.prediction),
        note=mean_words(found, unit),
        detail=interval(found.interval.low, found.interval.high, unit, signed=True, suffix=False),
        colour=_colour(synthesis, effect),
        hollow=not effect.side,
        group=group,
    )


def _study_row(synthesis: Synthesis, own: StudyEffect) -> Row:
    unit = synthesis.metric.unit
    return Row(
        label=own.study,
        dots=tuple(value for _, value in own.per_seed),
        says=seed_values(own.per_seed, partial(difference, unit=unit)),
        middle=own.estimate,
        bar=ends(own.interval),
        note=mean_words(own, unit),
        detail=interval(own.interval.low, own.interval.high, unit, signed=True, suffix=False),
        colour="muted",
        group="Each study",
    )


def _colour(synthesis: Synthesis, effect: PooledEffect) -> str:
    """Blue where the studies show a gain, red where a loss, grey where neither."""
    sign = {"higher": 1, "lower": -1, "neither": 0}[synthesis.metric.better]
    return {1: "blue", -1: "vermillion", 0: "ink" if effect.side else "muted"}[sign * effect.side]
