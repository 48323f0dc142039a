"""Makes a figure of a chart with its words, table and numbers, and draws it for papers."""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from ablations.core.findings import Findings
from ablations.errors import StudyError
from ablations.report import data_files
from ablations.report.blocks import Chart, DataFile, Figure, Table
from ablations.report.figures import charts, figure_tables, headlines
from ablations.report.figures.dots import thumbnail_figure
from ablations.report.figures.svg import draw, for_page, standalone, themed
from ablations.report.figures.theme import NARROW, WIDE
from ablations.text.escaping import escape_latex, printable
from ablations.text.formatting import metric_name

PAPER = 500
"""Width in points of a figure for papers: scaled to a text of 345 pt, its words have 9 to 10 pt."""

_NO_METADATA = {"CreationDate": None, "Creator": None, "Producer": None}


def drawn(
    chart: Chart, *, name: str, headline: str, reading: str, alt: str, table: Table, data: DataFile
) -> Figure:
    """Draws a figure for page, phone and file; its notes follow the reading."""
    wide, narrow = draw_at(WIDE, chart), draw_at(NARROW, chart)
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
        chart=chart,
    )


def draw_at(width: int, chart: Chart) -> str:
    """Draws a chart as SVG at a width in CSS pixels; all of it depends on the chart alone."""
    return draw(chart.figure(width))


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


def draw_pdf(chart: Chart) -> bytes:
    """Draws a chart as PDF for a paper, with its fonts in it."""
    with mpl.rc_context({"pdf.fonttype": 42}):
        return _saved(chart.figure(PAPER), printable, format="pdf", metadata=_NO_METADATA)


def draw_pgf(chart: Chart) -> bytes:
    r"""Draws a chart as PGF, which ``\input`` sets in the fonts of the document.

    Raises:
        StudyError: if there is no TeX system, which Matplotlib asks how wide the words are.
    """
    system = next((name for name in ("pdflatex", "lualatex", "xelatex") if shutil.which(name)), "")
    if not system:
        raise StudyError(
            "PGF needs a TeX system, which says how wide the words of a figure are",
            received="none of pdflatex, lualatex and xelatex is installed",
            cure="Install TeX Live, or use --format pdf",
        )
    with mpl.rc_context({"pgf.texsystem": system, "pgf.rcfonts": False}):
        try:
            return _saved(chart.figure(PAPER), escape_latex, format="pgf")
        except ValueError as error:  # what the backend raises for words that TeX cannot measure
            raise StudyError(
                f"{system} cannot set the words of a figure, such as letters that are not Latin",
                received=f"{str(error).splitlines()[0].rpartition('}')[0][-80:]}",
                cure="Use --format pdf",
            ) from error


def _saved(figure: Canvas, words: Callable[[str], str], **options: Any) -> bytes:
    """Saves a figure; ``words`` makes its texts safe for the format."""
    for text in figure.findobj(Text):
        text.set_text(words(text.get_text()))
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(stream, transparent=True, **options)
    return stream.getvalue()
