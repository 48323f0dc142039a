"""Makes a figure from its words, table, numbers and drawing, and draws those of the opening."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import DataFile, Figure, Table
from ablations.report.figures import charts, figure_tables, headlines
from ablations.report.figures.dots import dot_figure, thumbnail_figure
from ablations.report.figures.svg import alone, draw, for_page, themed
from ablations.report.figures.theme import NARROW, WIDE
from ablations.text.formatting import metric_name


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
