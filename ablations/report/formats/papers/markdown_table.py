"""Writes the tables of arms and effects as Markdown, to be pasted into a README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.core.findings import Decision
from ablations.text.escaping import escape_comment
from ablations.text.formatting import metric_name
from ablations.text.sentences import arm_cells, effect_cells


def markdown_table(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file with both tables; one of no rows is left out."""
    findings = decision.findings
    metric = metric_name(findings.metric.name)
    tables = [_table(["arm", f"{metric}, 95% interval", "seeds"], arm_cells(findings))]
    if findings.effects:
        heads = ["effect", f"change in {metric}, adjusted 95% interval", "seeds", "verdict"]
        tables.append(_table(heads, effect_cells(findings)))
    return {"tables.md": "\n".join(tables)}


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    marks = "|".join("---" for _ in heads)
    return "".join([_row(heads), f"|{marks}|\n", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape_comment, cells))} |\n"
