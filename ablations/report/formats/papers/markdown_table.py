"""Writes the tables of arms and effects as Markdown, to be pasted into a README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.core.findings import Decision
from ablations.text.escaping import escape_comment
from ablations.text.formatting import count, metric_name, verdict
from ablations.text.naming import arm_label, effect_label
from ablations.text.sentences import effect_estimate, mean_estimate


def markdown_table(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file with both tables; one of no rows is left out."""
    findings = decision.findings
    metric = metric_name(findings.metric.name)
    found = ((arm, arm.summaries.get(findings.metric.name)) for arm in findings.arms)
    arms = [
        (arm_label(findings.study, arm.arm), mean_estimate(own), count(own.n if own else 0))
        for arm, own in found
    ]
    effects = [
        (
            effect_label(findings, e),
            effect_estimate(e, adjusted=True),
            count(e.n),
            verdict(e.verdict),
        )
        for e in findings.effects
    ]
    tables = [_table(["arm", f"{metric}, 95% interval", "seeds"], arms)]
    if effects:
        heads = ["effect", f"change in {metric}, adjusted 95% interval", "seeds", "verdict"]
        tables.append(_table(heads, effects))
    return {"tables.md": "\n".join(tables)}


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    marks = "|".join("---" for _ in heads)
    return "".join([_row(heads), f"|{marks}|\n", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape_comment, cells))} |\n"
