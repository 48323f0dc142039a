"""Reads run records from JSON lines, one record a line, as ``export`` writes them."""

from __future__ import annotations

import codecs
import shlex
from collections.abc import Iterator
from pathlib import Path

from ablations.core.identity import with_threads
from ablations.core.record import SCHEMA_VERSION, RunRecord
from ablations.errors import StoreError
from ablations.records.description import RECORD, checked, parsed
from ablations.records.readers.reader import Reader, require_version
from ablations.records.sqlite.checksums import unsealed


def read_jsonl(path: Path, source: str = "") -> tuple[RunRecord, ...]:
    """Reads what ``export`` wrote; a line without a checksum is taken as it is.

    Args:
        path: The file.
        source: How messages name it, if not by its path.

    Raises:
        StoreError: if the file is missing, or a line is not a record.
    """
    records, shown = [], source or path
    for number, line in lines_of(path):
        try:
            records.append(record_from_json(line))
        except ValueError as error:
            raise StoreError(
                f"{shown}, line {number}, is not a run record",
                received=str(error),
                cure=f"Write the file again with 'ablations export', or keep its sound lines with "
                f"'ablations repair {shlex.quote(str(path))}'",
            ) from error
    if not records:
        raise StoreError(
            f"{shown} holds no records",
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
        ValueError: if it is not a record, with what is wrong and where.
    """
    values = parsed(unsealed(line.decode()))
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - of a file, not of a call
    require_version("schema_version", values.pop("schema_version", None), SCHEMA_VERSION)
    if "checksum" in values:  # not at the end, where it was written
        raise ValueError("the checksum is that of another text: the line was changed since")
    return with_threads(checked(RECORD, values))


def _takes(path: Path) -> bool:
    return path.exists() and not path.is_dir()


READER = Reader(_takes, read_jsonl)
