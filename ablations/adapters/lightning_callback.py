"""The callback for a ``Trainer`` of Lightning."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from ablations.adapters.parts import digest
from ablations.adapters.reporting import as_probabilities, epoch_values, log_test, seed_of
from ablations.adapters.torch_streams import ModelStream, log_fit, seed_torch
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import ReportingError


class TrialCallback(Callback):  # type: ignore[misc]  # Lightning is not installed for the linter
    """Logs step times, epochs and the test; see `ablations.adapters.lightning`."""

    def __init__(self, trial: Trial, log: TrialLog) -> None:
        super().__init__()
        self._trial, self._log = trial, log
        self._tested: list[tuple[Any, Any]] = []
        self._logits = True
        self._began = 0.0
        self._of_model: ModelStream | None = None
        self._on_interrupt = signal.getsignal(signal.SIGINT)
        seed_torch(seed_of(trial, "initialization"))

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begins the streams, before any loader is asked for examples."""
        if stage == "fit":
            self._of_model = ModelStream(self._trial)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Starts the clock of the whole training."""
        self._began = time.perf_counter()

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Begins a step, which draws from the model's stream."""
        self._stream.__enter__()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ends a step, when the device has finished it."""
        self._stream.__exit__(None, None, None)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Logs the epoch."""
        self._log.steps(self._stream.taken())
        self._log.epoch(**epoch_values(trainer.callback_metrics))

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Lets Ctrl-C stop the whole run; Lightning would end this process as if it had failed."""
        if isinstance(exception, KeyboardInterrupt):
            signal.signal(signal.SIGINT, self._on_interrupt)  # which Lightning ignores from here on
            raise exception

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Logs the training as a whole."""
        seconds = time.perf_counter() - self._began
        log_fit(self._log, pl_module, seconds, lightning=lightning.__version__)

    def on_test_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *_: Any) -> None:
        """Keeps what ``test_step`` returns."""
        found = outputs if isinstance(outputs, Mapping) else {}
        self._logits = "logits" in found
        own = found.get("logits", found.get("probabilities"))
        if own is None or "labels" not in found:
            raise ReportingError(
                "test_step does not return what the model says of each example",
                received=", ".join(map(str, found)) or type(outputs).__name__,
                cure="Return {'logits': logits, 'labels': labels} from test_step",
            )
        self._tested.append((own.detach().float().cpu(), found["labels"].cpu()))

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Logs the test."""
        outputs, labels = (torch.cat(part).numpy() for part in zip(*self._tested, strict=True))
        self._tested = []
        found = as_probabilities(outputs, logits=self._logits)
        log_test(self._log, labels, found, examples=digest(np.arange(len(labels)), labels))

    @property
    def _stream(self) -> ModelStream:
        assert self._of_model is not None  # noqa: S101 - `setup` comes first
        return self._of_model
