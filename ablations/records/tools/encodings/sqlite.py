"""Opens the SQLite databases of other tools, which are only read."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

MAGIC = b"SQLite format 3\0"
URI = "sqlite:///"
"""How tools write the address of such a file."""

Rows = dict[str, list[sqlite3.Row]]
"""Rows of a table by what they belong to."""


def tables_of(path: Path) -> set[str]:
    """Returns the names of the tables of an SQLite file; none where it is no such file."""
    try:
        with path.open("rb") as file:
            if file.read(16) != MAGIC:
                return set()
        with closing(opened(path)) as found:
            rows = found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name for (name,) in rows}
    except (OSError, sqlite3.Error):
        return set()


def opened(path: Path) -> sqlite3.Connection:
    """Opens an SQLite file that is only read; rows have names."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    database.row_factory = sqlite3.Row
    return database


def by(database: sqlite3.Connection, column: str, query: str) -> Rows:
    """Returns the rows of a query by one of their columns."""
    found: Rows = defaultdict(list)
    for row in database.execute(query):
        found[row[column]].append(row)
    return found
