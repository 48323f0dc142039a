"""Makes Keras layers of their descriptions, each fed from its own random stream."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ablations.vision.recipe.grammar import LayerSpec
from ablations.vision.recipe.words import Stream

_KERAS_NAMES = {"kernel": "kernel_size", "size": "pool_size"}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "conv": {"kernel_size": 3, "activation": "relu"},
    "dense": {"activation": "relu"},
}


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams that a model draws from; equal seeds draw alike in all arms."""

    initialization: np.random.Generator
    augmentation: np.random.Generator
    dropout: np.random.Generator

    def seed(self, stream: Stream) -> int:
        """Draws a seed for a layer or an initialiser."""
        rng: np.random.Generator = getattr(self, stream)
        return int(rng.integers(2**31))


def make_layer(
    spec: LayerSpec, streams: Streams, *, last: bool = False, dtype: str | None = None
) -> keras.Layer:
    """Returns a new Keras layer.

    Layers that prepare images compute in float32 whatever ``dtype`` is: bfloat16 has 8 bits, too
    few for grey levels between whole numbers.

    Args:
        spec: What to make.
        streams: Feed initial weights, augmentation and dropout.
        last: Whether the layer ends the model, where a dense layer is linear by default.
        dtype: The numbers that it computes with; ``None`` leaves that to Keras's policy.
    """
    if spec.name == "globalpool":
        how = "Max" if spec.get("how") == "max" else "Average"
        return getattr(keras.layers, f"Global{how}Pooling2D")(dtype=dtype)
    if spec.name == "rescale":
        return rescaling(spec.get("to"))
    augments = spec.word.stream == "augmentation"
    arguments: dict[str, Any] = {"dtype": "float32" if augments else dtype}
    arguments |= _DEFAULTS.get(spec.name, {})
    if last and spec.name == "dense":
        arguments["activation"] = "linear"
    arguments |= {_KERAS_NAMES.get(name, name): value for name, value in spec.arguments}
    if spec.word.stream == "initialization":
        seed = streams.seed("initialization")
        arguments["kernel_initializer"] = keras.initializers.GlorotUniform(seed=seed)
    elif spec.word.stream is not None:
        arguments["seed"] = streams.seed(spec.word.stream)
    return getattr(keras.layers, spec.word.layer)(**arguments)


def rescaling(to: Any) -> keras.Layer:
    """Returns the layer that maps grey levels 0..255 to the pair ``to``."""
    low, high = to
    return keras.layers.Rescaling((high - low) / 255, offset=low, dtype="float32")


@contextmanager
def seeded_defaults(seed: int) -> Iterator[None]:
    """Makes layers that were given no seed draw theirs from ``seed``, within the block.

    Keras takes default seeds from Python's ``random``; its state is put back afterwards.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
