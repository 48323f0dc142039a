"""Puts many records together from their rows, some times faster than one by one.

What many records share (arm, settings, environment, labels) is read and kept once. What is plainly
sound is taken as it is; a record with anything else goes through the description of records
(`codec.record_from_rows`), which refuses it or finds it sound after all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ablations.core.metrics import Better, Unit
from ablations.core.record import Exhibit, Metric, Predictions, Reason, RunRecord, Training
from ablations.records.description import parsed
from ablations.records.sqlite.codec import DETAILS, Row, record_from_rows

WHOLE = frozenset(DETAILS)
"""All that a record holds besides its head and its environment."""

_UNITS, _BETTER = frozenset(get_args(Unit)), frozenset(get_args(Better))
_REASONS = {"completed": {None}, "failed": frozenset(get_args(Reason))}
_MOST_KEPT = 1000
"""Labels that are kept: those of each split and seed, which all arms share."""


_NOTHING: tuple[Any, ...] = ((), (), (), ())


class _DoubtError(Exception):
    """Something is not plainly sound."""


class Decoder:
    """Reads the rows of one file.

    Args:
        parts: Which of ``DETAILS`` are wanted; others are left empty.
    """

    def __init__(self, parts: Collection[str] = WHOLE) -> None:
        self._parts = parts
        self.whole = frozenset(parts) >= WHOLE
        self._alike: dict[Row, RunRecord] = {}
        self._labels: dict[bytes, NDArray[np.int64]] = {}

    def record(
        self,
        row: Row,
        facts: str | None,
        details: Mapping[str, Sequence[Row]],
        exhibits: Sequence[Exhibit],
        training: Training | None = None,
    ) -> RunRecord:
        """Returns what `record_from_rows` does, but for parts that are not wanted.

        With ``training`` it notes that whether the network trained is known.

        Raises:
            ValueError: if the rows are no record's, with what is wrong and where.
        """
        key, study, entry, arm, seed, settings, data, *ended = row
        shared = (study, entry, arm, settings, data, facts)
        parts = {part: rows for part, rows in details.items() if part in self._parts}
        shown = tuple(exhibits) if "exhibits" in self._parts else ()
        try:
            if (first := self._alike.get(shared)) is not None:
                status, reason, message, started_at, seconds = _ended(key, seed, *ended)
                metrics, epochs, steps, predictions = self._contents(parts) if parts else _NOTHING
                return RunRecord(
                    key, first.study, first.entry, first.arm, seed, first.settings, first.data,
                    status, started_at, seconds, reason, message,
                    metrics, epochs, steps, predictions, shown, first.environment, training,
                )  # fmt: skip
        except (_DoubtError, ValueError, TypeError, OverflowError):
            pass
        found = record_from_rows(row, facts, parts, shown)
        self._alike[shared] = found
        return replace(found, training=training)

    def _contents(self, parts: Mapping[str, Sequence[Row]]) -> tuple[Any, ...]:
        return (
            _metrics(parts.get("metrics", ())),
            _epochs(parts.get("epochs", ())),
            _steps(parts.get("steps", ())),
            self._predictions(parts.get("predictions", ())),
        )

    def _predictions(self, rows: Sequence[Row]) -> tuple[Predictions, ...]:
        found = []
        for split, labels, probabilities, examples in rows:
            outputs = np.frombuffer(probabilities, "<f4").astype(np.float32, copy=False)
            truth = self._truth(labels)
            _require(bool(outputs.size) and bool(truth.size) and bool(np.isfinite(outputs).all()))
            _require(type(split) is str and type(examples) is str)
            found.append(Predictions(split, truth, outputs.reshape(len(truth), -1), examples))
        _require(len({own.split for own in found}) == len(found))
        return tuple(found)

    def _truth(self, raw: bytes) -> NDArray[np.int64]:
        """Returns labels; trials with the same examples share them."""
        if raw not in self._labels:
            if len(self._labels) >= _MOST_KEPT:
                self._labels.clear()
            self._labels[raw] = np.frombuffer(raw, "<i8").astype(np.int64, copy=False)
        return self._labels[raw]


def _require(sound: bool) -> None:
    if not sound:
        raise _DoubtError


def _ended(key: str, seed: int, *ended: Any) -> Sequence[Any]:
    """Returns status, reason, message, start and seconds, which are a record's own."""
    status, reason, message, started_at, seconds = ended
    _require(type(key) is str and key != "" and type(seed) is int and seed >= 0)
    _require(reason in _REASONS.get(status, ()) and type(message) is str)
    _require(type(seconds) is float and 0 <= seconds < math.inf)
    datetime.fromisoformat(started_at) + timedelta(seconds=seconds)  # raises where there is none
    return ended


def _metrics(rows: Sequence[Row]) -> tuple[Metric, ...]:
    for name, value, unit, better in rows:
        _require(type(name) is str and type(value) is float and math.isfinite(value))
        _require(unit in _UNITS and better in _BETTER)
    _require(len({name for name, *_ in rows}) == len(rows))
    return tuple(Metric(*row) for row in rows)


def _epochs(rows: Sequence[Row]) -> tuple[dict[str, float], ...]:
    _require_numbered(rows)
    found = tuple(parsed(text) for _, text in rows)
    for epoch in found:
        _require(type(epoch) is dict)
        for value in epoch.values():
            _require(type(value) is float and math.isfinite(value))
    return found


def _steps(rows: Sequence[Row]) -> tuple[NDArray[np.float64], ...]:
    _require_numbered(rows)
    if not rows:
        return ()
    _require(all(type(raw) is bytes and len(raw) % 8 == 0 for _, raw in rows))
    whole = np.frombuffer(b"".join(raw for _, raw in rows), "<f8").astype(np.float64, copy=False)
    _require(bool(np.isfinite(whole).all()))
    ends = accumulate((len(raw) // 8 for _, raw in rows), initial=0)
    return tuple(whole[start:end] for start, end in pairwise(ends))


def _require_numbered(rows: Iterable[Row]) -> None:
    for number, (own, _) in enumerate(rows, start=1):
        _require(own == number)
