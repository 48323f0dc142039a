"""How the effect of each change depends on the others, as a figure."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Section
from ablations.report.data_files import csv_file, interactions_frame
from ablations.report.figures.charts import interaction_chart
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import panel_table
from ablations.report.figures.headlines import panels_alt
from ablations.text.formatting import counted
from ablations.text.naming import effect_label
from ablations.text.sentences import decided_interactions, margin

READING = (
    "Parallel lines suggest that the effects of the two factors do not depend on each other, other "
    "lines suggest that they do; the intervals of the interactions above decide. Each point is a "
    "mean over all other factors, each small dot one seed."
)


def interactions(findings: Findings, _: Extras) -> Section | None:
    """Draws each pair of factors, where the study crossed them."""
    chart = interaction_chart(findings)
    if chart is None:
        return None
    figure = drawn(
        chart,
        name="interactions",
        headline=_headline(findings),
        reading=READING,
        alt=panels_alt(chart, "how two factors act together"),
        table=panel_table(chart, "mean by cell"),
        data=csv_file("interactions", interactions_frame(findings)),
    )
    heading = "Do the changes depend on each other?"
    return Section("interactions", "Interactions", (figure,), heading=heading)


def _headline(findings: Findings) -> str:
    """Names the pair of factors that depend on each other most, if any do."""
    found = [effect for effect in decided_interactions(findings) if len(effect.changes) == 2]
    if not found:
        beyond = f" by more than {margin(findings)}" if margin(findings) else ""
        return f"No two factors could be shown to depend on each other{beyond}"
    if any(abs(alias.weight) == 1 for alias in found[0].aliases):
        return f"Two factors depend on each other: {effect_label(findings, found[0])}"
    first, second = found[0].changes[:2]
    more = len({tuple(c.factor for c in effect.changes) for effect in found}) - 1
    rest = f", and so in {counted(more, 'other pair')}" if more else ""
    return f"The effect of {first.factor} depends on {second.factor}{rest}"
