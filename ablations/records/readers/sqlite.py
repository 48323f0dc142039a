"""Reads a study's record file; its version is checked when it is opened."""

from __future__ import annotations

from pathlib import Path

from ablations.core.record import RunRecord
from ablations.records.readers.reader import Reader
from ablations.records.sqlite.store import Store


def _takes(path: Path) -> bool:
    return path.suffix == ".sqlite" and path.is_file()


def _read(path: Path, _source: str) -> tuple[RunRecord, ...]:
    return Store(path).records()


READER = Reader(_takes, _read, inside=("{slug}/records.sqlite", "records.sqlite"))
