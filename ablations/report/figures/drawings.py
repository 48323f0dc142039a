"""Makes a figure of a chart with its words, table and numbers, and draws those of the opening."""

from __future__ import annotations

from typing import Protocol

from matplotlib.figure import Figure as Canvas

from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import DataFile, Figure, Table
from ablations.report.figures import charts, figure_tables, headlines
from ablations.report.figures.dots import thumbnail_figure
from ablations.report.figures.svg import draw, for_page, standalone, themed
from ablations.report.figures.theme import NARROW, WIDE
from ablations.text.formatting import metric_name


class Chart(Protocol):
    """What a figure shows; ``notes`` say where an axis does not show all numbers as usual."""

    @property
    def notes(self) -> str: ...  # noqa: D102 - as above

    def figure(self, width: int) -> Canvas:
        """Draws the chart at a width in CSS pixels."""
        ...


def drawn(
    chart: Chart, *, name: str, headline: str, reading: str, alt: str, table: Table, data: DataFile
) -> Figure:
    """Draws a figure for page, phone and file; its notes follow the reading."""
    wide, narrow = draw(chart.figure(WIDE)), draw(chart.figure(NARROW))
    return Figure(
        name=name,
        headline=headline,
        reading=" ".join(filter(None, (reading, chart.notes))),
        alt=alt,
        wide=for_page(wide, name=f"{name}-wide", alt=alt, shown="wide"),
        narrow=for_page(narrow, name=f"{name}-narrow", alt=alt, shown="narrow"),
        svg=standalone(wide, alt=alt),
        data=data,
        table=table,
    )


def draw_arms(findings: Findings) -> Figure | None:
    """Draws the seeds, mean and interval of every arm."""
    chart = charts.arms_chart(findings)
    if all(row.middle is None for row in chart.rows):
        return None
    return drawn(
        chart,
        name="arms",
        headline=headlines.arms_headline(findings),
        reading=headlines.arms_reading(findings),
        alt=headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm"),
        table=figure_tables.seed_table(findings),
        data=data_files.csv_file("arms", data_files.arms_frame(findings)),
    )


def draw_thumbnail(findings: Findings) -> str:
    """Draws the small picture of a study's card."""
    chart = charts.arms_chart(findings)
    alt = headlines.dots_alt(chart, f"{metric_name(findings.metric.name)} by arm")
    return themed(draw(thumbnail_figure(chart)), alt=alt)
