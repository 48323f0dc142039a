"""What all adapters do alike: seeds for frameworks, settings, names of metrics, the test."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablations.adapters.parts import TEST
from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import ReportingError, StudyError

EPOCHS = 10
BATCH_SIZE = 32
"""The same as those of `ablations.vision`."""

_TINY = 1e-7
"""Probabilities are not taken for less, as in Keras, where their logarithm is needed."""

_MISSPELT = 0.85
"""Names at least this alike, such as ``epoch`` and ``epochs``, are taken for the same."""

_MEASURED = ("runtime", "per_second", "time")
"""Ends of names that a ``Trainer`` reports beside its results."""


def require_installed(adapter: str, package: str) -> None:
    """Raises ``StudyError`` if a framework is missing; imports nothing."""
    if find_spec(package) is None:
        name = {"sklearn": "scikit-learn"}.get(package, package)
        raise StudyError(
            f"ablations.adapters.{adapter} cannot be used",
            received=f"no package '{name}'",
            cure=f"Install it: python -m pip install {name}",
        )


def require_function(adapter: str, name: str, given: object) -> None:
    """Raises ``StudyError`` for an argument that must be a function."""
    if not callable(given):
        raise StudyError(
            f"ablations.adapters.{adapter}: '{name}' must be a function",
            received=type(given).__name__,
            cure=f"Define {name}(trial), which is called in each trial with its settings and seed",
        )


def seed_of(trial: Trial, purpose: str) -> int:
    """Returns a number for frameworks that take one, of the trial's stream for a purpose."""
    return int(trial.rng(purpose).integers(2**31))


def seed_python(seed: int) -> None:
    """Seeds the generators that Python and NumPy share with all that draw from them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - layers and transforms of others draw from it


def whole_setting(trial: Trial, name: str, default: int) -> int:
    """Returns a setting of the trial that must be a whole number of at least 1.

    Raises:
        StudyError: if it is none, or another setting must be meant for it.
    """
    meant = get_close_matches(name, trial.settings, n=1, cutoff=_MISSPELT)
    if meant and name not in trial.settings:
        raise StudyError(
            f"setting '{meant[0]}' is read by no adapter",
            received=f"{meant[0]}={trial.settings[meant[0]]!r}",
            cure=f"Call it '{name}', or give it a name that is less alike",
        )
    value = trial.settings.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise StudyError(
            f"setting '{name}' must be a whole number of at least 1",
            received=repr(value),
            cure=f"Write for example settings={{'{name}': {default}}}",
        )
    return value


def epoch_values(given: Mapping[str, Any]) -> dict[str, float]:
    """Returns the results of an epoch by Keras's names, whatever a framework calls them.

    Example:
        >>> epoch_values({"train_loss": 1.0, "eval_acc": 0.5, "eval_runtime": 3.0})
        {'loss': 1.0, 'val_accuracy': 0.5}
    """
    from ablations.imports.metric_names import name_of

    numbers = {
        name: float(value)
        for name, value in given.items()
        if isinstance(value, SupportsFloat) and not name.endswith((*_MEASURED, "_step"))
    }
    short = {name: name_of(name).removeprefix("train_") for name in numbers}
    once = Counter(short.values())
    return {short[n] if once[short[n]] == 1 else n: value for n, value in numbers.items()}


def as_probabilities(outputs: ArrayLike, *, logits: bool) -> NDArray[np.float64]:
    """Returns a model's outputs as probabilities, shape (example, class).

    Args:
        outputs: Shape (example, class); or (example,) or (example, 1) for two classes.
        logits: Whether they are what a softmax or a sigmoid is still to be applied to.

    Raises:
        ReportingError: if they have another shape, are no probabilities though they should be, or
            are probabilities already though they should be logits: the loss took them for logits.
    """
    found = np.asarray(outputs, dtype=np.float64)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2:
        raise ReportingError(
            "the outputs of the model must be (example, class)",
            received=f"shape {found.shape}",
            cure="Give the model one output per class",
        )
    binary = found.shape[1] == 1
    if binary:  # a sigmoid is the softmax of this number and zero
        found = np.hstack([np.zeros_like(found) if logits else 1 - found, found])
    if logits:
        _require_logits(found)
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    known = found[np.isfinite(found).all(axis=1)]
    if not (np.allclose(known.sum(axis=1), 1, atol=1e-2) and (known > -1e-3).all()):
        raise ReportingError(
            "the outputs of the model are no probabilities",
            received=f"for the first example {np.round(known[0], 3).tolist()}",
            cure="End the model with a softmax, or give its loss from_logits=True",
        )
    return found


def _require_logits(found: NDArray[np.float64]) -> None:
    if len(found) > 1 and (found >= 0).all() and np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise ReportingError(
            "the outputs of the model are probabilities already, and its loss takes them for "
            "logits",
            received=f"for the first example {np.round(found[0], 3).tolist()}",
            cure="Remove the softmax from the model, or from_logits=True from its loss",
        )


def log_test(
    log: TrialLog,
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    examples: str,
    loss: bool = True,
) -> None:
    """Reports the predictions of the test examples, and the accuracy and loss that follow.

    The loss is the mean negative logarithm of the true class's probability.

    Args:
        log: Where to report.
        labels: True classes, whole numbers from 0, shape (example,).
        probabilities: Shape (example, class).
        examples: A digest of which examples these are.
        loss: Whether these are probabilities, and not the class that was named.

    Raises:
        ReportingError: if a label is beyond the classes.
        DivergedError: if a probability is not finite.
    """
    log.predictions(TEST, labels, probabilities, examples=examples)
    truth, outputs = np.asarray(labels).astype(np.int64), np.asarray(probabilities)
    if truth.max(initial=0) >= outputs.shape[1]:
        raise ReportingError(
            "a test label is beyond the classes that the model knows",
            received=f"label {truth.max()} and {outputs.shape[1]} classes",
            cure="Number the classes from 0, and give the model one output per class",
        )
    own = outputs[np.arange(len(truth)), truth]
    log.known(metrics.TEST_ACCURACY, float((outputs.argmax(axis=1) == truth).mean()))
    if loss:
        log.known(metrics.TEST_LOSS, float(-np.log(np.clip(own, _TINY, 1)).mean()))


def log_majority(log: TrialLog, train: NDArray[Any], test: NDArray[Any]) -> None:
    """Reports the accuracy of always naming the class that is the most frequent in training."""
    classes, counts = np.unique(train, return_counts=True)
    log.known(metrics.MAJORITY_ACCURACY, float((test == classes[counts.argmax()]).mean()))
