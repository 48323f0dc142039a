"""Reads a study's record file; its version is checked when it is opened."""

from __future__ import annotations

from pathlib import Path

from ablations.core.record import RunRecord
from ablations.records.readers.reader import Reader, beginning
from ablations.records.sqlite.store import Store

MAGIC = b"SQLite format 3\0"
"""How each of SQLite's files begins."""


def is_store(path: Path) -> bool:
    """Whether a file is named as a record file, or begins as SQLite's files do."""
    return path.is_file() and (path.suffix == ".sqlite" or beginning(path).startswith(MAGIC))


def _read(path: Path, _source: str) -> tuple[RunRecord, ...]:
    return Store(path).records()


READER = Reader(is_store, _read, inside=("{slug}/records.sqlite", "records.sqlite"))
