"""Keeps the sound records of a damaged file, and lists what is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from ablations.errors import DamagedStoreError, StoreError
from ablations.files import replaced_file
from ablations.records.readers.jsonl import lines_of, newer_line, record_from_json
from ablations.records.readers.reader import NewerVersionError
from ablations.records.readers.sqlite import MAGIC, is_store
from ablations.records.sqlite.connections import (
    UNREADABLE,
    as_store_errors,
    copied,
    damaged,
    log_of,
)
from ablations.records.sqlite.decoder import Decoder
from ablations.records.sqlite.descriptions import remove_damaged_descriptions
from ablations.records.sqlite.rows import DamagedError, fetch, remove, select
from ablations.records.sqlite.store import Store
from ablations.records.sqlite.tables import make_tables, version_of
from ablations.text.formatting import counted

Row = Sequence[Any]

_PROBED = 10_000
"""Rows that are looked for one by one where a table cannot be read in its order."""

_HEAD = MAGIC + bytes.fromhex("1000020200402020")
"""How each of our files begins: SQLite's name, pages of 4,096 bytes, a log beside the file."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a file: records kept, what is lost, and where the damaged file is now."""

    kept: int
    lost: tuple[str, ...]
    damaged: Path | None


def repair_message(path: Path, found: Repaired) -> str:
    """Returns one line about what became of a file."""
    kept = counted(found.kept, "record")
    if found.damaged is None:
        return f"{path} is sound: {kept}; it was left as it is"
    return f"{path} has the {kept} that are sound; the damaged file is {found.damaged}"


def repair(path: Path) -> Repaired:
    """Replaces a damaged file by one of its sound records; a sound file stays as it is.

    The damaged file is kept beside it.

    Raises:
        StoreError: if there is no such file, it holds no sound line of records, the study runs, or
            the file is of another version.
    """
    if not path.is_file():
        raise StoreError(
            f"{path} is not a file of records",
            received="a folder" if path.is_dir() else "a name that does not exist",
            cure="Name a study, its records.sqlite, or a .jsonl file",
        )
    if not is_store(path):  # as everywhere else, all other files are JSON lines
        return _repair_lines(path)
    with Store(path).driving():
        return _repair_store(path)


def _repair_lines(path: Path) -> Repaired:
    sound, lost = [], []
    for number, line in lines_of(path):
        try:
            record_from_json(line)
            sound.append(line)
        except NewerVersionError as error:
            raise newer_line(str(path), number, error) from error
        except ValueError as error:
            lost.append(f"line {number}: {error}")
    if not sound:
        raise StoreError(
            f"{path} holds no line that is a sound record, so it was left as it is",
            received=lost[0] if lost else "an empty file",
            cure="Name a study, its records.sqlite, or a .jsonl file that 'ablations export' wrote",
        )
    if not lost:
        return Repaired(len(sound), (), None)
    aside = _kept_aside(path)
    with replaced_file(path) as file:
        file.writelines(line + b"\n" for line in sound)
    return Repaired(len(sound), tuple(lost), aside)


def _repair_store(path: Path) -> Repaired:
    with suppress(DamagedStoreError):
        return Repaired(_sound(path), (), None)
    fresh = path.with_name(f".new-{token_hex(8)}")
    try:
        with as_store_errors(path), copied(path) as copy:
            lost = _salvage(copy, fresh)
        kept = len(Store(fresh).records())
        aside = _kept_aside(path)
        fresh.replace(path)
    finally:
        for left in (fresh, log_of(fresh)):
            left.unlink(missing_ok=True)
    return Repaired(kept, tuple(lost), aside)


