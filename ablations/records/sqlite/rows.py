"""Records as rows of an open record file: written with checksums, and checked when read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from ablations.core.record import Exhibit, RunRecord, Training
from ablations.core.training import training_of
from ablations.records.description import EXHIBIT, HEAD, checked, parsed, to_text
from ablations.records.sqlite import codec
from ablations.records.sqlite.checksums import checksum, judged, judgement
from ablations.records.sqlite.codec import DETAILS, Row
from ablations.records.sqlite.decoder import Decoder
from ablations.records.sqlite.tables import has_training

CHANGED = "its checksum is that of other values"
_KEPT_CONTENTS = 1000
"""Texts of exhibits that are kept while records are read, since many records share them."""
_AT_A_TIME = 200
"""Records whose details one query finds; of these one is in memory at a time."""


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


class RecordRows(NamedTuple):  # made in half the time of a dataclass, for each record of a store
    """The rows of one record.

    ``head`` holds the values of ``HEAD``, ``written`` the checksums of head and body, and
    ``judged`` what `judged` noted of the network.
    """

    id: int
    head: Row
    written: tuple[str, ...]
    facts: str | None
    judged: str = ""
    details: Mapping[str, Sequence[Row]] = MappingProxyType({})
    exhibits: Sequence[tuple[int, _Content]] = ()

    @property
    def training(self) -> Training | None:
        """Whether its network trained; ``None`` where no version, or another one, judged that."""
        return judgement(self.judged, self.written[1])

    def checksums(self) -> tuple[str, ...]:
        """Returns those of the values that are there: of the head, and of details if fetched."""
        if not self.details:
            return (checksum(self.head),)
        few = [self.facts, self.details["metrics"], self.details["epochs"]]
        many = [v for name in ("steps", "predictions") for row in self.details[name] for v in row]
        shown = [(place, content.checksum) for place, content in self.exhibits]
        return checksum(self.head), checksum(few, *many, shown)

    def record(self, decoder: Decoder) -> RunRecord:
        """Returns the record; without details it is one whose trial reported nothing.

        It has whether its network trained, where that was noted.

        Raises:
            DamagedError: if it is not as it was written.
        """
        own = self.checksums()
        if own != self.written[: len(own)]:
            raise self._damaged(CHANGED)
        try:
            exhibits = [content.exhibit for _, content in self.exhibits]
            return decoder.record(self.head, self.facts, self.details, exhibits, self.training)
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
    again = rows._replace(written=written).record(Decoder())
    _seal(connection, owner, written, training_of(again))


def copy(connection: sqlite3.Connection, own: RecordRows, record: RunRecord) -> None:
    """Writes the rows of a record of another file, which were checked, as they are."""
    exhibits = [(place, content.body) for place, content in own.exhibits]
    owner = _write(connection, own.head, own.facts or "", own.details, exhibits)
    _seal(connection, owner, own.written, own.training or training_of(record))


def _write(
    connection: sqlite3.Connection,
    head: Row,
    facts: str,
    details: Mapping[str, Sequence[Row]],
    exhibits: Iterable[tuple[int, str]],
) -> int:
    """Adds the rows of a record, as yet without checksums; returns its id."""
    values = (*head, _shared_row(connection, "environments", "facts", facts))
    owner = connection.execute(_insertion("records", (*HEAD, "environment")), values).lastrowid or 0
    shown = [(i, _shared_row(connection, "contents", "body", text)) for i, text in exhibits]
    for table, columns in DETAILS.items():
        own = shown if table == "exhibits" else details[table]
        statement = _insertion(table, ("record", *columns))
        connection.executemany(statement, [(owner, *row) for row in own])
    connection.execute("UPDATE totals SET records = records + 1")
    return owner


def _seal(
    connection: sqlite3.Connection, owner: int, written: Sequence[str], training: Training
) -> None:
    connection.execute(
        "UPDATE records SET head_checksum = ?, body_checksum = ?, training = ? WHERE id = ?",
        (*written, judged(training, written[1]), owner),
    )


def judge(connection: sqlite3.Connection) -> None:
    """Notes whether networks trained, of records of earlier versions, which did not note it."""
    heads = [head for head in select(connection) if head.training is None]
    decoder = Decoder()
    for rows in fetch(connection, heads):
        _seal(connection, rows.id, rows.written, training_of(rows.record(decoder)))


def _insertion(table: str, columns: Sequence[str]) -> str:
    """Returns the statement that adds a row to one of our tables."""
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


def _shared_row(connection: sqlite3.Connection, table: str, column: str, text: str) -> int:
    """Returns the id of a text that many records may share, and stores it the first time."""
    connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (text,))  # noqa: S608
    found = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,))  # noqa: S608
    return int(found.fetchone()[0])


def select(
    connection: sqlite3.Connection, which: str = "ORDER BY r.id", *values: int
) -> list[RecordRows]:
    """Returns the rows of records without their details, which are in other tables."""
    return list(selected(connection, which, *values))


def selected(
    connection: sqlite3.Connection, which: str, *values: int | str
) -> Iterator[RecordRows]:
    """Yields what `select` returns."""
    columns = ", ".join(f"r.{name}" for name in HEAD)
    judged_as = "r.training" if has_training(connection) else "''"
    found = connection.execute(
        f"SELECT r.id, e.facts, r.head_checksum, r.body_checksum, {judged_as}, {columns} "  # noqa: S608
        f"FROM records r LEFT JOIN environments e ON e.id = r.environment {which}",
        values,
    )
    for row in found:
        own, facts, a, b, training = row[:5]
        yield RecordRows(own, row[5:], (a, b), facts, training)


def fetch(connection: sqlite3.Connection, heads: Iterable[RecordRows]) -> Iterator[RecordRows]:
    """Yields the rows of records with their details."""

    @lru_cache(maxsize=_KEPT_CONTENTS)
    def content(number: int) -> _Content:
        query = "SELECT body FROM contents WHERE id = ?"
        return _Content(*(connection.execute(query, (number,)).fetchone() or [None]))

    for some in _ascending(heads):
        ids = [head.id for head in some]
        found = [_details(connection, table, ids) for table in DETAILS]
        for head, *rows in zip(some, *found, strict=True):
            details = dict(zip(DETAILS, rows, strict=True))
            exhibits = [(place, content(number)) for place, number in details["exhibits"]]
            yield head._replace(details=details, exhibits=exhibits)


def _ascending(heads: Iterable[RecordRows]) -> Iterator[list[RecordRows]]:
    """Yields records in groups, in each of which their ids ascend."""
    some: list[RecordRows] = []
    for head in heads:
        if some and (head.id <= some[-1].id or len(some) == _AT_A_TIME):
            yield some
            some = []
        some.append(head)
    if some:
        yield some


def _details(connection: sqlite3.Connection, table: str, ids: Sequence[int]) -> Iterator[list[Row]]:
    """Yields the rows of a table that belong to each of these records, in their order."""
    columns, marks = ", ".join(DETAILS[table]), ", ".join("?" * len(ids))
    cursor = connection.execute(
        f"SELECT record, {columns} FROM {table} WHERE record IN ({marks}) ORDER BY record, rowid",  # noqa: S608
        ids,
    )
    found = groupby(cursor, key=itemgetter(0))
    owner, own = next(found, (None, iter(())))
    for wanted in ids:
        if wanted != owner:
            yield []
            continue
        yield [row[1:] for row in own]
        owner, own = next(found, (None, iter(())))


def completed_of(connection: sqlite3.Connection, key: str) -> RecordRows | None:
    """Returns the completed record of a trial, if it has one."""
    which = "WHERE r.status = 'completed' AND r.key = ?"
    return next(fetch(connection, selected(connection, which, key)), None)


def remove_all(connection: sqlite3.Connection) -> None:
    """Removes all records, to write them anew in the same transaction."""
    for table in (*DETAILS, "records", "environments", "contents"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute("UPDATE totals SET records = 0")


def remove(connection: sqlite3.Connection, owner: int) -> None:
    """Removes all rows of a record from a file that is being repaired."""
    for table in DETAILS:
        connection.execute(f"DELETE FROM {table} WHERE record = ?", (owner,))  # noqa: S608
    connection.execute("DELETE FROM records WHERE id = ?", (owner,))
