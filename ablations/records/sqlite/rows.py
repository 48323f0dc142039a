"""Records as rows of an open record file: written with checksums, and checked when read."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ablations.core.identity import Head, threads_of
from ablations.core.record import Exhibit, Reason, RunRecord, Status, is_final
from ablations.records.description import HEAD, StoredFacts, parsed, to_text
from ablations.records.sqlite import codec
from ablations.records.sqlite.checksums import checksum

T = TypeVar("T")
Ids = tuple[int, int]

_DETAILS = {
    "metrics": "name, value, unit, better",
    "epochs": "epoch, metrics",
    "steps": "epoch, seconds",
    "predictions": "split, labels, probabilities, examples",
}
"""The tables that hold more of a record, with what is read of them in the order of writing."""

_CHANGED = "its checksum is that of other values"


class DamagedError(ValueError):
    """A record, or another part of the file, that is not as it was written.

    Args:
        where: The part.
        why: What is wrong with it.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


@dataclass(frozen=True, slots=True)
class Outcome:
    """The little of a record that planning needs."""

    key: str
    status: Status
    reason: Reason | None
    seconds: float

    @property
    def final(self) -> bool:
        """Whether the trial need not be trained again."""
        return is_final(self.status, self.reason)


@dataclass(frozen=True, slots=True)
class _Shared:
    """Exhibits that many records share, each checked and read once."""

    bodies: Mapping[int, str]
    checksums: dict[int, str] = field(default_factory=dict)
    exhibits: dict[int, Exhibit] = field(default_factory=dict)

    def checksum(self, number: int) -> str:
        if number not in self.checksums:
            self.checksums[number] = checksum(self.bodies.get(number))
        return self.checksums[number]

    def exhibit(self, number: int) -> Exhibit:
        if number not in self.exhibits:
            self.exhibits[number] = codec.exhibit_from_text(self.bodies[number])
        return self.exhibits[number]


@dataclass(frozen=True, slots=True)
class RecordRows:
    """All rows of one record; ``head`` holds the values of ``HEAD``."""

    id: int
    head: codec.Row
    written: tuple[str, str]
    facts: str | None
    details: Mapping[str, Sequence[codec.Row]]
    exhibits: Sequence[codec.Row]
    shared: _Shared

    @property
    def place(self) -> str:
        """Names the record to a reader."""
        return _place(self.id, self.head)

    def checksums(self) -> tuple[str, str]:
        """Returns those of the values that are there."""
        few = [self.facts, self.details["metrics"], self.details["epochs"]]
        many = [v for name in ("steps", "predictions") for row in self.details[name] for v in row]
        shown = [(place, self.shared.checksum(number)) for place, number in self.exhibits]
        return checksum(self.head), checksum(few, *many, shown)

    def record(self) -> RunRecord:
        """Returns the record.

        Raises:
            DamagedError: if it is not as it was written.
        """
        if self.checksums() != self.written:
            raise DamagedError(self.place, _CHANGED)
        try:
            exhibits = [self.shared.exhibit(number) for _, number in self.exhibits]
            return codec.record_from_rows(self.head, self.facts, self.details, exhibits)
        except (ValueError, LookupError, TypeError) as error:
            raise DamagedError(self.place, str(error)) from error


def insert(connection: sqlite3.Connection, record: RunRecord) -> None:
    """Writes a record with its checksums, and reads it again.

    Raises:
        DamagedError: if it comes back as something that no reader would take.
    """
    facts = to_text(record.environment)
    row = (*codec.record_row(record), _shared_row(connection, "environments", "facts", facts))
    columns = f"{', '.join(HEAD)}, environment"
    # The names are this module's own; values are bound.
    statement = f"INSERT INTO records ({columns}) VALUES ({_marks(row)})"  # noqa: S608
    owner = connection.execute(statement, row).lastrowid or 0
    for table, rows in codec.detail_rows(record).items():
        for values in rows:
            statement = f"INSERT INTO {table} (record, {_DETAILS[table]})"
            connection.execute(f"{statement} VALUES (?, {_marks(values)})", (owner, *values))
    for position, exhibit in enumerate(record.exhibits):
        body = to_text(exhibit)
        content = _shared_row(connection, "contents", "body", body)
        connection.execute("INSERT INTO exhibits VALUES (?, ?, ?)", (owner, position, content))
    written = fetch(connection, (owner, owner))[0].checksums()
    statement = "UPDATE records SET head_checksum = ?, body_checksum = ? WHERE id = ?"
    connection.execute(statement, (*written, owner))
    fetch(connection, (owner, owner))[0].record()
    connection.execute("UPDATE totals SET records = records + 1")


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _shared_row(connection: sqlite3.Connection, table: str, column: str, text: str) -> int:
    """Returns the id of a text that many records may share, and stores it the first time."""
    connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (text,))  # noqa: S608
    found = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,))  # noqa: S608
    return int(found.fetchone()[0])


