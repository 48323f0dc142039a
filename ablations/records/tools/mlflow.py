"""What the three ways in which MLflow keeps runs have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ablations.records.tools.run import State

TITLE = "MLflow"

_STATES: Mapping[str, State] = {
    "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
    "RUNNING": "running", "SCHEDULED": "running",
}  # fmt: skip
_NUMBERS: Mapping[int, State] = {1: "running", 2: "running", 3: "finished", 4: "failed",
                                 5: "killed"}  # fmt: skip

_NAME = "mlflow.runName"
_COMMIT = "mlflow.source.git.commit"
_OWN = "mlflow."
_LARGEST = 1.7976931348623157e308


def state_of(status: object) -> State:
    """Returns how a run ended; files hold a number where databases have a word."""
    found = _NUMBERS.get(status) if isinstance(status, int) else _STATES.get(str(status))
    return found or "running"


def labels_of(tags: Mapping[str, Any], experiment: str) -> dict[str, Any]:
    """Returns the tags that people set, the run's name and its experiment."""
    own = {name: value for name, value in tags.items() if not name.startswith(_OWN)}
    named = {"run_name": tags[_NAME]} if tags.get(_NAME) else {}
    return {**own, **named, "experiment": experiment}


def facts_of(tags: Mapping[str, Any]) -> dict[str, str]:
    """Returns the commit of the code, where MLflow noted it."""
    return {"commit": str(tags[_COMMIT])} if tags.get(_COMMIT) else {}


def number(value: float, *, is_nan: bool = False) -> float:
    """Returns a metric; databases hold infinity as the largest number and NaN beside a flag."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= _LARGEST else value


def seconds(milliseconds: object) -> float | None:
    """Returns a time that MLflow gives in milliseconds since 1970, or nothing."""
    return milliseconds / 1000 if isinstance(milliseconds, int | float) and milliseconds else None


def one_data(digests: list[str]) -> str:
    """Returns the digests of a run's data as one text."""
    return "+".join(sorted(set(digests)))
