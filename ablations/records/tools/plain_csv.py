"""Reads a table with a row for each run, such as a spreadsheet exports."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from ablations.errors import StoreError
from ablations.records.tools.run import Reader, SourceRun, Wanted, chosen, damaged, written_at

NAMES = ("run", "run_id", "run_name", "name", "id")
"""Columns that may name a run, by preference; each run must have another name there."""


def rows_of(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file by their columns; a row that was cut short is left out.

    Raises:
        StoreError: if it is no table with a heading, or has a column twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.read(65536)
            file.seek(0)
            rows = list(csv.reader(file, delimiter=_delimiter(sample)))
    except (OSError, ValueError, csv.Error) as error:
        cure = "Write it again as CSV in UTF-8, with a heading for each column"
        raise damaged(path, error, cure) from error
    heads = [head.strip() for head in rows[0]] if rows else []
    twice = sorted({head for head in heads if heads.count(head) > 1})
    if not any(heads) or twice:
        raise StoreError(
            f"{path} is no table with a heading for each column",
            received=f"'{twice[0]}' twice" if twice else "no heading",
            cure="Write it again as CSV in UTF-8, with a heading for each column",
        )
    whole = (row for row in rows[1:] if len(row) == len(heads))
    return [{h: cell.strip() for h, cell in zip(heads, row, strict=True)} for row in whole]


def _delimiter(sample: str) -> str:
    first = sample.partition("\n")[0]
    return max(",;\t", key=first.count)


def number(text: str) -> float | None:
    """Returns the number that a cell holds; ``None`` for an empty cell or another text.

    Example:
        >>> number("0.5"), number(""), number("adam"), number("NaN")
        (0.5, None, None, nan)
    """
    try:
        return float(text) if text and "_" not in text else None
    except ValueError:
        return None


def heading(path: Path) -> str:
    """Returns the first line of a file; nothing of one that may not be read, or is no text."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline(65536)
    except (OSError, ValueError):
        return ""


def has_epochs(path: Path) -> bool:
    """Whether a table has a row for each epoch, and not one for each run."""
    heads = [head.strip().strip('"') for head in heading(path).replace(";", ",").split(",")]
    return "epoch" in heads


def _takes(source: str) -> bool:
    path = Path(source)
    return path.suffix in (".csv", ".tsv") and path.is_file() and not has_epochs(path)


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    path = Path(source)
    rows, at = rows_of(path), written_at(path)
    unique = (c for c in NAMES if c in (rows or [{}])[0] and len({r[c] for r in rows}) == len(rows))
    named = next(unique, None)
    for line, row in enumerate(rows, start=2):
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
