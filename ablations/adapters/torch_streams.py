"""Keeps what PyTorch draws for data apart from what it draws for the model.

Both come from one generator of the process. An arm with dropout would draw more from it than one
without, and see its examples in another order from the second epoch on.
"""

from __future__ import annotations

import random
import time
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from ablations.adapters.reporting import seed_of, seed_python
from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog


def seed_torch(seed: int) -> None:
    """Seeds all that code around PyTorch draws from."""
    seed_python(seed)
    torch.manual_seed(seed)


def device() -> torch.device:
    """Returns the accelerator, or the processor where there is none."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")


def synchronize() -> None:
    """Waits until the accelerator has finished all work, so that times are those of the work."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


class ModelStream:
    """Within its block random numbers are the model's, such as those of dropout; else the data's.

    ``seconds`` has how long each block took, with the accelerator's work finished.

    Args:
        trial: Its seed gives both streams. They begin here.
    """

    def __init__(self, trial: Trial) -> None:
        seed_torch(seed_of(trial, "dropout"))
        self._other = _state()
        self._began = 0.0
        self.seconds: list[float] = []
        seed_torch(seed_of(trial, "order"))

    def __enter__(self) -> Self:
        self._switch()
        synchronize()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        synchronize()
        self.seconds.append(time.perf_counter() - self._began)
        self._switch()

    def _switch(self) -> None:
        """Goes on with the other stream where it was left."""
        now, self._other = self._other, _state()
        random.setstate(now[0])
        np.random.set_state(now[1])  # noqa: NPY002 - transforms of others draw from it
        torch.set_rng_state(now[2])

    def taken(self) -> list[float]:
        """Returns the seconds of the blocks since the last call."""
        found, self.seconds = self.seconds, []
        return found


def _state() -> tuple[Any, Any, torch.Tensor]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def log_fit(log: TrialLog, model: torch.nn.Module, seconds: float, **versions: str) -> None:
    """Reports how long a training took, the size of its model, and what it ran on."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    log.known(metrics.FIT_SECONDS, seconds)
    log.known(metrics.PARAMETERS, sum(size for size, _ in sizes))
    log.known(metrics.TRAINABLE_PARAMETERS, sum(size for size, trained in sizes if trained))
    log.environment(torch=torch.__version__, device=str(device()), **versions)
