"""The study's SQLite file: appends run records and reads them back.

Only the driver of a study writes, and commits each record in one transaction when its trial ends.
Readers may look at any time. Records are never changed. Arrays are stored as little-endian bytes
(``f8`` step seconds, ``i8`` labels, ``f4`` probabilities), never as pickles.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ablations import codec, heads
from ablations.errors import StoreError, UnstorableError
from ablations.identity import Head
from ablations.record import Exhibit, Reason, RunRecord, Status, is_final
from ablations.tables import STORE_VERSION, bring_up_to_date, version_of

T = TypeVar("T")

_UNSTORABLE = (
    sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError,
    AttributeError, OverflowError, TypeError, ValueError,
)  # fmt: skip
"""What writing a record raises whose values are at fault, and not the file."""


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


class Store:
    """The records of one study.

    Args:
        path: The SQLite file; it is made, with its folder, by the first `append`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: RunRecord) -> None:
        """Commits one record in one transaction.

        Raises:
            StoreError: if the trial has a completed record already, or the file cannot be written.
            UnstorableError: if the record holds what the file cannot.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection(create=True) as connection, connection:
            try:
                _insert(connection, record)
            except _UNSTORABLE as error:
                if "records.key" not in str(error):
                    raise UnstorableError(
                        f"{self.path}: trial {record.key} has a record that cannot be stored",
                        received=f"{type(error).__name__}: {error}",
                        cure="Report plain numbers and text",
                    ) from error
                raise StoreError(
                    f"{self.path}: a trial is recorded only once",
                    received=f"trial {record.key}: {error}",
                    cure="Old records are never overwritten; change a setting or a seed",
                ) from error

    def outcomes(self) -> tuple[Outcome, ...]:
        """Returns how each recorded trial ended, oldest record first."""
        return self._read(_read_outcomes)

    def records(self) -> tuple[RunRecord, ...]:
        """Returns all records, oldest first."""
        return self._read(_read_records)

    def heads(self) -> tuple[Head, ...]:
        """Returns what names the trial of each record, oldest first."""
        return self._read(heads.read_heads)

    def describe(self, key: str, exhibits: Sequence[Exhibit]) -> None:
        """Stores what a trial shows of itself without training, in place of an earlier one."""
        text = codec.exhibits_to_text(exhibits)
        with self._connection(create=True) as connection, connection:
            connection.execute("INSERT OR REPLACE INTO descriptions VALUES (?, ?)", (key, text))

    def descriptions(self) -> dict[str, tuple[Exhibit, ...]]:
        """Returns what trials show of themselves, by the trial's key."""
        return dict(self._read(_read_descriptions))

    def _read(self, query: Callable[[sqlite3.Connection], Iterator[T]]) -> tuple[T, ...]:
        """Returns what ``query`` finds, and nothing where no record has been written yet."""
        if not self.path.exists():
            return ()
        with self._connection() as connection:
            return tuple(query(connection)) if version_of(connection) else ()

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Holds the right to write while a study runs; it ends with the process, however that ends.

        Raises:
            StoreError: if another process runs the study.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name("driver.lock")
        with closing(_locked(lock)):
            yield

    @contextmanager
    def _connection(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30.0)) as connection:
                self._check_version(connection, create=create)
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path} cannot be used as a record file",
                received=str(error),
                cure="Free the disk if it is full; else name another folder with --runs-dir",
            ) from error

    def _check_version(self, connection: sqlite3.Connection, *, create: bool) -> None:
        version = version_of(connection)
        if not 0 <= version <= STORE_VERSION:
            raise StoreError(
                f"{self.path} was written by another version of ablations",
                received=f"schema version {version}",
                cure=f"This one reads version {STORE_VERSION}; name another --runs-dir",
            )
        if create:
            if version == 0:
                connection.execute("PRAGMA journal_mode = WAL")
            bring_up_to_date(connection)
        connection.execute("PRAGMA foreign_keys = ON")


