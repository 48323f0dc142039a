"""How the effect of each change depends on the others, as a figure."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Figure, Section
from ablations.report.data_files import csv_file, interactions_frame
from ablations.report.figures.charts import interaction_chart
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import panel_table
from ablations.report.figures.headlines import panels_alt
from ablations.text.formatting import counted, difference
from ablations.text.naming import effect_label
from ablations.text.sentences import decided_interactions

READING = (
    "Parallel lines suggest that the two factors do not depend on each other, lines that close, "
    "open or cross that they do; the intervals above decide. Each point averages over all other "
    "factors; small dots are seeds."
)


def interactions(findings: Findings, _: Extras) -> Section | None:
    """Draws each pair of factors, where the study crossed them."""
    figure = _draw(findings)
    if figure is None:
        return None
    heading = "Do the changes depend on each other?"
    return Section("interactions", "Interactions", (figure,), heading=heading)


def _draw(findings: Findings) -> Figure | None:
    """Draws how each factor's effect depends on another factor."""
    chart = interaction_chart(findings)
    if chart is None:
        return None
    return drawn(
        chart,
        name="interactions",
        headline=_headline(findings),
        reading=READING,
        alt=panels_alt(chart, "how two factors act together"),
        table=panel_table(chart, "mean by cell"),
        data=csv_file("interactions", interactions_frame(findings)),
    )


def _headline(findings: Findings) -> str:
    """Names the pair of factors that depend on each other most, if any do."""
    found = [effect for effect in decided_interactions(findings) if len(effect.changes) == 2]
    if not found:
        shown = difference(findings.study.smallest_effect_that_matters, findings.metric.unit)
        margin = findings.study.smallest_effect_that_matters > 0
        bar = f" by more than {shown.lstrip('+')}" if margin else ""
        return f"No two factors could be shown to depend on each other{bar}"
    if any(abs(alias.weight) == 1 for alias in found[0].aliases):
        return f"Two factors depend on each other: {effect_label(findings, found[0])}"
    first, second = found[0].changes[:2]
    more = len({tuple(c.factor for c in effect.changes) for effect in found}) - 1
    rest = f", and so in {counted(more, 'other pair')}" if more else ""
    return f"What {first.factor} does depends on {second.factor}{rest}"
