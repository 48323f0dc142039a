"""Compares each arm of a study that is told in chapters, and sets all arms beside each other."""

from __future__ import annotations

from dataclasses import replace

from ablations.core.estimates import Summary, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import OVERFIT_GAP, PARAMETERS, TRAINABLE_PARAMETERS
from ablations.report import data_files
from ablations.report.blocks import Extras, Items, Section, Table
from ablations.report.tables import make_table
from ablations.report.words.chapters import whole
from ablations.report.words.last_epochs import reach_of, tails
from ablations.report.words.observations import compared
from ablations.report.words.scores import chosen
from ablations.text.formatting import UNKNOWN, count, estimate, low_to_high, metric_name
from ablations.text.naming import arm_label


def summary(findings: Findings, _: Extras) -> Section | None:
    """One comparison for each arm, and what the chosen one scores, where there are chapters."""
    if not findings.study.chapters:
        return None
    seen = [*(compared(findings, arm) for arm in findings.arms), chosen(findings)]
    lines = tuple(line for line in seen if line)
    curves = data_files.some_files("curves", data_files.curves_frame(findings))
    table = replace(_table(findings), data=curves)
    return Section("summary", "Summary", (Items(lines), table))


def _table(findings: Findings) -> Table:
    """One row per arm: its size, where it settled, and what it scores."""
    metric = f"{metric_name(findings.metric.name)}, 95% interval"
    numeric = ["parameters", "trained", "validation accuracy, last epochs", "gap", metric]
    rows = [
        [arm_label(findings.study, arm.arm), *_summary_row(arm, findings.metric.name)]
        for arm in findings.arms
    ]
    return make_table("The arms beside each other", ["arm", *numeric], rows, numeric=numeric)


def _summary_row(arm: ArmFinding, metric: str) -> list[str]:
    found = tails(arm)
    low, high = reach_of(found) if found else (None, None)
    sizes = [whole(arm, name) for name in (PARAMETERS, TRAINABLE_PARAMETERS)]
    scored = [arm.summaries.get(name) for name in (OVERFIT_GAP, metric)]
    return [
        *(UNKNOWN if size is None else count(size) for size in sizes),
        low_to_high(low, high, "fraction"),
        *(_mean(found, signed=found is scored[0]) for found in scored),
    ]


def _mean(found: Summary | None, *, signed: bool) -> str:
    if found is None:
        return UNKNOWN
    return estimate(found.mean, ends(found.interval), found.metric.unit, signed=signed)
