"""How training and validation went from epoch to epoch, for all arms side by side."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Section
from ablations.report.data_files import csv_file, curves_frame
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import last_epoch_table
from ablations.report.figures.headlines import CURVES_READING, panels_alt
from ablations.report.figures.panels import Panels
from ablations.report.figures.training_charts import curve_metrics, curves_chart
from ablations.text.formatting import difference, metric_name, number


def curves(findings: Findings, _: Extras) -> Section | None:
    """Draws the learning curves; in a study with chapters, each shows those of its own arms."""
    chart = None if findings.study.chapters else curves_chart(findings)
    if chart is None:
        return None
    figure = drawn(
        chart,
        name="curves",
        headline=curves_headline(findings, chart),
        reading=CURVES_READING,
        alt=panels_alt(chart, "learning curves"),
        table=last_epoch_table(chart),
        data=csv_file("curves", curves_frame(findings)),
    )
    heading = "How the arms learned" if findings.study.factors else "How it learned"
    return Section("curves", "Learning curves", (figure,), heading=heading)


def curves_headline(findings: Findings, chart: Panels) -> str:
    """Says in which arm training and validation end furthest apart, and which of them is higher."""
    metrics = curve_metrics(findings)
    gaps = [
        (panel.lines[1].mean[-1] - panel.lines[0].mean[-1], panel.title)
        for panel in chart.panels
        if len(metrics) > 1 and all(line.mean for line in panel.lines)
    ]
    if not gaps:
        return f"How {metric_name(metrics[0])} changed from epoch to epoch"
    gap, title = max(gaps, key=lambda found: (abs(found[0]), found[1]))
    if not gap:
        return "Training and validation end at the same values"
    percent = chart.y_axis.endswith("%")
    shown = difference(abs(gap) / 100, "fraction") if percent else number(abs(gap))
    side = f"{metric_name(metrics[1])} is {shown.lstrip('+')} {'higher' if gap > 0 else 'lower'}"
    if not findings.study.factors:
        return f"Training and validation do not end at the same values: {side}"
    return f"Training and validation end furthest apart in ‘{title}’: {side}"
