"""The callback for a Hugging Face ``Trainer``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import transformers

from ablations.adapters.parts import digest
from ablations.adapters.reporting import as_probabilities, epoch_values, log_test, seed_of
from ablations.adapters.torch_streams import ModelStream, log_fit, seed_torch
from ablations.core.metrics import LOSS
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import StudyError


class TrialCallback(transformers.TrainerCallback):  # type: ignore[misc]  # see pyproject.toml
    """Logs step times, epochs and the test; see `ablations.adapters.transformers`.

    ``seeds`` are those for ``TrainingArguments``: of the first weights, and of the order.
    """

    def __init__(self, trial: Trial, log: TrialLog) -> None:
        self._trial, self._log = trial, log
        self._values: dict[str, float] = {}
        self._began = 0.0
        self._of_model: ModelStream | None = None
        self.seeds = {
            "seed": seed_of(trial, "initialization"),
            "data_seed": seed_of(trial, "order"),
        }
        seed_torch(self.seeds["seed"])

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Makes sure of the seeds and begins the streams."""
        given = {name: getattr(args, name) for name in self.seeds}
        if given != self.seeds:
            raise StudyError(
                "the Trainer has other seeds than the trial, so that its trials would be alike",
                received=", ".join(f"{name}={value}" for name, value in given.items()),
                cure="Write TrainingArguments(…, **callback.seeds)",
            )
        self._of_model = ModelStream(self._trial)
        self._began = time.perf_counter()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begins a step, which draws from the model's stream."""
        self._stream.__enter__()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends a step, when the device has finished it."""
        self._stream.__exit__(None, None, None)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Logs the epoch before, whose results come after its end."""
        self._log_epoch()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        """Keeps the loss of training."""
        self._values |= epoch_values({k: v for k, v in (logs or {}).items() if k == LOSS})

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **_: Any
    ) -> None:
        """Keeps the results of validation."""
        found = epoch_values(metrics)
        self._values |= {name: value for name, value in found.items() if name != "epoch"}

    def on_train_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        """Logs the last epoch and the training as a whole."""
        self._log_epoch()
        seconds = time.perf_counter() - self._began
        log_fit(self._log, model, seconds, transformers=transformers.__version__)

    def test(self, output: Any, *, logits: bool = True) -> None:
        """Reports the test.

        Args:
            output: What ``trainer.predict`` returns for the test examples, in their order.
            logits: Whether the model's outputs are what a softmax is still to be applied to.
        """
        first = output.predictions
        first = first[0] if isinstance(first, tuple) else first
        labels = np.asarray(output.label_ids)
        found = as_probabilities(first, logits=logits)
        log_test(self._log, labels, found, examples=digest(np.arange(len(labels)), labels))

    def _log_epoch(self) -> None:
        if steps := self._stream.taken():
            self._log.steps(steps)
            self._log.epoch(**self._values)
            self._values = {}

    @property
    def _stream(self) -> ModelStream:
        assert self._of_model is not None  # noqa: S101 - `on_train_begin` comes first
        return self._of_model
