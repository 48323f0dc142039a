"""Augments batches outside the model, on the very random numbers that its layers draw.

Keras's random layers draw a transformation and then apply it. Both can be done apart: the draws in
the order of the steps, the rest at any time. Flips and rotations are applied by OpenCV where it is
installed, which computes the same interpolation in a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.vision.features import keys
from ablations.vision.model.graph import Link
from ablations.vision.platform import shortcuts

Floats = NDArray[np.float32]
Draws = list[Any]
"""The transformation of each link, ``None`` where a link draws none."""


class Augmentation:
    """Links of a chain of which some augment, applied to batches of images.

    Args:
        links: The links.
        shape: Of an image, (height, width, channel).
    """

    def __init__(self, links: Sequence[Link], shape: Sequence[int]) -> None:
        self.links = tuple(links)
        self._shapes = [tuple(shape)]
        tensor: Any = keras.Input(tuple(shape))
        for link in links:
            tensor = link.apply(tensor)
            self._shapes.append(tuple(tensor.shape[1:]))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of an image after all links."""
        return self._shapes[-1]

    @property
    def resting(self) -> tuple[Link, ...]:
        """The links that do something in inference."""
        return tuple(link for link in self.links if not link.augments)

    def draw(self, images: int) -> Draws:
        """Draws what each link will do to the next batch of so many images."""
        drawn: Draws = []
        for link, shape in zip(self.links, self._shapes, strict=False):
            batch = np.broadcast_to(np.float32(0), (images, *shape))
            augments = link.augments
            drawn.append(
                link.operation.get_random_transformation(batch, training=True) if augments else None
            )
        return drawn

    def apply(self, draws: Draws, images: Floats) -> Floats:
        """Returns ``images`` as the links make them with these draws, in training mode."""
        outputs: Any = images
        for link, drawn in zip(self.links, draws, strict=True):
            if not link.augments:
                outputs = link.apply(keras.ops.convert_to_tensor(outputs))
            elif by_opencv := _opencv(link.operation, outputs.shape):
                outputs = by_opencv(link.operation, drawn, keras.ops.convert_to_numpy(outputs))
            else:
                tensor = keras.ops.convert_to_tensor(outputs)
                outputs = link.operation.transform_images(tensor, drawn, training=True)
        return np.asarray(keras.ops.convert_to_numpy(outputs), dtype=np.float32)

    def rest(self, images: Floats) -> Floats:
        """Returns ``images`` as the links make them in inference mode."""
        outputs: Any = images
        for link in self.resting:
            outputs = link.apply(keras.ops.convert_to_tensor(outputs))
        return np.asarray(keras.ops.convert_to_numpy(outputs), dtype=np.float32)

    @property
    def facts(self) -> list[str]:
        """What the links do, apart from their names and their random numbers."""
        pairs = zip(self.links, self._shapes, strict=False)
        return [
            _configuration(link) if link.augments else keys.key_of([link], shape)
            for link, shape in pairs
        ]

    @property
    def states(self) -> list[list[int]]:
        """Where each random stream has come to."""
        return [np.asarray(variable).tolist() for variable in self._variables()]

    @states.setter
    def states(self, values: list[list[int]]) -> None:
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(np.asarray(value, dtype=variable.dtype))

    def _variables(self) -> list[Any]:
        layers = (layer for link in self.links if link.augments for layer in link.layers)
        return [g.state for layer in layers for g in layer._seed_generators]


def _configuration(link: Link) -> str:
    described = link.operation.get_config()
    kept = sorted((k, v) for k, v in described.items() if k not in {"name", "seed"})
    return f"{type(link.operation).__name__} {kept!r}"


OpenCV = Callable[[Any, Any, Floats], Floats]

_BORDERS = {"reflect": "BORDER_REFLECT", "nearest": "BORDER_REPLICATE"}


def _opencv(layer: Any, shape: Sequence[int]) -> OpenCV | None:
    """Returns OpenCV's way to do what ``layer`` does, where it has one that gives the same."""
    if not shortcuts.on("opencv") or layer.data_format != "channels_last" or shape[-1] > 4:
        return None
    if type(layer) is keras.layers.RandomFlip:
        return _flip
    rotates = type(layer) is keras.layers.RandomRotation
    if rotates and layer.interpolation == "bilinear" and layer.fill_mode in _BORDERS:
        return _rotate
    return None


def _flip(layer: Any, drawn: Any, images: Floats) -> Floats:
    import cv2

    code = {"vertical": 0, "horizontal": 1}.get(layer.mode, -1)
    flipped = images.copy()
    for i in np.flatnonzero(keras.ops.convert_to_numpy(drawn["flips"])):
        flipped[i] = cv2.flip(images[i], code).reshape(images[i].shape)
    return flipped


def _rotate(layer: Any, drawn: Any, images: Floats) -> Floats:
    """Looks up each pixel where its transformation says, as ``ImageProjectiveTransformV3`` does."""
    import cv2

    border = getattr(cv2, _BORDERS[layer.fill_mode])
    height, width = images.shape[1:3]
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    rotated = np.empty_like(images)
    for i, row in enumerate(keras.ops.convert_to_numpy(drawn["rotation_matrix"])):
        a, b, c, d, e, f = row[:6]
        turned = cv2.remap(
            images[i], a * x + b * y + c, d * x + e * y + f, cv2.INTER_LINEAR, borderMode=border
        )
        rotated[i] = turned.reshape(images[i].shape)
    return rotated
