"""What trials show of themselves without training, beside the records of a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from ablations.core.record import Exhibit
from ablations.records.description import EXHIBITS, checked, parsed, to_text
from ablations.records.sqlite.checksums import checksum
from ablations.records.sqlite.rows import CHANGED, DamagedError

_DESCRIPTIONS = "SELECT key, exhibits, checksum FROM descriptions"


def describe(connection: sqlite3.Connection, key: str, exhibits: Sequence[Exhibit]) -> None:
    """Writes what a trial shows of itself, in place of an earlier one."""
    text = to_text(exhibits)
    connection.execute(
        "INSERT OR REPLACE INTO descriptions (key, exhibits, checksum) VALUES (?, ?, ?)",
        (key, text, checksum(key, text)),
    )


def add_descriptions(
    connection: sqlite3.Connection, found: Iterable[tuple[str, Sequence[Exhibit]]]
) -> bool:
    """Adds what trials show of themselves; returns whether anything changed.

    Of two that differ the one stays that comes first as text, whichever was added first.
    """
    before = connection.total_changes
    for key, exhibits in found:
        query = "SELECT exhibits FROM descriptions WHERE key = ?"
        known = connection.execute(query, (key,)).fetchone()
        if known is None or to_text(exhibits) < known[0]:
            describe(connection, key, exhibits)
    return connection.total_changes > before


def read_descriptions(
    connection: sqlite3.Connection,
) -> Iterator[tuple[str, tuple[Exhibit, ...]]]:
    """Yields what trials show of themselves, with their key."""
    for row in connection.execute(_DESCRIPTIONS):
        yield row[0], _exhibits(*row)


def _exhibits(key: str, text: str, written: str) -> tuple[Exhibit, ...]:
    where = f"the description of trial {key}"
    if checksum(key, text) != written:
        raise DamagedError(where, CHANGED)
    try:
        return checked(EXHIBITS, parsed(text))
    except ValueError as error:
        raise DamagedError(where, str(error)) from error


def remove_damaged_descriptions(connection: sqlite3.Connection) -> list[str]:
    """Removes the descriptions that are not as they were written; returns a line about each."""
    lost = []
    for row in connection.execute(_DESCRIPTIONS).fetchall():
        try:
            _exhibits(*row)
        except DamagedError as error:
            lost.append(f"{error} ('ablations run' makes it again)")
            connection.execute("DELETE FROM descriptions WHERE key = ?", row[:1])
    return lost