def _kept_aside(path: Path) -> Path:
    """Gives a damaged file a second name, which it keeps when it is replaced; returns that."""
    names = ("", *(f"-{number}" for number in range(2, 10_000)))
    asides = (path.with_name(f"{path.name}.damaged{name}") for name in names)
    aside = next(aside for aside in asides if not aside.exists())
    try:
        aside.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copy2(path, aside)
    if log_of(path).exists():  # SQLite would add what is in it to the new file
        log_of(path).rename(log_of(aside))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def _sound(path: Path) -> int:
    """Returns how many records a sound file has.

    Raises:
        DamagedStoreError: if anything in it is damaged.
        StoreError: if it is locked, of another version, or cannot be read here.
    """
    store = Store(path)
    store.descriptions()
    with as_store_errors(path), copied(path) as copy, closing(sqlite3.connect(copy)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise damaged(path, "its tables are inconsistent", found)
    return len(store.records())


def _salvage(copy: Path, fresh: Path) -> list[str]:
    """Fills a new file with the sound records of a damaged one; returns what is lost."""
    with closing(_opened(copy)) as old, closing(sqlite3.connect(fresh)) as new:
        new.execute("PRAGMA journal_mode = WAL")
        make_tables(new)
        for table in _names(new):
            _copy_rows(old, new, table)
        _copy_other_tables(old, new)
        new.commit()
        with new:
            return _drop_damaged(new)


def _opened(copy: Path) -> sqlite3.Connection:
    """Opens a damaged file, if need be with the beginning that it should have."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            version_of(connection)
    except UNREADABLE:
        with copy.open("r+b") as file:
            file.write(_HEAD)
    connection = sqlite3.connect(copy)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA writable_schema = ON")  # also where the schema or the size is wrong
    return connection


def _names(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE %'"
    return [name for (name,) in connection.execute(query)]


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """Copies those rows of one of our tables that can be read and do not break its rules."""
    found = [name for name in _columns(new, table) if name in _columns(old, table)]
    columns = found if "id" in found else ["rowid", *found]
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    new.execute(f"DELETE FROM {table}")  # noqa: S608 - a new file has a total
    for row in _readable(old, table, ", ".join(columns)):
        with suppress(*UNREADABLE):
            new.execute(statement, row)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Returns the columns of a table, of which a file of an earlier version may lack some."""
    with suppress(*UNREADABLE):
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return []


def _readable(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[Row]:
    """Yields the rows that can be read: from both ends, and one by one between them."""
    query = f"SELECT rowid, {columns} FROM {table} NOT INDEXED"  # noqa: S608
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        with suppress(*UNREADABLE):
            for number, *values in connection.execute(f"{query} ORDER BY rowid {order}"):
                if number in seen:
                    return
                seen.add(number)
                yield values
            return
    for number in range(1, min(max(seen, default=0), 9 * _PROBED) + _PROBED):
        if number not in seen:
            with suppress(*UNREADABLE):
                found = connection.execute(f"{query} WHERE rowid = ?", (number,))
                yield from (row[1:] for row in found)


def _copy_other_tables(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copies tables that other parts of the program keep beside the records."""
    known = set(_names(new))
    query = "SELECT sql FROM sqlite_schema WHERE name = ?"
    with suppress(*UNREADABLE):
        for name in set(_names(old)) - known:
            if name.isidentifier():
                (statement,) = old.execute(query, (name,)).fetchone()
                new.execute(statement)
                rows = old.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
                marks = ", ".join("?" * len(rows[0])) if rows else ""
                new.executemany(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", rows)  # noqa: S608


def _drop_damaged(connection: sqlite3.Connection) -> list[str]:
    """Removes what is not as it was written; returns a line about each."""
    lost, kept, decoder = [], 0, Decoder()
    for rows in fetch(connection, select(connection)):
        try:
            rows.record(decoder)
            kept += 1
        except DamagedError as error:
            lost.append(str(error))
            remove(connection, rows.id)
    (written,) = connection.execute("SELECT max(records) FROM totals").fetchone()
    if (written or 0) > kept + len(lost):
        lost.append(f"{written - kept - len(lost)} records of which nothing can be read")
    connection.execute("DELETE FROM totals")
    connection.execute("INSERT INTO totals VALUES (?)", (kept,))
    return [*lost, *remove_damaged_descriptions(connection)]
