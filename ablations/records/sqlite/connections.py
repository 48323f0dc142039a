"""Opens record files: for reading wherever they lie, for writing where that is allowed.

Sources: https://www.sqlite.org/wal.html (read-only files), https://www.sqlite.org/uri.html.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ablations.errors import DamagedStoreError, StoreError
from ablations.records.sqlite.locks import holder
from ablations.records.sqlite.rows import DamagedError
from ablations.records.sqlite.tables import (
    STORE_VERSION,
    add_training,
    make_tables,
    version_of,
)

T = TypeVar("T")
Query = Callable[[sqlite3.Connection], Iterator[T]]

READ_SECONDS, WRITE_SECONDS = 5.0, 30.0
"""How long to wait for a process that locks the file; a record that cannot be written is lost."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a damaged file; where its message quotes bytes, that cannot be read."""

_TRIES = 20


def read_from(path: Path, query: Query[T]) -> tuple[T, ...]:
    """Returns what ``query`` finds in a record file; the file and its folder are left as they are.

    Raises:
        StoreError: if it cannot be read.
    """
    with as_store_errors(path):
        if may_write(path):
            with closing(connect(path, "mode=rw", READ_SECONDS)) as connection:
                connection.execute("PRAGMA query_only = ON")
                return _ask(path, connection, query)
        return _read_without_locks(path, query)


