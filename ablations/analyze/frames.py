"""Run records as tidy tables: one row per trial, per epoch and per step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablations.analyze.derived import measured
from ablations.core.record import RunRecord
from ablations.text.sheets import factor_columns, metric_columns


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


def to_frames(records: Iterable[RunRecord]) -> Frames:
    """Returns the records, completed and failed, as tidy tables in the order given."""
    rows = list(records)
    factors = _factors(rows)
    key = _texts(record.key for record in rows).to_frame("key")
    seed = pd.DataFrame({"seed": np.array([record.seed for record in rows], dtype=np.int64)})
    who = pd.concat([key, factors, seed], axis="columns")
    return Frames(_trials(rows, factors), _epochs(rows, who), _steps(rows, who))


Counts = Sequence[int] | NDArray[np.int64]


def _factors(records: Sequence[RunRecord]) -> pd.DataFrame:
    levels = pd.DataFrame([dict(record.arm.levels) for record in records])
    return levels.rename(columns=factor_columns(levels.columns))


def _metrics(rows: Iterable[dict[str, float]], factors: Iterable[str]) -> pd.DataFrame:
    values = pd.DataFrame(rows, dtype=np.float64)
    return values.rename(columns=metric_columns(values.columns, factors))


def _trials(records: Sequence[RunRecord], factors: pd.DataFrame) -> pd.DataFrame:
    names = pd.DataFrame(
        {"key": _texts(r.key for r in records), "study": _texts(r.study for r in records)}
    )
    facts = pd.DataFrame(
        {
            "arm": _texts(r.arm.name for r in records),
            "seed": np.array([r.seed for r in records], dtype=np.int64),
            "status": _texts(r.status for r in records),
            "reason": pd.Series([r.reason for r in records], dtype=object),
            "seconds": np.array([r.seconds for r in records], dtype=np.float64),
        }
    )
    values = [{name: one.value for name, one in measured(r).items()} for r in records]
    return pd.concat([names, factors, facts, _metrics(values, factors.columns)], axis="columns")


def _epochs(records: Sequence[RunRecord], who: pd.DataFrame) -> pd.DataFrame:
    counts = [len(record.epochs) for record in records]
    frame = _repeated(who, counts)
    frame["epoch"] = _positions(counts)
    values = [dict(epoch) for record in records for epoch in record.epochs]
    return pd.concat([frame, _metrics(values, who.columns)], axis="columns")


def _steps(records: Sequence[RunRecord], who: pd.DataFrame) -> pd.DataFrame:
    epochs_each = np.array([len(record.steps) for record in records], dtype=np.int64)
    durations = [np.empty(0), *(steps for record in records for steps in record.steps)]
    steps_each = np.array([steps.size for steps in durations[1:]], dtype=np.int64)
    trial = np.repeat(np.arange(len(records)), epochs_each)  # (epoch,)
    frame = _repeated(_repeated(who, epochs_each), steps_each)
    frame["epoch"] = np.repeat(_positions(epochs_each), steps_each)
    frame["step"] = _positions(steps_each)
    frame["seconds"] = np.concatenate(durations)
    alone = np.repeat(epochs_each[trial] == 1, steps_each)
    frame["warmup"] = np.where(alone, frame["step"] == 1, frame["epoch"] == 1)
    return frame


def _texts(values: Iterable[str]) -> pd.Series[str]:
    # An empty list alone would make a column of numbers.
    return pd.Series(list(values), dtype=str)


def _repeated(frame: pd.DataFrame, counts: Counts) -> pd.DataFrame:
    return frame.take(np.repeat(np.arange(len(frame)), counts)).reset_index(drop=True)


def _positions(counts: Counts) -> NDArray[np.int64]:
    """Numbers the members of consecutive groups from 1: sizes (2, 3) give 1 2 1 2 3."""
    sizes = np.asarray(counts, dtype=np.int64)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.arange(sizes.sum()) - starts + 1
