"""Run records as database rows, and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.core import checks
from ablations.core.record import SCHEMA_VERSION, Exhibit, LogContents, RunRecord
from ablations.core.trial_log import (
    checked_environment,
    checked_epoch,
    checked_exhibit,
    checked_metric,
    checked_predictions,
)
from ablations.records.validation import (
    StoredRecord,
    checked,
    exhibit_of,
    parsed,
)

RECORD_COLUMNS = (
    "key",
    "study",
    "entry",
    "arm",
    "seed",
    "settings",
    "data",
    "status",
    "reason",
    "message",
    "started_at",
    "seconds",
)

Row = tuple[Any, ...]


def to_text(value: object) -> str:
    """Returns compact JSON; numbers that are not finite are refused."""
    separators = (",", ":")
    return json.dumps(
        value, ensure_ascii=False, separators=separators, allow_nan=False, default=_plain
    )


def _plain(value: object) -> object:
    """Turns NumPy's numbers into Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be stored: {value!r}")


def record_row(record: RunRecord) -> Row:
    """Returns the values of ``RECORD_COLUMNS``."""
    values = {name: getattr(record, name) for name in RECORD_COLUMNS}
    values["arm"] = to_text(dict(record.arm.levels))
    values["settings"] = to_text(dict(record.settings))
    return tuple(values.values())


def detail_rows(record: RunRecord) -> dict[str, list[Row]]:
    """Returns the rows of each table that belongs to a record, without the record's id."""
    return {
        "metrics": [(m.name, m.value, m.unit, m.better) for m in record.metrics],
        "epochs": [(i, epoch_text(epoch)) for i, epoch in enumerate(record.epochs, start=1)],
        "steps": [(i, _bytes(s, "<f8")) for i, s in enumerate(record.steps, start=1)],
        "predictions": [
            (p.split, _bytes(p.labels, "<i8"), _bytes(p.probabilities, "<f4"), p.examples)
            for p in record.predictions
        ],
    }


def record_from_rows(
    row: Row, facts: str | None, details: Mapping[str, Sequence[Row]], exhibits: Sequence[Exhibit]
) -> RunRecord:
    """Puts a record together again; the inverse of `record_row` and `detail_rows`.

    Raises:
        ValueError: if the rows are no record's, with what is wrong and where.
    """
    values = dict(zip(RECORD_COLUMNS, row, strict=True))
    names = ("name", "value", "unit", "better")
    values |= {
        "arm": parsed(values["arm"]),
        "settings": parsed(values["settings"]),
        "environment": parsed(facts or "null"),
        "metrics": [dict(zip(names, metric, strict=True)) for metric in details["metrics"]],
        "epochs": [parsed(text) for text in _numbered("epochs", details["epochs"])],
        "steps": [_array(raw, "<f8") for raw in _numbered("steps", details["steps"])],
        "predictions": [_predictions(*values) for values in details["predictions"]],
        "exhibits": list(exhibits),
    }
    return checked(StoredRecord, values).value()


def _numbered(what: str, rows: Sequence[Row]) -> list[Any]:
    """Returns what stands beside the numbers 1, 2, 3 and so on; none may be missing."""
    if [number for number, _ in rows] != list(range(1, len(rows) + 1)):
        raise ValueError(f"{what}: some are missing")
    return [value for _, value in rows]


def _predictions(
    split: str, labels: bytes, probabilities: bytes, examples: str = ""
) -> dict[str, Any]:
    truth, said = _array(labels, "<i8"), _array(probabilities, "<f4")
    if said.size % max(len(truth), 1):
        raise ValueError(f"predictions: {said.size} probabilities of {len(truth)} examples")
    shaped = said.reshape(len(truth), -1 if len(truth) else 0)
    return {"split": split, "labels": truth, "probabilities": shaped, "examples": examples}


def _array(raw: bytes, dtype: str) -> NDArray[Any]:
    return np.frombuffer(raw, dtype)


def _bytes(values: NDArray[Any], dtype: str) -> bytes:
    return values.astype(dtype).tobytes()


def epoch_text(epoch: Mapping[str, float]) -> str:
    """JSON has no NaN, but the epoch in which a trial diverged holds one: it becomes null."""
    return to_text({name: value if np.isfinite(value) else None for name, value in epoch.items()})


def exhibit_to_json(exhibit: Exhibit) -> dict[str, Any]:
    """Returns an exhibit as JSON values, its picture in base64."""
    values = asdict(exhibit)
    if exhibit.image_png is not None:
        values["image_png"] = base64.b64encode(exhibit.image_png).decode()
    return values


def exhibit_from_text(text: str) -> Exhibit:
    """Reads an exhibit from the JSON of `exhibit_to_json`.

    Raises:
        ValueError: if it is none.
    """
    return exhibit_of(parsed(text))


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


def storable(contents: LogContents) -> LogContents:
    """Returns what a training reported in the form that can be stored and read again.

    A second net: a log checks what it is told, but a training function can reach into it.

    Raises:
        Exception: whatever stands against it.
    """
    return LogContents(
        metrics=tuple(map(checked_metric, contents.metrics)),
        epochs=tuple(checked_epoch(i, own) for i, own in enumerate(contents.epochs, start=1)),
        steps=tuple(checks.durations("log.steps: the seconds", own) for own in contents.steps),
        predictions=tuple(
            checked_predictions(p.split, p.labels, p.probabilities, p.examples)
            for p in contents.predictions
        ),
        exhibits=tuple(map(checked_exhibit, contents.exhibits)),
        environment=checked_environment(contents.environment),
    )


def exhibits_to_text(exhibits: Sequence[Exhibit]) -> str:
    """Returns a list of exhibits as JSON."""
    return to_text([exhibit_to_json(exhibit) for exhibit in exhibits])


def exhibits_from_text(text: str) -> tuple[Exhibit, ...]:
    """Reads the JSON of `exhibits_to_text`.

    Raises:
        ValueError: if it is none.
    """
    values = parsed(text)
    if not isinstance(values, list):
        raise ValueError("exhibits: should be a list")  # noqa: TRY004 - of a file, not of a call
    return tuple(map(exhibit_of, values))
