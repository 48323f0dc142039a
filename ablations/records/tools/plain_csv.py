"""Reads a table with a row for each run, such as a spreadsheet exports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ablations.records.tools.encodings.table import heading, number, numbered_rows
from ablations.records.tools.run import Reader, SourceRun, Wanted, chosen, written_at

NAMES = ("run", "run_id", "run_name", "name", "id")
"""Columns that may name a run, by preference; each run must have another name there."""


def _takes(source: str) -> bool:
    path = Path(source)
    is_table = path.suffix in (".csv", ".tsv") and path.is_file()
    return is_table and "epoch" not in heading(path)


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    path = Path(source)
    numbered, at = numbered_rows(path), written_at(path)
    rows = [row for _, row in numbered]
    unique = (c for c in NAMES if c in (rows or [{}])[0] and len({r[c] for r in rows}) == len(rows))
    named = next(unique, None)
    for line, row in numbered:
        cells = {name: cell for name, cell in row.items() if cell}
        numbers = {name: number(cell) for name, cell in cells.items() if chosen(name, wanted)}
        yield SourceRun(
            name=row[named] if named else f"line {line}",
            params={name: cell for name, cell in cells.items() if name != named},
            series={name: ((0, found),) for name, found in numbers.items() if found is not None},
            labels={named: row[named]} if named else {},
            started_at=at,
            seconds=_seconds(row),
        )


def _seconds(row: dict[str, str]) -> float:
    found = number(row.get("seconds", "")) or 0.0
    return found if math.isfinite(found) and found > 0 else 0.0


READER = Reader("csv", "a CSV table", _takes, _read)
