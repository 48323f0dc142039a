"""What the Keras adapter does within a trial; the only module of the adapters that imports it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ablations.adapters.parts import TEST, TRAIN, VALIDATION, Part
from ablations.adapters.reporting import (
    BATCH_SIZE,
    EPOCHS,
    as_probabilities,
    epoch_values,
    log_majority,
    log_test,
    seed_of,
    whole_setting,
)
from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import DataError, StudyError
from ablations.vision.platform.devices import device_name
from ablations.vision.training.timing import StepTimer


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras carries no types
    """Training examples in an order of our own, which no layer's random numbers can change.

    Args:
        part: The examples.
        size: How many a step takes; the last may take fewer.
        rng: Draws an order for each epoch.
    """

    def __init__(self, part: Part, size: int, rng: np.random.Generator) -> None:
        super().__init__()
        self._part, self._size, self._rng = part, size, rng
        self._order = np.arange(len(part.labels))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._size)

    def __getitem__(self, step: int) -> tuple[Any, Any]:
        rows = self._order[step * self._size : (step + 1) * self._size]
        return self._part.inputs[rows], self._part.labels[rows]

    def on_epoch_begin(self) -> None:
        """Draws the epoch's order."""
        self._order = self._rng.permutation(len(self._order))


class Report(keras.callbacks.Callback):  # type: ignore[misc]
    """Logs each epoch as it ends.

    Args:
        log: Where to report.
        timer: Has timed the epoch's steps; it must be called before this callback.
    """

    def __init__(self, log: TrialLog, timer: StepTimer) -> None:
        super().__init__()
        self._log, self._timer = log, timer

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Logs step times and results; a loss that is not finite ends the training here."""
        self._log.steps(self._timer.seconds)
        self._log.epoch(**epoch_values(logs or {}))


def fit_model(
    build: Callable[[Trial], Any],
    parts: Mapping[str, Part],
    trial: Trial,
    log: TrialLog,
    *,
    callbacks: Callable[[Trial], Sequence[Any]],
) -> None:
    """Builds, fits and tests a model.

    Raises:
        DataError: if labels are texts.
        StudyError: if what was built is no compiled model, or a setting cannot be used.
        ReportingError: if its outputs are no probabilities.
        DivergedError: if a loss is not finite.
    """
    _require_numbers(parts[TRAIN])
    try:
        keras.utils.set_random_seed(seed_of(trial, "initialization"))
        model = _compiled(build(trial))
        keras.utils.set_random_seed(seed_of(trial, "dropout"))
        _fit(model, parts, trial, log, callbacks=callbacks(trial))
        _test(model, parts, log)
    finally:
        keras.utils.clear_session()  # Keras keeps what its models share in the process


def _require_numbers(part: Part) -> None:
    if part.labels.dtype.kind in "USO":
        raise DataError(
            "Keras needs labels that are numbers",
            received=f"{part.labels[0]!s} for the first training example",
            cure="Number the classes from 0, as np.unique(labels, return_inverse=True)[1] does",
        )


def _compiled(model: Any) -> Any:
    if not isinstance(model, keras.Model) or not model.compiled:
        known = isinstance(model, keras.Model)
        raise StudyError(
            "'build' must return a compiled Keras model",
            received="a model that is not compiled" if known else type(model).__name__,
            cure="Call model.compile(optimizer=…, loss=…, metrics=['accuracy']) and return model",
        )
    return model


def _fit(
    model: Any, parts: Mapping[str, Part], trial: Trial, log: TrialLog, *, callbacks: Sequence[Any]
) -> None:
    size = whole_setting(trial, "batch_size", BATCH_SIZE)
    timer, held_out = StepTimer(), parts.get(VALIDATION)
    began = time.perf_counter()
    model.fit(
        Batches(parts[TRAIN], size, trial.rng("order")),
        epochs=whole_setting(trial, "epochs", EPOCHS),
        validation_data=(held_out.inputs, held_out.labels) if held_out else None,
        validation_batch_size=size,
        callbacks=[timer, Report(log, timer), *callbacks],
        shuffle=False,  # the order is drawn by `Batches`
        verbose=0,
    )
    log.known(metrics.FIT_SECONDS, time.perf_counter() - began)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    log.known(metrics.PARAMETERS, model.count_params())
    log.known(metrics.TRAINABLE_PARAMETERS, trainable)
    log.environment(backend=keras.backend.backend(), keras=keras.__version__, device=device_name())


def _test(model: Any, parts: Mapping[str, Part], log: TrialLog) -> None:
    test = parts[TEST]
    logits = getattr(model.loss, "from_logits", False)
    outputs = as_probabilities(model.predict(test.inputs, verbose=0), logits=logits)
    log_test(log, test.numbers, outputs, examples=test.examples)
    log_majority(log, parts[TRAIN].numbers, test.numbers)
