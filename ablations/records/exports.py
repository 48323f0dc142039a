"""Writes records to files that other tools can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.core.record import RunRecord
from ablations.errors import StudyError
from ablations.files import replaced_file
from ablations.records.description import record_text
from ablations.records.sqlite.checksums import sealed
from ablations.text.sheets import to_csv

if TYPE_CHECKING:
    from pandas import DataFrame


def export_records(
    records: Iterable[RunRecord],
    path: Path,
    *,
    table: Callable[[Iterable[RunRecord]], DataFrame],
) -> int:
    """Writes records by the file's ending: ``.jsonl`` whole, ``.csv`` or ``.parquet`` as a table.

    Of the records one at a time is in memory. Returns how many there are.

    Args:
        records: What ``.jsonl`` holds whole.
        path: The file to write.
        table: Makes the table of trials, a row each, where one is written.

    Raises:
        StudyError: if there are no records, the ending is another one, or Parquet is asked for
            without pyarrow.
    """
    if path.suffix not in (".jsonl", ".csv", ".parquet"):
        raise StudyError(
            "export can write .jsonl, .csv and .parquet files only",
            received=path.name,
            cure="Give the file one of these endings",
        )
    records = iter(records)
    if (first := next(records, None)) is None:  # an earlier file must not be replaced by nothing
        raise StudyError(
            f"{path} is not written: there is nothing to export",
            received="no recorded trial of this study with these settings",
            cure="Repeat --set, --seeds and --threads as for 'run'",
        )
    records = chain([first], records)
    if path.suffix == ".jsonl":
        return write_jsonl(records, path)
    rows = table(records)
    content = parquet_bytes(rows) if path.suffix == ".parquet" else to_csv(rows).encode()
    with replaced_file(path) as file:
        file.write(content)
    return len(rows)


def write_jsonl(records: Iterable[RunRecord], path: Path) -> int:
    """Writes records as JSON lines, one record a line with a checksum at its end.

    The file appears as a whole: until all is written, an earlier one stays. Returns their number.
    """
    number = 0
    with replaced_file(path) as file:
        for record in records:
            file.write(f"{sealed(record_text(record))}\n".encode())
            number += 1
    return number


def parquet_bytes(table: DataFrame) -> bytes:
    """Returns a table as Parquet.

    Raises:
        StudyError: without pyarrow.
    """
    stream = BytesIO()
    try:
        table.to_parquet(stream, index=False)
    except ImportError as error:
        raise StudyError(
            "Parquet needs the package pyarrow",
            received="it is not installed",
            cure="Install it with: pip install 'ablations[parquet]'",
        ) from error
    return stream.getvalue()
