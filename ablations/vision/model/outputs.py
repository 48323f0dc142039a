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
_ROUNDING = 0.01  # of a softmax in 16 bits


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """How to read outputs of shape (example, unit).

    A single unit gives the second of two classes. ``logits`` is false if the outputs are
    probabilities already, of softmax or sigmoid.
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
            total = raw.sum(axis=1, keepdims=True)  # of sigmoids any number, as the loss has it
            return raw if np.allclose(total, 1, atol=_ROUNDING) else raw / total
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
    return Outputs(single=single, logits=not _gives_probabilities(model, recipe, units))


def _gives_probabilities(model: keras.Model, recipe: Recipe, units: int) -> bool:
    """Says whether the outputs are probabilities.

    A model of one's own may be a class that names its layers in any order, so that the one listed
    last need not give the outputs. There the outputs themselves tell: those of a softmax add up to
    1, and those of a sigmoid lie from 0 to 1.
    """
    end = _end(model)
    activation = getattr(end, "activation", None)
    sigmoid = activation is keras.activations.sigmoid or _is_operation(end, "Sigmoid")
    if recipe.build is None:
        softmax = isinstance(end, keras.layers.Softmax)
        return sigmoid or softmax or activation is keras.activations.softmax
    raw = _outputs_for_noise(model, 0, 255)
    if units > 1 and (raw >= 0).all() and np.allclose(raw.sum(axis=1), 1, atol=_ROUNDING):
        return True
    wide = _outputs_for_noise(model, -1e4, 1e4)  # which logits follow far beyond 0 to 1
    return sigmoid and not bool(((wide < 0) | (wide > 1)).any())


def _end(model: keras.Model) -> object:
    """Returns the last layer or operation: of a functional model that which gives the outputs."""
    end: object = model
    while isinstance(end, keras.Model):
        parts = getattr(end, "operations", None) or end.layers
        if not parts:
            break
        end = parts[-1]
    return end


def _is_operation(end: object, name: str) -> bool:
    return isinstance(end, keras.Operation) and type(end).__name__ == name


def _outputs_for_noise(model: keras.Model, low: float, high: float) -> NDArray[np.float64]:
    shape = (4, *model.input_shape[1:])
    noise = np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)
    raw = keras.ops.convert_to_numpy(model(noise, training=False))
    return np.asarray(raw, dtype=np.float64)