def describe(connection: sqlite3.Connection, key: str, exhibits: Sequence[Exhibit]) -> None:
    """Writes what a trial shows of itself, in place of an earlier one."""
    text = to_text(exhibits)
    connection.execute(
        "INSERT OR REPLACE INTO descriptions (key, exhibits, checksum) VALUES (?, ?, ?)",
        (key, text, checksum(key, text)),
    )


def read_descriptions(
    connection: sqlite3.Connection, only: str | None = None
) -> Iterator[tuple[str, tuple[Exhibit, ...]]]:
    """Yields what trials, or a single one, show of themselves, with their key."""
    query = "SELECT key, exhibits, checksum FROM descriptions WHERE ?1 IS NULL OR key = ?1"
    for key, text, written in connection.execute(query, (only,)):
        where = f"the description of trial {key}"
        if checksum(key, text) != written:
            raise DamagedError(where, _CHANGED)
        try:
            yield key, codec.exhibits_from_text(text)
        except ValueError as error:
            raise DamagedError(where, str(error)) from error


def read_outcomes(connection: sqlite3.Connection) -> Iterator[Outcome]:
    """Yields how each recorded trial ended, oldest record first."""
    for own, _ in _heads(connection):
        yield Outcome(own["key"], own["status"], own["reason"], own["seconds"])


def read_heads(connection: sqlite3.Connection) -> Iterator[Head]:
    """Yields what names the trial of each record, oldest first."""
    threads = _once(lambda facts: threads_of(_facts(facts)))
    settings = _once(_settings)
    for own, facts in _heads(connection):
        yield Head(
            key=own["key"],
            entry=own["entry"],
            settings=settings(own["settings"]),
            seed=own["seed"],
            data=own["data"],
            threads=threads(facts or ""),
            completed=own["status"] == "completed",
        )


