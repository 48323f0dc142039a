"""Writes every figure of a report as PGF, which LaTeX sets in the fonts of the document."""

from __future__ import annotations

from ablations.report.blocks import Figure, Report, walk
from ablations.report.figures.drawings import draw_pgf


def pgf(report: Report) -> dict[str, str | bytes]:
    """Returns a file for each figure, by the figure's name.

    Raises:
        StudyError: if no TeX system is installed.
    """
    blocks = walk((*report.opening, *report.sections))
    return {f"{b.name}.pgf": draw_pgf(b.chart) for b in blocks if isinstance(b, Figure)}
