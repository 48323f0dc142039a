"""Times every training step with the device's work finished, as a Keras callback."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.vision.platform.devices import on_processor


class StepTimer(keras.callbacks.Callback):  # type: ignore[misc]  # Keras carries no types
    """Keeps the duration of each step of the current epoch, in seconds.

    Frameworks hand work to a device and return early. A step has ended here when its loss and the
    weights that it changed can be read, so that nothing of it is counted in the next one. On a
    processor, and on JAX, whose step is one program, all of it is there when the loss is. Elsewhere
    the smallest weight is read too: a device does its work in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self._durations: list[float] = []
        self._began = 0.0
        self._apart = keras.backend.backend() != "jax" and not on_processor()
        self._smallest: Any = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begins an empty list."""
        self._durations = []
        weights = self.model.trainable_variables if self._apart else []
        self._smallest = min(weights, key=lambda weight: math.prod(weight.shape), default=None)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Waits for the device and stops the clock."""
        for value in (logs or {}).values():
            float(value)
        if self._smallest is not None:
            np.asarray(self._smallest)
        self._durations.append(time.perf_counter() - self._began)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Durations of the epoch's steps so far, shape (step,)."""
        return np.asarray(self._durations, dtype=np.float64)
