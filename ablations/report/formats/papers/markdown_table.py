"""Writes the tables of arms and effects as Markdown, to be pasted into a README."""

from __future__ import annotations

from collections.abc import Iterable

from ablations.core.findings import Decision
from ablations.report.formats.papers.contents import Numbers, PaperTable, paper_tables
from ablations.text.escaping import escape_comment
from ablations.text.formatting import count, estimate


def markdown_table(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file with both tables, each below its caption; one of no rows is left out."""
    return {"tables.md": "\n".join(map(_table, paper_tables(decision)))}


def _table(table: PaperTable) -> str:
    numbers = [_cells(table, own) for own in table.numbers]
    heads = [*table.texts, *(f"{own.head}, {own.interval}" for own in table.numbers), "Seeds"]
    heads += ["Verdict"] if table.verdicts else []
    verdicts = [table.verdicts] if table.verdicts else []
    seeds = map(count, table.seeds)
    rows = zip(*table.texts.values(), *numbers, seeds, *verdicts, strict=True)
    marks = "|".join("---" for _ in heads)
    caption = f"{escape_comment(table.caption)}\n\n"
    return "".join([caption, _row(heads), f"|{marks}|\n", *map(_row, rows)])


def _cells(table: PaperTable, numbers: Numbers) -> list[str]:
    """Writes each number with its interval beside it."""
    return [
        estimate(value, bounds, table.unit, signed=numbers.signed)
        for value, bounds in zip(numbers.values, numbers.bounds, strict=True)
    ]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(escape_comment, cells))} |\n"
