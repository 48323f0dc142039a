"""What a training function reports: the log that it receives, and checks of what it logs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablations.core import checks
from ablations.core.metrics import ACCURACIES, Better, Unit
from ablations.core.record import (
    Cell,
    Chart,
    Exhibit,
    LogContents,
    Metric,
    Predictions,
    Scope,
    Table,
    known_metric,
)
from ablations.errors import DivergedError, ReportingError

BEYOND = 2.0
"""A fraction beyond this is taken for a percentage; some shares are a little above 1."""

LARGEST = 1e100
"""Metrics beyond this are refused: the square of a difference would overflow."""

MOST_NAMES = 1_000
"""How many metrics, metrics of one epoch, splits, exhibits or facts a trial may report."""

MOST_EPOCHS = 100_000
"""How many epochs a trial may report."""


class TrialLog:
    """What a training function reports through, without knowing of stores or workers.

    Each method raises ``TypeError`` or ``ValueError`` at once for what a record cannot hold; the
    trial then fails with that line, unless the training function catches it.

    Args:
        on_epoch: Called after each epoch with its number, from 1, and its metrics.
    """

    def __init__(
        self, on_epoch: Callable[[int, Mapping[str, float]], None] = lambda _number, _metrics: None
    ) -> None:
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
            TypeError: if a value is no number.
            ReportingError: if an accuracy is given in percent.
            DivergedError: if a value is not finite. The epoch is kept.
        """
        _require_room("log.epoch", self._epochs, MOST_EPOCHS)
        number = len(self._epochs) + 1
        values = checked_epoch(number, metrics)
        for name in ACCURACIES & set(values):
            require_fraction(Metric(name, values[name], "fraction"), f"epoch {number}")
        self._epochs.append(values)
        self._on_epoch(number, values)
        for name, value in values.items():
            _require_finite(f"epoch {number}: '{name}'", value)

    def steps(self, seconds: Sequence[float] | NDArray[np.float64]) -> None:
        """Reports the durations of one epoch's steps, in seconds and in order, once per epoch.

        Raises:
            TypeError: if these are no numbers.
            ValueError: if one is negative or not finite, or they are no list.
        """
        _require_room("log.steps", self._steps, MOST_EPOCHS)
        self._steps.append(checks.durations("log.steps: the seconds", seconds))

    def metric(
        self, name: str, value: float, *, unit: Unit = "number", better: Better = "neither"
    ) -> None:
        """Reports one number of the whole trial; a second value of a name replaces the first.

        A ``fraction`` is a share between 0 and 1; a difference of shares is a ``number``.

        Raises:
            TypeError: if the name is no text, or the value no number.
            ValueError: if there is no such unit or direction.
            ReportingError: if a fraction is given in percent, or the value is beyond 1e100.
            DivergedError: if the value is not finite.
        """
        self._add(Metric(name, value, unit, better))

    def known(self, name: str, value: float) -> None:
        """Reports one number of the whole trial whose unit and direction are in the registry.

        Args:
            name: A constant of `ablations.core.metrics`.
            value: The number.

        Raises:
            KeyError: if it is not in the registry; else as `metric` does.
        """
        self._add(known_metric(name, value))

    def _add(self, given: Metric) -> None:
        metric = checked_metric(given)
        require_usable(metric, "log.metric")
        _require_room("log.metric", {*self._metrics} - {metric.name}, MOST_NAMES)
        self._metrics[metric.name] = metric

    def predictions(
        self, split: str, labels: ArrayLike, probabilities: ArrayLike, *, examples: str = ""
    ) -> None:
        """Keeps what the model says of each example of ``split``.

        Args:
            split: Such as ``test``.
            labels: True classes, whole numbers from 0, shape (example,).
            probabilities: Numbers of 0 to 1, shape (example, class).
            examples: A digest of which examples these are, so that trials that were tested on the
                same ones can be compared example by example.

        Raises:
            TypeError: if these are no numbers.
            ValueError: if they are no classes or probabilities, or their shapes do not fit.
            DivergedError: if a probability is not finite.
        """
        predicted = checked_predictions(split, labels, probabilities, examples)
        if not np.isfinite(predicted.probabilities).all():
            _require_finite(f"predictions('{predicted.split}')", math.nan)
        _require_room("log.predictions", {*self._predictions} - {predicted.split}, MOST_NAMES)
        self._predictions[predicted.split] = predicted

    def exhibit(self, exhibit: Exhibit) -> None:
        """Shows a table or picture of the data or model; a second one of a name replaces it.

        Raises:
            TypeError: if it is no `Exhibit`, or a part of it is of another kind.
            ValueError: if a part of it cannot be shown.
        """
        shown = checked_exhibit(exhibit)
        _require_room("log.exhibit", {*self._exhibits} - {shown.name}, MOST_NAMES)
        self._exhibits[shown.name] = shown

    def environment(self, **facts: str) -> None:
        """Adds facts such as ``device="cpu"`` or ``backend="jax"`` to the record's environment.

        Raises:
            TypeError: if a fact is neither text nor a number.
        """
        for name, fact in checked_environment(facts).items():
            _require_room("log.environment", {*self._environment} - {name}, MOST_NAMES)
            self._environment[name] = fact

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


