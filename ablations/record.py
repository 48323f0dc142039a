"""The facts of one trial, and the log through which a training function reports them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablations.errors import DivergedError
from ablations.study import Arm, Settings

SCHEMA_VERSION = 2
"""Version of the stored form of a run record; version 1 lacks the digest of predictions."""

Unit = Literal["fraction", "seconds", "bytes", "count", "per second", "number"]
Better = Literal["higher", "lower", "neither"]
Status = Literal["completed", "failed"]
Reason = Literal["raised", "diverged", "timeout", "died"]
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of one trial, with its unit and the direction that is better."""

    name: str
    value: float
    unit: Unit = "number"
    better: Better = "neither"


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
    """

    name: str
    title: str
    scope: Literal["study", "arm"] = "arm"
    caption: str = ""
    table: Table | None = None
    image_png: bytes | None = None
    alt: str = ""
    sample: bool = False
    chart: Literal["none", "histogram"] = "none"


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """The immutable facts of one trial.

    ``epochs`` holds each epoch's metrics, ``steps`` each epoch's step durations in seconds, the
    first epoch included; ``seconds`` is the whole trial as the driver saw it.
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

    @property
    def completed(self) -> bool:
        """Whether the trial ran to its end."""
        return self.status == "completed"

    @property
    def final(self) -> bool:
        """Whether the trial need not be trained again."""
        return is_final(self.status, self.reason)


def is_final(status: Status, reason: Reason | None) -> bool:
    """Whether a trial that ended so need not be trained again.

    One that diverged would diverge again; one that raised, overran its time or lost its worker may
    do better.
    """
    return status == "completed" or reason == "diverged"


def _ignore_epoch(number: int, metrics: Mapping[str, float]) -> None:
    """Stands in where nobody follows the epochs."""


class TrialLog:
    """What a training function is handed to report through; it knows nothing of stores or workers.

    Args:
        on_epoch: Called after each epoch with its number, from 1, and its metrics.
    """

    def __init__(self, on_epoch: Callable[[int, Mapping[str, float]], None] = _ignore_epoch):
        self._on_epoch = on_epoch
        self._epochs: list[dict[str, float]] = []
        self._steps: list[NDArray[np.float64]] = []
        self._metrics: dict[str, Metric] = {}
        self._predictions: dict[str, Predictions] = {}
        self._exhibits: dict[str, Exhibit] = {}
        self._environment: dict[str, str] = {}

    def epoch(self, **metrics: float) -> None:
        """Reports one epoch, in order; names as in Keras (``loss``, ``val_accuracy``).

        Raises:
            DivergedError: if a value is not finite. The epoch is kept.
        """
        values = {name: float(value) for name, value in metrics.items()}
        self._epochs.append(values)
        number = len(self._epochs)
        self._on_epoch(number, values)
        for name, value in values.items():
            _require_finite(f"epoch {number}: '{name}'", value)

    def steps(self, seconds: Sequence[float] | NDArray[np.float64]) -> None:
        """Reports the durations of one epoch's steps, in seconds and in order, once per epoch."""
        durations = np.asarray(seconds, dtype=np.float64)
        if durations.ndim != 1 or not np.isfinite(durations).all():
            raise ValueError("steps() takes a list of finite seconds")
        self._steps.append(durations)

    def metric(
        self, name: str, value: float, *, unit: Unit = "number", better: Better = "neither"
    ) -> None:
        """Reports one number of the whole trial; a second value of a name replaces the first.

        Raises:
            DivergedError: if the value is not finite.
        """
        _require_finite(f"metric '{name}'", float(value))
        self._metrics[name] = Metric(name, float(value), unit, better)

    def predictions(
        self, split: str, labels: ArrayLike, probabilities: ArrayLike, *, examples: str = ""
    ) -> None:
        """Keeps what the model says of each example of ``split``.

        Args:
            split: Such as ``test``.
            labels: True classes, shape (example,).
            probabilities: Shape (example, class).
            examples: A digest of which examples these are, so that trials that were tested on the
                same ones can be compared example by example.

        Raises:
            ValueError: if the shapes do not fit each other.
            DivergedError: if a probability is not finite.
        """
        truth = np.asarray(labels, dtype=np.int64)
        said = np.asarray(probabilities, dtype=np.float32)
        if truth.ndim != 1 or said.ndim != 2 or len(truth) != len(said):
            raise ValueError(
                f"predictions('{split}'): labels must be (example,) and probabilities "
                f"(example, class). Received: shapes {truth.shape} and {said.shape}."
            )
        if not np.isfinite(said).all():
            _require_finite(f"predictions('{split}')", math.nan)
        self._predictions[split] = Predictions(split, truth, said, str(examples))

    def exhibit(self, exhibit: Exhibit) -> None:
        """Shows a table or picture of the data or model; a second one of a name replaces it."""
        self._exhibits[exhibit.name] = exhibit

    def environment(self, **facts: str) -> None:
        """Adds facts such as ``device="cpu"`` or ``backend="jax"`` to the record's environment."""
        self._environment.update(facts)

    def contents(self) -> LogContents:
        """Returns all that was reported so far."""
        return LogContents(
            metrics=tuple(self._metrics.values()),
            epochs=tuple(self._epochs),
            steps=tuple(self._steps),
            predictions=tuple(self._predictions.values()),
            exhibits=tuple(self._exhibits.values()),
            environment=dict(self._environment),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LogContents:
    """What a training function reported, as values that can cross to another process."""

    metrics: tuple[Metric, ...] = ()
    epochs: tuple[Mapping[str, float], ...] = ()
    steps: tuple[NDArray[np.float64], ...] = ()
    predictions: tuple[Predictions, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def _require_finite(place: str, value: float) -> None:
    if not math.isfinite(value):
        raise DivergedError(
            f"{place} is not finite",
            received=str(value),
            cure="Lower the learning rate or check the data",
        )
