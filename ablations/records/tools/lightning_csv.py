"""Reads what ``CSVLogger`` of Lightning writes: ``metrics.csv``, and ``hparams.yaml`` beside it.

Training and validation are on rows of their own, which have the epoch in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ablations.records.tools.encodings.table import heading, rows_of
from ablations.records.tools.encodings.yaml import values_of
from ablations.records.tools.keras_csv import series_of
from ablations.records.tools.paths import files_in, labels_of, named_by
from ablations.records.tools.run import Reader, SourceRun, Wanted, damaged, written_at


def _files(source: str) -> list[Path]:
    files = files_in(source, "metrics.csv")
    return [path for path in files if {"epoch", "step"} <= heading(path)]


def _takes(source: str) -> bool:
    return bool(_files(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    for path in _files(source):
        root = path.parent if path == Path(source) else Path(source)
        name = named_by(path.parent, str(root))
        series = series_of(rows_of(path, whole_lines=True), wanted)
        yield SourceRun(
            name=name,
            params=_hyperparameters(path.with_name("hparams.yaml")),
            series={key: points for key, points in series.items() if key != "step"},
            labels=labels_of(name),
            started_at=written_at(path),
        )


def _hyperparameters(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return values_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(
            path, error, "Move it away; parameters are then taken from folders"
        ) from error


READER = Reader("lightning-csv", "Lightning CSVLogger", _takes, _read)