def _heads(connection: sqlite3.Connection) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yields the values of ``HEAD``, and the environment, of each record."""
    connection.execute("BEGIN")
    columns = ", ".join(f"r.{name}" for name in HEAD)
    found = connection.execute(
        f"SELECT r.id, r.head_checksum, e.facts, {columns} FROM records r"  # noqa: S608
        " LEFT JOIN environments e ON e.id = r.environment ORDER BY r.id"
    ).fetchall()
    _require_total(connection, len(found))
    for owner, written, facts, *head in found:
        if checksum(head) != written:
            raise DamagedError(_place(owner, head), _CHANGED)
        yield dict(zip(HEAD, head, strict=True)), facts


def _facts(text: str) -> dict[str, str]:
    try:
        return StoredFacts.validate_json(text)
    except ValueError:
        raise DamagedError("an environment", "it holds no facts") from None


def _settings(text: str) -> dict[str, Any]:
    try:
        found = parsed(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DamagedError("the settings of a record", f"they cannot be read: {text[:80]}")
    return found


def _once(read: Callable[[str], T]) -> Callable[[str], T]:
    """Reads a text that many records share once."""
    known: dict[str, T] = {}

    def found(text: str) -> T:
        if text not in known:
            known[text] = read(text)
        return known[text]

    return found


def read_records(connection: sqlite3.Connection, skip: int = 0) -> Iterator[RunRecord]:
    """Yields the records without the first ``skip`` of them, oldest first."""
    connection.execute("BEGIN")  # one snapshot for all tables, even while a driver writes
    found = fetch(connection, _from(connection, skip) if skip else None)
    _require_total(connection, skip + len(found))
    for rows in found:
        yield rows.record()


def _from(connection: sqlite3.Connection, skip: int) -> Ids:
    """Returns the ids of all records but the first ``skip``."""
    query = "SELECT id FROM records ORDER BY id LIMIT -1 OFFSET ?"
    ids = [number for (number,) in connection.execute(query, (skip,))]
    return (ids[0], ids[-1]) if ids else (1, 0)


def read_total(connection: sqlite3.Connection) -> Iterator[int]:
    """Yields how many records were written."""
    yield from (number for (number,) in connection.execute("SELECT records FROM totals"))


def _place(owner: int, head: Sequence[Any]) -> str:
    own = dict(zip(HEAD, head, strict=True))
    return f"record {owner} (trial {own['key']}, arm {own['arm']}, seed {own['seed']})"


def _require_total(connection: sqlite3.Connection, found: int) -> None:
    totals = connection.execute("SELECT records FROM totals").fetchall()
    if totals != [(found,)]:
        expected = totals[0][0] if totals else "an unknown number"
        raise DamagedError("its records", f"{found} are there, {expected} were written")


def fetch(connection: sqlite3.Connection, ids: Ids | None = None) -> list[RecordRows]:
    """Returns the rows of all records, or of those from the first to the last of two ids."""
    columns = ", ".join(f"r.{name}" for name in HEAD)
    where = "" if ids is None else "WHERE r.id BETWEEN ? AND ?"
    heads = connection.execute(
        f"SELECT r.id, e.facts, r.head_checksum, r.body_checksum, {columns} FROM records r"  # noqa: S608
        f" LEFT JOIN environments e ON e.id = r.environment {where} ORDER BY r.id",
        ids or (),
    ).fetchall()
    details = {name: _details(connection, name, wanted, ids) for name, wanted in _DETAILS.items()}
    exhibits = _details(connection, "exhibits", "position, content", ids)
    numbers = {number for rows in exhibits.values() for _, number in rows}
    shared = _Shared(_bodies(connection, None if ids is None else numbers))
    return [
        RecordRows(
            id=own,
            head=tuple(head),
            written=(first, second),
            facts=facts,
            details={name: found.get(own, []) for name, found in details.items()},
            exhibits=exhibits.get(own, []),
            shared=shared,
        )
        for own, facts, first, second, *head in heads
    ]


def _details(
    connection: sqlite3.Connection, table: str, columns: str, ids: Ids | None
) -> dict[int, list[codec.Row]]:
    where = "" if ids is None else "WHERE record BETWEEN ? AND ?"
    query = f"SELECT record, {columns} FROM {table} {where} ORDER BY rowid"  # noqa: S608
    grouped: dict[int, list[codec.Row]] = defaultdict(list)
    for own, *values in connection.execute(query, ids or ()):
        grouped[own].append(tuple(values))
    return grouped


def _bodies(connection: sqlite3.Connection, numbers: set[int] | None) -> dict[int, str]:
    if numbers is None:
        return dict(connection.execute("SELECT id, body FROM contents"))
    query = "SELECT id, body FROM contents WHERE id = ?"
    return dict(row for number in numbers for row in connection.execute(query, (number,)))


def remove(connection: sqlite3.Connection, owner: int) -> None:
    """Removes all rows of a record from a file that is being repaired."""
    for table in (*_DETAILS, "exhibits"):
        connection.execute(f"DELETE FROM {table} WHERE record = ?", (owner,))  # noqa: S608
    connection.execute("DELETE FROM records WHERE id = ?", (owner,))


def remove_damaged_descriptions(connection: sqlite3.Connection) -> list[str]:
    """Removes the descriptions that are not as they were written; returns them in words."""
    lost = []
    for (key,) in connection.execute("SELECT key FROM descriptions").fetchall():
        try:
            list(read_descriptions(connection, key))
        except DamagedError as error:
            lost.append(f"{error} ('ablations run' makes it again)")
            connection.execute("DELETE FROM descriptions WHERE key = ?", (key,))
    return lost
