"""Shares the examples of a data set out to training, validation and test, by the trial's seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablations.core.study import Trial
from ablations.errors import DataError, StudyError, meant

TRAIN, VALIDATION, TEST = NAMES = ("train", "validation", "test")

Size = float | int
"""A share of the examples if below 1, else their number."""

Data = Any
"""Inputs and labels; a mapping of these by part; or a function of the trial that returns either."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The examples of one part of the split.

    ``inputs`` is what can be indexed by a list of rows, ``labels`` has shape (example,), or
    (example, class) where they are one-hot. ``examples`` is a digest of which ones these are.
    """

    inputs: Any
    labels: NDArray[Any]
    examples: str

    @property
    def numbers(self) -> NDArray[Any]:
        """The labels as one value an example."""
        return self.labels.argmax(axis=1) if self.labels.ndim == 2 else self.labels


def split(
    trial: Trial, examples: int, *, test: Size = 0.2, validation: Size = 0.1
) -> dict[str, NDArray[np.int64]]:
    """Draws which examples are for training, validation and test; all arms of a seed share them.

    The test examples are the same whatever the size of the validation part is.

    Args:
        trial: Its seed draws.
        examples: How many there are.
        test: A share of them if below 1, else a number.
        validation: Likewise; there is no such part if it is 0.

    Returns:
        The rows of each part, ``train``, ``validation`` and ``test``, in random order.

    Raises:
        StudyError: if a part would be empty.

    Example:
        >>> from ablations import Arm
        >>> parts = split(Trial("s", "m:f", Arm(()), 0, {}), 100)
        >>> {name: len(rows) for name, rows in parts.items()}
        {'train': 70, 'validation': 10, 'test': 20}
    """
    first = _number("test", test, examples)
    second = first + _number("validation", validation, examples)
    if first == 0 or second >= examples or (validation and second == first):
        raise StudyError(
            "the examples do not suffice for training, validation and test",
            received=f"{examples} examples, test={test}, validation={validation}",
            cure="Give more examples, or smaller parts such as test=0.2, validation=0.1",
        )
    order = trial.rng("split").permutation(examples)
    rows = {TRAIN: order[second:], VALIDATION: order[first:second], TEST: order[:first]}
    return {name: own for name, own in rows.items() if own.size}


def _number(name: str, size: Size, examples: int) -> int:
    known = isinstance(size, int | float) and not isinstance(size, bool)
    if not known or not (0 <= size < 1 or (isinstance(size, int) and size > 0)):
        raise StudyError(
            f"'{name}' must be a share of the examples below 1, or their number",
            received=repr(size),
            cure=f"Write for example {name}=0.2",
        )
    return round(size * examples) if size < 1 else int(size)


def load(data: Data, trial: Trial, *, test: Size, validation: Size) -> dict[str, Part]:
    """Returns the parts of a data set: those that are given, or drawn by `split`.

    Raises:
        DataError: if these are no inputs and labels.
        StudyError: if a part would be empty.
    """
    found = data(trial) if callable(data) else data
    if isinstance(found, Mapping):
        require_names(found)
        pairs = {name: _pair(f"'{name}'", own) for name, own in found.items()}
        return {name: _part(own, np.arange(len(own[1]))) for name, own in pairs.items()}
    pair = _pair("the data", found)
    parts = split(trial, len(pair[1]), test=test, validation=validation)
    return {name: _part(pair, rows) for name, rows in parts.items()}


def require_names(parts: Mapping[str, object]) -> None:
    """Raises ``DataError`` unless there is training and test data, and perhaps validation."""
    other = [str(name) for name in parts if name not in NAMES]
    if other or not {TRAIN, TEST} <= set(parts):
        raise DataError(
            "the parts of the data must be train and test, and perhaps validation",
            received=", ".join(map(str, parts)) or "none",
            cure=f"{meant(other[0], NAMES) if other else ''}Return a mapping with these names",
        )


def digest(rows: NDArray[np.int64], labels: ArrayLike) -> str:
    """Returns a digest of which examples these are, by position and label, and in which order."""
    named = np.ascontiguousarray(labels)
    # Text has another width in each array.
    plain = repr(named.tolist()).encode() if named.dtype.kind in "OSU" else named.tobytes()
    return hashlib.sha256(rows.astype("<i8").tobytes() + plain).hexdigest()[:16]


def _pair(place: str, found: object) -> tuple[Any, NDArray[Any]]:
    """Returns inputs that rows index, and labels as an array."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise DataError(
            f"{place} must be a pair of inputs and labels",
            received=_kind(found),
            cure="Return (inputs, labels), or a mapping of such pairs by train, validation, test",
        )
    inputs, labels = found
    inputs = np.asarray(inputs) if isinstance(inputs, list | tuple) else inputs
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras gives those of CIFAR
        labels = labels[:, 0]
    shape = getattr(inputs, "shape", ("?",))
    if labels.ndim not in (1, 2) or not len(labels) or not shape or shape[0] != len(labels):
        raise DataError(
            f"{place} must have one label for each input",
            received=f"inputs of shape {tuple(shape)} and labels of shape {labels.shape}",
            cure="Return arrays whose first axis is the examples",
        )
    if labels.ndim == 2 and not _is_one_hot(labels):
        raise DataError(
            f"{place} must have one class for each input",
            received="rows of labels that do not sum to 1, as of several labels at a time",
            cure="Return the number of the class, or one column for each class with a single 1",
        )
    return inputs, labels


def _is_one_hot(labels: NDArray[Any]) -> bool:
    """Whether each row says to which class an example belongs, with shares that sum to 1."""
    return labels.dtype.kind in "biuf" and bool(
        (labels >= 0).all() and np.allclose(labels.sum(axis=1), 1, atol=1e-3)
    )


def _part(pair: tuple[Any, NDArray[Any]], rows: NDArray[np.int64]) -> Part:
    inputs, labels = pair
    own = labels[rows]
    return Part(getattr(inputs, "iloc", inputs)[rows], own, digest(rows, own))


def _kind(found: object) -> str:
    size = f" of {len(found)}" if isinstance(found, tuple | list) else ""
    return f"{type(found).__name__}{size}"
