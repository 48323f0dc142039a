r"""Writes every figure of a report as PDF, for ``\includegraphics``."""

from __future__ import annotations

from ablations.report.blocks import Figure, Report, walk
from ablations.report.figures.drawings import draw_pdf


def pdf(report: Report) -> dict[str, str | bytes]:
    """Returns a file for each figure, by the figure's name."""
    blocks = walk((*report.opening, *report.sections))
    return {f"{b.name}.pdf": draw_pdf(b.chart) for b in blocks if isinstance(b, Figure)}
