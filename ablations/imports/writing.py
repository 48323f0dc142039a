"""Writes imported records, and replaces nothing but earlier ones of the same study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablations.core.record import IMPORTED, RunRecord
from ablations.core.study import Study
from ablations.errors import StoreError, StudyError
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import records_of_lines


def write_records(records: Sequence[RunRecord], study: Study, path: Path) -> None:
    """Writes the records as JSON lines; an earlier import of the study is replaced as a whole.

    Raises:
        StudyError: if the file is something else.
    """
    if path.suffix != ".jsonl":
        raise StudyError(
            "records are written as JSON lines", received=str(path), cure="Name a .jsonl file"
        )
    if path.is_file() and not _is_earlier_import(path, study):
        raise StudyError(
            f"{path} is there already, and is no earlier import of {study.slug}",
            received="a file that would be lost",
            cure="Name another file with -o, or move this one away",
        )
    write_jsonl(records, path)


def _is_earlier_import(path: Path, study: Study) -> bool:
    try:
        return all(
            own.study == study.slug and IMPORTED in own.environment
            for own in records_of_lines(path)
        )
    except StoreError:
        return False
