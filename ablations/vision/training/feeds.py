"""What a model is fed in training and inference: images, or what its frozen layers make of them.

Three feeds give the same training; they differ in what is computed when. The plain one puts images
into the whole model. Another augments images ahead of the step, and trains the rest of the model.
The third takes what the frozen prefix makes of images from the cache, and trains the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.vision.data.images import Source
from ablations.vision.features.augmenting import Augmentation
from ablations.vision.features.frozen import Features
from ablations.vision.model.graph import Cut, cut, model_of
from ablations.vision.platform import shortcuts

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


WORTH_NUMBERS = 64 * 64
"""Images of fewer numbers are augmented in the model sooner than the layers are called apart."""

LARGEST = 16
"""How many times the bytes of an image its features may have, to be kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """Gives a model its inputs.

    Args:
        trained: What training steps call; it shares its weights with the whole model.
        batches: Yields the inputs of each step of an epoch, given the images of each.
        inferring: What predicts; it shares its weights too.
        inputs: Returns the inputs for inference on these images.
        frozen: The frozen layers, where what they make is kept.
    """

    trained: keras.Model
    batches: Callable[[Sequence[Rows]], Iterator[Floats]]
    inferring: keras.Model
    inputs: Callable[[Rows], Floats]
    frozen: Features | None = None


def feed_of(model: keras.Model, source: Source) -> Feed:
    """Returns the fastest feed that ``model`` and the shortcuts allow.

    Args:
        model: The whole model, built.
        source: All images of the data set.
    """
    parts = cut(model)
    if not parts.random or shortcuts.on("ahead"):
        if parts.heavy and shortcuts.on("features") and _worth_keeping(parts, source):
            return _frozen(parts, source)
        large = math.prod(source.shape) >= WORTH_NUMBERS
        if parts.random and large and not any(link.heavy for link in parts.before):
            return _augmented(model, parts, source)
    return Feed(model, lambda steps: map(source.read, steps), model, source.read)


def _worth_keeping(parts: Cut, source: Source) -> bool:
    """Whether what a prefix makes of an image is not much larger than the image."""
    prefix = (*parts.before, *parts.random, *parts.after)
    made = model_of(prefix, source.shape).output_shape[1:]
    return bool(4 * math.prod(made) <= LARGEST * math.prod(source.shape))


def _augmented(model: keras.Model, parts: Cut, source: Source) -> Feed:
    lead = Augmentation((*parts.before, *parts.random), source.shape)

    def batches(steps: Sequence[Rows]) -> Iterator[Floats]:
        return (lead.apply(lead.draw(len(rows)), source.read(rows)) for rows in steps)

    trained = model_of((*parts.after, *parts.rest), lead.output_shape)
    return Feed(trained, batches, model, source.read)


def _frozen(parts: Cut, source: Source) -> Feed:
    features = Features(parts, source)
    rest = model_of(parts.rest, features.shape)
    return Feed(rest, features.training, rest, features.inference, frozen=features)
