"""Reports each epoch while training runs, and the training as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.core import metrics
from ablations.core.trial_log import TrialLog
from ablations.vision.data.splits import Indices
from ablations.vision.features.frozen import Features
from ablations.vision.model.flops import peak_flops, training_flops
from ablations.vision.model.outputs import Outputs, Raw
from ablations.vision.training.loop import Learner, Part, predict
from ablations.vision.training.timing import StepTimer

Seconds = NDArray[np.float64]


class EpochReport:
    """Logs each epoch as it ends and the training when all have.

    Training loss and accuracy are the epoch's running means, with augmentation and dropout active.

    Args:
        log: Where to report.
        outputs: How to read the model's outputs.
        part: The validation images.
        passes: Positions within ``part`` that each epoch validates on; all of it where empty.
    """

    def __init__(
        self, log: TrialLog, outputs: Outputs, part: Part, *, passes: Sequence[Indices] = ()
    ) -> None:
        self._log, self._outputs, self._part, self._passes = log, outputs, part, passes
        self._epochs: list[dict[str, float]] = []
        self._seconds: list[float] = []
        self._last: tuple[Part, Raw] | None = None

    def validation(self, epoch: int) -> Part:
        """Returns the images that an epoch, counted from 0, validates on."""
        return self._part.only(self._passes[epoch]) if self._passes else self._part

    def epoch(self, epoch: int, means: Mapping[str, float], raw: Raw, *, steps: Seconds) -> None:
        """Logs an epoch; a loss that is not finite ends the training here.

        Args:
            epoch: Its number, from 0.
            means: Training loss and accuracy.
            raw: The model's outputs for the images of `validation`.
            steps: Durations of its steps, in seconds.
        """
        part = self.validation(epoch)
        values = {name: float(value) for name, value in means.items()}
        values[metrics.VAL_LOSS] = self._outputs.mean_loss(raw, part.labels)
        values[metrics.VAL_ACCURACY] = self._outputs.accuracy(raw, part.labels)
        self._last = (part, raw)
        self._epochs.append(values)
        self._seconds.append(float(steps.sum()))
        self._log.steps(steps)
        self._log.epoch(**values)

    def log_summary(self, fit_seconds: float, *, predictions: bool = True) -> None:
        """Logs the last and best epoch, and the model's predictions of the validation images.

        Args:
            fit_seconds: How long all epochs took.
            predictions: Whether to log these, which is needless where they are of the test images.
        """
        last = self._epochs[-1]
        best = max(epoch[metrics.VAL_ACCURACY] for epoch in self._epochs)
        self._log.known(metrics.FIT_SECONDS, fit_seconds)
        self._log.known(metrics.TRAIN_ACCURACY, last[metrics.ACCURACY])
        self._log.known(metrics.VAL_ACCURACY, last[metrics.VAL_ACCURACY])
        self._log.known(metrics.BEST_VAL_ACCURACY, best)
        self._log.known(metrics.VAL_LOSS, last[metrics.VAL_LOSS])
        if predictions and self._last is not None:
            part, raw = self._last
            probabilities = self._outputs.probabilities(raw)
            self._log.predictions("validation", part.labels, probabilities, examples=part.examples)

    def log_speed(
        self, trained: Sequence[keras.Model], images: int, *, frozen: Sequence[Features]
    ) -> None:
        """Logs the speed over all epochs but the first.

        Steps of two phases cost differently, so operations a second are left out there.

        Args:
            trained: The layers that the steps of each phase went through.
            images: Number of training images, all of which each epoch has seen once.
            frozen: The layers that were computed apart, of each phase with such layers.
        """
        later = self._seconds[1:]
        if not later:
            return
        passes = sum(each.augmented.seconds for each in frozen) / len(self._seconds)
        speed = images / (sum(later) / len(later) + passes)
        self._log.known(metrics.IMAGES_PER_SECOND, speed)
        # By the layers that train or, where they are computed apart, by the frozen ones.
        ledgers = [ledger for each in frozen for ledger in (each.fixed, each.augmented)]
        each = frozen[0].flops if frozen else training_flops(trained[0])
        if each is None or len(trained) > 1:
            return
        seconds = sum(ledger.seconds for ledger in ledgers)
        rate = each * (sum(ledger.rows for ledger in ledgers) / seconds if frozen else speed)
        self._log.known(metrics.FLOPS_PER_SECOND, rate)
        self._log.known(metrics.PEAK_FLOPS_SHARE, rate / peak_flops())

    def log_frozen(self, frozen: Sequence[Features], *, trials: int = 1) -> None:
        """Logs the time of the frozen layers, and how much of it other trials spent.

        Args:
            frozen: Those of each phase that has such layers.
            trials: How many train together; they share the time of what they compute equally.
        """
        if not frozen:
            return
        fixed, augmented = ([each.fixed for each in frozen], [each.augmented for each in frozen])
        ledgers = (*fixed, *augmented)
        engines = {engine for ledger in ledgers for engine in ledger.engines}
        self._log.environment(engine=", ".join(sorted(engines)))
        shared = sum(ledger.shared_seconds for ledger in ledgers)
        own = sum(ledger.seconds for ledger in ledgers) - shared
        shared += own * (trials - 1) / trials
        by_kind = [sum(ledger.seconds for ledger in kind) for kind in (fixed, augmented)]
        self._log.known(metrics.FROZEN_SECONDS, by_kind[0])
        self._log.known(metrics.FROZEN_AUGMENTED_SECONDS, by_kind[1])
        self._log.known(metrics.SHARED_SECONDS, max(0.0, shared))  # rounding may leave less than 0


class Validation(keras.callbacks.Callback):  # type: ignore[misc]  # Keras carries no types
    """Validates after each epoch and reports it at once.

    Args:
        report: Where to report.
        learner: What is trained.
        timer: Has timed the epoch's steps; it must be called before this callback.
    """

    def __init__(self, report: EpochReport, learner: Learner, timer: StepTimer) -> None:
        super().__init__()
        self._report, self._learner, self._timer = report, learner, timer

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validates and reports."""
        raw = predict(self._learner, self._report.validation(epoch))
        self._report.epoch(epoch, logs or {}, raw, steps=self._timer.seconds)
