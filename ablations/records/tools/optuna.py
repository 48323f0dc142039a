"""Reads the SQLite database of an Optuna study: each of its trials is a run."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ablations.core.metrics import Better
from ablations.core.record import IMPORTED
from ablations.records.tools.encodings.sqlite import URI, by, opened, tables_of
from ablations.records.tools.run import (
    Reader,
    Series,
    SourceRun,
    State,
    Wanted,
    between,
    chosen,
    damaged,
    moment,
    ordered,
)

TITLE = "Optuna"

_STATES: Mapping[str, State] = {
    "COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running",
}  # fmt: skip
_TRIALS = """
    SELECT t.*, s.study_name FROM trials t JOIN studies s ON s.study_id = t.study_id
    WHERE t.state != 'WAITING' ORDER BY s.study_name, t.number
"""
_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
INTERMEDIATE = "intermediate"
"""What the values are called that a trial reported on its way."""


def _path(source: str) -> Path:
    return Path(source.removeprefix(URI))


def _takes(source: str) -> bool:
    return {"studies", "trials", "trial_params", "trial_values"} <= tables_of(_path(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    path = _path(source)
    try:
        with closing(opened(path)) as database:
            yield from _runs(database, wanted)
    except (sqlite3.Error, ValueError) as error:
        raise damaged(path, error, "Name a database that Optuna can open") from error


def _runs(database: sqlite3.Connection, wanted: Wanted) -> Iterator[SourceRun]:
    params = by(database, "trial_id", "SELECT * FROM trial_params")
    values = by(database, "trial_id", "SELECT * FROM trial_values ORDER BY objective")
    steps = by(database, "trial_id", "SELECT * FROM trial_intermediate_values ORDER BY step")
    notes = by(database, "trial_id", "SELECT * FROM trial_user_attributes")
    directions = by(database, "study_id", "SELECT * FROM study_directions ORDER BY objective")
    (version,) = database.execute("SELECT library_version FROM version_info").fetchone() or [""]
    trials = database.execute(_TRIALS).fetchall()
    several = len({trial["study_name"] for trial in trials}) > 1
    for trial in trials:
        own, number = trial["trial_id"], str(trial["number"])
        labels = {note["key"]: json.loads(note["value_json"]) for note in notes.get(own, ())}
        series = {**_results(values.get(own, ())), **_noted(labels), **_steps(steps.get(own, ()))}
        start, end = _seconds(trial["datetime_start"]), _seconds(trial["datetime_complete"])
        yield SourceRun(
            name=f"{trial['study_name']}/{number}" if several else number,
            params={param["param_name"]: _value(param) for param in params.get(own, ())},
            series={name: points for name, points in series.items() if chosen(name, wanted)},
            labels={**labels, "study": trial["study_name"]},
            state=_STATES.get(trial["state"], "running"),
            started_at=moment(start),
            seconds=between(start, end),
            facts={IMPORTED: f"{TITLE} {version}".strip()},
            better=_better(directions.get(trial["study_id"], ())),
        )


def _value(param: sqlite3.Row) -> Any:
    """Returns a parameter's value, of which the database holds a number.

    That of a category is its place among the choices.
    """
    kind = json.loads(param["distribution_json"])
    if "choices" in kind["attributes"]:
        return kind["attributes"]["choices"][int(param["param_value"])]
    is_whole = kind["name"].startswith("Int")
    return int(param["param_value"]) if is_whole else param["param_value"]


def _number(row: sqlite3.Row, name: str) -> float:
    kind = f"{name}_type"
    found = _NOT_FINITE.get(row[kind]) if kind in row.keys() else None  # noqa: SIM118 - of a row
    value = row[name] if found is None else found
    return math.nan if value is None else float(value)


def _better(rows: Any) -> dict[str, Better]:
    """Returns what is better of each objective, as the study says."""
    known: dict[str, Better] = {"MAXIMIZE": "higher", "MINIMIZE": "lower"}
    return {
        f"value{row['objective']}" if len(rows) > 1 else "value": known[row["direction"]]
        for row in rows
        if row["direction"] in known
    }


def _results(rows: Any) -> dict[str, Series]:
    """Returns a trial's values, one for each objective."""
    several = len(rows) > 1
    return {
        f"value{row['objective']}" if several else "value": ((0, _number(row, "value")),)
        for row in rows
    }


def _steps(rows: Any) -> dict[str, Series]:
    points = [(row["step"], _number(row, "intermediate_value")) for row in rows]
    return {INTERMEDIATE: ordered(points)} if points else {}


def _noted(notes: Mapping[str, Any]) -> dict[str, Series]:
    """Returns the user attributes of a trial that are numbers, which may be results."""
    return {
        name: ((0, float(value)),)
        for name, value in notes.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _seconds(text: str | None) -> float | None:
    """Returns a time as seconds since 1970; Optuna keeps it in the time zone of the machine."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromisoformat(text).astimezone(UTC).timestamp() if text else None
    return None


READER = Reader("optuna", TITLE, _takes, _read)
