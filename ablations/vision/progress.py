"""Reports each epoch while training runs, and the training as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ablations.record import TrialLog
from ablations.vision.costs import peak_flops, training_flops
from ablations.vision.loop import Learner, Part, predict
from ablations.vision.outputs import Raw
from ablations.vision.splits import Indices
from ablations.vision.timing import StepTimer


class EpochReport(keras.callbacks.Callback):  # type: ignore[misc]  # Keras carries no types
    """Validates after each epoch and logs the epoch's metrics and step durations at once.

    Training loss and accuracy are the epoch's running means, with augmentation and dropout at work.

    Args:
        log: Where to report.
        timer: Has timed the epoch's steps; it must be called before this callback.
        learner: What is trained.
        part: The validation images.
        passes: Positions within ``part`` that each epoch validates on; all of it where empty.
    """

    def __init__(
        self,
        log: TrialLog,
        timer: StepTimer,
        *,
        learner: Learner,
        part: Part,
        passes: Sequence[Indices] = (),
    ) -> None:
        super().__init__()
        self._log, self._timer, self._learner = log, timer, learner
        self._whole, self._part, self._passes = part, part, passes
        self._epochs: list[dict[str, float]] = []
        self._seconds: list[float] = []
        self._raw: Raw | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validates and logs; a loss that is not finite ends the training here."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        if self._passes:
            self._part = self._whole.only(self._passes[epoch])
        outputs, labels = self._learner.outputs, self._part.labels
        self._raw = predict(self._learner, self._part)
        values["val_loss"] = outputs.mean_loss(self._raw, labels)
        values["val_accuracy"] = outputs.accuracy(self._raw, labels)
        self._epochs.append(values)
        self._seconds.append(float(self._timer.seconds.sum()))
        self._log.steps(self._timer.seconds)
        self._log.epoch(**values)

    def log_summary(self, images: int) -> None:
        """Logs the last and best epoch and the speed over all epochs but the first.

        Args:
            images: Number of training images, all of which each epoch has seen once.
        """
        last = self._epochs[-1]
        best = max(epoch["val_accuracy"] for epoch in self._epochs)
        for name, value in (
            ("train_accuracy", last["accuracy"]),
            ("val_accuracy", last["val_accuracy"]),
            ("best_val_accuracy", best),
        ):
            self._log.metric(name, value, unit="fraction", better="higher")
        self._log.metric("val_loss", last["val_loss"], better="lower")
        if later := self._seconds[1:]:
            frozen = self._learner.feed.frozen
            passes = frozen.augmented.seconds / len(self._seconds) if frozen else 0.0
            speed = images / (sum(later) / len(later) + passes)
            self._log.metric("images_per_second", speed, unit="per second", better="higher")
            self._log_flops(speed)
        if self._raw is not None:
            probabilities = self._learner.outputs.probabilities(self._raw)
            self._log.predictions("validation", self._part.labels, probabilities)

    def _log_flops(self, speed: float) -> None:
        """Logs the operations a second, by layers that train or, where taken apart, frozen ones."""
        feed = self._learner.feed
        if feed.frozen is None:
            rate = speed * training_flops(feed.trained)
        else:
            ledgers = (feed.frozen.fixed, feed.frozen.augmented)
            seconds = sum(ledger.seconds for ledger in ledgers)
            rate = feed.frozen.flops * sum(ledger.rows for ledger in ledgers) / seconds
        self._log.metric("flops_per_second", rate, unit="per second", better="higher")
        share = rate / peak_flops()
        self._log.metric("peak_flops_share", share, unit="fraction", better="higher")
