"""Reads tables of text with a heading: CSV, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ablations.errors import StoreError
from ablations.records.tools.run import damaged

_CURE = "Write it again as CSV in UTF-8, with a heading for each column"


def rows_of(path: Path, *, whole_lines: bool = False) -> list[dict[str, str]]:
    """Returns the rows of a table by their columns, as `numbered_rows`."""
    return [row for _, row in numbered_rows(path, whole_lines=whole_lines)]


def numbered_rows(path: Path, *, whole_lines: bool = False) -> list[tuple[int, dict[str, str]]]:
    """Returns the rows of a table by their columns, each with the line of the file it begins at.

    Args:
        path: The file.
        whole_lines: Whether it grows, so that lines may be cut short, which are left out then.

    Raises:
        StoreError: if it is no table with a heading, has a column twice, or a row has more or fewer
            cells and was not cut short.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        text = text[: text.rfind("\n") + 1] if whole_lines else text
        rows = list(_numbered(text))
    except (OSError, ValueError, csv.Error) as error:
        raise damaged(path, error, _CURE) from error
    heads = [head.strip() for head in rows[0][1]] if rows else []
    twice = sorted({head for head in heads if heads.count(head) > 1})
    if not any(heads) or twice:
        raise StoreError(
            f"{path} is no table with a heading for each column",
            received=f"'{twice[0]}' twice" if twice else "no heading",
            cure=_CURE,
        )
    whole = [own for own in rows[1:] if len(own[1]) == len(heads)]
    other = next((own for own in rows[1:] if own[1] and len(own[1]) != len(heads)), None)
    if other and not whole_lines:
        problem = f"line {other[0]} has {len(other[1])} cells, and the heading {len(heads)}"
        raise damaged(path, problem, "Mend this line")
    return [(line, dict(zip(heads, map(str.strip, row), strict=True))) for line, row in whole]


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows, each with the line it begins at; cells may have several lines."""
    reader, begins = csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text)), 1
    for row in reader:
        yield begins, row
        begins = reader.line_num + 1


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
