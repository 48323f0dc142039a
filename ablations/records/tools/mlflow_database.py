"""Reads the SQLite database in which MLflow keeps runs (its default since 3.7: ``mlflow.db``)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ablations.records.tools import mlflow
from ablations.records.tools.run import (
    Reader,
    SourceRun,
    Wanted,
    between,
    damaged,
    moment,
    ordered,
)

MAGIC = b"SQLite format 3\0"
_URI = "sqlite:///"
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

Rows = dict[str, list[Any]]
"""Rows of a table by the run that they belong to."""


def tables_of(path: Path) -> set[str]:
    """Returns the names of the tables of an SQLite file; none where it is no such file."""
    try:
        with path.open("rb") as file:
            if file.read(16) != MAGIC:
                return set()
        with closing(opened(path)) as found:
            rows = found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name for (name,) in rows}
    except (OSError, sqlite3.Error):
        return set()


def opened(path: Path) -> sqlite3.Connection:
    """Opens an SQLite file that is only read."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def _path(source: str) -> Path:
    return Path(source.removeprefix(_URI))


def _takes(source: str) -> bool:
    return {"experiments", "runs", "latest_metrics"} <= tables_of(_path(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    path = _path(source)
    try:
        with closing(opened(path)) as database:
            database.row_factory = sqlite3.Row
            yield from _runs(database, wanted)
    except sqlite3.Error as error:
        raise damaged(path, error, _CURE) from error


def _runs(database: sqlite3.Connection, wanted: Wanted) -> Iterator[SourceRun]:
    params = _by_run(database, "SELECT run_uuid AS run, key, value FROM params")
    tags = _by_run(database, "SELECT run_uuid AS run, key, value FROM tags")
    data = _by_run(database, _DATA) if _has_inputs(database) else {}
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


def _by_run(database: sqlite3.Connection, query: str) -> Rows:
    found: Rows = defaultdict(list)
    for row in database.execute(query):
        found[row["run"]].append(row)
    return found


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