def _require_finite(place: str, value: float) -> None:
    if not math.isfinite(value):
        raise DivergedError(
            f"{place} is not finite",
            received=str(value),
            cure="Lower the learning rate or check the data",
        )


def require_usable(metric: Metric, place: str) -> None:
    """Makes sure that means and differences of a metric can be computed.

    Raises:
        DivergedError: if its value is not finite.
        ReportingError: if it is so large that squares overflow, or a percentage as a fraction.
    """
    _require_finite(f"metric '{metric.name}'", metric.value)
    if abs(metric.value) > LARGEST:
        raise ReportingError(
            f"{place}: '{metric.name}' is too large to compute with",
            received=checks.plain(metric.value),
            cure=f"Report it in another unit, or its logarithm, of {checks.plain(LARGEST)} at most",
        )
    require_fraction(metric, place)


def require_fraction(metric: Metric, place: str) -> None:
    """Raises `ReportingError` where the value of a fraction must be a percentage."""
    if metric.unit == "fraction" and math.isfinite(metric.value) and abs(metric.value) > BEYOND:
        raise ReportingError(
            f"{place}: '{metric.name}' is a fraction, of 0 to 1",
            received=checks.plain(metric.value),
            cure="Divide percentages by 100, or give it another name or unit",
        )


def _require_room(place: str, kept: Collection[object], most: int) -> None:
    if len(kept) >= most:
        raise ValueError(f"{place}: a trial may report {checks.grouped(most)} at most.")


