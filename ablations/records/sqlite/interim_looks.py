"""Stores in a record file which verdicts were shown, and when.

Two small tables beside the records, made at the first look; a file without them is complete too.
They are evidence and no protection: whoever can write the file can change them. Where the file
cannot be written, or another process locks it, the look is not stored, and the verdicts are shown
all the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ablations.core.interim_looks import InterimLook, Rule
from ablations.errors import StoreError
from ablations.records.sqlite.connections import connect, read_from

_TABLES = """
CREATE TABLE IF NOT EXISTS looks (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, rule TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS looked_at (
    key TEXT PRIMARY KEY, look INTEGER NOT NULL REFERENCES looks (id)
) STRICT, WITHOUT ROWID;
"""
_WAIT_SECONDS = 1.0


def read_looks(path: Path) -> tuple[InterimLook, ...]:
    """Returns the looks that a record file holds, oldest first; none where they cannot be read."""
    try:
        return read_from(path, _read)
    except (StoreError, ValueError, TypeError, KeyError):
        return ()


def _read(connection: sqlite3.Connection) -> Iterator[InterimLook]:
    keys: dict[int, set[str]] = {}
    for key, look in connection.execute("SELECT key, look FROM looked_at"):
        keys.setdefault(look, set()).add(key)
    for number, at, rule in connection.execute("SELECT id, at, rule FROM looks ORDER BY id"):
        datetime.fromisoformat(at)  # raises where the file is damaged
        yield InterimLook(at, _rule(json.loads(rule)), frozenset(keys.get(number, ())))


def _rule(facts: dict[str, Any]) -> Rule:
    seeds = tuple(map(int, facts["seeds"]))
    return Rule(frozenset(facts["arms"]), seeds, str(facts["metric"]), float(facts["margin"]))


def keep_look(path: Path, look: InterimLook) -> None:
    """Adds a look to a record file, unless the last one had the same rule and trials."""
    with (
        suppress(sqlite3.Error),  # not there, read-only, full or locked: see above
        closing(connect(path, "mode=rw", _WAIT_SECONDS)) as connection,
        connection,
    ):
        _keep(connection, look)


def _keep(connection: sqlite3.Connection, look: InterimLook) -> None:
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    known = {key for (key,) in connection.execute("SELECT key FROM looked_at")}
    last = connection.execute("SELECT rule FROM looks ORDER BY id DESC LIMIT 1").fetchone()
    facts = json.dumps(asdict(look.rule) | {"arms": sorted(look.rule.arms)})
    new = sorted(look.keys - known)
    if last == (facts,) and not new:
        return
    cursor = connection.execute("INSERT INTO looks (at, rule) VALUES (?, ?)", (look.at, facts))
    rows = [(key, cursor.lastrowid) for key in new]
    connection.executemany("INSERT INTO looked_at VALUES (?, ?)", rows)
