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
    exhibit_of,
    parsed,
    to_text,
)

Row = tuple[Any, ...]


def record_row(record: RunRecord) -> Row:
    """Returns the values of ``HEAD``."""
    values = {name: getattr(record, name) for name in HEAD}
    values["arm"], values["settings"] = to_text(record.arm), to_text(record.settings)
    return tuple(values.values())


def detail_rows(record: RunRecord) -> dict[str, list[Row]]:
    """Returns the rows of each table that belongs to a record, without the record's id."""
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
    return checked(RECORD, values)


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


def exhibit_from_text(text: str) -> Exhibit:
    """Reads an exhibit from its JSON.

    Raises:
        ValueError: if it is none.
    """
    return exhibit_of(parsed(text))


def exhibits_from_text(text: str) -> tuple[Exhibit, ...]:
    """Reads exhibits from a list of JSON.

    Raises:
        ValueError: if it is none.
    """
    values = parsed(text)
    if not isinstance(values, list):
        raise ValueError("exhibits: should be a list")  # noqa: TRY004 - of a file, not of a call
    return tuple(map(exhibit_of, values))
