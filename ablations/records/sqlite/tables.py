"""The tables of a study's record file, and what brings an earlier file to the present ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ablations.records.sqlite.heads import name_by_threads
from ablations.records.sqlite.rows import add_checksums

TABLES = """
CREATE TABLE environments (
    id INTEGER PRIMARY KEY, facts TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    study TEXT NOT NULL,
    entry TEXT NOT NULL,
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    settings TEXT NOT NULL,
    data TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed')),
    reason TEXT CHECK (reason IN ('raised', 'diverged', 'timeout', 'died')),
    message TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seconds REAL NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (id),
    CHECK ((status = 'failed') = (reason IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_completed_record_per_trial ON records (key) WHERE status = 'completed';
CREATE TABLE metrics (
    record INTEGER NOT NULL REFERENCES records (id),
    name TEXT NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, better TEXT NOT NULL,
    PRIMARY KEY (record, name)
) STRICT;
CREATE TABLE epochs (
    record INTEGER NOT NULL REFERENCES records (id),
    epoch INTEGER NOT NULL, metrics TEXT NOT NULL,
    PRIMARY KEY (record, epoch)
) STRICT;
CREATE TABLE steps (
    record INTEGER NOT NULL REFERENCES records (id),
    epoch INTEGER NOT NULL, seconds BLOB NOT NULL,
    PRIMARY KEY (record, epoch)
) STRICT;
CREATE TABLE predictions (
    record INTEGER NOT NULL REFERENCES records (id),
    split TEXT NOT NULL, labels BLOB NOT NULL, probabilities BLOB NOT NULL,
    PRIMARY KEY (record, split)
) STRICT;
CREATE TABLE contents (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE descriptions (
    key TEXT PRIMARY KEY, exhibits TEXT NOT NULL
) STRICT;
CREATE TABLE exhibits (
    record INTEGER NOT NULL REFERENCES records (id),
    position INTEGER NOT NULL, content INTEGER NOT NULL REFERENCES contents (id),
    PRIMARY KEY (record, position)
) STRICT;
"""
"""The tables of version 1, as SQLite makes them."""

Upgrade = str | Callable[[sqlite3.Connection], object]
"""SQL statements with semicolons between them, or a function that is given the open file."""

UPGRADES: tuple[Upgrade, ...] = (
    # 2: predictions tell which examples they are of
    "ALTER TABLE predictions ADD COLUMN examples TEXT NOT NULL DEFAULT ''",
    # 3: trials that had more threads than one are named by them
    name_by_threads,
    # 4: checksums, and the number of records
    add_checksums,
)
"""What brings a file of version 1 to version 2, that to version 3, and so on.

Append only. A new file takes every step too, so that it cannot differ from one that was upgraded. A
step that changes values of ``RECORD_COLUMNS`` has to `seal` the records again.
"""

STORE_VERSION = 1 + len(UPGRADES)
"""The version of the tables that this program writes."""


def version_of(connection: sqlite3.Connection) -> int:
    """Returns the version of a file's tables; 0 is that of a file without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(connection: sqlite3.Connection, version: int = STORE_VERSION) -> None:
    """Makes the tables of an empty file, or upgrades those of an earlier version, in one go.

    Whatever goes wrong, the file stays as it was.

    Args:
        connection: The open file.
        version: How far to go, if not to the present.
    """
    if version_of(connection) >= version:
        return
    connection.execute("BEGIN IMMEDIATE")  # another process may be about to do the same
    with connection:
        present = version_of(connection)
        missing = UPGRADES[max(present, 1) - 1 : version - 1]
        for step in (TABLES, *missing) if present == 0 else missing:
            _take(connection, step)
        connection.execute(f"PRAGMA user_version = {version}")


def _take(connection: sqlite3.Connection, step: Upgrade) -> None:
    if callable(step):
        step(connection)
        return
    for statement in step.split(";"):  # executescript would end the transaction
        connection.execute(statement)
