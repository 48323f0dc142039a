"""Trains a Keras model of yours with `fit`: the adapter `keras`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablations.adapters.parts import Data, Size, load
from ablations.adapters.reporting import require_function, require_installed
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.entry import Train


def _none(_trial: Trial) -> Sequence[Any]:
    return ()


def keras(
    build: Callable[[Trial], Any],
    data: Data,
    *,
    test: Size = 0.2,
    validation: Size = 0.1,
    callbacks: Callable[[Trial], Sequence[Any]] = _none,
) -> Train:
    """Returns a training function that calls ``fit`` on a Keras model.

    The settings ``epochs`` (10) and ``batch_size`` (32) say how; all others are for ``build``.
    The trial's seed draws the split, the order of the examples in each epoch, and what Keras draws
    for weights and dropout.

    Args:
        build: Called with the trial; returns a compiled model with one output per class, or a
            single one for two classes.
        data: ``(inputs, labels)``, to be split; or a mapping of such pairs by ``train``, ``test``
            and perhaps ``validation``; or a function of the trial that returns either. Labels are
            whole numbers from 0, or one-hot.
        test: The share of the examples below 1, or the number, that the test takes.
        validation: Likewise, for the validation after each epoch; 0 for none.
        callbacks: Called with the trial; returns further Keras callbacks.

    Raises:
        StudyError: if Keras is missing, or a function is none.
    """
    require_installed("keras", "keras")
    require_function("keras", "build", build)
    require_function("keras", "callbacks", callbacks)

    def train(trial: Trial, log: TrialLog) -> None:
        from ablations.adapters.keras_fit import fit_model

        found = load(data, trial, test=test, validation=validation)
        parts = {name: replace(own, inputs=np.asarray(own.inputs)) for name, own in found.items()}
        fit_model(build, parts, trial, log, callbacks=callbacks)

    return train