def checked_epoch(number: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns one epoch's metrics as records hold them; they need not be finite.

    This and the functions below raise ``TypeError`` or ``ValueError`` for what they cannot hold.
    """
    place = f"epoch {number}"
    if len(metrics) > MOST_NAMES:
        raise ValueError(
            f"{place}: an epoch may have {checks.grouped(MOST_NAMES)} metrics at most."
        )
    names = {name: checks.name(f"{place}: the name of a metric", name) for name in metrics}
    return {names[n]: checks.number(f"{place}: '{n}'", value) for n, value in metrics.items()}


def checked_metric(metric: Metric) -> Metric:
    """Returns a metric as records hold it; its value need not be finite."""
    name = checks.name("log.metric: the name", metric.name)
    return Metric(
        name,
        checks.number(f"metric '{name}': the value", metric.value),
        checks.choice(f"metric '{name}': the unit", metric.unit, get_args(Unit)),
        checks.choice(f"metric '{name}': better", metric.better, get_args(Better)),
    )


def checked_predictions(
    split: str, labels: ArrayLike, probabilities: ArrayLike, examples: str
) -> Predictions:
    """Returns predictions as records hold them; they need not be finite."""
    place = f"predictions('{checks.name('log.predictions: the split', split)}')"
    truth = checks.classes(f"{place}: labels", labels)
    predicted = checks.probabilities(f"{place}: probabilities", probabilities)
    if truth.ndim != 1 or predicted.ndim != 2 or len(truth) != len(predicted):
        raise ValueError(
            f"{place}: labels must be (example,) and probabilities "
            f"(example, class). Received: shapes {truth.shape} and {predicted.shape}."
        )
    digest = checks.text(f"{place}: examples", examples, longest=checks.LONGEST_NAME)
    return Predictions(str(split), truth, predicted, digest)


def checked_environment(facts: Mapping[str, object]) -> dict[str, str]:
    """Returns facts as records hold them: numbers become text."""
    found = {}
    for given, fact in facts.items():
        name = checks.name("log.environment: the name of a fact", given)
        plain = str(fact) if isinstance(fact, int | float | np.number) else fact
        found[name] = checks.text(f"log.environment: {given}", plain)
    return found


def checked_exhibit(exhibit: Exhibit) -> Exhibit:
    """Returns an exhibit as records hold it."""
    if not isinstance(exhibit, Exhibit):
        raise TypeError(checks.complaint("log.exhibit takes an ablations.Exhibit", exhibit))
    name = checks.name("log.exhibit: the name", exhibit.name)
    place = f"exhibit '{name}'"
    return Exhibit(
        name=name,
        title=checks.text(f"{place}: the title", exhibit.title, longest=checks.LONGEST_NAME),
        scope=checks.choice(f"{place}: scope", exhibit.scope, get_args(Scope)),
        caption=checks.text(f"{place}: the caption", exhibit.caption),
        table=None if exhibit.table is None else _checked_table(place, exhibit.table),
        image_png=None if exhibit.image_png is None else checks.png(place, exhibit.image_png),
        alt=checks.text(f"{place}: alt", exhibit.alt),
        sample=bool(exhibit.sample),
        chart=checks.choice(f"{place}: chart", exhibit.chart, get_args(Chart)),
    )


def _checked_table(place: str, table: Table) -> Table:
    if not isinstance(table, Table):
        raise TypeError(checks.complaint(f"{place}: the table must be an ablations.Table", table))
    columns = tuple(checks.text(f"{place}: a column", own) for own in _listed(place, table.columns))
    rows = tuple(tuple(_listed(place, row)) for row in _listed(place, table.rows))
    if {len(row) for row in rows} - {len(columns)}:
        raise ValueError(f"{place} has rows of another length than its columns")
    return Table(columns, tuple(tuple(_checked_cell(place, cell) for cell in row) for row in rows))


def _listed(place: str, values: object) -> Sequence[object]:
    if not isinstance(values, list | tuple):
        raise TypeError(checks.complaint(f"{place}: columns and rows must be lists", values))
    return values


def _checked_cell(place: str, cell: object) -> Cell:
    """Returns a cell as Python's own value; not-a-number is unknown, and so ``None``."""
    plain = cell.item() if isinstance(cell, np.generic) else cell
    if plain is None or isinstance(plain, str):
        return None if plain is None else checks.text(f"{place}: a cell", plain)
    if not isinstance(plain, int | float) or math.isinf(checks.number(f"{place}: a cell", plain)):
        raise TypeError(checks.complaint(f"{place}: a cell must be text or a finite number", cell))
    return None if math.isnan(plain) else plain


def storable(contents: LogContents) -> LogContents:
    """Returns what a training reported in the form that can be stored and read again.

    A second check: a log checks what is reported, but a training function could change it directly.

    Raises:
        TypeError, ValueError: if a part of it cannot be stored.
    """
    return LogContents(
        metrics=tuple(map(checked_metric, contents.metrics)),
        epochs=tuple(checked_epoch(i, own) for i, own in enumerate(contents.epochs, start=1)),
        steps=tuple(checks.durations("log.steps: the seconds", own) for own in contents.steps),
        predictions=tuple(
            checked_predictions(p.split, p.labels, p.probabilities, p.examples)
            for p in contents.predictions
        ),
        exhibits=tuple(map(checked_exhibit, contents.exhibits)),
        environment=checked_environment(contents.environment),
    )
