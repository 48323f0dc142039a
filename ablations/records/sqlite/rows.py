"""Records as rows of an open record file: written with checksums, and checked when read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from ablations.core.record import Exhibit, RunRecord
from ablations.records.description import EXHIBIT, EXHIBITS, HEAD, checked, parsed, to_text
from ablations.records.sqlite import codec
from ablations.records.sqlite.checksums import checksum
from ablations.records.sqlite.codec import DETAILS, Row

_CHANGED = "its checksum is that of other values"
_KEPT_CONTENTS = 1000
"""Texts of exhibits that are kept while records are read, since many records share them."""

_DESCRIPTIONS = "SELECT key, exhibits, checksum FROM descriptions"


class DamagedError(ValueError):
    """A record, or another part of the file, that is not as it was written.

    Args:
        where: The part.
        why: What is wrong with it.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


class _Content:
    """The text of an exhibit; many records may share it, so it is checked and read once."""

    def __init__(self, body: str | None) -> None:
        self._body = body

    @property
    def body(self) -> str:
        return self._body or ""

    @cached_property
    def checksum(self) -> str:
        return checksum(self._body)

    @cached_property
    def exhibit(self) -> Exhibit:
        return checked(EXHIBIT, parsed(self.body))


@dataclass(frozen=True, slots=True)
class RecordRows:
    """The rows of one record; ``head`` holds the values of ``HEAD``."""

    id: int
    head: Row
    written: tuple[str, ...]
    facts: str | None
    details: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    exhibits: Sequence[tuple[int, _Content]] = ()

    def checksums(self) -> tuple[str, ...]:
        """Returns those of the values that are there: of the head, and of details if fetched."""
        if not self.details:
            return (checksum(self.head),)
        few = [self.facts, self.details["metrics"], self.details["epochs"]]
        many = [v for name in ("steps", "predictions") for row in self.details[name] for v in row]
        shown = [(place, content.checksum) for place, content in self.exhibits]
        return checksum(self.head), checksum(few, *many, shown)

    def record(self) -> RunRecord:
        """Returns the record; without details it is one whose trial reported nothing.

        Raises:
            DamagedError: if it is not as it was written.
        """
        own = self.checksums()
        if own != self.written[: len(own)]:
            raise self._damaged(_CHANGED)
        try:
            exhibits = [content.exhibit for _, content in self.exhibits]
            return codec.record_from_rows(self.head, self.facts, self.details, exhibits)
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> DamagedError:
        own = dict(zip(HEAD, self.head, strict=True))
        where = f"record {self.id} (trial {own['key']}, arm {own['arm']}, seed {own['seed']})"
        return DamagedError(where, why)


def insert(connection: sqlite3.Connection, record: RunRecord) -> None:
    """Writes a record with its checksums, and reads it again.

    Raises:
        DamagedError: if it comes back as something that no reader would take.
    """
    exhibits = [(i, to_text(exhibit)) for i, exhibit in enumerate(record.exhibits)]
    facts, details = to_text(record.environment), codec.detail_rows(record)
    owner = _write(connection, codec.record_row(record), facts, details, exhibits)
    (rows,) = fetch(connection, select(connection, "WHERE r.id = ?", owner))
    written = rows.checksums()
    replace(rows, written=written).record()
    _seal(connection, owner, written)


def copy(connection: sqlite3.Connection, own: RecordRows) -> None:
    """Writes the rows of a record of another file, which were checked, as they are."""
    exhibits = [(place, content.body) for place, content in own.exhibits]
    owner = _write(connection, own.head, own.facts or "", own.details, exhibits)
    _seal(connection, owner, own.written)


def _write(
    connection: sqlite3.Connection,
    head: Row,
    facts: str,
    details: Mapping[str, Sequence[Row]],
    exhibits: Iterable[tuple[int, str]],
) -> int:
    """Adds the rows of a record, as yet without checksums; returns its id."""
    values = (*head, _shared_row(connection, "environments", "facts", facts))
    owner = _insert(connection, "records", (*HEAD, "environment"), values)
    shown = [(i, _shared_row(connection, "contents", "body", text)) for i, text in exhibits]
    for table, columns in DETAILS.items():
        for row in shown if table == "exhibits" else details[table]:
            _insert(connection, table, ("record", *columns), (owner, *row))
    connection.execute("UPDATE totals SET records = records + 1")
    return owner


def _seal(connection: sqlite3.Connection, owner: int, written: Sequence[str]) -> None:
    statement = "UPDATE records SET head_checksum = ?, body_checksum = ? WHERE id = ?"
    connection.execute(statement, (*written, owner))


