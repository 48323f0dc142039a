"""Puts record files together into the store of their study, in any order and any number of times.

The records of all files, and those that the store has, are written anew in an order that follows
from them alone: from the first that was started to the last. This happens in one transaction, so
that a reader, or a crash, meets the store as it was before or as it is after. One record a file is
in memory at a time. Where the store has all of them already, by their checksums, none is read.
"""

from __future__ import annotations

import heapq
import shutil
import sqlite3
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ablations.core.record import RunRecord
from ablations.errors import StoreError
from ablations.records.description import record_text
from ablations.records.origins import merge_origins
from ablations.records.readers.jsonl import records_of_lines
from ablations.records.readers.sqlite import is_store
from ablations.records.recipes import (
    Contents,
    contents_of,
    differing,
    require_common_recipes,
    require_one_study,
)
from ablations.records.sqlite import descriptions, queries, rows
from ablations.records.sqlite.connections import (
    as_store_errors,
    connect,
    log_of,
    reading_aside,
    writing_to,
)
from ablations.records.sqlite.decoder import Decoder
from ablations.records.sqlite.interim_looks import merge_looks
from ablations.records.sqlite.store import UNSTORABLE, Store
from ablations.records.sqlite.tables import make_tables
from ablations.text.formatting import counted

Differ = Callable[[RunRecord, RunRecord], tuple[str, str, str] | None]
"""Returns a result in which two records of a trial differ, with both values; else ``None``."""

