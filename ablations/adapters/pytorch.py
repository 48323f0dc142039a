"""Trains a PyTorch module of yours in a plain loop: the adapter `torch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ablations.adapters.reporting import require_function, require_installed
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.entry import Train

Loaders = Callable[[Trial], Mapping[str, Any]]
Loss = Callable[[Any, Any], Any]


def torch(
    module: Callable[[Trial], Any],
    loaders: Loaders,
    optimizer: Callable[[Trial, Any], Any],
    *,
    loss: Loss | None = None,
) -> Train:
    """Returns a training function: a plain loop over the epochs, then the test.

    The setting ``epochs`` (10) says how many; all others are for your functions. The loop is
    `ablations.adapters.torch_loop.train_module`, a page to copy where you need another one.

    The trial's seed is that of the split, the order, the first weights and dropout. The data and
    the model draw from streams of their own, so that all arms of a seed see the same batches.

    Args:
        module: Called with the trial; returns a ``torch.nn.Module`` with one output per class,
            before any softmax.
        loaders: Called with the trial; returns iterables of ``(inputs, labels)``, such as
            ``DataLoader``, by ``train``, ``test`` and perhaps ``validation``. `split` shares
            examples out.
        optimizer: Called with the trial and the module's parameters; returns an optimizer.
        loss: A function of outputs and labels; cross-entropy if left out.

    Raises:
        StudyError: if PyTorch is missing, or a function is none.
    """
    require_installed("torch", "torch")
    for name, given in (("module", module), ("loaders", loaders), ("optimizer", optimizer)):
        require_function("torch", name, given)

    def train(trial: Trial, log: TrialLog) -> None:
        from ablations.adapters.torch_loop import train_module

        train_module(module, loaders, optimizer, trial=trial, log=log, loss=loss)

    return train
