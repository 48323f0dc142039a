"""What a model's raw outputs mean: loss, accuracy and probabilities, for one output or many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.core.metrics import ACCURACY
from ablations.errors import StudyError
from ablations.vision.recipe.settings import Recipe, check_units

Raw = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """How to read outputs of shape (example, unit).

    A single unit gives the second of two classes. ``logits`` is false if the model ends in
    softmax or sigmoid.
    """

    single: bool
    logits: bool

    def loss(self) -> Any:
        """Returns the Keras loss."""
        kind = "BinaryCrossentropy" if self.single else "SparseCategoricalCrossentropy"
        return getattr(keras.losses, kind)(from_logits=self.logits)

    def accuracy_metric(self) -> Any:
        """Returns the Keras metric of the same meaning as ``accuracy``."""
        if self.single:
            # Keras' own "accuracy" compares with 0.5 even where the outputs are logits.
            return keras.metrics.BinaryAccuracy(name=ACCURACY, threshold=self._threshold)
        return keras.metrics.SparseCategoricalAccuracy(name=ACCURACY)

    def targets(self, labels: Labels) -> NDArray[Any]:
        """Returns labels in the shape that the loss takes."""
        return labels[:, None].astype(np.float32) if self.single else labels

    def mean_loss(self, raw: Raw, labels: Labels) -> float:
        """Returns the mean loss over examples."""
        return float(keras.ops.convert_to_numpy(self.loss()(self.targets(labels), raw)))

    def accuracy(self, raw: Raw, labels: Labels) -> float:
        """Returns the fraction of examples whose likeliest class is the true one."""
        return float(np.mean(self.correct(raw, self.targets(labels))))

    def correct(self, raw: Any, targets: Any) -> Any:
        """Says of each example whether its likeliest class is the true one, in any array library.

        Args:
            raw: Outputs, shape (example, unit).
            targets: From `targets`.
        """
        if self.single:
            return (raw[:, 0] > self._threshold) == (targets[:, 0] > 0.5)
        return raw.argmax(axis=1) == targets

    def probabilities(self, raw: Raw) -> Raw:
        """Returns probabilities of shape (example, class)."""
        if self.single:
            second = 1 / (1 + np.exp(-raw[:, 0].astype(np.float64))) if self.logits else raw[:, 0]
            return np.stack([1 - second, second], axis=1).astype(np.float32)
        if not self.logits:
            return raw
        likely = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(likely / likely.sum(axis=1, keepdims=True), dtype=np.float32)

    @property
    def _threshold(self) -> float:
        return 0.0 if self.logits else 0.5


def read_outputs(model: keras.Model, recipe: Recipe, classes: int) -> Outputs:
    """Finds out what the outputs of ``model`` mean.

    Raises:
        StudyError: if they are no list of numbers per image, too few, or do not fit the loss.
    """
    shape = tuple(model.output_shape)
    if len(shape) != 2:
        raise StudyError(
            "the model must end in one list of numbers per image",
            received=f"outputs of shape {shape}",
            cure="Add flatten or globalpool before the last dense layer",
        )
    units = int(shape[1])
    check_units(units, classes)
    single = units == 1
    if recipe.loss is not None and single != (recipe.loss == "binary_crossentropy"):
        raise StudyError(
            f"setting 'loss' does not fit {units} outputs",
            received=recipe.loss,
            cure="Remove it, or change the last layer",
        )
    return Outputs(single=single, logits=not _ends_in_probabilities(model))


def _ends_in_probabilities(model: keras.Model) -> bool:
    last = model.layers[-1]
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    ends = (keras.activations.softmax, keras.activations.sigmoid)
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) in ends
