"""Compares what a text published with what the records show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from ablations.core.estimates import Interval, ends
from ablations.core.findings import Comparison, Findings, Reproduction, SeedGroup, Unlike
from ablations.core.metrics import ACCURACY, MetricInfo, heading
from ablations.report.blocks import Extras, Figure, Items, Prose, Section, Table, linked, present
from ablations.report.data_files import both_ends, csv_file, some_files
from ablations.report.figures.charts import axis_label
from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.drawings import drawn
from ablations.report.sections.cost import frozen_note
from ablations.report.tables import between, make_table
from ablations.text.formatting import (
    UNKNOWN,
    counted,
    listing,
    low_to_high,
    metric_name,
    number,
    scale_for,
    sentence,
)
from ablations.text.naming import arm_label, seed_values, setting
from ablations.text.sentences import mean_estimate

READING = (
    "Each open diamond is a published number, each dot one of our seeds. Below the dots are our "
    "mean, its 95% interval (thick bar) and the 95% prediction interval (thin bar): the range in "
    "which one more run of ours is expected."
)
ONE_SEED = (
    "The open diamond is the published number, the dot our one seed. One seed gives no interval, "
    "so it is unknown whether another run of ours would be close to it."
)
OTHERWISE = (
    "The open diamond is the published number, each dot one of our seeds. Our runs had other "
    "settings, which the table names, so they do not show where a new run as published would lie."
)


def published(findings: Findings, _: Extras) -> Section | None:
    """Shows published runs beside ours, if the study names any."""
    if not findings.reproductions:
        return None
    outside = tuple(
        linked(outside_text(label, c), anchor, "this run")
        for row, found in _ranked(findings)
        for label, anchor in [(arm_label(findings.study, found.arm), f"#published-{row}")]
        for c in found.comparisons
        if c.inside is False
    )
    files = dict.fromkeys(found.published.source for found in findings.reproductions)
    notes = [f"Published numbers: {listing(list(files))}."]
    if frozen := frozen_note(findings):
        notes.append(f"{frozen} They cannot be compared with the published step times.")
    kinds = tuple(
        dict.fromkeys(
            linked(line, f"#published-{row}", "this run")
            for row, found in _ranked(findings)
            if (line := groups_text(arm_label(findings.study, found.arm), found))
        )
    )
    blocks = present(
        draw_published(findings) or Prose(f"{headline(findings)}."),
        Items((*outside, *kinds)) if outside or kinds else None,
        published_table(findings),
        Prose(" ".join(notes), style="muted"),
    )
    return Section("published", "Published against reproduced", blocks)


def _ranked(findings: Findings) -> list[tuple[int, Reproduction]]:
    """Returns the reproductions with their row, from 1: those with a number outside come first."""
    ordered = sorted(findings.reproductions, key=lambda found: not found.outside)
    return list(enumerate(ordered, start=1))


def headline(findings: Findings) -> str:
    """Counts the published numbers that lie outside the range of one more run of ours."""
    found = [(c.inside, r.unlike) for r in findings.reproductions for c in r.comparisons]
    other = sum(bool(unlike) for _, unlike in found)
    unknown = sum(inside is None for inside, _ in found) - other
    numbers = counted(len(found), "published number")
    if other == len(found):
        return f"None of {numbers} is compared: our runs had other settings"
    if other + unknown == len(found):
        return f"None of {numbers} can be compared: a prediction interval needs two seeds"
    outside = sum(inside is False for inside, _ in found)
    lies = "lies" if outside == 1 else "lie"
    kinds = any(c.groups for r in findings.reproductions for c in r.comparisons)
    few = "with so few seeds of a kind" if kinds else "below two seeds"
    rest = f"; {unknown} cannot be compared {few}" if unknown else ""
    rest += f"; {other} not compared, as our runs had other settings" if other else ""
    return f"Of {numbers}, {outside or 'none'} {lies} outside our 95% prediction intervals{rest}"


def outside_text(label: str, found: Comparison) -> str:
    """Says that a published number lies outside the range that our runs predict."""
    unit, ranges = found.metric.unit, _ranges(found)
    shown = number(found.published, unit)
    # Rounded, a number just outside would look as if it lay inside.
    bounds = {number(bound, unit) for one in ranges for bound in (one.low, one.high)}
    just = "just " if shown in bounds else ""
    spans = listing([low_to_high(one.low, one.high, unit) for one in ranges], "or")
    one = "the range that our seeds predict" if len(ranges) == 1 else "both ranges of our seeds"
    return (
        f"{sentence(label)}: the published {_name(found.metric)}, {shown}, lies {just}outside "
        f"{one} for one more run ({spans})."
    )


def _ranges(found: Comparison) -> list[Interval]:
    """Returns where one more run is expected: one interval, or one for each kind of seed."""
    every = [found.prediction, *(group.prediction for group in found.groups)]
    return [one for one in every if one]


_KINDS = {
    "untrained": "did not train",
    "trained": "trained",
    "low": "are in the lower of two groups",
    "high": "are in the higher of two groups",
}


def groups_text(label: str, found: Reproduction) -> str:
    """Says where one more run of each kind is expected, where our seeds are of two kinds."""
    compared = [c for c in found.comparisons if c.groups]
    if not compared or found.unlike:
        return ""
    first = compared[0]
    kinds = [
        f"{group.n} of {first.ours.n} {_KINDS[group.kind]} (95% interval of the share: "
        f"{low_to_high(group.share.low, group.share.high, 'fraction')})"
        for group in first.groups
    ]
    expected = [
        f"{_name(c.metric)}: {listing([_expected(c, group) for group in c.groups], 'or')}"
        for c in compared
    ]
    return (
        f"{sentence(label)}: of our networks, {listing(kinds)}. One more run is expected in the "
        f"range of its own kind. {sentence('; '.join(expected))}."
    )


def _expected(compared: Comparison, group: SeedGroup) -> str:
    bounds = group.prediction
    if bounds is None:
        return f"unknown (fewer than two {_KINDS[group.kind]})"
    return low_to_high(bounds.low, bounds.high, compared.metric.unit)


def other_settings(unlike: Sequence[Unlike]) -> str:
    """Says in which settings ours differ from what was published: ``epochs 2 instead of 20``."""
    return listing([_other_setting(one) for one in unlike])


def _other_setting(one: Unlike) -> str:
    name = one.name.replace("_", " ")
    if any(isinstance(value, list | tuple | dict) for value in (one.published, one.ours)):
        return f"other {name}"
    ours, published = ("none" if v is None else setting(v) for v in (one.ours, one.published))
    return f"{name} {ours} instead of {published}"


def _name(metric: MetricInfo) -> str:
    return heading("published", metric.name) or metric_name(metric.name)


def _metrics(found: Sequence[Reproduction]) -> list[MetricInfo]:
    """Returns the metrics of any comparison, in the order of their appearance."""
    return list({c.metric.name: c.metric for r in found for c in r.comparisons}.values())


def published_table(findings: Findings) -> Table:
    """One row per published run: its numbers beside those of our seeds, outside ones first."""
    metrics = _metrics(findings.reproductions)
    names = [f"{_name(m)}, {who}" for m in metrics for who in ("published", "ours")]
    spans = ["validation over the epochs, published", "ours"]
    numeric = [*names, *spans, "step, published", "step, ours"]
    rows = [
        [arm_label(findings.study, found.arm), _place(found)]
        + [cell for metric in metrics for cell in _pair(found, metric)]
        + [_span(found.published_range), _span(found.our_range)]
        + [number(found.published_step_seconds, "seconds")]
        + [number(found.our_step_seconds, "seconds")]
        for _, found in _ranked(findings)
    ]
    columns = ["arm", "published numbers in our 95% prediction intervals", *numeric]
    caption = "Published, and ours: mean [95% interval], lowest to highest seed"
    data = some_files("published", published_frame(findings))
    return make_table(caption, columns, rows, numeric=numeric, name="published", data=data)


def _place(found: Reproduction) -> str:
    """Says which numbers of a run lie outside, or why that is unknown."""
    if found.unlike:
        return f"{UNKNOWN} not compared: {other_settings(found.unlike)}"
    outside = [_name(c.metric) for c in found.comparisons if c.inside is False]
    unknown = [_name(c.metric) for c in found.comparisons if c.inside is None]
    if outside:
        return f"✗ outside: {listing(outside)}"
    if not found.comparisons or len(unknown) == len(found.comparisons):
        kinds = any(c.groups for c in found.comparisons)
        return "? unknown: too few seeds of a kind" if kinds else "? unknown below two seeds"
    return f"✓ inside{f'; unknown: {listing(unknown)}' if unknown else ''}"


def _pair(found: Reproduction, metric: MetricInfo) -> tuple[str, str]:
    same = (c for c in found.comparisons if c.metric.name == metric.name)
    compared = next(same, None)
    if compared is None:
        return UNKNOWN, UNKNOWN
    return number(compared.published, metric.unit), _ours(compared)


def _ours(compared: Comparison) -> str:
    own, unit = compared.ours, compared.metric.unit
    mean = mean_estimate(own)
    return mean if own.n < 2 else f"{mean},\n{low_to_high(own.minimum, own.maximum, unit)}"


def _span(ends: tuple[float, float] | None) -> str:
    return low_to_high(*ends, "fraction") if ends else UNKNOWN


def draw_published(findings: Findings) -> Figure | None:
    """Draws every published number beside our seeds, mean and prediction interval."""
    chart = published_chart(findings)
    if chart is None:
        return None
    return drawn(
        chart,
        name="published",
        headline=headline(findings),
        reading=_reading(findings),
        alt=f"Dot plot of {counted(len(chart.rows), 'published number')} beside ours.",
        table=_prediction_table(findings),
        data=csv_file("published", published_frame(findings)),
    )


def _reading(findings: Findings) -> str:
    """Explains the marks, and how many numbers lie outside by chance alone."""
    if all(r.unlike for r in findings.reproductions):
        return OTHERWISE
    known = sum(c.inside is not None for r in findings.reproductions for c in r.comparisons)
    if not known:
        return ONE_SEED
    return (
        f"{READING} If the published runs were no different from ours, 5% of "
        f"{counted(known, 'number')} would be expected to lie outside, by chance."
    )


def published_chart(findings: Findings) -> DotPlot | None:
    """One row per metric and published run; only metrics of one unit share the axis."""
    metrics = [m for m in _metrics(findings.reproductions) if m.unit == "fraction"]
    shown = [
        (metric, found, compared)
        for metric in metrics
        for _, found in _ranked(findings)
        for compared in found.comparisons
        if compared.metric.name == metric.name
    ]
    if not shown:
        return None
    scale = scale_for("fraction", [compared.published for *_, compared in shown])
    rows = [_row(compared, arm_label(findings.study, found.arm)) for _, found, compared in shown]
    axis = axis_label(MetricInfo(ACCURACY, "fraction", "higher"), scale)
    return DotPlot(tuple(rows), axis, factor=scale.factor)


def _row(compared: Comparison, label: str) -> Row:
    own = compared.ours
    return Row(
        label=label,
        dots=tuple(value for _, value in own.values),
        says=seed_values(own.values, partial(number, unit=compared.metric.unit)),
        middle=None if own.n < 2 else own.mean,
        bar=ends(own.interval),
        thin=None if compared.inside is None else ends(compared.prediction),
        note=number(compared.published, compared.metric.unit),
        detail=f"ours {number(own.mean, compared.metric.unit)}",
        colour="vermillion" if compared.inside is False else "blue",
        group=sentence(_name(compared.metric)),
        diamond=compared.published,
    )


def _prediction_table(findings: Findings) -> Table:
    """One row per published number."""
    columns = ["published", "ours, mean", "95% prediction interval"]
    rows = [
        [
            f"{arm_label(findings.study, found.arm)}: {_name(compared.metric)}",
            number(compared.published, compared.metric.unit),
            number(compared.ours.mean, compared.metric.unit),
            " or ".join(between(one, compared.metric.unit) for one in _ranges(compared)) or UNKNOWN,
            {True: "inside", False: "outside", None: UNKNOWN}[compared.inside],
        ]
        for _, found in _ranked(findings)
        for compared in found.comparisons
    ]
    heads = ["number", *columns, "published run"]
    return make_table("each published number and ours", heads, rows, numeric=columns)


def published_frame(findings: Findings) -> pd.DataFrame:
    """One row per published number."""
    rows = [
        dict(found.arm.levels)
        | {"source": found.published.source, "metric": c.metric.name, "published": c.published}
        | {"n": c.ours.n, "mean": c.ours.mean, "min": c.ours.minimum, "max": c.ours.maximum}
        | both_ends("interval", c.ours.interval)
        | both_ends("prediction", c.prediction)
        | {
            f"prediction_{group.kind}_{end}": getattr(group.prediction, end, None)
            for group in c.groups
            for end in ("low", "high")
        }
        | {"inside": c.inside}
        for _, found in _ranked(findings)
        for c in found.comparisons
    ]
    return pd.DataFrame(rows)
