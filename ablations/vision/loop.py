"""The training loop: fixed order of data, one Keras step after the other, callbacks as in ``fit``.

``keras.Model.fit`` shuffles batches from a global seed and wraps the arrays in a pipeline that
takes longer to set up than a small study trains; ``train_on_batch`` computes the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ablations.vision.images import Image8
from ablations.vision.outputs import Labels, Outputs, Raw
from ablations.vision.settings import Recipe

PIXELS_AT_ONCE = 1 << 18
"""Inference takes at least a batch, or about this many numbers of small images, at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images of one part of the split, shape (example, height, width, channel), with labels."""

    images: Image8
    labels: Labels


def compile_model(model: keras.Model, recipe: Recipe, outputs: Outputs) -> None:
    """Sets the optimizer, the loss and the accuracy."""
    optimizer = keras.optimizers.get(recipe.optimizer)
    if recipe.learning_rate is not None:
        optimizer.learning_rate = recipe.learning_rate
    metrics = [outputs.accuracy_metric()]
    model.compile(optimizer=optimizer, loss=outputs.loss(), metrics=metrics)


def fit(
    model: keras.Model,
    part: Part,
    *,
    recipe: Recipe,
    outputs: Outputs,
    rng: np.random.Generator,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> None:
    """Trains ``model``, with a new order of the images in each epoch.

    Args:
        model: Compiled.
        part: The training images.
        recipe: Batch size and epochs.
        outputs: Shapes the labels.
        rng: Draws the orders; all arms of a seed draw the same ones.
        callbacks: Called as ``keras.Model.fit`` calls them, with the epoch's running means.
    """
    called = keras.callbacks.CallbackList(list(callbacks), model=model)
    targets = outputs.targets(part.labels)
    called.on_train_begin()
    for epoch in range(recipe.epochs):
        called.on_epoch_begin(epoch)
        model.reset_metrics()
        logs: dict[str, Any] = {}
        order = rng.permutation(len(part.labels))
        for step, start in enumerate(range(0, len(order), recipe.batch_size)):
            chosen = order[start : start + recipe.batch_size]
            called.on_train_batch_begin(step)
            images = part.images[chosen].astype(np.float32)
            logs = model.train_on_batch(images, targets[chosen], return_dict=True)
            called.on_train_batch_end(step, logs)
        called.on_epoch_end(epoch, logs)
    called.on_train_end(logs)


def predict(model: keras.Model, images: Image8, batch_size: int) -> Raw:
    """Returns the raw outputs for ``images``, shape (example, unit), in inference mode.

    Small images go in larger batches than ``batch_size``, which no output depends on.
    """
    size = min(len(images), max(batch_size, PIXELS_AT_ONCE // images[0].size))
    said = []
    for start in range(0, len(images), size):
        batch = images[start : start + size].astype(np.float32)
        # Equal shapes spare a second compilation; the padding's outputs are cut off again.
        padding = [(0, size - len(batch)), (0, 0), (0, 0), (0, 0)]
        said.append(np.asarray(model.predict_on_batch(np.pad(batch, padding)))[: len(batch)])
    return np.concatenate(said).astype(np.float32)
