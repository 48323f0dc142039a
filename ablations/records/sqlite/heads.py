"""Names the records of earlier files as they are named today."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress

from ablations.core.identity import Head, key_with_threads, threads_of
from ablations.core.record import is_final

_QUERY = (
    "SELECT r.id, r.key, r.entry, r.settings, r.seed, r.data, r.status, r.reason, e.facts"
    " FROM records r JOIN environments e ON e.id = r.environment"
)

_DAMAGE = (ValueError, TypeError, LookupError, AttributeError)
"""What values of another kind raise; the reader of records refuses them with their place."""


def renamed(connection: sqlite3.Connection) -> dict[int, str]:
    """Returns the keys that records from before threads were a setting have today.

    By the record's id, and only where that is another one than the stored one. What did not end
    for good is left as it is: its trial is trained again, under today's key.
    """
    found = {}
    for owner, *rest, reason, facts in connection.execute(_QUERY).fetchall():
        if '"threads"' in facts or not is_final(rest[-1], reason):
            continue
        with suppress(*_DAMAGE):
            head = _head((owner, *rest, reason, facts))
            if (key := key_with_threads(head.key, head)) != head.key:
                found[owner] = key
    return found


def name_by_threads(connection: sqlite3.Connection) -> None:
    """Names records from before threads were a setting as they are named today."""
    for owner, key in renamed(connection).items():
        connection.execute(
            "INSERT OR IGNORE INTO descriptions SELECT ?, exhibits FROM descriptions"
            " WHERE key = (SELECT key FROM records WHERE id = ?)",
            (key, owner),
        )
        connection.execute("UPDATE records SET key = ? WHERE id = ?", (key, owner))


def _head(row: tuple[int, str, str, str, int, str, str, str | None, str]) -> Head:
    _, key, entry, settings, seed, data, status, _, facts = row
    return Head(
        key=key,
        entry=entry,
        settings=json.loads(settings),
        seed=seed,
        data=data,
        threads=threads_of(json.loads(facts)),
        completed=status == "completed",
    )
