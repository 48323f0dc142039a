"""Every arm of a large study in figures of a few arms each, which share their axis."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import DataFile, Figure, Fold
from ablations.report.figures.charts import arms_chart
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import seed_table
from ablations.report.figures.headlines import arms_reading, dots_alt
from ablations.report.many import ArmPage, arm_pages
from ablations.text.formatting import counted, metric_name


def every_arm(findings: Findings) -> Fold | None:
    """Draws all arms of a large study, where there are not too many; else nothing."""
    pages = arm_pages(findings)
    if not pages:
        return None
    data = data_files.csv_file("arms", data_files.arms_frame(findings))
    figures = tuple(_draw(findings, page, data, n) for n, page in enumerate(pages, start=1))
    title = f"{counted(len(findings.arms), 'arm')} in {counted(len(pages), 'figure')}"
    return Fold(title, figures)


def _draw(findings: Findings, page: ArmPage, data: DataFile, number: int) -> Figure:
    chart = arms_chart(findings, page.arms)
    return drawn(
        chart,
        name=f"arms-{number}",
        headline=page.title,
        reading=f"{arms_reading(findings)} These figures have the same axis.",
        alt=dots_alt(chart, f"{metric_name(findings.metric.name)} by arm"),
        table=seed_table(findings, page.arms),
        data=data,
    )
