"""Reads ``trainer_state.json``, in which the ``Trainer`` of Hugging Face keeps what it logged.

``training_args.bin`` beside it is a pickle, which could run anything, and is never opened.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ablations.records.tools.paths import files_in, labels_of, named_by
from ablations.records.tools.run import (
    Reader,
    Series,
    SourceRun,
    State,
    Wanted,
    chosen,
    damaged,
    ordered,
    written_at,
)

NAME = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_PARAMS = ("num_train_epochs", "train_batch_size", "max_steps")
_ENDED = "train_runtime"


def _files(source: str) -> dict[Path, Path]:
    """Returns for the folder of each run its last state; checkpoints hold earlier ones."""
    found: dict[Path, list[tuple[float, Path]]] = defaultdict(list)
    for path in files_in(source, NAME):
        step = _CHECKPOINT.fullmatch(path.parent.name)
        folder = path.parent.parent if step and path != Path(source) else path.parent
        found[folder].append((int(step[1]) if step else math.inf, path))
    return {folder: max(own)[1] for folder, own in found.items()}


def _takes(source: str) -> bool:
    return bool(_files(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    for folder, path in _files(source).items():
        state = _state_in(path)
        log = [row for row in state.get("log_history") or [] if isinstance(row, dict)]
        seconds = max((row[_ENDED] for row in log if _is_number(row.get(_ENDED))), default=0.0)
        name = named_by(folder, source) if folder.is_relative_to(source) else folder.name
        yield SourceRun(
            name=name,
            params={key: state[key] for key in _PARAMS if key in state},
            series=_series(log, wanted),
            labels=labels_of(name),
            state=_ended(state, log),
            started_at=written_at(path),
            seconds=seconds if math.isfinite(seconds) and seconds > 0 else 0.0,
        )


def _state_in(path: Path) -> dict[str, Any]:
    cure = "Move it away, or copy it again from where it was written"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error, cure) from error
    if not isinstance(found, dict):
        raise damaged(path, "no JSON object", cure)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _series(log: Iterable[Mapping[str, Any]], wanted: Wanted) -> dict[str, Series]:
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in log:
        step = row.get("step", 0)
        for name, value in row.items():
            if name not in ("step", "epoch") and _is_number(value) and chosen(name, wanted):
                points[name].append((step if _is_number(step) else 0, float(value)))
    return {name: ordered(own) for name, own in points.items()}


def _ended(state: Mapping[str, Any], log: Iterable[Mapping[str, Any]]) -> State:
    """Says whether a training came to its end, also to an early one on purpose."""
    steps, most = state.get("global_step"), state.get("max_steps")
    whole = _is_number(steps) and _is_number(most) and 0 < most <= steps  # type: ignore[operator]
    return "finished" if whole or any(_ENDED in row for row in log) else "running"


READER = Reader("trainer-state", "the Hugging Face Trainer", _takes, _read)
