"""Run records as rows of a record file, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.core.record import Exhibit, RunRecord
from ablations.records.description import (
    HEAD,
    RECORD,
    checked,
    epoch_values,
    parsed,
    to_text,
)

Row = tuple[Any, ...]

DETAILS = {
    "metrics": ("name", "value", "unit", "better"),
    "epochs": ("epoch", "metrics"),
    "steps": ("epoch", "seconds"),
    "predictions": ("split", "labels", "probabilities", "examples"),
    "exhibits": ("position", "content"),
}
"""The tables that hold more of a record than its head, with their columns."""


def record_row(record: RunRecord) -> Row:
    """Returns the values of ``HEAD``."""
    values = {name: getattr(record, name) for name in HEAD}
    values["arm"], values["settings"] = to_text(record.arm), to_text(record.settings)
    return tuple(values.values())


def detail_rows(record: RunRecord) -> dict[str, list[Row]]:
    """Returns the rows of each table of ``DETAILS`` but that of exhibits, which records share."""
    return {
        "metrics": [(m.name, m.value, m.unit, m.better) for m in record.metrics],
        "epochs": [
            (i, to_text(epoch_values(epoch))) for i, epoch in enumerate(record.epochs, start=1)
        ],
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
    values = dict(zip(HEAD, row, strict=True))
    found = {table: details.get(table, ()) for table in DETAILS}
    values |= {
        "arm": parsed(values["arm"]),
        "settings": parsed(values["settings"]),
        "environment": parsed(facts or "null"),
        "metrics": [dict(zip(DETAILS["metrics"], m, strict=True)) for m in found["metrics"]],
        "epochs": [parsed(text) for text in _numbered("epochs", found["epochs"])],
        "steps": [np.frombuffer(raw, "<f8") for raw in _numbered("steps", found["steps"])],
        "predictions": [_predictions(*prediction) for prediction in found["predictions"]],
        "exhibits": list(exhibits),
    }
    return checked(RECORD, values)


def _numbered(what: str, rows: Sequence[Row]) -> list[Any]:
    """Returns what belongs to the numbers 1, 2, 3 and so on; none may be missing."""
    if [number for number, _ in rows] != list(range(1, len(rows) + 1)):
        raise ValueError(f"{what}: some are missing")
    return [value for _, value in rows]


def _predictions(split: str, labels: bytes, probabilities: bytes, examples: str) -> dict[str, Any]:
    truth, flat = np.frombuffer(labels, "<i8"), np.frombuffer(probabilities, "<f4")
    shaped = flat.reshape(len(truth), -1 if len(truth) else 0)
    return {"split": split, "labels": truth, "probabilities": shaped, "examples": examples}


def _bytes(values: NDArray[Any], dtype: str) -> bytes:
    return values.astype(dtype).tobytes()
