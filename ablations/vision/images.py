"""Reads image files as ``keras.utils.image_dataset_from_directory`` does, without a framework.

Resized pixels are Keras' own, rounded. Where TensorFlow unpacks JPEG files it takes a faster cosine
transform than Pillow, which moves pixels by one grey level on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Image8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """All images of a data set, shape (example, height, width, channel), and a digest of them."""

    images: Image8
    digest: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, (height, width, channel)."""
        return self.images.shape[1:]

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns these images as numbers from 0 to 255."""
        return self.images[rows].astype(np.float32)


def decode(path: Path) -> Image8:
    """Returns the RGB image in a file, shape (height, width, 3).

    Raises:
        ValueError: if it cannot be read as an image; the text says why.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(_eight_bits(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow's decoders raise all of these on broken files.
        raise ValueError(str(error).replace(str(path), path.name)) from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Returns an image of 16 bits a pixel at 8; Pillow would clip its grey levels at 255.

    Raises:
        ValueError: if the pixels are 32-bit numbers, whose range nobody can know.
    """
    from PIL import Image

    if image.mode.startswith("I;16"):
        levels = np.asarray(image).astype(np.uint16)
        return Image.fromarray((levels >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError(f"pixels of mode {image.mode} have no known range; save it with 8 bits")
    return image


def resize(image: Image8, size: tuple[int, int]) -> Image8:
    """Returns ``image`` at ``size`` (height, width), by bilinear interpolation of four neighbours.

    Pixel centres lie at halves, the aspect ratio is not kept and nothing is smoothed before
    shrinking, as in Keras; the result is rounded to whole grey levels.

    Args:
        image: Shape (height, width, channel).
        size: Wanted height and width in pixels.
    """
    if image.shape[:2] == size:
        return image
    top, bottom, down = _neighbours(image.shape[0], size[0])
    left, right, along = _neighbours(image.shape[1], size[1])
    rows = _blend(image[top], image[bottom], down[:, None, None])
    return np.rint(_blend(rows[:, left], rows[:, right], along[None, :, None])).astype(np.uint8)


def _neighbours(
    old: int, new: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Returns for each new pixel its two old neighbours and the weight of the second."""
    place = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    first = np.floor(place).astype(np.intp)
    return first, np.minimum(first + 1, old - 1), (place - first).astype(np.float32)


def _blend(
    first: NDArray[np.generic], second: NDArray[np.generic], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    a, b = first.astype(np.float32), second.astype(np.float32)
    return a + (b - a) * weight
