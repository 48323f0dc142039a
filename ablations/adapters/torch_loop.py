"""A plain training loop of PyTorch, with all that a trial reports in sight."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.adapters.parts import TEST, TRAIN, VALIDATION, digest, require_names
from ablations.adapters.reporting import (
    EPOCHS,
    as_probabilities,
    log_majority,
    log_test,
    seed_of,
    whole_setting,
)
from ablations.adapters.torch_streams import ModelStream, device, log_fit, seed_torch
from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import DataError, StudyError

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
Loss = Callable[[Any, Any], Any]


def train_module(
    module: Callable[[Trial], Any],
    loaders: Callable[[Trial], Mapping[str, Batches]],
    optimizer: Callable[[Trial, Any], Any],
    *,
    trial: Trial,
    log: TrialLog,
    loss: Loss | None = None,
) -> None:
    """Trains and tests a module; the arguments are those of `ablations.adapters.torch`.

    Raises:
        StudyError: if what the functions return cannot be used.
        DataError: if the loaders have other names, or one has no batch.
        DivergedError: if a loss is not finite.
    """
    parts, model = _made(module, loaders, trial)
    updates = optimizer(trial, model.parameters())
    loss = loss or torch.nn.functional.cross_entropy

    of_model = ModelStream(trial)
    began = time.perf_counter()
    for _ in range(whole_setting(trial, "epochs", EPOCHS)):
        means = _train(model, parts[TRAIN], loss, updates=updates, of_model=of_model)
        log.steps(of_model.taken())
        values = means.values()
        if VALIDATION in parts:
            held_out = _evaluate(model, parts[VALIDATION], loss).values()
            values |= {f"{metrics.VALIDATION}{name}": value for name, value in held_out.items()}
        log.epoch(**values)
    log_fit(log, model, time.perf_counter() - began)

    labels, probabilities = _test(model, parts[TEST], loss)
    log_test(log, labels, probabilities, examples=digest(np.arange(len(labels)), labels))
    log_majority(log, torch.cat(means.labels).numpy(), labels)


def _train(
    model: torch.nn.Module, batches: Batches, loss: Loss, *, updates: Any, of_model: ModelStream
) -> Means:
    """Trains an epoch; returns the means over its steps."""
    model.train()
    means = Means(TRAIN)
    for inputs, labels in batches:
        with of_model:  # also times the step
            targets = labels.to(device())
            updates.zero_grad()
            outputs = model(inputs.to(device()))
            own = loss(outputs, targets)
            own.backward()
            updates.step()
        means.add(own, outputs, targets)
    return means


def _evaluate(model: torch.nn.Module, batches: Batches, loss: Loss, *, keep: bool = False) -> Means:
    """Returns the means over a part of the data, and if ``keep`` the outputs."""
    model.eval()
    means = Means(TEST if keep else VALIDATION, keep=keep)
    with torch.no_grad():
        for inputs, labels in batches:
            targets = labels.to(device())
            outputs = model(inputs.to(device()))
            means.add(loss(outputs, targets), outputs, targets)
    return means


def _test(
    model: torch.nn.Module, batches: Batches, loss: Loss
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the labels and the probabilities of the test examples."""
    means = _evaluate(model, batches, loss, keep=True)
    means.values()  # raises where there is no batch
    outputs = as_probabilities(torch.cat(means.outputs).numpy(), logits=True)
    return torch.cat(means.labels).numpy(), outputs


@dataclass(slots=True)
class Means:
    """Mean loss and accuracy over batches of a part, with its labels and, if ``keep``, outputs."""

    part: str
    keep: bool = False
    loss: float = 0.0
    right: int = 0
    labels: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)

    def add(self, loss: torch.Tensor, outputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Adds a batch, given its mean loss."""
        if outputs.ndim != 2 or outputs.shape[1] < 2 or labels.ndim != 1:
            raise StudyError(
                "outputs must be (example, class), of two classes or more, and labels (example,)",
                received=f"shapes {tuple(outputs.shape)} and {tuple(labels.shape)}",
                cure="End the module with torch.nn.Linear(…, classes), and give whole numbers",
            )
        self.loss += float(loss.detach()) * len(labels)
        self.right += int((outputs.argmax(1) == labels).sum())
        self.labels.append(labels.cpu())
        if self.keep:
            self.outputs.append(outputs.float().cpu())

    def values(self) -> dict[str, float]:
        """Returns both means by Keras's names."""
        examples = sum(map(len, self.labels))
        if not examples:
            raise DataError(
                f"the loader '{self.part}' has no batch",
                received="nothing, or an iterator that was used up in the epoch before",
                cure="Return a DataLoader or a list, which can be gone through again",
            )
        return {metrics.LOSS: self.loss / examples, metrics.ACCURACY: self.right / examples}


def _made(
    module: Callable[[Trial], Any], loaders: Callable[[Trial], Mapping[str, Batches]], trial: Trial
) -> tuple[Mapping[str, Batches], torch.nn.Module]:
    """Makes loaders and module, each from its own stream of the trial's seed."""
    seed_torch(seed_of(trial, "split"))
    parts = loaders(trial)
    require_names(parts)
    seed_torch(seed_of(trial, "initialization"))
    model = module(trial)
    if not isinstance(model, torch.nn.Module):
        raise StudyError(
            "'module' must return a torch.nn.Module",
            received=type(model).__name__,
            cure="Define module(trial), which makes the module and returns it",
        )
    return parts, model.to(device())
