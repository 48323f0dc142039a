"""What is asked of a record file: whole records, how trials ended, or what they reported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ablations.core.metrics import MetricInfo
from ablations.core.record import RunRecord
from ablations.core.training import training_of
from ablations.records.sqlite.decoder import WHOLE, Decoder
from ablations.records.sqlite.rows import DamagedError, RecordRows, fetch, select, selected


def read_records(
    connection: sqlite3.Connection, skip: int = 0, parts: Collection[str] = WHOLE
) -> Iterator[RunRecord]:
    """Yields the records without the first ``skip`` of them, oldest first.

    All of a record is checked. Where not all ``parts`` of it are wanted, it holds in place of the
    others whether its network trained.
    """
    connection.execute("BEGIN")  # one snapshot for all tables, even while a driver writes
    heads = select(connection, "ORDER BY r.id LIMIT -1 OFFSET ?", skip)
    _require_total(connection, skip + len(heads))
    whole = Decoder()
    some = Decoder(parts)
    for rows in fetch(connection, heads):
        known = some.whole or rows.training is not None
        yield rows.record(some) if known else _judged(rows.record(whole), parts)


def _judged(record: RunRecord, parts: Collection[str]) -> RunRecord:
    """Returns a record with whether its network trained, without what is not wanted."""
    dropped: dict[str, Any] = dict.fromkeys(WHOLE - set(parts), ())
    return replace(record, training=training_of(record), **dropped)


def read_outcomes(connection: sqlite3.Connection) -> Iterator[RunRecord]:
    """Yields the records without what their trials reported, oldest first.

    Only what is read is checked: how each trial ended, and what names it.
    """
    connection.execute("BEGIN")
    found, decoder = 0, Decoder()
    for rows in selected(connection, "ORDER BY r.id"):
        found += 1
        yield rows.record(decoder)
    _require_total(connection, found)


def read_reported(connection: sqlite3.Connection, keys: Iterable[str]) -> Iterator[MetricInfo]:
    """Yields each metric of the completed records of these trials once, by its unit as well.

    Their values are not read, nor checked.
    """
    query = (
        "SELECT DISTINCT m.name, m.unit, m.better FROM records r JOIN metrics m ON m.record = r.id "
        "WHERE r.status = 'completed' AND r.key IN (SELECT value FROM json_each(?)) ORDER BY 1, 2"
    )
    for name, unit, better in connection.execute(query, (json.dumps(list(keys)),)):
        yield MetricInfo(name, unit, better)


def read_largest(connection: sqlite3.Connection, metric: str) -> Iterator[float]:
    """Yields the largest value of a metric, if it was reported."""
    query = "SELECT max(value) FROM metrics WHERE name = ?"
    found = connection.execute(query, (metric,)).fetchone()[0]
    if isinstance(found, float):
        yield found


def in_order(connection: sqlite3.Connection) -> Iterator[RecordRows]:
    """Yields the rows of all records, one at a time, in an order that follows from them alone."""
    found = 0
    which = "ORDER BY r.started_at, r.key, r.head_checksum, r.body_checksum"
    for rows in fetch(connection, selected(connection, which)):
        found += 1
        yield rows
    _require_total(connection, found)


def identities(connection: sqlite3.Connection) -> Iterator[str]:
    """Yields of each record its trial, its start and its checksums, as one text."""
    found = 0
    query = "SELECT key || ' ' || started_at || head_checksum || body_checksum FROM records"
    for (identity,) in connection.execute(query):
        found += 1
        yield identity
    _require_total(connection, found)


def read_total(connection: sqlite3.Connection) -> Iterator[int]:
    """Yields how many records were written."""
    yield from (number for (number,) in connection.execute("SELECT records FROM totals"))


def _require_total(connection: sqlite3.Connection, found: int) -> None:
    totals = list(read_total(connection))
    if totals != [found]:
        expected = totals[0] if totals else "an unknown number"
        raise DamagedError("its records", f"{found} are there, {expected} were written")
