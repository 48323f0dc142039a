"""Makes each figure of a report: headline, drawings for page and phone, file and table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from ablations.core.findings import Findings
from ablations.report import data_files, tables
from ablations.report.blocks import DataFile, Figure, Table
from ablations.report.figures import charts, figure_tables, headlines, training_charts
from ablations.report.figures.dots import dot_figure, thumbnail_figure
from ablations.report.figures.histories import history_figure
from ablations.report.figures.scatter import cost_figure
from ablations.report.figures.svg import alone, draw, for_page, themed
from ablations.report.figures.theme import NARROW, WIDE
from ablations.text.formatting import arm_label, listing, metric_name, number


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around a figure.

    ``notes`` follow the reading, where an axis does not show all numbers as usual.
    """

    name: str
    headline: str
    reading: str
    alt: str
    notes: str = ""


def drawn(words: Words, table: Table, data: DataFile, lay_out: Callable[[int], Canvas]) -> Figure:
    """Draws a figure for page, phone and file."""
    wide, narrow = draw(lay_out(WIDE)), draw(lay_out(NARROW))
    return Figure(
        name=words.name,
        headline=words.headline,
        reading=" ".join(filter(None, (words.reading, words.notes))),
        alt=words.alt,
        wide=for_page(wide, name=f"{words.name}-wide", alt=words.alt, shown="wide"),
        narrow=for_page(narrow, name=f"{words.name}-narrow", alt=words.alt, shown="narrow"),
        svg=alone(wide, alt=words.alt),
        data=data,
        table=table,
    )


def draw_arms(findings: Findings) -> Figure | None:
    """Draws the seeds, mean and interval of every arm."""
    chart = charts.arms_chart(findings)
    if all(row.middle is None for row in chart.rows):
        return None
    alt = headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm")
    headline, reading = headlines.arms_headline(findings), headlines.arms_reading(findings)
    words = Words("arms", headline, reading, alt, notes=chart.notes)
    return drawn(
        words,
        figure_tables.seed_table(findings),
        data_files.arms_file("arms", findings),
        lambda width: dot_figure(chart, width),
    )


def draw_thumbnail(findings: Findings) -> str:
    """Draws the small picture of a study's card."""
    chart = charts.arms_chart(findings)
    alt = headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm")
    return themed(draw(thumbnail_figure(chart)), alt=alt)


def draw_effects(findings: Findings) -> Figure | None:
    """Draws the effects with both intervals."""
    chart = charts.effects_chart(findings)
    if chart is None:
        return None
    alt = headlines.dots_alt(chart, f"effects on {metric_name(findings.metric.name)}")
    headline, reading = headlines.effects_headline(findings), headlines.effects_reading(findings)
    words = Words("effects", headline, reading, alt, notes=chart.notes)
    return drawn(
        words,
        figure_tables.contrast_table(findings),
        data_files.effects_file(findings),
        lambda width: dot_figure(chart, width),
    )


def draw_history(findings: Findings, place: int, data: DataFile) -> Figure | None:
    """Draws accuracy and loss over the epochs of the arm at a place, from 1."""
    arm = findings.arms[place - 1]
    found = training_charts.history_charts(findings, arm)
    if not found:
        return None
    label = arm_label(findings.study, arm.arm)
    axes = listing([chart.y_axis for chart in found])
    alt = f"Training and validation of ‘{label}’ over the epochs: {axes}."
    reading = headlines.history_reading(arm, found)
    name = f"history-{place}"
    notes = " ".join(dict.fromkeys(filter(None, (chart.notes for chart in found))))
    headline = headlines.history_headline(arm)
    words = Words(name, headline, reading, alt, notes=notes)
    table = figure_tables.epoch_table(arm)
    return drawn(words, table, data, lambda width: history_figure(found, width))


def draw_steps(findings: Findings) -> Figure | None:
    """Draws the distribution of step times of every arm."""
    chart = training_charts.steps_chart(findings)
    table = figure_tables.quantile_table(findings)
    if chart is None or table is None:
        return None
    alt = headlines.dots_alt(chart, "step times by arm")
    words = Words(
        "steps", headlines.steps_headline(findings), headlines.STEPS_READING, alt, notes=chart.notes
    )
    data = data_files.csv_file("steps", data_files.steps_frame(findings))
    return drawn(words, table, data, lambda width: dot_figure(chart, width))


def draw_cost(findings: Findings) -> Figure | None:
    """Draws what each arm reaches against what it costs."""
    chart, cost = training_charts.cost_chart(findings), findings.cost_metric
    if chart is None or cost is None:
        return None
    table = _cost_table(findings, cost)
    _, across, upward = (column.name for column in table.columns)
    alt = f"Scatter plot of {upward} over {across}, one point for each arm."
    headline = headlines.cost_headline(findings, chart, cost)
    words = Words("cost", headline, headlines.cost_reading(findings, cost), alt, notes=chart.notes)
    data = data_files.arms_file("cost", findings)
    return drawn(words, table, data, lambda width: cost_figure(chart, width))


def _cost_table(findings: Findings, cost: str) -> Table:
    """One row per arm: the two means that its point stands for."""
    metric = findings.metric.name
    numeric = [metric_name(cost), metric_name(metric)]
    means = [(arm, arm.summaries.get(cost), arm.summaries.get(metric)) for arm in findings.arms]
    rows = [
        [arm_label(findings.study, arm.arm)]
        + [number(s.mean if s else None, s.metric.unit if s else "number") for s in found]
        for arm, *found in means
    ]
    return tables.make_table("means by arm", ["arm", *numeric], rows, numeric=numeric)
