"""Stores in a record file which verdicts were shown, and when.

Two small tables beside the records, made at the first look; a file without them is complete too.
They are evidence and no protection: whoever can write the file can change them. Where the file
cannot be written, or another process locks it, the look is not stored, and the verdicts are shown
all the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
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


def merge_looks(connection: sqlite3.Connection, sources: Iterable[sqlite3.Connection]) -> bool:
    """Writes the looks of several record files into one; returns whether that changed it.

    A trial counts from the first look at it, in whichever file that was.
    """
    own, found = _looks_in(connection), dict[tuple[str, Rule], set[str]]()
    for source in sources:
        for look in _looks_in(source):
            found.setdefault((look.at, look.rule), set()).update(look.keys)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], _facts(item[0][1])))
    seen, merged = set[str](), []
    for (at, rule), keys in ordered:
        merged.append(InterimLook(at, rule, frozenset(keys - seen)))
        seen |= keys
    if tuple(merged) == own:
        return False
    _make_tables(connection)
    connection.execute("DELETE FROM looked_at")
    connection.execute("DELETE FROM looks")
    for look in merged:
        _insert(connection, look, look.keys)
    return True


def _looks_in(connection: sqlite3.Connection) -> tuple[InterimLook, ...]:
    try:
        return tuple(_read(connection))
    except (sqlite3.Error, ValueError, TypeError, KeyError):
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
    _make_tables(connection)
    known = {key for (key,) in connection.execute("SELECT key FROM looked_at")}
    last = connection.execute("SELECT rule FROM looks ORDER BY id DESC LIMIT 1").fetchone()
    new = look.keys - known
    if last != (_facts(look.rule),) or new:
        _insert(connection, look, new)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)


def _insert(connection: sqlite3.Connection, look: InterimLook, keys: Iterable[str]) -> None:
    values = (look.at, _facts(look.rule))
    cursor = connection.execute("INSERT INTO looks (at, rule) VALUES (?, ?)", values)
    rows = [(key, cursor.lastrowid) for key in sorted(keys)]
    connection.executemany("INSERT INTO looked_at VALUES (?, ?)", rows)


def _facts(rule: Rule) -> str:
    return json.dumps(asdict(rule) | {"arms": sorted(rule.arms)})
