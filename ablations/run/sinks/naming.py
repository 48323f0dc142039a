"""What other tools call a trial, and what they are told of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ablations.core.record import RunRecord
from ablations.core.study import Trial

_LONGEST = 120


def trial_folder(trial: Trial) -> str:
    """Returns a relative path of the trial that is safe on every system."""
    pairs = (f"{factor}={level}" for factor, level in trial.arm.levels)
    arm = quote(",".join(pairs), safe="=, ")
    if len(arm) > _LONGEST:
        arm = f"{arm[:_LONGEST]}-{trial.key[:8]}"
    return f"{arm}/seed-{trial.seed}-{trial.key[:8]}"


def parameters(trial: Trial) -> dict[str, str | int | float | bool]:
    """Returns the levels, the seed and the settings; what is no plain value as JSON."""
    settings = {name: _plain(value) for name, value in trial.settings.items()}
    return {**settings, **dict(trial.arm.levels), "seed": trial.seed}


def results(record: RunRecord) -> dict[str, float]:
    """Returns the metrics of a trial by their names."""
    return {metric.name: metric.value for metric in record.metrics}


def _plain(value: Any) -> str | int | float | bool:
    if isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
