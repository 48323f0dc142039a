"""Reads run records from JSON lines, one record a line, as ``export`` writes them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import numpy as np

from ablations.core import checks
from ablations.core.identity import with_threads
from ablations.core.record import SCHEMA_VERSION, RunRecord
from ablations.core.trial_log import checked_epoch, checked_metric, checked_predictions
from ablations.errors import StoreError
from ablations.records.description import RECORD, checked, parsed
from ablations.records.readers.reader import NewerVersionError, Reader, require_version
from ablations.records.sqlite.checksums import unsealed


def read_jsonl(path: Path, source: str = "") -> tuple[RunRecord, ...]:
    """Reads what ``export`` wrote; a line without a checksum is taken as it is.

    Args:
        path: The file.
        source: How messages name it, if not by its path.

    Raises:
        StoreError: if the file is missing, or a line is not a record.
    """
    return tuple(records_of_lines(path, source))


def records_of_lines(path: Path, source: str = "") -> Iterator[RunRecord]:
    """Yields what `read_jsonl` returns, one record at a time.

    Raises:
        StoreError: as `read_jsonl` does, when it comes to the line.
    """
    found, shown, lines = False, source or str(path), lines_of(path)
    for number, line in lines:
        try:
            record = record_from_json(line)
        except NewerVersionError as error:
            raise newer_line(shown, number, error) from error
        except ValueError as error:
            cure = "Write the file again with 'ablations export'"
            if path.is_file() and (found or any(_is_record(line) for _, line in lines)):
                cure += f", or keep its sound lines with 'ablations repair {quote(str(path))}'"
            problem = f"{shown}, line {number}, is not a run record"
            raise StoreError(problem, received=str(error), cure=cure) from error
        found = True
        yield record
    if not found:
        raise StoreError(
            f"{shown} holds no records",
            received="an empty file",
            cure="Write it again with 'ablations export'",
        )


def newer_line(shown: str, number: int, error: NewerVersionError) -> StoreError:
    """Returns the error of a line that a later version of this program wrote."""
    return StoreError(
        f"{shown}, line {number}, was written by a later version of ablations",
        received=str(error),
        cure="Update ablations, or write the file again with 'ablations export' of this version",
    )


def _is_record(line: bytes) -> bool:
    try:
        record_from_json(line)
    except ValueError:
        return False
    return True


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields the lines of a file with their numbers, from 1.

    Raises:
        StoreError: if the file is missing or may not be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                yield number, text.rstrip(b"\r\n")  # git and editors may end lines in either way
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read",
            received=error.strerror or str(error),
            cure="Name a file of JSON lines that exists and may be read",
        ) from error


def record_from_json(line: bytes) -> RunRecord:
    """Reads one line of JSON lines.

    Raises:
        NewerVersionError: if a later version of this program wrote it.
        ValueError: if it is not a record, with what is wrong and where.
    """
    values = parsed(unsealed(line.decode()))
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - of a file, not of a call
    require_version("schema_version", values.pop("schema_version", None), SCHEMA_VERSION)
    if "checksum" in values:  # not at the end, where it was written
        raise ValueError("the checksum is that of another text: the line was changed since")
    record = checked(RECORD, values)
    _require_reportable(record)
    return with_threads(record)


def _require_reportable(record: RunRecord) -> None:
    """Raises `ValueError` for values that no training function can report."""
    try:
        for metric in record.metrics:
            checked_metric(metric)
        checked_epoch(1, {name: 0.0 for epoch in record.epochs for name in epoch})
        checks.durations("steps", np.concatenate([np.zeros(0), *record.steps]))
        for own in record.predictions:
            checked_predictions(own.split, own.labels, own.probabilities, own.examples)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _takes(path: Path) -> bool:
    """Whether this is a file or a pipe; devices may never end."""
    return path.is_file() or path.is_fifo()


READER = Reader(_takes, read_jsonl, inside=("{slug}.jsonl", "records.jsonl"))
