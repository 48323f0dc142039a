"""Makes tables of words, and writes what is common in their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.core.estimates import Interval, ends
from ablations.core.metrics import Unit
from ablations.report.blocks import Column, DataFile, Table
from ablations.text.formatting import interval, p_value


def make_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Iterable[str] = (),
    name: str = "",
    data: tuple[DataFile, ...] = (),
) -> Table:
    """Makes a table; ``numeric`` names the columns that hold numbers, ``name`` is its id."""
    numbers = set(numeric)
    heads = tuple(Column(column, column in numbers) for column in columns)
    return Table(caption, heads, tuple(tuple(row) for row in rows), name, data)


def between(found: Interval | None, unit: Unit, *, signed: bool = False) -> str:
    """Writes an interval in a cell of its own."""
    low, high = ends(found) or (None, None)
    return interval(low, high, unit, signed=signed)


def bare_p(p: float | None) -> str:
    """Writes a p value under a heading that names it."""
    return p_value(p).removeprefix("p = ").removeprefix("p ")
