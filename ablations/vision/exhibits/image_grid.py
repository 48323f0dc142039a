"""Puts images into one PNG, row by row, in few bytes and always the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from ablations.vision.data.images import Image8

GAP_PIXELS = 4
SMALL_PIXELS = 96
"""Images with shorter sides are enlarged by a whole number, up to about this length."""

PIXELS_AT_MOST = 270_000
"""Each takes a byte at most, which keeps the file below 300 KB whatever it shows."""


def grid_png(rows: Sequence[Sequence[Image8]]) -> bytes:
    """Returns a PNG of 255 colours with one row of images below the other.

    Gaps, and what a shorter row leaves open, are transparent. Small images are enlarged pixel by
    pixel, so that each stays visible; large ones are shrunk where there are many.

    Args:
        rows: Images of equal size, shape (height, width, channel) with one channel or three.
    """
    height, width = _cell_size(rows)
    columns = max(map(len, rows))
    size = (columns * (width + GAP_PIXELS), len(rows) * (height + GAP_PIXELS))
    canvas, gaps = Image.new("RGB", size), Image.new("L", size, 255)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            place = (j * (width + GAP_PIXELS), i * (height + GAP_PIXELS))
            canvas.paste(_fit(image, height, width), place)
            gaps.paste(0, (*place, place[0] + width, place[1] + height))
    # The gap to the right of the last column and below the last row is cut off.
    box = (0, 0, size[0] - GAP_PIXELS, size[1] - GAP_PIXELS)
    return _encode(canvas.crop(box), gaps.crop(box))


def _cell_size(rows: Sequence[Sequence[Image8]]) -> tuple[int, int]:
    """Returns height and width at which each image is shown."""
    height, width = next(image.shape[:2] for row in rows for image in row)
    cells = len(rows) * max(map(len, rows))
    enlarged = max(1, SMALL_PIXELS // max(height, width))
    room = (PIXELS_AT_MOST / cells) ** 0.5 - GAP_PIXELS
    scale = min(enlarged, room / (height * width) ** 0.5)
    scale = int(scale) if scale >= 1 else scale
    return max(1, int(height * scale)), max(1, int(width * scale))


def _fit(image: Image8, height: int, width: int) -> Image.Image:
    """Returns the image at the size of a cell, in colour."""
    picture = Image.fromarray(np.broadcast_to(image, (*image.shape[:2], 3)).copy())
    enlarges = image.shape[0] < height
    how = Image.Resampling.NEAREST if enlarges else Image.Resampling.LANCZOS
    return picture.resize((width, height), how)


def _encode(canvas: Image.Image, gaps: Image.Image) -> bytes:
    """Returns ``canvas`` as a PNG, transparent where ``gaps`` is 255."""
    picture = canvas.quantize(255)
    # A PNG makes only colours transparent that its palette holds.
    palette = picture.getpalette() or []
    picture.putpalette(palette + [255] * (3 * 256 - len(palette)))
    picture.paste(255, mask=gaps)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True, transparency=255)
    return file.getvalue()
