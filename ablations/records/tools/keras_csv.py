"""Reads what the callback ``CSVLogger`` of Keras writes: a file for each run, a row an epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ablations.records.tools.encodings.table import heading, number, rows_of
from ablations.records.tools.paths import files_in, labels_of, named_by
from ablations.records.tools.run import (
    Reader,
    Series,
    SourceRun,
    Wanted,
    chosen,
    ordered,
    written_at,
)

_ENDINGS = ("*.csv", "*.log", "*.tsv")


def _files(source: str) -> list[Path]:
    """Returns the tables below a folder that have a row for each epoch."""
    every = (path for ending in _ENDINGS for path in files_in(source, ending))
    return [path for path in every if "epoch" in (own := heading(path)) and "step" not in own]


def series_of(rows: list[dict[str, str]], wanted: Wanted) -> dict[str, Series]:
    """Returns the points of each column of numbers, by the epoch of their row."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        epoch = number(row["epoch"])
        for name, cell in row.items():
            value = number(cell)
            if epoch is not None and value is not None and name != "epoch" and chosen(name, wanted):
                points[name].append((epoch, value))
    return {name: ordered(own) for name, own in points.items()}


def _takes(source: str) -> bool:
    return bool(_files(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    for path in _files(source):
        name = named_by(path, source)
        yield SourceRun(
            name=name,
            params={},
            series=series_of(rows_of(path, whole_lines=True), wanted),
            labels=labels_of(name.removesuffix(path.suffix)),
            started_at=written_at(path),
        )


READER = Reader("keras-csv", "Keras CSVLogger", _takes, _read)
