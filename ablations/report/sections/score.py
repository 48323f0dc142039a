"""Scores the one arm that validation chose."""

from __future__ import annotations

from ablations.core.estimates import Summary, ends
from ablations.core.findings import Findings
from ablations.core.metrics import heading, shown_in
from ablations.report.blocks import Extras, Section, Table, present
from ablations.report.tables import make_table
from ablations.report.words.chapters import score_title
from ablations.report.words.scores import best_arm, chosen, reused
from ablations.text.formatting import UNKNOWN, count, estimate, low_to_high, metric_name
from ablations.text.naming import arm_label


def score(findings: Findings, _: Extras) -> Section | None:
    """Says which arm was chosen and what it scores, and whether its test data were unseen."""
    if not findings.study.chapters:
        return None
    blocks = present(chosen(findings), reused(findings), _table(findings))
    return Section("score", score_title(findings), blocks)


def _table(findings: Findings) -> Table | None:
    """One row per number of the chosen arm."""
    shown = _score_summaries(findings)
    if not shown:
        return None
    columns = ["seeds", "mean, 95% interval", "min to max"]
    rows = [[_title(findings, found), *_score_row(found)] for found in shown]
    label = arm_label(findings.study, findings.best) if findings.best else UNKNOWN
    caption = f"The chosen arm, ‘{label}’, over its seeds"
    return make_table(caption, ["number", *columns], rows, numeric=columns, name="score")


def _score_summaries(findings: Findings) -> list[Summary]:
    arm = best_arm(findings)
    if arm is None:
        return []
    added = (entry.name for entry in shown_in("score"))
    names = (findings.best_by, findings.metric.name, *added)
    wanted = [name for name in dict.fromkeys(names) if name]
    return [arm.summaries[name] for name in wanted if name in arm.summaries]


def _title(findings: Findings, found: Summary) -> str:
    name = found.metric.name
    by = ", by which it was chosen" if name == findings.best_by else ""
    return f"{heading('score', name) or metric_name(name)}{by}"


def _score_row(found: Summary) -> list[str]:
    unit = found.metric.unit
    shown = estimate(found.mean, ends(found.interval), unit)
    return [count(found.n), shown, low_to_high(found.minimum, found.maximum, unit)]
