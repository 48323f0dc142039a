"""Reads the SQLite database in which MLflow keeps runs (its default since 3.7: ``mlflow.db``)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ablations.records.tools import mlflow
from ablations.records.tools.encodings.sqlite import URI, by, opened, tables_of
from ablations.records.tools.run import (
    Reader,
    SourceRun,
    Wanted,
    between,
    damaged,
    moment,
    ordered,
)

_RUNS = """
    SELECT r.run_uuid AS id, r.status, r.start_time, r.end_time, e.name AS experiment
    FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
    WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time, r.run_uuid
"""
_DATA = """
    SELECT i.destination_id AS run, d.digest FROM inputs i
    JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.destination_type = 'RUN'
"""
_CURE = "Name a database that MLflow can open, or start a server on it and name its address"


def _path(source: str) -> Path:
    return Path(source.removeprefix(URI))


def _takes(source: str) -> bool:
    return {"experiments", "runs", "latest_metrics"} <= tables_of(_path(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    path = _path(source)
    try:
        with closing(opened(path)) as database:
            yield from _runs(database, wanted)
    except sqlite3.Error as error:
        raise damaged(path, error, _CURE) from error


def _runs(database: sqlite3.Connection, wanted: Wanted) -> Iterator[SourceRun]:
    params = by(database, "run", "SELECT run_uuid AS run, key, value FROM params")
    tags = by(database, "run", "SELECT run_uuid AS run, key, value FROM tags")
    data = by(database, "run", _DATA) if _has_inputs(database) else {}
    for row in database.execute(_RUNS).fetchall():
        own = {tag["key"]: tag["value"] for tag in tags.get(row["id"], ())}
        start, end = mlflow.seconds(row["start_time"]), mlflow.seconds(row["end_time"])
        yield SourceRun(
            name=row["id"],
            params={param["key"]: param["value"] for param in params.get(row["id"], ())},
            series=_series(database, row["id"], wanted),
            labels=mlflow.labels_of(own, row["experiment"]),
            state=mlflow.state_of(row["status"]),
            started_at=moment(start),
            seconds=between(start, end),
            data=mlflow.one_data([found["digest"] for found in data.get(row["id"], ())]),
            facts=mlflow.facts_of(own),
        )


def _has_inputs(database: sqlite3.Connection) -> bool:
    """Whether the database is of a version that knows data sets."""
    query = "SELECT name FROM sqlite_master WHERE name IN ('inputs', 'datasets')"
    return len(database.execute(query).fetchall()) == 2


def _series(database: sqlite3.Connection, run: str, wanted: Wanted) -> dict[str, Any]:
    """Returns the points of a run's metrics, as `SourceRun` holds them."""
    if wanted is None:
        query, values = "SELECT * FROM latest_metrics WHERE run_uuid = ? ORDER BY key", [run]
    else:
        marks = ", ".join("?" * len(wanted))
        # Names go in as values; the text of the query has only question marks in their place.
        query = (
            f"SELECT * FROM metrics WHERE run_uuid = ? AND key IN ({marks}) "  # noqa: S608
            "ORDER BY key, step, timestamp, value"
        )
        values = [run, *wanted]
    points = defaultdict(list)
    for row in database.execute(query, values):
        value = mlflow.number(row["value"], is_nan=bool(row["is_nan"]))
        points[row["key"]].append((row["step"], value))
    return {key: ordered(own) for key, own in points.items()}


READER = Reader("mlflow", mlflow.TITLE, _takes, _read)
