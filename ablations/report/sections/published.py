"""Holds what a text published beside what the records say."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ablations.core.estimates import Interval, MetricInfo, ends
from ablations.core.findings import Comparison, Findings, Reproduction
from ablations.core.metrics import ACCURACY, heading
from ablations.report.blocks import Extras, Figure, Items, Prose, Section, Table, linked, present
from ablations.report.data_files import both_ends, csv_file, some_files
from ablations.report.figures.charts import axis_label
from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.drawings import drawn
from ablations.report.tables import make_table
from ablations.report.words.otherwise import otherwise
from ablations.text.formatting import (
    UNKNOWN,
    counted,
    duration,
    estimate,
    interval,
    listing,
    low_to_high,
    metric_name,
    number,
    scale_for,
    sentence,
)
from ablations.text.naming import arm_label

READING = (
    "The open diamond is the published number, each dot one of our seeds; below them are our "
    "mean, its 95% interval (thick bar) and the 95% prediction interval (thin bar), the range in "
    "which one new run of ours is expected."
)
ONE_SEED = (
    "The open diamond is the published number, the dot our one seed. One seed gives no interval, "
    "so whether a new run of ours would come out like it is unknown."
)


OTHERWISE = (
    "The open diamond is the published number, each dot one of our seeds. Ours were made with "
    "other settings, which the table names, so they do not say where a new run as published "
    "would lie."
)


def ranked(findings: Findings) -> list[tuple[int, Reproduction]]:
    """Returns the reproductions with their row, from 1: what lies outside comes first."""
    ordered = sorted(findings.reproductions, key=lambda found: not found.outside)
    return list(enumerate(ordered, start=1))


def published(findings: Findings, _: Extras) -> Section | None:
    """Holds published runs beside ours, if the study names any."""
    if not findings.reproductions:
        return None
    outside = [_outside(findings, row, found) for row, found in ranked(findings) if found.outside]
    files = dict.fromkeys(found.published.source for found in findings.reproductions)
    blocks = present(
        draw_published(findings) or Prose(f"{headline(findings)}."),
        Items(tuple(outside)) if outside else None,
        published_table(findings),
        Prose(f"Published numbers: {listing(list(files))}.", style="muted"),
    )
    return Section("published", "Published against reproduced", blocks)


def headline(findings: Findings) -> str:
    """Counts the published runs that lie where a new run of ours is expected."""
    found = findings.reproductions
    known = [r for r in found if any(c.inside is not None for c in r.comparisons)]
    runs = counted(len(found), "published run")
    if all(r.unlike for r in found):
        were = "was" if len(found) == 1 else "were"
        return f"{runs} {were} made otherwise than ours, and {were} not compared"
    if not known:
        return f"{runs}: whether they lie where a new run of ours would is not known yet"
    outside = sum(r.outside for r in known)
    other = sum(bool(r.unlike) for r in found)
    unknown = len(found) - len(known) - other
    rest = f"; of {unknown} it is not known yet" if unknown else ""
    rest += f"; {other} {'was' if other == 1 else 'were'} made otherwise" if other else ""
    lies = "lies" if outside == 1 else "lie"
    count = "none" if not outside else str(outside)
    return f"Of {runs}, {count} {lies} outside of our 95% prediction interval{rest}"


def _outside(findings: Findings, row: int, found: Reproduction) -> Prose:
    """Says which published numbers of a run our own runs make unlikely."""
    parts = [
        _where(c.metric, c.published, c.prediction)
        for c in found.comparisons
        if c.inside is False and c.prediction
    ]
    label = arm_label(findings.study, found.arm)
    text = f"{label} was published outside of what our seeds predict: {listing(parts)}."
    return linked(sentence(text), f"#published-{row}", "this run")


def _where(metric: MetricInfo, published: float, expected: Interval) -> str:
    shown = number(published, metric.unit)
    # Rounded, a number just outside would look as if it lay inside.
    just = shown in {number(bound, metric.unit) for bound in (expected.low, expected.high)}
    bounds = low_to_high(expected.low, expected.high, metric.unit)
    return f"{_name(metric)} {shown}, {'just ' * just}beyond {bounds}"


def _name(metric: MetricInfo) -> str:
    return heading("published", metric.name) or metric_name(metric.name)


def _metrics(found: Sequence[Reproduction]) -> list[MetricInfo]:
    """Returns the metrics of any comparison, in the order of their appearance."""
    return list({c.metric.name: c.metric for r in found for c in r.comparisons}.values())


def published_table(findings: Findings) -> Table:
    """One row per published run: what it says beside what our seeds say, outside ones first."""
    metrics = _metrics(findings.reproductions)
    names = [f"{_name(m)}, {who}" for m in metrics for who in ("published", "ours")]
    spans = ["validation over the epochs, published", "ours"]
    numeric = [*names, *spans, "step, published", "step, ours"]
    rows = [
        [arm_label(findings.study, found.arm), _place(found)]
        + [cell for metric in metrics for cell in _pair(found, metric)]
        + [_span(found.published_range), _span(found.our_range)]
        + [_seconds(found.published_step_seconds), _seconds(found.our_step_seconds)]
        for _, found in ranked(findings)
    ]
    columns = ["arm", "published run in our 95% prediction interval", *numeric]
    caption = "Published, and ours: mean [95% interval], lowest to highest seed"
    data = some_files("published", published_frame(findings))
    return make_table(caption, columns, rows, numeric=numeric, name="published", data=data)


def _place(found: Reproduction) -> str:
    """Says which numbers of a run lie outside, or that nobody can tell yet."""
    if found.unlike:
        return f"{UNKNOWN} not compared: {otherwise(found.unlike)}"
    outside = [_name(c.metric) for c in found.comparisons if c.inside is False]
    unknown = [_name(c.metric) for c in found.comparisons if c.inside is None]
    if outside:
        return f"✗ outside: {listing(outside)}"
    if not found.comparisons or len(unknown) == len(found.comparisons):
        return "? unknown below two seeds"
    return f"✓ inside{f'; unknown: {listing(unknown)}' if unknown else ''}"


def _pair(found: Reproduction, metric: MetricInfo) -> tuple[str, str]:
    same = (c for c in found.comparisons if c.metric.name == metric.name)
    compared = next(same, None)
    if compared is None:
        return UNKNOWN, UNKNOWN
    return number(compared.published, metric.unit), _ours(compared)


def _ours(compared: Comparison) -> str:
    own, unit = compared.ours, compared.metric.unit
    mean = estimate(own.mean, ends(own.interval), unit)
    return mean if own.n < 2 else f"{mean},\n{low_to_high(own.minimum, own.maximum, unit)}"


def _span(ends: tuple[float, float] | None) -> str:
    return low_to_high(*ends, "fraction") if ends else UNKNOWN


def _seconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else duration(seconds)


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
    """Explains the marks, and how many runs lie outside by chance alone."""
    found = [c.inside for r in findings.reproductions for c in r.comparisons]
    known = sum(inside is not None for inside in found)
    if all(r.unlike for r in findings.reproductions):
        return OTHERWISE
    if not known:
        return ONE_SEED
    return f"{READING} By chance alone, 5% of {counted(known, 'number')} would lie outside of it."


def published_chart(findings: Findings) -> DotPlot | None:
    """One row per metric and published run; only metrics of one unit share the axis."""
    metrics = [m for m in _metrics(findings.reproductions) if m.unit == "fraction"]
    shown = [
        (metric, found, compared)
        for metric in metrics
        for _, found in ranked(findings)
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
            _predicted(compared),
            {True: "inside", False: "outside", None: UNKNOWN}[compared.inside],
        ]
        for _, found in ranked(findings)
        for compared in found.comparisons
    ]
    heads = ["number", *columns, "published run"]
    return make_table("each published number and ours", heads, rows, numeric=columns)


def _predicted(compared: Comparison) -> str:
    found = compared.prediction
    return interval(found.low, found.high, compared.metric.unit) if found else UNKNOWN


def published_frame(findings: Findings) -> pd.DataFrame:
    """One row per published number."""
    rows = [
        dict(found.arm.levels)
        | {"source": found.published.source, "metric": c.metric.name, "published": c.published}
        | {"n": c.ours.n, "mean": c.ours.mean, "min": c.ours.minimum, "max": c.ours.maximum}
        | both_ends("interval", c.ours.interval)
        | both_ends("prediction", c.prediction)
        | {"inside": c.inside}
        for _, found in ranked(findings)
        for c in found.comparisons
    ]
    return pd.DataFrame(rows)
