"""The study's SQLite file: appends run records and reads them back.

Only the driver of a study writes, and commits each record in one transaction when its trial ends.
Readers may look at any time. Records are never changed, and carry checksums that say so. Arrays
are stored as little-endian bytes (``f8`` step seconds, ``i8`` labels, ``f4`` probabilities), never
as pickles.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from ablations.core.metrics import MetricInfo
from ablations.core.record import Exhibit, RunRecord
from ablations.errors import StoreError, UnstorableError
from ablations.records.sqlite import descriptions, queries, rows
from ablations.records.sqlite.connections import (
    Query,
    as_store_errors,
    may_write,
    read_from,
    reading_aside,
    streamed_from,
    writing_to,
)
from ablations.records.sqlite.decoder import WHOLE
from ablations.records.sqlite.locks import holder

T = TypeVar("T")

LOCK_SECONDS = 2.0
"""How long to wait for another driver, which may be about to end."""

UNSTORABLE = (
    sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError,
    AttributeError, OverflowError, TypeError, ValueError,
)  # fmt: skip
"""What writing a record raises whose values are at fault, and not the file."""


class Store:
    """The records of one study.

    Args:
        path: The SQLite file; it is made, with its folder, by the first `append`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._driving: ExitStack | None = None
        self._writer: tuple[int, sqlite3.Connection] | None = None

    def append(self, record: RunRecord) -> None:
        """Commits one record in one transaction.

        Raises:
            StoreError: if the trial has a completed record already, or the file cannot be written.
            UnstorableError: if the record holds what the file cannot.
        """
        with self._writing() as connection, connection:
            try:
                rows.insert(connection, record)
            except UNSTORABLE as error:
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

    def _read(self, query: Query[T]) -> tuple[T, ...]:
        return read_from(self.path, query) if self.path.exists() else ()

    def outcomes(self) -> tuple[RunRecord, ...]:
        """Returns the records without what their trials reported, oldest first.

        How each trial ended, and what names it, is read much faster than all that it reported,
        which is not checked then. They have whether their networks trained, if that was noted.
        """
        return self._read(queries.read_outcomes)

    def records(self, *, skip: int = 0, parts: Collection[str] = WHOLE) -> tuple[RunRecord, ...]:
        """Returns the records without the first ``skip`` of them, oldest first.

        Args:
            skip: How many are known already.
            parts: What is wanted of them; in place of the rest, which is only checked, they have
                whether their networks trained.
        """
        return self._read(partial(queries.read_records, skip=skip, parts=parts))

    def stream(self) -> Iterator[RunRecord]:
        """Yields the same records as `records`, of which one at a time is in memory.

        Raises:
            StoreError: also if this user may not lock the file, and it is changed meanwhile.
        """
        if self.path.exists():
            with streamed_from(self.path) as connection:
                yield from queries.read_records(connection)

    def reported(self, keys: Iterable[str]) -> tuple[MetricInfo, ...]:
        """Returns what the completed records of these trials reported: each metric and unit once.

        Neither values nor checksums are read.
        """
        return self._read(partial(queries.read_reported, keys=keys))

    def largest(self, metric: str) -> float | None:
        """Returns the largest value of a metric in any record; its records are not checked."""
        return next(iter(self._read(partial(queries.read_largest, metric=metric))), None)

    def judge(self) -> None:
        """Notes whether networks trained where an earlier version has stored the record."""
        if self.path.exists() and may_write(self.path):
            with writing_to(self.path) as connection, connection:
                rows.judge(connection)

    def total(self) -> int:
        """Returns how many records there are; it grows with each, as none is ever removed."""
        return sum(self._read(queries.read_total))

    def describe(self, key: str, exhibits: Sequence[Exhibit]) -> None:
        """Stores what a trial shows of itself without training, in place of an earlier one."""
        with self._writing() as connection, connection:
            descriptions.describe(connection, key, exhibits)

    def descriptions(self) -> dict[str, tuple[Exhibit, ...]]:
        """Returns what trials show of themselves, by the trial's key."""
        return dict(self._read(descriptions.read_descriptions))

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Holds the right to write while a study runs; it ends with the process, however that ends.

        The file stays open, since closing it moves SQLite's log into it and waits for the disk.

        Raises:
            StoreError: if another process runs the study.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_locked(self._lock)), ExitStack() as opened:
            self._driving = opened
            try:
                yield
            finally:
                self._driving = self._writer = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Opens the file; once where a study runs, as long as nobody takes it away."""
        if self._driving is None:
            with writing_to(self.path) as connection:
                yield connection
            return
        if self._writer is None:
            connection = self._driving.enter_context(writing_to(self.path))
            self._writer = self._inode(), connection
        if self._inode() != self._writer[0]:
            raise StoreError(
                f"{self.path} was moved or removed while the study runs",
                received="another file of this name, or none",
                cure="Put it back and issue the command again; without it a new one is begun",
            )
        with as_store_errors(self.path):
            yield self._writer[1]

    def _inode(self) -> int:
        return self.path.stat().st_ino if self.path.exists() else 0

    @property
    def _lock(self) -> Path:
        return self.path.with_name("driver.lock")

    def driver(self) -> str | None:
        """Returns the process that runs the study, if one does."""
        if not self._lock.exists():
            return None
        address = f"{self._lock.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, timeout=0, uri=True)) as one:
                one.execute("SELECT 1 FROM sqlite_schema")
        except sqlite3.Error as error:
            return holder(self._lock) if "locked" in str(error) else None
        return None


def outcomes_aside(path: Path) -> tuple[RunRecord, ...]:
    """Returns the outcomes in a record file that may be in use on another machine.

    Raises:
        StoreError: if it cannot be read.
    """
    if not path.exists():
        return ()
    with reading_aside(path) as connection:
        return tuple(queries.read_outcomes(connection))


def _locked(lock: Path) -> sqlite3.Connection:
    """Returns a connection that holds the lock file until it is closed or its process ends."""
    try:
        connection = sqlite3.connect(lock, timeout=LOCK_SECONDS, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if "locked" in str(error):
            problem = f"{lock.parent}: this study is being run already, by {holder(lock)}"
            cure = "Wait for it, or stop it; 'ablations status' shows how far it is"
        else:
            problem = f"{lock} cannot be used as a lock"
            cure = "Check that its folder may be written, or name another one with --runs-dir"
        raise StoreError(problem, received=str(error), cure=cure) from error
    return connection