def _insert(connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Row) -> int:
    """Adds a row to one of our tables; returns its id."""
    marks = ", ".join("?" * len(values))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    return connection.execute(statement, values).lastrowid or 0


def _shared_row(connection: sqlite3.Connection, table: str, column: str, text: str) -> int:
    """Returns the id of a text that many records may share, and stores it the first time."""
    connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (text,))  # noqa: S608
    found = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,))  # noqa: S608
    return int(found.fetchone()[0])


def select(
    connection: sqlite3.Connection, which: str = "ORDER BY r.id", *values: int
) -> list[RecordRows]:
    """Returns the rows of records without their details, which are in other tables."""
    return list(_selected(connection, which, *values))


def _selected(
    connection: sqlite3.Connection, which: str, *values: int | str
) -> Iterator[RecordRows]:
    columns = ", ".join(f"r.{name}" for name in HEAD)
    found = connection.execute(
        f"SELECT r.id, e.facts, r.head_checksum, r.body_checksum, {columns} FROM records r"  # noqa: S608
        f" LEFT JOIN environments e ON e.id = r.environment {which}",
        values,
    )
    for own, facts, a, b, *head in found:
        yield RecordRows(own, tuple(head), (a, b), facts)


def in_order(connection: sqlite3.Connection) -> Iterator[RecordRows]:
    """Yields the rows of all records, one at a time, in an order that follows from them alone."""
    found = 0
    which = "ORDER BY r.started_at, r.key, r.head_checksum, r.body_checksum"
    for rows in fetch(connection, _selected(connection, which)):
        found += 1
        yield rows
    _require_total(connection, found)


def completed_of(connection: sqlite3.Connection, key: str) -> RecordRows | None:
    """Returns the completed record of a trial, if it has one."""
    which = "WHERE r.status = 'completed' AND r.key = ?"
    return next(fetch(connection, _selected(connection, which, key)), None)


def remove_all(connection: sqlite3.Connection) -> None:
    """Removes all records, to write them anew in the same transaction."""
    for table in (*DETAILS, "records", "environments", "contents"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute("UPDATE totals SET records = 0")


def fetch(connection: sqlite3.Connection, heads: Iterable[RecordRows]) -> Iterator[RecordRows]:
    """Yields the rows of records with their details."""

    @lru_cache(maxsize=_KEPT_CONTENTS)
    def content(number: int) -> _Content:
        query = "SELECT body FROM contents WHERE id = ?"
        return _Content(*(connection.execute(query, (number,)).fetchone() or [None]))

    for head in heads:
        details = {
            table: connection.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE record = ? ORDER BY rowid",  # noqa: S608
                (head.id,),
            ).fetchall()
            for table, columns in DETAILS.items()
        }
        exhibits = [(place, content(number)) for place, number in details["exhibits"]]
        yield replace(head, details=details, exhibits=exhibits)


def read_records(connection: sqlite3.Connection, skip: int = 0) -> Iterator[RunRecord]:
    """Yields the records without the first ``skip`` of them, oldest first."""
    connection.execute("BEGIN")  # one snapshot for all tables, even while a driver writes
    heads = select(connection, "ORDER BY r.id LIMIT -1 OFFSET ?", skip)
    _require_total(connection, skip + len(heads))
    for rows in fetch(connection, heads):
        yield rows.record()


def read_outcomes(connection: sqlite3.Connection) -> Iterator[RunRecord]:
    """Yields the records without what their trials reported, oldest first."""
    connection.execute("BEGIN")
    heads = select(connection)
    _require_total(connection, len(heads))
    for rows in heads:
        yield rows.record()


def read_total(connection: sqlite3.Connection) -> Iterator[int]:
    """Yields how many records were written."""
    yield from (number for (number,) in connection.execute("SELECT records FROM totals"))


def _require_total(connection: sqlite3.Connection, found: int) -> None:
    totals = list(read_total(connection))
    if totals != [found]:
        expected = totals[0] if totals else "an unknown number"
        raise DamagedError("its records", f"{found} are there, {expected} were written")


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
        raise DamagedError(where, _CHANGED)
    try:
        return checked(EXHIBITS, parsed(text))
    except ValueError as error:
        raise DamagedError(where, str(error)) from error


def remove(connection: sqlite3.Connection, owner: int) -> None:
    """Removes all rows of a record from a file that is being repaired."""
    for table in DETAILS:
        connection.execute(f"DELETE FROM {table} WHERE record = ?", (owner,))  # noqa: S608
    connection.execute("DELETE FROM records WHERE id = ?", (owner,))


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
