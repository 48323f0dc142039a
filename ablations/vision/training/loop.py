"""The training loop: fixed order of data, one Keras step after the other, callbacks as in ``fit``.

``keras.Model.fit`` shuffles batches from a global seed and wraps the arrays in a pipeline that
takes longer to set up than a small study trains; ``train_on_batch`` computes the same steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass

import keras
import numpy as np

from ablations.vision.data.images import Image8, Source
from ablations.vision.data.splits import Indices, buffered_shuffle
from ablations.vision.model.outputs import Labels, Outputs, Raw, read_outputs
from ablations.vision.model.precision import scaling_losses
from ablations.vision.platform import shortcuts
from ablations.vision.recipe.settings import Recipe
from ablations.vision.training.feeds import Feed, feed_of
from ablations.vision.training.prefetch import prefetch

NUMBERS_AT_ONCE = 1 << 18
"""Inference takes at least a batch, or about this many numbers of small inputs, at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The images of one part of the split: their rows in ``source``, and their labels."""

    source: Source
    rows: Indices
    labels: Labels

    @property
    def images(self) -> Image8:
        """The images, shape (example, height, width, channel)."""
        return self.source.images[self.rows]

    @property
    def examples(self) -> str:
        """A digest of which images these are, by position and label, and in which order."""
        named = np.stack([self.rows, self.labels]).astype("<i8")
        return hashlib.sha256(named.tobytes()).hexdigest()[:16]

    def only(self, chosen: Indices) -> Part:
        """Returns the images at these positions."""
        return Part(self.source, self.rows[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A compiled model with its feed, how to read its outputs, and the recipe to train it by."""

    model: keras.Model
    feed: Feed
    outputs: Outputs
    recipe: Recipe


def make_learner(model: keras.Model, recipe: Recipe, source: Source, *, classes: int) -> Learner:
    """Compiles ``model`` for so many classes, to be fed from the images of ``source``.

    Raises:
        StudyError: if the outputs do not fit the loss or the number of classes.
    """
    outputs = read_outputs(model, recipe, classes)
    feed = feed_of(model, source)
    compile_model(feed.trained, recipe, outputs)
    return Learner(model, feed, outputs, recipe)


def compile_model(model: keras.Model, recipe: Recipe, outputs: Outputs) -> None:
    """Sets the recipe's optimizer, and the loss and accuracy that the outputs call for."""
    optimizer = keras.optimizers.get(recipe.optimizer)
    if recipe.learning_rate is not None:
        optimizer.learning_rate = recipe.learning_rate
    optimizer = scaling_losses(optimizer, recipe.precision)
    metrics = [outputs.accuracy_metric()]
    model.compile(optimizer=optimizer, loss=outputs.loss(), metrics=metrics)


def fit(
    learner: Learner,
    part: Part,
    *,
    rng: np.random.Generator,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    epochs: range | None = None,
) -> None:
    """Trains the model, with a new order of the images in each epoch.

    Args:
        learner: What to train, and for how many epochs.
        part: The training images.
        rng: Draws the orders; all arms of a seed draw the same ones.
        callbacks: Called as ``keras.Model.fit`` calls them, with the means over the epoch so far.
        epochs: The numbers of the epochs, from 0; all of the recipe's if not given.
    """
    model, targets = learner.feed.trained, learner.outputs.targets(part.labels)
    called = keras.callbacks.CallbackList(list(callbacks), model=model)
    called.on_train_begin()
    for epoch in epochs or range(learner.recipe.epochs):
        called.on_epoch_begin(epoch)
        logs: dict[str, float] = {}
        steps = list(batches(len(targets), learner.recipe, rng))
        inputs = learner.feed.batches([part.rows[chosen] for chosen in steps])
        ahead = closing(prefetch(inputs)) if shortcuts.on("ahead") else nullcontext(inputs)
        with ahead as ready, epoch_means(model):
            for step, chosen in enumerate(steps):
                called.on_train_batch_begin(step)
                logs = model.train_on_batch(next(ready), targets[chosen], return_dict=True)
                called.on_train_batch_end(step, logs)
        called.on_epoch_end(epoch, logs)
    called.on_train_end(logs)


@contextmanager
def epoch_means(model: keras.Model) -> Iterator[None]:
    """Begins the metrics anew once, as ``fit`` does, where ``train_on_batch`` would at each step.

    That takes a third of the time of a small step.
    """
    model.reset_metrics()
    vars(model)["reset_metrics"] = lambda: None
    try:
        yield
    finally:
        del vars(model)["reset_metrics"]


def batches(images: int, recipe: Recipe, rng: np.random.Generator) -> Iterator[Indices]:
    """Yields the positions of the images of each step, in a new order; the last may be fewer.

    Args:
        images: How many there are.
        recipe: Says how many a step takes, and how they are shuffled.
        rng: Draws the order.
    """
    if recipe.split == "as-published":
        order = buffered_shuffle(np.arange(images), recipe, rng)
    else:
        order = rng.permutation(images)
    for start in range(0, images, recipe.batch_size):
        yield order[start : start + recipe.batch_size]


def predict(learner: Learner, part: Part) -> Raw:
    """Returns the raw outputs for a part's images, shape (example, unit), in inference mode.

    Small inputs go in larger batches than in training, which no output depends on.
    """
    model, rows = learner.feed.inferring, part.rows
    numbers = int(np.prod(model.input_shape[1:]))
    size = min(len(rows), max(learner.recipe.batch_size, NUMBERS_AT_ONCE // numbers))
    outputs = []
    for start in range(0, len(rows), size):
        batch = learner.feed.inputs(rows[start : start + size])
        # Equal shapes spare a second compilation; the padding's outputs are cut off again.
        padding = [(0, size - len(batch)), *[(0, 0)] * (batch.ndim - 1)]
        raw = model.predict_on_batch(np.pad(batch, padding))
        outputs.append(np.asarray(raw, dtype=np.float32)[: len(batch)])
    return np.concatenate(outputs)
