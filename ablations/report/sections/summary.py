"""Compares each arm of a study that names chapters, and sets all arms beside each other."""

from __future__ import annotations

from dataclasses import replace

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import OVERFIT_GAP, PARAMETERS, TRAINABLE_PARAMETERS
from ablations.report import data_files
from ablations.report.blocks import Extras, Items, Section, Table
from ablations.report.sections.chapters import whole
from ablations.report.sections.score import chosen
from ablations.report.tables import make_table
from ablations.report.words.observations import compared, last_epochs
from ablations.text.formatting import count, low_to_high, metric_name
from ablations.text.naming import arm_label
from ablations.text.sentences import mean_estimate


def summary(findings: Findings, _: Extras) -> Section | None:
    """One comparison for each arm, and what the selected one scores, where there are chapters."""
    if not findings.study.chapters:
        return None
    seen = [*(compared(findings, arm) for arm in findings.arms), chosen(findings)]
    lines = tuple(line for line in seen if line)
    curves = data_files.some_files("curves", data_files.curves_frame(findings))
    table = replace(_table(findings), data=curves)
    return Section("summary", "Summary", (Items(lines), table))


def _table(findings: Findings) -> Table:
    """One row per arm: its size, its last epochs, and what it scores."""
    metric = f"{metric_name(findings.metric.name)}, 95% interval"
    numeric = ["parameters", "trained", "validation accuracy, last epochs", "gap", metric]
    rows = [
        [arm_label(findings.study, arm.arm), *_summary_row(arm, findings.metric.name)]
        for arm in findings.arms
    ]
    return make_table("The arms beside each other", ["arm", *numeric], rows, numeric=numeric)


def _summary_row(arm: ArmFinding, metric: str) -> list[str]:
    values = [value for own in last_epochs(arm).values() for value in own]
    low, high = (min(values), max(values)) if values else (None, None)
    return [
        *(count(whole(arm, name)) for name in (PARAMETERS, TRAINABLE_PARAMETERS)),
        low_to_high(low, high, "fraction"),
        mean_estimate(arm.summaries.get(OVERFIT_GAP), signed=True),
        mean_estimate(arm.summaries.get(metric)),
    ]
