"""How training and validation went from epoch to epoch, for all arms side by side."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Section
from ablations.report.figures.drawings import draw_curves


def curves(findings: Findings, _: Extras) -> Section | None:
    """Draws the learning curves; in a study with chapters, each shows those of its own arms."""
    figure = None if findings.study.chapters else draw_curves(findings)
    if figure is None:
        return None
    return Section("curves", "Learning curves", (figure,), heading="How the arms learned")
