"""Decodes and resizes a data set's images once, into one file that all processes map."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from ablations.vision.data import images
from ablations.vision.data.folders import Listing, ReportBytes
from ablations.vision.data.images import Image8, Source
from ablations.vision.platform import cache, shortcuts

Size = tuple[int, int]


def source_of(there: Listing, digest: str, size: Size, report: ReportBytes) -> Source:
    """Returns all images of a listing at ``size`` (height, width).

    They are decoded by the first process that asks, while others wait, and read from its file ever
    after. Without the shortcut ``images`` each process decodes them for itself.

    Args:
        there: The image files.
        digest: Of the files' content and of how they are decoded.
        size: Height and width in pixels.
        report: Told the bytes done and the bytes in all while images are decoded.
    """
    # The digest does not depend on the order of the files; the array does.
    order = "\n".join(file.as_posix() for file in there.files)
    content = hashlib.sha256(f"{digest}\n{order}".encode("utf-8", "surrogateescape")).hexdigest()
    name = f"{content[:16]}-{size[0]}x{size[1]}"
    if not shortcuts.on("images"):
        return Source(_in_memory(there, digest, size), name)
    path = cache.folder() / "images" / f"{name}.npy"
    stored = _open(path)
    if stored is None:
        from filelock import FileLock  # here, so that planning needs no extra package

        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if _open(path) is None:
                cache.publish(path, lambda beside: _write(beside, there, size, report))
        stored = np.load(path, mmap_mode="r")
    return Source(stored, name)


def _open(path: Path) -> Image8 | None:
    """Maps a file of images; ``None`` if it is missing or damaged."""
    try:
        stored: Image8 = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return None
    return stored


@lru_cache(maxsize=1)
def _in_memory(there: Listing, digest: str, size: Size) -> Image8:  # noqa: ARG001
    """Decodes all images; ``digest`` keeps changed files under the same names apart."""
    decoded = np.empty((len(there.files), *size, 3), dtype=np.uint8)
    with images.without_warnings():
        for i, file in enumerate(there.files):
            decoded[i] = images.resize(images.decode(there.root / file), size)
    return decoded


def _write(path: Path, there: Listing, size: Size, report: ReportBytes) -> None:
    decoded = open_memmap(path, "w+", np.uint8, (len(there.files), *size, 3))
    total = sum((there.root / file).stat().st_size for file in there.files)

    def decode(i: int) -> int:
        file = there.root / there.files[i]
        decoded[i] = images.resize(images.decode(file), size)
        return file.stat().st_size

    with images.without_warnings(), ThreadPoolExecutor() as pool:
        for done in accumulate(pool.map(decode, range(len(there.files)))):
            report(done, total)
    decoded.flush()
