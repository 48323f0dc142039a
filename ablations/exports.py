"""Writes records to files that other tools read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablations.api import to_frames
from ablations.errors import StudyError
from ablations.files import replaced_file
from ablations.jsonl import write_jsonl
from ablations.record import RunRecord
from ablations.sheets import to_csv


def export_records(records: Sequence[RunRecord], path: Path) -> None:
    """Writes records by the file's ending: ``.jsonl`` whole, ``.csv`` or ``.parquet`` as a table.

    Raises:
        StudyError: if there are no records, the ending is another one, or Parquet is asked for
            without pyarrow.
    """
    if not records:  # an earlier file must not be replaced by nothing
        raise StudyError(
            f"{path} is not written: there is nothing to export",
            received="no recorded trial of this study with these settings",
            cure="Repeat --set, --seeds and --threads as for 'run'",
        )
    if path.suffix == ".jsonl":
        write_jsonl(records, path)
    elif path.suffix == ".csv":
        with replaced_file(path) as file:
            file.write(to_csv(to_frames(records).trials).encode())
    elif path.suffix == ".parquet":
        _write_parquet(records, path)
    else:
        raise StudyError(
            "export knows the endings .jsonl, .csv and .parquet",
            received=path.name,
            cure="Name the file with one of them",
        )


def _write_parquet(records: Sequence[RunRecord], path: Path) -> None:
    try:
        with replaced_file(path) as file:
            to_frames(records).trials.to_parquet(file, index=False)
    except ImportError as error:
        raise StudyError(
            "Parquet needs the package pyarrow",
            received=str(error),
            cure="Install it with: pip install 'ablations[parquet]'",
        ) from error
