"""The tables of a study's record file, and their version."""

from __future__ import annotations

import sqlite3

STORE_VERSION = 4
"""The version of the tables, the only one that is read and written."""

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
    head_checksum TEXT NOT NULL DEFAULT '',
    body_checksum TEXT NOT NULL DEFAULT '',
    training TEXT NOT NULL DEFAULT '',
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
    examples TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (record, split)
) STRICT;
CREATE TABLE contents (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE descriptions (
    key TEXT PRIMARY KEY, exhibits TEXT NOT NULL, checksum TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE exhibits (
    record INTEGER NOT NULL REFERENCES records (id),
    position INTEGER NOT NULL, content INTEGER NOT NULL REFERENCES contents (id),
    PRIMARY KEY (record, position)
) STRICT;
CREATE TABLE totals (records INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES (0)
"""


def version_of(connection: sqlite3.Connection) -> int:
    """Returns the version of a file's tables; 0 is that of a file without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def make_tables(connection: sqlite3.Connection) -> None:
    """Makes the tables of an empty file."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for statement in TABLES.split(";"):  # executescript would end the transaction
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {STORE_VERSION}")


def has_training(connection: sqlite3.Connection) -> bool:
    """Whether the file notes of each record if its network trained, as earlier ones do not."""
    return "training" in {row[1] for row in connection.execute("PRAGMA table_info(records)")}


def add_training(connection: sqlite3.Connection) -> None:
    """Adds that column to a file that lacks it; earlier versions read and write it still."""
    if has_training(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if not has_training(connection):
            connection.execute("ALTER TABLE records ADD COLUMN training TEXT NOT NULL DEFAULT ''")
