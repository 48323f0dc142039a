"""Run records as JSON lines: one record a line, readable by anyone, exact to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ablations.codec import (
    RECORD_COLUMNS,
    epoch_text,
    epoch_values,
    exhibit_from_json,
    exhibit_to_json,
    to_text,
)
from ablations.errors import StoreError
from ablations.identity import with_threads
from ablations.record import SCHEMA_VERSION, Metric, Predictions, RunRecord
from ablations.study import Arm


def write_jsonl(records: Iterable[RunRecord], path: Path) -> None:
    """Writes records as JSON lines, one record a line."""
    lines = (to_text(record_to_json(record)) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


MALFORMED = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What reading a document of another shape may raise."""


def read_jsonl(path: Path) -> tuple[RunRecord, ...]:
    """Reads what `write_jsonl` wrote.

    Raises:
        StoreError: if the file is missing, or a line is not a record.
    """
    records = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} cannot be read", received=str(error), cure="Name a file of JSON lines"
        ) from error
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            records.append(record_from_json(line))
        except MALFORMED as error:
            raise StoreError(
                f"{path}, line {number}, is not a run record",
                received=f"{type(error).__name__}: {error}",
                cure="Write the file again with 'ablations export'",
            ) from error
    return tuple(records)


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


def record_from_json(line: str) -> RunRecord:
    """Reads one line of JSON lines.

    Raises:
        ValueError: if it is not JSON, or of another schema version.
        KeyError: if a part is missing.
    """
    values = json.loads(line)
    version = values.pop("schema_version")
    if version not in range(1, SCHEMA_VERSION + 1):
        raise ValueError(f"schema version {version}, not 1 to {SCHEMA_VERSION}")
    head = {name: values[name] for name in RECORD_COLUMNS}
    head["arm"] = Arm(tuple(values["arm"].items()))
    _require(head)
    record = RunRecord(
        **head,
        environment=values["environment"],
        metrics=tuple(Metric(**metric) for metric in values["metrics"]),
        epochs=tuple(epoch_values(to_text(epoch)) for epoch in values["epochs"]),
        steps=tuple(np.asarray(seconds, np.float64) for seconds in values["steps"]),
        predictions=tuple(
            Predictions(
                p["split"],
                np.asarray(p["labels"], np.int64),
                np.asarray(p["probabilities"], np.float32),
                p.get("examples", ""),
            )
            for p in values["predictions"]
        ),
        exhibits=tuple(exhibit_from_json(dict(exhibit)) for exhibit in values["exhibits"]),
    )
    return with_threads(record)


def _require(head: dict[str, Any]) -> None:
    """Raises ``TypeError`` where a value is of another kind than the records have."""
    for name, kind in _KINDS.items():
        if not isinstance(head[name], kind):
            raise TypeError(f"{name} is {head[name]!r}")


_KINDS: dict[str, tuple[type, ...]] = {
    "key": (str,), "seed": (int,), "data": (str,), "started_at": (str,), "seconds": (int, float),
}  # fmt: skip
