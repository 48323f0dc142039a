"""How the effect of each change depends on the others, as a figure."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Section
from ablations.report.figures.drawings import draw_interactions


def interactions(findings: Findings, _: Extras) -> Section | None:
    """Draws each pair of factors, where the study crossed them."""
    figure = draw_interactions(findings)
    if figure is None:
        return None
    heading = "Do the changes depend on each other?"
    return Section("interactions", "Interactions", (figure,), heading=heading)