def _locked(lock: Path) -> sqlite3.Connection:
    """Returns a connection that holds the lock file until it is closed or its process ends."""
    try:
        connection = sqlite3.connect(lock, timeout=0.0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if "locked" in str(error):
            problem = f"{lock.parent}: this study is being run already"
            cure = "Wait for it, or stop it; 'ablations status' shows how far it is"
        else:
            problem = f"{lock} cannot be used as a lock"
            cure = "Remove it, or name another folder with --runs-dir"
        raise StoreError(problem, received=str(error), cure=cure) from error
    return connection


def _insert(connection: sqlite3.Connection, record: RunRecord) -> None:
    facts = codec.to_text(dict(record.environment))
    row = (*codec.record_row(record), _shared_row(connection, "environments", "facts", facts))
    marks = ", ".join("?" * len(row))
    columns = f"{', '.join(codec.RECORD_COLUMNS)}, environment"
    # The names are this module's own; values are bound.
    cursor = connection.execute(f"INSERT INTO records ({columns}) VALUES ({marks})", row)  # noqa: S608
    owner = cursor.lastrowid
    for table, rows in codec.detail_rows(record).items():
        for values in rows:
            marks = ", ".join("?" * (len(values) + 1))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", (owner, *values))  # noqa: S608
    for position, exhibit in enumerate(record.exhibits):
        body = codec.to_text(codec.exhibit_to_json(exhibit))
        content = _shared_row(connection, "contents", "body", body)
        connection.execute("INSERT INTO exhibits VALUES (?, ?, ?)", (owner, position, content))


def _shared_row(connection: sqlite3.Connection, table: str, column: str, text: str) -> int:
    """Returns the id of a text that many records may share, and stores it the first time."""
    connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (text,))  # noqa: S608
    found = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,))  # noqa: S608
    return int(found.fetchone()[0])


def _read_descriptions(
    connection: sqlite3.Connection,
) -> Iterator[tuple[str, tuple[Exhibit, ...]]]:
    for key, text in connection.execute("SELECT key, exhibits FROM descriptions"):
        yield key, codec.exhibits_from_text(text)


def _read_outcomes(connection: sqlite3.Connection) -> Iterator[Outcome]:
    rows = connection.execute("SELECT id, key, status, reason, seconds FROM records ORDER BY id")
    renamed = heads.renamed(connection)
    return (Outcome(renamed.get(owner, key), *rest) for owner, key, *rest in rows)


def _read_records(connection: sqlite3.Connection) -> Iterator[RunRecord]:
    connection.execute("BEGIN")  # one snapshot for all tables, even while a driver writes
    columns = ", ".join(codec.RECORD_COLUMNS)
    rows = connection.execute(
        f"SELECT r.id, {columns}, e.facts FROM records r"  # noqa: S608
        " JOIN environments e ON e.id = r.environment ORDER BY r.id"
    ).fetchall()
    details = {
        "metrics": _by_record(connection, "SELECT * FROM metrics ORDER BY rowid"),
        "epochs": _by_record(connection, "SELECT * FROM epochs ORDER BY record, epoch"),
        "steps": _by_record(connection, "SELECT * FROM steps ORDER BY record, epoch"),
        "predictions": _by_record(connection, "SELECT * FROM predictions ORDER BY rowid"),
        "exhibits": _by_record(
            connection,
            "SELECT x.record, x.position, c.body FROM exhibits x"
            " JOIN contents c ON c.id = x.content ORDER BY x.record, x.position",
        ),
    }
    parse_exhibit = _once(codec.exhibit_from_text)
    renamed = heads.renamed(connection)
    for owner, key, *row, facts in rows:
        own = {table: found.get(owner, []) for table, found in details.items()}
        exhibits = tuple(parse_exhibit(body) for _, body in own.pop("exhibits"))
        yield codec.record_from_rows((renamed.get(owner, key), *row), facts, own, exhibits)


def _by_record(connection: sqlite3.Connection, query: str) -> dict[int, list[tuple[Any, ...]]]:
    grouped: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for owner, *values in connection.execute(query):
        grouped[owner].append(tuple(values))
    return grouped


def _once(parse: Callable[[str], Exhibit]) -> Callable[[str], Exhibit]:
    """Shares one parsed value among the records that share its text."""
    known: dict[str, Exhibit] = {}

    def parsed(text: str) -> Exhibit:
        if text not in known:
            known[text] = parse(text)
        return known[text]

    return parsed
