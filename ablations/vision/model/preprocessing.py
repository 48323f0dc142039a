"""What images go through before they reach the layers, and before they reach a pretrained base."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import keras
import numpy as np

from ablations.vision.data.images import Image8
from ablations.vision.model.layers import rescaling


def scaling(scale: str, images: Image8) -> Iterator[keras.Layer]:
    """Yields the layer that a ``scale`` stands for, if it stands for one.

    Args:
        scale: ``none``, ``0..1``, ``-1..1`` or ``standardise``.
        images: The training images, shape (example, height, width, channel).
    """
    if scale == "standardise":
        mean, variance = channel_statistics(images)
        yield keras.layers.Normalization(mean=mean, variance=variance, dtype="float32")
    elif scale != "none":
        yield rescaling(_ends(scale))


def base_preprocessing(name: str, scale: str, images: Image8) -> Iterator[keras.Layer]:
    """Yields the layers that give a pretrained base the numbers that its weights were trained on.

    A base of ``keras.applications`` comes with its own preprocessing, for grey levels 0 to 255. It
    belongs to the weights as much as their order does: without it they are of little use. So
    ``scale`` is undone first and the base's own preprocessing applied.

    Args:
        name: Name of the base, such as ``MobileNetV2``.
        scale: What the images went through already.
        images: The training images, shape (example, height, width, channel).
    """
    if scale == "standardise":
        mean, variance = channel_statistics(images)
        yield keras.layers.Normalization(mean=mean, variance=variance, invert=True, dtype="float32")
    elif scale != "none":
        low, high = _ends(scale)
        factor = 255 / (high - low)
        yield keras.layers.Rescaling(factor, offset=-low * factor, dtype="float32")
    inputs = keras.Input(images.shape[1:])
    outputs = preprocess_of(name)(inputs)
    if outputs is not inputs:  # some bases have it inside
        yield keras.Model(inputs, outputs, name="preprocess_input")


def channel_statistics(images: Image8) -> tuple[list[float], list[float]]:
    """Returns mean and variance of each channel over images (example, height, width, channel)."""
    # Image by image, because all of them as floating-point numbers would not fit everywhere.
    means = np.mean([image.mean(axis=(0, 1)) for image in images], axis=0)
    squares = [np.square(image, dtype=np.float64).mean(axis=(0, 1)) for image in images]
    return means.tolist(), (np.mean(squares, axis=0) - means**2).tolist()


def _ends(scale: str) -> tuple[float, float]:
    low, high = map(float, scale.split(".."))
    return low, high


def preprocess_of(name: str) -> Any:
    """Returns the preprocessing function of a base of ``keras.applications``.

    It is defined in the module of the base's family. That of MobileNetV3 lists no class; the
    preprocessing is inside the model.
    """
    if name.startswith("MobileNetV3"):
        return keras.applications.mobilenet_v3.preprocess_input
    for module in vars(keras.applications).values():
        if isinstance(module, ModuleType) and {name, "preprocess_input"} <= set(vars(module)):
            return module.preprocess_input
    raise KeyError(name)
