"""Makes a figure of a chart with its words and numbers; draws it for papers and notebooks."""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from numpy.typing import NDArray

from ablations.core.findings import Findings
from ablations.errors import StudyError
from ablations.report import data_files
from ablations.report.blocks import Chart, DataFile, Figure, Table
from ablations.report.figures import charts, figure_tables, headlines, training_charts
from ablations.report.figures.dots import thumbnail_figure
from ablations.report.figures.svg import draw, for_page, standalone, themed
from ablations.report.figures.theme import FAMILIES, NARROW, WIDE, style
from ablations.report.many import arranged
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
    _write(figure, words)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(stream, transparent=True, **options)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class Plots:
    """The figures of a report for a notebook or script, on axes that may be changed afterwards.

    They are figures of pyplot, so that a notebook shows them below the cell; numbers are in the
    units that the axes name.

    Raises:
        StudyError: from each method where the findings have nothing that it could draw.

    Example:
        ``findings.plot.arms().figure.savefig("arms.pdf", bbox_inches="tight")``
    """

    findings: Findings

    def arms(self) -> Axes:
        """Draws the seeds of each arm, with their mean and its 95% interval."""
        chart = charts.arms_chart(arranged(self.findings))
        return self._one(
            chart if any(row.dots for row in chart.rows) else None, "a completed trial"
        )

    def effects(self) -> Axes:
        """Draws what each change does within each seed, with its 95% interval, also adjusted."""
        return self._one(charts.effects_chart(arranged(self.findings)), "an effect")

    def interactions(self) -> NDArray[np.object_]:
        """Draws how pairs of factors act together; returns the axes of each pair."""
        chart = charts.interaction_chart(arranged(self.findings))
        return self._several(chart, "two factors that are crossed")

    def curves(self) -> NDArray[np.object_]:
        """Draws training and validation over the epochs; returns the axes of each arm."""
        chart = training_charts.curves_chart(arranged(self.findings))
        return self._several(chart, "epochs: log.epoch reports them")

    def steps(self) -> Axes:
        """Draws how long the steps of each arm took."""
        chart = training_charts.steps_chart(arranged(self.findings))
        return self._one(chart, "times of steps: log.steps reports them")

    def cost(self) -> Axes:
        """Draws what each arm reaches against the time that its training took."""
        chart = training_charts.cost_chart(arranged(self.findings))
        return self._one(chart, "two arms whose training was timed: log.metric('fit_seconds', …)")

    def _one(self, chart: Chart | None, needed: str) -> Axes:
        axes: Axes = self._several(chart, needed)[0]
        return axes

    def _several(self, chart: Chart | None, needed: str) -> NDArray[np.object_]:
        if chart is None:
            raise StudyError(
                "there is nothing to draw",
                received=f"no {needed.partition(':')[0].removeprefix('an ')} in the findings",
                cure=f"It needs {needed}",
            )
        with style(), mpl.rc_context({"font.family": _installed(FAMILIES)}):
            figure: Canvas = chart.figure(WIDE)
        found = np.empty(len(figure.axes), dtype=object)
        found[:] = _of_pyplot(figure).axes
        return found


def _of_pyplot(figure: Canvas) -> Canvas:
    """Hands a figure to pyplot, which makes each of its figures by calling a class."""
    import matplotlib.pyplot as plt

    _write(figure, printable)
    plt.figure(FigureClass=lambda *_, **__: figure)  # type: ignore[arg-type]
    return figure


def _installed(families: Sequence[str]) -> list[str]:
    """Returns those fonts that are installed, and the one of Matplotlib, which always is."""
    from matplotlib.font_manager import fontManager

    found = {font.name for font in fontManager.ttflist}
    return [*(name for name in families if name in found), "DejaVu Sans"]


def _write(figure: Canvas, words: Callable[[str], str]) -> None:
    """Makes all texts of a figure safe for what shows it."""
    for text in figure.findobj(Text):
        text.set_text(words(text.get_text()))