@contextmanager
def writing_to(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a record file with the present tables, and makes it if there is none.

    Raises:
        StoreError: if it cannot be written.
    """
    with as_store_errors(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            log_of(path).unlink(missing_ok=True)  # of a file that is gone; SQLite would add it
            _make(path)
        with closing(connect(path, "mode=rw", WRITE_SECONDS)) as connection:
            _require_known(path, connection)
            add_training(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection


@contextmanager
def streamed_from(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a record file to read it piece by piece; it and its folder are left as they are.

    Raises:
        StoreError: if it cannot be read, or may not be locked and is changed meanwhile.
    """
    if not may_write(path):
        with reading_aside(path) as connection:
            yield connection
        return
    with as_store_errors(path), closing(connect(path, "mode=rw")) as connection:
        connection.execute("PRAGMA query_only = ON")
        _require_known(path, connection)
        yield connection


@contextmanager
def reading_aside(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a record file as it is now, without locking it or writing beside it.

    SQLite's log must not be shared by two machines, and the file of a shard may just be written on
    another one: what is in its log is read from a private copy.

    Raises:
        StoreError: if it cannot be read, or is changed too often to be copied.
    """
    with as_store_errors(path):
        for _ in range(_TRIES):
            before = _state(path)
            if not _logged(path):
                yield from _unchanged(path, before)
                return
            with copied(path) as copy:
                if _state(path) == before:
                    with closing(connect(copy, "mode=rw")) as connection:
                        _require_known(path, connection)
                        yield connection
                    return
            time.sleep(0.05)
        raise _restless(path)


def _unchanged(path: Path, before: tuple[object, ...]) -> Iterator[sqlite3.Connection]:
    """Yields a connection to a file that nobody writes, and makes sure that it stayed so."""
    try:
        with closing(connect(path, "mode=ro&immutable=1")) as connection:
            _require_known(path, connection)
            yield connection
    except (sqlite3.Error, ValueError, StoreError) as error:
        if _state(path) != before:
            raise _restless(path) from error
        raise
    if _state(path) != before:
        raise _restless(path)


def _restless(path: Path) -> StoreError:
    return StoreError(
        f"{path} was changed while it was read",
        received="another process that writes it",
        cure="Issue the command again, at the latest when that process has ended",
    )


def connect(path: Path, mode: str, seconds: float = READ_SECONDS) -> sqlite3.Connection:
    """Opens a file that exists, in one of the modes of SQLite's addresses."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=seconds)


def log_of(path: Path) -> Path:
    """Returns where SQLite keeps what is committed but not yet in the file itself."""
    return path.with_name(f"{path.name}-wal")


def may_write(path: Path) -> bool:
    """Whether this process may write a file, and files beside it as SQLite has to."""
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Gives a private copy of a record file, with what is committed but not yet in it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "records.sqlite"
        shutil.copyfile(path, copy)
        with suppress(FileNotFoundError):
            shutil.copyfile(log_of(path), log_of(copy))
        yield copy


def _make(path: Path) -> None:
    """Makes an empty record file, which appears only when its tables are complete."""
    fresh = path.with_name(f".new-{secrets.token_hex(8)}")
    try:
        fresh.touch(exist_ok=False)
        with closing(connect(fresh, "mode=rw")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            make_tables(connection)
        try:
            path.hardlink_to(fresh)
        except OSError:  # another process was quicker, or the file system has no links
            if not path.exists():
                fresh.replace(path)
    finally:
        for left in (fresh, log_of(fresh)):
            left.unlink(missing_ok=True)


def _read_without_locks(path: Path, query: Query[T]) -> tuple[T, ...]:
    """Reads a file that may not be locked, and again if it was changed meanwhile."""
    for _ in range(_TRIES):
        before = _state(path)
        try:
            with _aside(path) as connection:
                found = _ask(path, connection, query)
        except (sqlite3.Error, StoreError, ValueError):
            if _state(path) == before:
                raise
        else:
            if _state(path) == before:
                return found
        time.sleep(0.05)
    raise StoreError(
        f"{path} changed each time it was read, and this user may not lock it",
        received=f"{_TRIES} changes while it was read",
        cure="Read it when the study does not run, or as the user who runs it",
    )


@contextmanager
def _aside(path: Path) -> Iterator[sqlite3.Connection]:
    if not _logged(path):
        with closing(connect(path, "mode=ro&immutable=1")) as connection:
            yield connection
        return
    with copied(path) as copy, closing(connect(copy, "mode=rw")) as connection:
        yield connection


def _logged(path: Path) -> bool:
    """Whether something is committed that is not yet in the file itself."""
    return log_of(path).exists() and log_of(path).stat().st_size > 0


def _state(path: Path) -> tuple[object, ...]:
    """Returns what differs once a record file was written to."""
    facts = [file.stat() for file in (path, log_of(path)) if file.exists()]
    return tuple((found.st_ino, found.st_size, found.st_mtime_ns) for found in facts)


def _ask(path: Path, connection: sqlite3.Connection, query: Query[T]) -> tuple[T, ...]:
    _require_known(path, connection)
    return tuple(query(connection))


def _require_known(path: Path, connection: sqlite3.Connection) -> None:
    version = version_of(connection)
    if version == 0:
        size = path.stat().st_size
        problem = "it holds no tables of this program" if size else "it is empty"
        raise damaged(path, problem, f"{size} bytes")
    if version != STORE_VERSION:
        raise StoreError(
            f"{path} was written by another version of ablations",
            received=f"schema version {version}",
            cure=f"This one reads version {STORE_VERSION}; name another --runs-dir",
        )


def damaged(path: Path, problem: str, received: str) -> DamagedStoreError:
    """Returns the error of a file that is not as it was written."""
    return DamagedStoreError(
        f"{path} is damaged, or no record file: {problem}",
        received=received,
        cure=f"'ablations repair {shlex.quote(str(path))}' keeps the sound records, and the "
        "damaged file beside them",
    )


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite and the reader of rows raise into a `StoreError` with its cure."""
    try:
        yield
    except UNREADABLE as error:
        raise _store_error(path, error) from error
    except DamagedError as error:
        raise damaged(path, error.where, error.why) from error


def _store_error(path: Path, error: Exception) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    for starts, problem, cure in _FAULTS:
        if name.startswith(starts):
            who = holder(path, log_of(path), path.with_name(f"{path.name}-shm"))
            line = f"{path} {problem.format(holder=who)}"
            return StoreError(line, received=str(error), cure=cure)
    return damaged(path, "SQLite cannot read it", str(error))


_FAULTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        "is locked by {holder}",
        "Wait for it or end it, and issue the command again",
    ),
    (
        ("SQLITE_FULL", "SQLITE_IOERR"),
        "cannot be written or read to its end",
        "Free the disk if it is full, and issue the command again; what is recorded stays",
    ),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
        "may not be opened or written here",
        "Check the permissions of the file and its folder, or name another folder with --runs-dir",
    ),
    (
        ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG"),
        "cannot hold this record",
        "Report this error of the program: the record should have been refused before",
    ),
)
"""SQLite's names of errors (https://www.sqlite.org/rescode.html), the problem, and the cure."""
