"""Run records as JSON lines: one record a line, readable by anyone, exact to the last bit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ablations.core.identity import with_threads
from ablations.core.record import SCHEMA_VERSION, RunRecord
from ablations.errors import StoreError
from ablations.files import replaced_file
from ablations.records.codec import RECORD_COLUMNS, epoch_text, exhibit_to_json, to_text
from ablations.records.sqlite.checksums import sealed, unsealed
from ablations.records.validation import StoredRecord, checked, parsed


def write_jsonl(records: Iterable[RunRecord], path: Path) -> None:
    """Writes records as JSON lines, one record a line with a checksum at its end.

    The file appears as a whole: until all is written, an earlier one stays.
    """
    with replaced_file(path) as file:
        for record in records:
            file.write(f"{sealed(to_text(record_to_json(record)))}\n".encode())


def read_jsonl(path: Path) -> tuple[RunRecord, ...]:
    """Reads what `write_jsonl` wrote; a line without a checksum is taken as it is.

    Raises:
        StoreError: if the file is missing, or a line is not a record.
    """
    records = []
    for number, line in lines_of(path):
        try:
            records.append(record_from_json(line))
        except ValueError as error:
            raise StoreError(
                f"{path}, line {number}, is not a run record",
                received=str(error),
                cure=f"Write the file again with 'ablations export', or keep its sound lines with "
                f"'ablations repair {shlex.quote(str(path))}'",
            ) from error
    if not records:
        raise StoreError(
            f"{path} holds no records",
            received="an empty file",
            cure="Write it again with 'ablations export'",
        )
    return tuple(records)


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields the lines of a file with their numbers, from 1.

    Raises:
        StoreError: if the file is missing or may not be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip(b"\r\n")  # git and editors may end lines in either way
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read",
            received=error.strerror or str(error),
            cure="Name a file of JSON lines that exists and may be read",
        ) from error


def record_to_json(record: RunRecord) -> dict[str, Any]:
    """Returns a record as JSON values that anyone can read, arrays as lists."""
    head = {name: getattr(record, name) for name in RECORD_COLUMNS}
    return {
        "schema_version": SCHEMA_VERSION,
        **head,
        "arm": dict(record.arm.levels),
        "settings": dict(record.settings),
        "environment": dict(record.environment),
        "metrics": [asdict(metric) for metric in record.metrics],
        "epochs": [json.loads(epoch_text(epoch)) for epoch in record.epochs],
        "steps": [seconds.tolist() for seconds in record.steps],
        "predictions": [
            {
                "split": p.split,
                "labels": p.labels.tolist(),
                "probabilities": [[float(str(v)) for v in row] for row in p.probabilities],
                "examples": p.examples,
            }
            for p in record.predictions
        ],
        "exhibits": [exhibit_to_json(exhibit) for exhibit in record.exhibits],
    }


def record_from_json(line: str | bytes) -> RunRecord:
    """Reads one line of JSON lines.

    Raises:
        ValueError: if it is not a record, with what is wrong and where.
    """
    text = line if isinstance(line, str) else line.decode()
    values = parsed(unsealed(text))
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - of a file, not of a call
    version = values.pop("schema_version", None)
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise ValueError(f"schema_version: should be 1 to {SCHEMA_VERSION} ({version!r})")
    if "checksum" in values:  # not at the end, where it was written
        raise ValueError("the checksum is that of another text: the line was changed since")
    return with_threads(checked(StoredRecord, values).value())
