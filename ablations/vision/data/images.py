"""Reads image files as ``keras.utils.image_dataset_from_directory`` does, without a framework.

Resized pixels are Keras' own, rounded. Where TensorFlow unpacks JPEG files it takes a faster cosine
transform than Pillow, which moves pixels by one grey level on average.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablations.core.checks import grouped
from ablations.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Image8 = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read. Pillow knows many more, some of which start other programs (EPS: Ghostscript)."""

DECODING = "upright, on white"
"""What is done to the stored pixels; it names whatever is computed from images that need it."""

PIXELS_AT_MOST = 89_478_485
"""More are taken for a decompression bomb: it is where Pillow begins to warn (256 MiB in RGB)."""


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


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keeps Pillow's warnings about odd files off the terminal; what cannot be read is an error.

    To be used around a loop over files, not in `decode`: filters are shared by all threads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(path: Path) -> Image8:
    """Returns the RGB image in a file, shape (height, width, 3), as a person would see it.

    It is turned upright as its EXIF orientation says, and what is transparent shows white. Of
    several frames the first one counts; 16 bits are cut to 8.

    Raises:
        ValueError: if it cannot be read as an image of one of ``FORMATS``; the text says why.
        DataError: if it takes more memory than there is.
    """
    with _opened(path) as image:
        return np.asarray(_on_white(_eight_bits(_upright(image))))


def is_plain(path: Path) -> bool:
    """Whether `decode` takes a file's pixels as they are stored: upright, opaque and allowed.

    False as well for what cannot be read.
    """
    try:
        with _opened(path) as image:
            turned = image.format != "TIFF" and _orientation(image) in range(2, 9)
            return not turned and not _is_transparent(image)  # Pillow always turned TIFF images
    except ValueError:
        return False


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image file; whatever Pillow raises inside becomes one ``ValueError``."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as image:
            _check_size(image)
            yield image
    except UnidentifiedImageError as error:
        raise ValueError(f"no readable {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image") from error
    except MemoryError as error:
        raise DataError(
            f"{path}: this image takes more memory than there is",
            received=f"{path.stat().st_size} bytes",
            cure="Remove or replace it, or free memory",
        ) from error
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        reason = " ".join(str(error).replace(str(path), path.name).split())
        raise ValueError(reason or type(error).__name__) from error


def _check_size(image: Image.Image) -> None:
    """Raises ``ValueError`` for what holds no picture, or more pixels than a picture has."""
    pixels = image.width * image.height
    if pixels <= 1:
        raise ValueError("1 × 1 pixel holds no picture")
    if pixels > PIXELS_AT_MOST:
        size = f"{image.width} × {image.height}"
        raise ValueError(f"{size} pixels are more than the {grouped(PIXELS_AT_MOST)} that are read")


def _orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation; 1, upright, where none can be read."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF data make Pillow raise nearly anything; the pixels are whole
        return 1


def _upright(image: Image.Image) -> Image.Image:
    """Turns and mirrors an image as its EXIF orientation says (EXIF 2.32, tag 0x0112)."""
    from PIL.Image import Transpose

    image.load()  # TIFF images are turned as they are loaded, and then have no orientation
    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Returns an image of 16 bits a pixel at 8; Pillow would clip its grey levels at 255.

    Raises:
        ValueError: if the pixels are 32-bit numbers, whose range is not known.
    """
    from PIL import Image

    if image.mode.startswith("I;16"):
        levels = np.array(image).astype(np.uint16)
        see_through = image.info.get("transparency", -1)  # PNG: one level may be
        levels[levels == see_through] = 0xFFFF
        return Image.fromarray((levels >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError(f"pixels of mode {image.mode} have no known range; save it with 8 bits")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """Returns an image in RGB, on white where it is transparent."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _is_transparent(image: Image.Image) -> bool:
    """Whether any pixel is transparent, and not only able to be."""
    if not image.has_transparency_data:
        return False
    if image.mode.startswith("I;16"):
        return True
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)


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
