"""Makes each figure of a report: headline, drawings for page and phone, file and table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ablations.core.findings import ArmFinding, Findings
from ablations.report import tables
from ablations.report.figures import charts, figure_tables, headlines, training_charts
from ablations.report.figures.dots import dot_figure, thumbnail_figure
from ablations.report.figures.histories import history_figure
from ablations.report.figures.panels import curve_figure, interaction_figure
from ablations.report.figures.scatter import cost_figure
from ablations.report.figures.svg import alone, draw, for_page, themed
from ablations.report.figures.theme import NARROW, WIDE
from ablations.report.views import Figures, FigureView, TableView
from ablations.text.formatting import arm_label, listing, metric_name, number


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around a figure; ``csv`` is the name of its data, if it is not its own.

    ``notes`` follow the reading, where an axis does not show all numbers as usual.
    """

    name: str
    headline: str
    reading: str
    alt: str
    csv: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as part of the page, and as a file of its own."""

    view: FigureView
    svg: str


def drawn(words: Words, table: TableView, lay_out: Callable[[int], Figure]) -> Drawn:
    """Draws a figure for page, phone and file."""
    wide, narrow = draw(lay_out(WIDE)), draw(lay_out(NARROW))
    data = words.csv or words.name
    view = FigureView(
        name=words.name,
        headline=words.headline,
        reading=" ".join(filter(None, (words.reading, words.notes))),
        alt=words.alt,
        wide=for_page(wide, name=f"{words.name}-wide", alt=words.alt, shown="wide"),
        narrow=for_page(narrow, name=f"{words.name}-narrow", alt=words.alt, shown="narrow"),
        file=f"figures/{words.name}.svg",
        data=data,
        csv=f"data/{data}.csv",
        table=table,
    )
    return Drawn(view, alone(wide, alt=words.alt))


def draw_arms(findings: Findings) -> Drawn | None:
    """Draws the seeds, mean and interval of every arm."""
    chart = charts.arms_chart(findings)
    if all(row.middle is None for row in chart.rows):
        return None
    alt = headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm")
    headline, reading = headlines.arms_headline(findings), headlines.arms_reading(findings)
    words = Words("arms", headline, reading, alt, notes=chart.notes)
    return drawn(words, figure_tables.seed_table(findings), lambda width: dot_figure(chart, width))


def draw_thumbnail(findings: Findings) -> str:
    """Draws the small picture of a study's card."""
    chart = charts.arms_chart(findings)
    alt = headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm")
    return themed(draw(thumbnail_figure(chart)), alt=alt)


def draw_effects(findings: Findings) -> Drawn | None:
    """Draws the effects with both intervals."""
    chart = charts.effects_chart(findings)
    if chart is None:
        return None
    alt = headlines.dots_alt(chart, f"effects on {metric_name(findings.metric.name)}")
    headline, reading = headlines.effects_headline(findings), headlines.effects_reading(findings)
    words = Words("effects", headline, reading, alt, notes=chart.notes)
    return drawn(
        words, figure_tables.contrast_table(findings), lambda width: dot_figure(chart, width)
    )


def draw_interactions(findings: Findings) -> Drawn | None:
    """Draws how each factor's effect depends on another factor."""
    chart = charts.interaction_chart(findings)
    if chart is None:
        return None
    alt = headlines.panels_alt(chart, "how two factors act together")
    headline = headlines.interactions_headline(findings)
    words = Words("interactions", headline, headlines.INTERACTIONS_READING, alt, notes=chart.notes)
    table = figure_tables.panel_table(chart, "mean by cell")
    return drawn(words, table, lambda width: interaction_figure(chart, width))


def draw_curves(findings: Findings) -> Drawn | None:
    """Draws the learning curves of every arm."""
    chart = training_charts.curves_chart(findings)
    if chart is None:
        return None
    alt = headlines.panels_alt(chart, "learning curves")
    headline = headlines.curves_headline(findings, chart)
    words = Words("curves", headline, headlines.CURVES_READING, alt, notes=chart.notes)
    table = figure_tables.last_epoch_table(chart)
    return drawn(words, table, lambda width: curve_figure(chart, width))


def draw_history(findings: Findings, arm: ArmFinding, place: int) -> Drawn | None:
    """Draws accuracy and loss of one arm over the epochs; ``place`` tells figures apart."""
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
    words = Words(name, headline, reading, alt, csv="curves", notes=notes)
    return drawn(words, figure_tables.epoch_table(arm), lambda width: history_figure(found, width))


def draw_steps(findings: Findings) -> Drawn | None:
    """Draws the distribution of step times of every arm."""
    chart = training_charts.steps_chart(findings)
    table = figure_tables.quantile_table(findings)
    if chart is None or table is None:
        return None
    alt = headlines.dots_alt(chart, "step times by arm")
    words = Words(
        "steps", headlines.steps_headline(findings), headlines.STEPS_READING, alt, notes=chart.notes
    )
    return drawn(words, table, lambda width: dot_figure(chart, width))


def draw_cost(findings: Findings) -> Drawn | None:
    """Draws what each arm reaches against what it costs."""
    chart, cost = training_charts.cost_chart(findings), training_charts.cost_metric(findings)
    if chart is None or cost is None:
        return None
    metric = findings.metric
    means = [
        (arm, arm.summaries.get(cost), arm.summaries.get(metric.name)) for arm in findings.arms
    ]
    columns = ["arm", metric_name(cost), metric_name(metric.name)]
    rows = [
        [arm_label(findings.study, arm.arm)]
        + [number(s.mean if s else None, s.metric.unit if s else "number") for s in found]
        for arm, *found in means
    ]
    alt = f"Scatter plot of {columns[2]} over {columns[1]}, one point for each arm."
    headline = headlines.cost_headline(findings, chart, cost)
    words = Words("cost", headline, headlines.cost_reading(findings, cost), alt, notes=chart.notes)
    table = tables.make_table("means by arm", columns, rows, numeric=columns[1:])
    return drawn(words, table, lambda width: cost_figure(chart, width))


def draw_all(findings: Findings) -> list[Drawn]:
    """Draws all figures that there are data for, in their order on the page.

    Where the study is told in chapters, each shows the learning curves of its own arms.
    """
    drawers = [draw_arms, draw_effects, draw_interactions, draw_curves, draw_steps, draw_cost]
    if findings.study.chapters:
        drawers.remove(draw_curves)
    found = (draw_one(findings) for draw_one in drawers)
    return [drawing for drawing in found if drawing]


def figures(drawings: Sequence[Drawn]) -> Figures:
    """Sorts drawings into their places on the page."""
    views = {drawing.view.name: drawing.view for drawing in drawings}
    return Figures(
        arms=views.get("arms"),
        effects=views.get("effects"),
        interactions=views.get("interactions"),
        curves=views.get("curves"),
        steps=views.get("steps"),
        cost=views.get("cost"),
    )
