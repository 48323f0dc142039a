"""Decodes and resizes a data set's images once, into one file that all processes map."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap

from ablations.vision import cache, images, shortcuts
from ablations.vision.folders import Listing, Report
from ablations.vision.images import Image8, Source

Size = tuple[int, int]


def source_of(there: Listing, digest: str, size: Size, report: Report) -> Source:
    """Returns all images of a listing at ``size`` (height, width).

    They are decoded by the first process that asks, while others wait, and read from its file ever
    after. Without the shortcut ``images`` each process decodes them for itself.

    Args:
        there: The image files.
        digest: Of the files' content.
        size: Height and width in pixels.
        report: Told the bytes done and the bytes in all while images are decoded.
    """
    name = f"{digest[:16]}-{size[0]}x{size[1]}"
    if not shortcuts.on("images"):
        return Source(_in_memory(there, digest, size), name)
    path = cache.folder() / "images" / f"{name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                cache.publish(path, lambda beside: _write(beside, there, size, report))
    return Source(np.load(path, mmap_mode="r"), name)


@lru_cache(maxsize=1)
def _in_memory(there: Listing, digest: str, size: Size) -> Image8:  # noqa: ARG001
    """Decodes all images; ``digest`` keeps changed files under the same names apart."""
    decoded = np.empty((len(there.files), *size, 3), dtype=np.uint8)
    for i, file in enumerate(there.files):
        decoded[i] = images.resize(images.decode(there.root / file), size)
    return decoded


def _write(path: Path, there: Listing, size: Size, report: Report) -> None:
    decoded = open_memmap(path, "w+", np.uint8, (len(there.files), *size, 3))
    total = sum((there.root / file).stat().st_size for file in there.files)

    def decode(i: int) -> int:
        file = there.root / there.files[i]
        decoded[i] = images.resize(images.decode(file), size)
        return file.stat().st_size

    with ThreadPoolExecutor() as pool:
        for done in _sums(pool.map(decode, range(len(there.files)))):
            report(done, total)
    decoded.flush()


def _sums(sizes: Iterator[int]) -> Iterator[int]:
    done = 0
    for size in sizes:
        yield (done := done + size)
