"""The facts of one trial, and the log through which a training function reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ablations.core.design import Arm, Settings
from ablations.core.metrics import METRICS, Better, Unit

SCHEMA_VERSION = 2
"""Version of a run record as a line of JSON; version 1 lacks the digest of predictions."""

Status = Literal["completed", "failed"]
Reason = Literal["raised", "diverged", "timeout", "died"]
Training = Literal["trained", "untrained", "unknown"]
"""Whether a network trained at all; unknown where its record does not say."""

Cell = str | int | float | None
Scope = Literal["study", "arm"]
Chart = Literal["none", "histogram"]

WARNING = "warning-"
"""How the name of an exhibit begins whose caption a reader must see with the answer."""

MACHINE = ("cpu", "cores", "memory", "system", "device", "gpu", "gpus", "jobs", "threads")
"""Facts of an environment that make speeds comparable."""

NODE = "node"
"""The fact of an environment that tells machines of a cluster apart, by no name of theirs."""

CODE = "code_digest"
"""The fact of an environment that tells versions of a training function's files apart."""

SEED_USE = "seed_use"
"""The fact of an environment that is there if a training function never asked for its seed."""

IMPORTED = "imported_from"
"""The fact of an environment that names the tool which recorded a trial in place of this one."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of one trial, with its unit and the direction that is better."""

    name: str
    value: float
    unit: Unit = "number"
    better: Better = "neither"


def known_metric(name: str, value: float) -> Metric:
    """Returns a value of a registered metric, with its unit and direction."""
    return Metric(name, value, METRICS[name].unit, METRICS[name].better)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a trained model says of each example of one split, in the split's fixed order.

    ``labels`` has shape (example,) and type int64, ``probabilities`` (example, class) and float32.
    ``examples`` is a digest of which examples these are, in their order; empty where unknown. Two
    trials with the same one can be compared example by example.
    """

    split: str
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    examples: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of an exhibit: column headings and rows of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure or table that the training code shows about its data or its model.

    ``scope`` says whether all arms show the same one (``study``, for example label counts) or each
    arm its own (``arm``, for example its layer table). ``image_png`` needs ``alt``. ``sample``
    marks what shows examples of the data themselves, which may not be anyone's to publish.
    ``chart`` has the report draw the table: a ``histogram`` has columns series, from, to, share.
    The caption of one of the study whose ``name`` begins with ``warning-`` is also shown beside
    the answer.
    """

    name: str
    title: str
    scope: Scope = "arm"
    caption: str = ""
    table: Table | None = None
    image_png: bytes | None = None
    alt: str = ""
    sample: bool = False
    chart: Chart = "none"


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """The immutable facts of one trial.

    ``epochs`` holds each epoch's metrics, ``steps`` each epoch's step durations in seconds, the
    first epoch included; ``seconds`` is the whole trial as the driver saw it. ``training`` is what
    a store noted of the network by these contents, which need not have been read; ``None`` where it
    noted nothing. It is in no file of JSON lines.
    """

    key: str
    study: str
    entry: str
    arm: Arm
    seed: int
    settings: Settings
    data: str
    status: Status
    started_at: str
    seconds: float
    reason: Reason | None = None
    message: str = ""
    metrics: tuple[Metric, ...] = ()
    epochs: tuple[Mapping[str, float], ...] = ()
    steps: tuple[NDArray[np.float64], ...] = ()
    predictions: tuple[Predictions, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    training: Training | None = None

    @property
    def completed(self) -> bool:
        """Whether the trial ran to its end."""
        return self.status == "completed"

    @property
    def final(self) -> bool:
        """Whether the trial need not be trained again.

        One that diverged would diverge again; one that raised, overran its time or lost its worker
        may do better.
        """
        return self.completed or self.reason == "diverged"


@dataclass(frozen=True, slots=True, eq=False)
class LogContents:
    """What a training function reported, as values that can cross to another process."""

    metrics: tuple[Metric, ...] = ()
    epochs: tuple[Mapping[str, float], ...] = ()
    steps: tuple[NDArray[np.float64], ...] = ()
    predictions: tuple[Predictions, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def moment_of(text: str) -> datetime:
    """Returns an ISO 8601 moment in UTC, which one without a time zone is taken to be in.

    Raises:
        ValueError: if it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
