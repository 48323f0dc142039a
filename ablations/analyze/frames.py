"""Run records as tidy tables: one row per trial, per epoch and per step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablations.analyze.derived import measured
from ablations.core.record import RunRecord
from ablations.text.escaping import escape_markdown
from ablations.text.formatting import counted
from ablations.text.sheets import factor_columns, metric_columns

_SHOWN = 5
"""How many trials a notebook shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The records of one or more studies as three tables, joined by ``key``.

    ``trials`` has a row per record: ``key``, ``study``, a column per factor, ``arm``, ``seed``,
    ``status``, ``reason``, ``seconds`` and a column per metric. ``epochs`` has ``key``, factors,
    ``seed``, ``epoch`` (from 1) and that epoch's metrics. ``steps`` has ``key``, factors,
    ``seed``, ``epoch``, ``step`` (from 1), ``seconds`` and ``warmup``, which marks the steps that
    step times leave out.

    A factor named like a fixed column of any table becomes ``factor_NAME``; a metric named like a
    fixed column or a factor becomes ``metric_NAME``. `ablations.text.sheets` lists the fixed ones.
    """

    trials: pd.DataFrame
    epochs: pd.DataFrame
    steps: pd.DataFrame

    def _repr_html_(self) -> str:
        first = str(self.trials.head(_SHOWN).to_html(notebook=True, border=0))
        return f"<p>{escape(self._sizes)}</p>{first}"

    def _repr_markdown_(self) -> str:
        first = self.trials.head(_SHOWN)
        rows = [[str(name) for name in first.columns], ["---"] * len(first.columns)]
        rows += [[str(cell) for cell in row] for row in first.itertuples(index=False)]
        cells = [[cell if cell == "---" else escape_markdown(cell) for cell in row] for row in rows]
        lines = [f"| {' | '.join(row)} |" for row in cells]
        return "\n".join([escape_markdown(self._sizes), "", *lines])

    @property
    def _sizes(self) -> str:
        """Says what the tables hold, and how much of it is shown."""
        counts = [
            f"{name}: {counted(len(own), 'row')}"
            for name, own in (
                ("trials", self.trials),
                ("epochs", self.epochs),
                ("steps", self.steps),
            )
        ]
        more = f". The first {_SHOWN} trials:" if len(self.trials) > _SHOWN else ". The trials:"
        return f"{', '.join(counts)}{more}"


def to_frames(records: Iterable[RunRecord]) -> Frames:
    """Returns the records, completed and failed, as tidy tables in the order given."""
    rows = list(records)
    trials = trials_frame(rows)
    who = pd.concat([trials[["key"]], _factors(rows), trials[["seed"]]], axis="columns")
    return Frames(trials, _epochs(rows, who), _steps(rows, who))


def trials_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Returns the first of these tables alone; of the records one at a time is in memory."""
    rows, values = [], []
    for record in records:
        values.append({name: one.value for name, one in measured(record).items()})
        rows.append(replace(record, epochs=(), steps=(), predictions=(), exhibits=()))
    factors = _factors(rows)
    columns = [
        _column("key", str, (record.key for record in rows)),
        _column("study", str, (record.study for record in rows)),
        factors,
        _column("arm", str, (record.arm.name for record in rows)),
        _column("seed", np.int64, (record.seed for record in rows)),
        _column("status", str, (record.status for record in rows)),
        _column("reason", object, (record.reason for record in rows)),
        _column("seconds", np.float64, (record.seconds for record in rows)),
        _metrics(values, factors.columns),
    ]
    return pd.concat(columns, axis="columns")


def _factors(records: Sequence[RunRecord]) -> pd.DataFrame:
    levels = pd.DataFrame([dict(record.arm.levels) for record in records])
    return levels.rename(columns=factor_columns(levels.columns))


Counts = Sequence[int] | NDArray[np.int64]


def _metrics(rows: Iterable[dict[str, float]], factors: Iterable[str]) -> pd.DataFrame:
    values = pd.DataFrame(rows, dtype=np.float64)
    return values.rename(columns=metric_columns(values.columns, factors))


def _epochs(records: Sequence[RunRecord], who: pd.DataFrame) -> pd.DataFrame:
    counts = [len(record.epochs) for record in records]
    frame = _repeated(who, counts)
    frame["epoch"] = _positions(counts)
    values = [dict(epoch) for record in records for epoch in record.epochs]
    return pd.concat([frame, _metrics(values, who.columns)], axis="columns")


def _steps(records: Sequence[RunRecord], who: pd.DataFrame) -> pd.DataFrame:
    epochs = np.array([len(record.steps) for record in records], dtype=np.int64)
    durations = [steps for record in records for steps in record.steps]
    counts = np.array([len(steps) for steps in durations], dtype=np.int64)
    frame = _repeated(_repeated(who, epochs), counts)
    frame["epoch"] = np.repeat(_positions(epochs), counts)
    frame["step"] = _positions(counts)
    frame["seconds"] = np.concatenate([np.empty(0), *durations])
    single = np.repeat(np.repeat(epochs, epochs) == 1, counts)
    frame["warmup"] = np.where(single, frame["step"] == 1, frame["epoch"] == 1)
    return frame


def _column(name: str, kind: type, values: Iterable[object]) -> pd.DataFrame:
    # Without the type, a column without any value would be one of numbers.
    return pd.DataFrame({name: pd.Series(list(values), dtype=kind)})


def _repeated(frame: pd.DataFrame, counts: Counts) -> pd.DataFrame:
    places = np.repeat(np.arange(len(frame)), np.array(counts, dtype=np.int64))
    return frame.take(places).reset_index(drop=True)


def _positions(counts: Counts) -> NDArray[np.int64]:
    """Numbers the members of consecutive groups from 1: sizes (2, 3) give 1 2 1 2 3."""
    return np.concatenate([np.arange(0), *(np.arange(1, size + 1) for size in counts)])