_NAMED = 3
"""How many trials a message names."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a store.

    Args:
        path: Its file.
        files: How many other files were read.
        added: Records that it did not have.
        total: Records that it has now.
        notes: What a reader should know, a line each.
    """

    path: Path
    files: int
    added: int
    total: int
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it in one line."""
        records, files = counted(self.total, "record"), counted(self.files, "file")
        if not self.files:
            return f"{self.path} is the store itself, and nothing was added: {records}"
        if not self.added:
            return f"{self.path} has all records of {files} already: {records}"
        return f"{self.path}: {counted(self.added, 'record')} added from {files}, {records} now"


@dataclass(frozen=True, slots=True)
class _Source:
    """A record file that is open; ``path`` is how messages name it."""

    path: Path
    connection: sqlite3.Connection


@dataclass(frozen=True, slots=True)
class _Item:
    """A record, its file and its rows there, and what orders it among those of all files."""

    order: tuple[str, ...]
    source: int
    rows: rows.RecordRows
    record: RunRecord


@dataclass(slots=True)
class _Counts:
    """What is counted while records are written; ``origins`` has the file of each, by its id."""

    added: int = 0
    repeated: int = 0
    conflicts: list[str] = field(default_factory=list)
    origins: array[int] = field(default_factory=lambda: array("I"))


def merge(sources: Sequence[Path], runs_dir: Path, *, differ: Differ) -> Merged:
    """Adds the records of several files to the store of their study.

    Args:
        sources: Record files of one study, or JSON lines; the same one may be named again.
        runs_dir: Folder of the stores, one sub-folder a study.
        differ: Compares two completed records of one trial.

    Raises:
        StoreError: if a file cannot be read, the files are of different studies or settings, a
            trial has completed records with other results, or the study is being run. The store
            stays as it was.
    """
    with ExitStack() as stack:
        files = {path: stack.enter_context(ExitStack()) for path in _files(sources)}
        opened = [file.enter_context(_opened(path)) for path, file in files.items()]
        contents = [_contents(source) for source in opened]
        target = Store(runs_dir / require_one_study(contents) / "records.sqlite")
        for path, file in files.items():
            if path.resolve() == target.path.resolve():  # it is added to, and so not read aside
                file.close()
                opened = [own for own in opened if own.path != path]
                contents = [own for own in contents if own.path != path]
        require_common_recipes(contents)
        with _undone(target.path), target.driving():
            merge_origins([own.path.parent for own in opened], target.path.parent)
            return _merged(target.path, opened, differ)


@contextmanager
def _undone(path: Path) -> Iterator[None]:
    """Leaves no store behind, and no folder, if there was none and it ends in an error."""
    store, folder, runs = path.exists(), path.parent.exists(), path.parent.parent.exists()
    try:
        yield
    except BaseException:
        if not store:
            for left in (path, log_of(path), path.with_name(f"{path.name}-shm")):
                left.unlink(missing_ok=True)
        if not folder:
            shutil.rmtree(path.parent, ignore_errors=True)
        if not runs:
            with suppress(OSError):  # others may have written to it meanwhile
                path.parent.parent.rmdir()
        raise


def _files(sources: Sequence[Path]) -> list[Path]:
    """Returns each file once; a folder stands for the record file in it."""
    files = [path / "records.sqlite" if path.is_dir() else path for path in sources]
    for path in files:
        if not path.is_file():
            raise StoreError(
                f"{path} is not a file of records",
                received="a name that does not exist",
                cure="Name the records.sqlite of shards, or .jsonl files",
            )
    return list({path.resolve(): path for path in reversed(files)}.values())[::-1]


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    if is_store(path):
        with reading_aside(path) as connection:
            yield _Source(path, connection)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "records.sqlite"
        with closing(sqlite3.connect(copy)) as connection:
            make_tables(connection)
            _fill(connection, path)
            yield _Source(path, connection)


def _fill(connection: sqlite3.Connection, path: Path) -> None:
    """Writes JSON lines into a private record file, so that they can be read in order."""
    # Two completed records of a trial are found, and named, where all files are compared.
    connection.execute("DROP INDEX one_completed_record_per_trial")
    with connection:
        for record in records_of_lines(path):
            try:
                rows.insert(connection, record)
            except UNSTORABLE as error:
                raise StoreError(
                    f"{path}: trial {record.key} has a record that cannot be stored",
                    received=f"{type(error).__name__}: {error}",
                    cure="Remove its line",
                ) from error


def _contents(source: _Source) -> Contents:
    with as_store_errors(source.path):
        return contents_of(source.path, source.connection)


def _merged(path: Path, others: Sequence[_Source], differ: Differ) -> Merged:
    with writing_to(path) as connection, connection, closing(connect(path, "mode=rw")) as before:
        connection.execute("BEGIN IMMEDIATE")
        sources = [_Source(path, before), *others]
        notes = _notes(sources)
        known, *found = map(_identities, sources)
        if all(own <= known for own in found):
            counts = _Counts(origins=array("I", [0]) * len(known))
        else:
            counts = _write(connection, sources, differ)
        if counts.conflicts:
            raise _conflict(counts.conflicts)
        changed = [_add_descriptions(connection, other) for other in others]
        changed.append(merge_looks(connection, [source.connection for source in sources]))
        if not counts.added and not any(changed):
            connection.rollback()  # what was written anew is what was there
    if counts.repeated:
        trials = counted(counts.repeated, "completed record")
        notes.append(f"{trials} left out: the trial has an earlier one with equal results")
    return Merged(path, len(others), counts.added, len(counts.origins), tuple(notes))


def _notes(sources: Sequence[_Source]) -> list[str]:
    """Returns what to say of the files before they are merged; the first is the store."""
    notes = [
        f"{own.path} is being written by {driver}: merge it again when that has ended"
        for own in sources[1:]
        if own.path.suffix == ".sqlite" and (driver := Store(own.path).driver())
    ]
    if other := differing([_contents(own) for own in sources]):
        notes.append(f"the store also has records of other settings, which stay: {other}")
    return notes


def _identities(source: _Source) -> set[str]:
    """Returns what tells the records of a file apart; their contents are not read."""
    with as_store_errors(source.path):
        return set(queries.identities(source.connection))


def _write(connection: sqlite3.Connection, sources: Sequence[_Source], differ: Differ) -> _Counts:
    rows.remove_all(connection)
    counts = _Counts()
    streams = [_stream(source, number) for number, source in enumerate(sources)]
    for item in _distinct(heapq.merge(*streams, key=lambda item: item.order)):
        if item.record.completed and (own := rows.completed_of(connection, item.record.key)):
            earlier = own.record(Decoder())
            if found := differ(earlier, item.record):
                paths = sources[counts.origins[own.id - 1]].path, sources[item.source].path
                counts.conflicts.append(_named(item.record, found, paths))
            counts.repeated += 1
            continue
        rows.copy(connection, item.rows, item.record)
        counts.origins.append(item.source)
        counts.added += item.source > 0
    return counts


def _stream(source: _Source, number: int) -> Iterator[_Item]:
    decoder = Decoder()
    with as_store_errors(source.path):
        for own in queries.in_order(source.connection):
            record = own.record(decoder)
            yield _Item((record.started_at, record.key, *own.written), number, own, record)


def _distinct(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yields each record once; copies of it are of the same trial and were begun together."""
    for _, group in groupby(items, key=lambda item: item.order[:2]):
        same: dict[tuple[str, ...], _Item] = {}
        for item in group:
            same.setdefault(item.order, item)
        found = list(same.values())
        if len(found) > 1:  # others, or the same one as another version has written it
            texts: dict[str, _Item] = {}
            for item in sorted(found, key=lambda item: item.source):
                texts.setdefault(record_text(item.record), item)
            found = [texts[text] for text in sorted(texts)]
        yield from found


def _add_descriptions(connection: sqlite3.Connection, source: _Source) -> bool:
    with as_store_errors(source.path):
        found = list(descriptions.read_descriptions(source.connection))
    return descriptions.add_descriptions(connection, found)


def _named(record: RunRecord, found: tuple[str, str, str], paths: tuple[Path, Path]) -> str:
    what, one, other = found
    trial = f"trial {record.key} ({record.arm.name}, seed {record.seed})"
    return f"{trial}: {what} is {one} in {paths[0]} and {other} in {paths[1]}"


def _conflict(found: Sequence[str]) -> StoreError:
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return StoreError(
        f"{counted(len(found), 'trial')} completed twice with other results, and neither can be "
        "preferred",
        received="; ".join(found[:_NAMED]) + more,
        cure="Leave out one of the files, or write it with 'ablations export' as .jsonl, delete "
        "the lines of the trials that you reject, and merge that",
    )
