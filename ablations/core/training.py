"""Whether a network trained at all, from its record alone.

A network that ends by naming one class for every example has learned nothing of its inputs: its
accuracy is the share of one class. That happens to a few seeds of a recipe or to all of them (a
layer of rectifiers that no longer lets anything through, a learning rate that is too high), and
such a seed is no draw from the spread of those that train. `docs/statistics.md` derives the
tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.core import metrics
from ablations.core.record import Predictions, RunRecord, Training

RULE = 1
"""The number of this rule; another one judges stored records anew."""

ROUNDING = 1e-4
"""Outputs that differ by less than this part of an equal share of the classes are the same.

Sums of d products in another order differ by about sqrt(d) / 2^24 in float32: 2e-5 for d = 10^5.
"""

RESOLUTION = 0.01
"""A loss within this part of that of guessing is at guessing.

Below it the outputs hold at least 1% of what there is to know of the classes. With two equal
classes this is an accuracy of up to 56%, as 1 - entropy(0.56) / ln 2 is 1%.
"""

MAJORITY = 0.9
"""Above this share of one class, always naming it may be the honest optimum.

Then accuracies and losses say nothing of whether a network trained; its outputs do.
"""


_ANSWERS: Mapping[Training, bool | None] = {"trained": True, "untrained": False, "unknown": None}


def trained(record: RunRecord) -> bool | None:
    """Returns whether the network of a completed trial trained; ``None`` where that is unknown.

    It did not where its outputs are the same for all examples of each split that was recorded, or
    where it gives all of them one class and no epoch's loss was better than guessing. Without
    recorded outputs it did not where its test accuracy is just the share of the majority's class
    and no epoch's loss was better than guessing that.
    """
    if record.training is not None:
        return _ANSWERS[record.training]
    informative = [p for p in record.predictions if _informs(p)]
    if not informative:
        return _by_numbers(record)
    if all(_constant(p.probabilities) for p in informative):
        return False
    if any(np.ptp(p.probabilities.argmax(axis=1)) > 0 for p in informative):
        return True
    guessing = min(_entropy(p.labels) for p in informative)
    return not (all(map(_no_better_than_guessing, informative)) and _stays_at(record, guessing))


def training_of(record: RunRecord) -> Training:
    """Returns in a word what `trained` says."""
    found = trained(record)
    return "unknown" if found is None else "trained" if found else "untrained"


def untrained(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Returns the completed records whose network did not train."""
    return [record for record in records if record.completed and trained(record) is False]


def _informs(predictions: Predictions) -> bool:
    """Whether examples of several classes are there, so that equal outputs mean something."""
    return predictions.probabilities.size > 0 and bool(np.ptp(predictions.labels))


def _constant(probabilities: NDArray[np.float32]) -> bool:
    """Whether all rows of shape (example, class) agree but for rounding."""
    return bool(np.ptp(probabilities, axis=0).max() <= ROUNDING / probabilities.shape[1])


def _entropy(labels: NDArray[np.int64]) -> float:
    """Returns the loss of always giving the classes their shares, the best without looking."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum())


def _no_better_than_guessing(predictions: Predictions) -> bool:
    """Whether the cross-entropy of recorded outputs is at least that of the classes' shares."""
    labels, outputs = predictions.labels, predictions.probabilities
    if labels.min() < 0 or labels.max() >= outputs.shape[1]:
        return False
    own = outputs[np.arange(len(labels)), labels]
    loss = float(-np.log(np.clip(own, 1e-7, 1.0)).mean())
    return loss >= (1 - RESOLUTION) * _entropy(labels)


def _by_numbers(record: RunRecord) -> bool | None:
    values = {metric.name: metric.value for metric in record.metrics}
    accuracy, share = values.get(metrics.TEST_ACCURACY), values.get(metrics.MAJORITY_ACCURACY)
    if accuracy is None or share is None or not 0 < share <= MAJORITY:
        return None
    if not _losses(record.epochs):
        return None
    at_share = math.isclose(accuracy, share, rel_tol=1e-9)
    return not (at_share and _stays_at(record, _least_entropy(share, record.epochs)))


def _least_entropy(share: float, epochs: Sequence[Mapping[str, float]]) -> float:
    """Returns the least loss of guessing, knowing the share of one class and not their number.

    From a half on the rest may be a single class. Below it any class may be larger by the luck of
    the draw, but none larger than the best accuracy of any epoch.
    """
    if share >= 0.5:
        return -share * math.log(share) - (1 - share) * math.log1p(-share)
    best = max((epoch.get(metrics.ACCURACY, 0.0) for epoch in epochs), default=0.0)
    return -math.log(max(share, min(best, 1.0)))


def _stays_at(record: RunRecord, guessing: float) -> bool:
    """Whether no epoch's loss was better than guessing; no where no loss is known."""
    losses = _losses(record.epochs)
    return bool(losses) and min(losses) >= (1 - RESOLUTION) * guessing


def _losses(epochs: Sequence[Mapping[str, float]]) -> list[float]:
    """Returns the training loss of each epoch, of two epochs or more; else nothing."""
    found = [epoch[metrics.LOSS] for epoch in epochs if metrics.LOSS in epoch]
    return found if len(found) == len(epochs) > 1 else []
