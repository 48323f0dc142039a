"""Reads tables of text with a heading: CSV, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
from pathlib import Path

from ablations.errors import StoreError
from ablations.records.tools.run import damaged

_CURE = "Write it again as CSV in UTF-8, with a heading for each column"


def rows_of(path: Path, *, whole_lines: bool = False) -> list[dict[str, str]]:
    """Returns the rows of a table by their columns; a row that was cut short is left out.

    Args:
        path: The file.
        whole_lines: Whether a last line without its end was cut short, as in files that grow.

    Raises:
        StoreError: if it is no table with a heading, or has a column twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        text = text[: text.rfind("\n") + 1] if whole_lines else text
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text)))
    except (OSError, ValueError, csv.Error) as error:
        raise damaged(path, error, _CURE) from error
    heads = [head.strip() for head in rows[0]] if rows else []
    twice = sorted({head for head in heads if heads.count(head) > 1})
    if not any(heads) or twice:
        raise StoreError(
            f"{path} is no table with a heading for each column",
            received=f"'{twice[0]}' twice" if twice else "no heading",
            cure=_CURE,
        )
    whole = (row for row in rows[1:] if len(row) == len(heads))
    return [{h: cell.strip() for h, cell in zip(heads, row, strict=True)} for row in whole]


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
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


def heading(path: Path) -> set[str]:
    """Returns the columns of a table; none of a file that may not be read, or is no text."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline(65536)
    except (OSError, ValueError):
        return set()
    return {head.strip().strip('"') for head in line.strip().split(_delimiter(line))}
