"""The three kinds of data sets: where they lie, what is in them, and their decoded images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablations.errors import DataError
from ablations.text.formatting import counted, few, magnitude
from ablations.vision.data import decoded, folders, images, layouts
from ablations.vision.data.copies import Copy, find_copies, sentences
from ablations.vision.data.download import Archive, fetch, image_files, verify
from ablations.vision.data.folders import Listing, ReportBytes, named_broken, shown
from ablations.vision.data.images import Image8, Source
from ablations.vision.data.layouts import Layout
from ablations.vision.data.splits import Indices, Pool, draw
from ablations.vision.platform import cache, shortcuts
from ablations.vision.platform.backend import require_pillow
from ablations.vision.recipe.settings import Recipe, check_outputs

_FEW = 100
"""Test images below which one of them is more than a percentage point."""

CATS_VS_DOGS = Archive(
    url="https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip",
    folder="cats_and_dogs_filtered",
    images="*/*/*.jpg",
    sha256="d56d68b936d74a5622c790732affe337c586d19e1e23429d6c7011622bb46dac",
)
"""2,000 training and 1,000 validation photographs; the digest is of their paths and contents."""

DEFAULT_SIZE = (160, 160)
"""Height and width of images that no setting gives a size to, as in the posts."""

DIGITS_SHA256 = "a19cb3d96bba7deace8ee5a513a6eb7bad0403d528f00bf4d351b6a7a55baa91"
"""SHA-256 over the images of scikit-learn's digits as grey levels 0..255, then their labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Decoded images with their labels.

    ``images`` has shape (example, height, width, channel), 0..255; ``labels`` (example,). ``pool``
    says which of them lie in folders of their own, ``layout`` in which if these give the split.
    ``skipped`` holds (file, reason) pairs, ``copies`` what images have the same content.
    """

    source: Source
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    pool: Pool
    layout: Layout | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    copies: tuple[Copy, ...] = ()

    @property
    def images(self) -> Image8:
        """All images."""
        return self.source.images


def listing(recipe: Recipe, data_dir: str | None) -> Listing:
    """Lists the files of a data set that lies in folders.

    Raises:
        DataError: if they are missing, or are not those of the named data set.
        StudyError: if a wanted class is not there.
    """
    if recipe.dataset == "cats-vs-dogs":
        root = cats_folder(data_dir)
        if not root.is_dir():
            raise DataError(
                "the cats-vs-dogs images are not there yet",
                received=str(root),
                cure="Let prepare_data download them, or name their folder with --data-dir",
            )
        _verify_cats(root)
        return folders.list_folder(root, recipe.classes, ("train", "validation"))
    require_pillow()
    path = Path(data_dir or ".") / Path(recipe.dataset.removeprefix("directory:")).expanduser()
    layout = layouts.recognise(path, recipe)
    parts = [folder for _, folder in layout] if layout else ["."]
    there = folders.list_folder(path, recipe.classes, parts, layout)
    folders.check_links(there)
    return there


def shape_of(recipe: Recipe) -> tuple[int, int, int]:
    """Returns the shape of an image, (height, width, channel), before any is there."""
    digits = recipe.dataset == "digits"
    return (*(recipe.image_size or ((8, 8) if digits else DEFAULT_SIZE)), 1 if digits else 3)


def cats_folder(data_dir: str | None) -> Path:
    """Returns where the cats-vs-dogs images lie, or shall lie: ``data_dir``, or in the cache.

    ``data_dir`` may also be the folder that the archive was extracted in.
    """
    if not data_dir:
        return cache.folder() / CATS_VS_DOGS.folder
    inside = Path(data_dir) / CATS_VS_DOGS.folder
    return inside if inside.is_dir() else Path(data_dir)


def _verify_cats(root: Path) -> None:
    """Checks the images against the pinned digest, once for each state of the folder."""
    facts = CATS_VS_DOGS.sha256 + cache.stamp(root, image_files(CATS_VS_DOGS, root))
    cache.remembered("digests", facts, lambda: verify(CATS_VS_DOGS, root))


def content(recipe: Recipe, data_dir: str | None) -> str:
    """Returns the digest of a data set's content; of one that can be downloaded, the pinned one."""
    if recipe.dataset == "digits":
        return DIGITS_SHA256
    if recipe.dataset == "cats-vs-dogs" and not cats_folder(data_dir).is_dir() and not data_dir:
        return CATS_VS_DOGS.sha256
    there = listing(recipe, data_dir)
    return CATS_VS_DOGS.sha256 if recipe.dataset == "cats-vs-dogs" else _identity(there)


def _identity(there: Listing) -> str:
    """Returns the digest of the content, of the split it gives, and of how it is decoded.

    Of images that are used as they are stored, in folders that give no split, it is that of the
    content, as in records of earlier versions.
    """
    facts: list[object] = [folders.digest(there)]
    if there.layout is not None:
        facts.append(["given", *there.layout])
    if folders.unlike_stored(there):
        facts.append(images.DECODING)
    if len(facts) == 1:
        return str(facts[0])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def make_ready(recipe: Recipe, data_dir: str | None, report: ReportBytes) -> Pool:
    """Downloads what is missing, checks images that are new or changed, and decodes them.

    Returns:
        The number of usable images, and how many are held out or given.

    Raises:
        DataError: if the data cannot be had, or an image is broken and none may be skipped.
        StudyError: if the layers end with too few outputs for the classes of the folder.
    """
    if recipe.dataset == "digits":
        return Pool(len(_digits(recipe.classes, None).labels))
    if recipe.dataset == "cats-vs-dogs" and not data_dir and not cats_folder(None).is_dir():
        fetch(CATS_VS_DOGS, cats_folder(None), report)
    usable, _ = _usable(recipe, data_dir, report)
    check_outputs(recipe, len(usable.classes))
    _copies(recipe, usable)
    if shortcuts.on("images"):
        _source(recipe, usable, report)
    return usable.pool


def notes_on(recipe: Recipe, data_dir: str | None) -> list[str]:
    """Returns how folders of images give the split, what is there twice, and too small a test.

    Raises:
        StudyError: if the layers have too few outputs for the classes of the folder, or the split
            asks for more images than it has.
    """
    if not recipe.dataset.startswith("directory:"):
        return []
    there = listing(recipe, data_dir)
    check_outputs(recipe, len(there.classes))
    test = draw(recipe, there.pool, seed=0).test
    notes = [] if there.layout is None else [layouts.described(there.layout)]
    return [*notes, *sentences(find_copies(there)), *_notes_on_test(test, there)]


def _notes_on_test(test: Indices, there: Listing) -> Iterator[str]:
    """Yields what makes accuracy on the test images coarse, or blind to a class."""
    if 0 < len(test) < _FEW:
        share = magnitude(1 / len(test), "fraction")
        yield (
            f"the test has {counted(len(test), 'image')}, so one image is {share} of test "
            "accuracy; more seeds do not make up for that"
        )
    found = {there.labels[place] for place in test}
    if absent := [name for number, name in enumerate(there.classes) if number not in found]:
        yield f"seed 0 draws no test image of {few([shown(name) for name in absent])}"


def load(recipe: Recipe, data_dir: str | None) -> Examples:
    """Returns the decoded images; those in folders are decoded once per size."""
    if recipe.dataset == "digits":
        return _digits(recipe.classes, recipe.image_size)
    usable, broken = _usable(recipe, data_dir, _no_report)
    return Examples(
        source=_source(recipe, usable, _no_report),
        labels=np.asarray(usable.labels, dtype=np.int64),
        classes=usable.classes,
        pool=usable.pool,
        layout=usable.layout,
        copies=_copies(recipe, usable),
        skipped=tuple((shown(name), shown(reason)) for name, reason in broken.items()),
    )


def _usable(
    recipe: Recipe, data_dir: str | None, report: ReportBytes
) -> tuple[Listing, dict[str, str]]:
    there = listing(recipe, data_dir)
    if recipe.dataset == "cats-vs-dogs":
        return there, {}  # The pinned digest has checked every image.
    broken = folders.broken_files(there, report)
    if broken and not recipe.skip_broken:
        raise DataError(
            f"{there.root}: {len(broken)} of {len(there.files)} files cannot be read as images",
            received=named_broken(broken),
            cure="Remove or replace them, or write skip_broken = true",
        )
    return there.without(broken), broken


def _copies(recipe: Recipe, usable: Listing) -> tuple[Copy, ...]:
    """Returns the images that are there twice; the pinned photographs have none."""
    return () if recipe.dataset == "cats-vs-dogs" else find_copies(usable)


def _source(recipe: Recipe, usable: Listing, report: ReportBytes) -> Source:
    size = recipe.image_size or DEFAULT_SIZE
    pinned = recipe.dataset == "cats-vs-dogs"
    content = folders.digest(usable) if pinned else _identity(usable)
    return decoded.source_of(usable, content, size, report)


def _no_report(done: int, total: int) -> None:
    """Takes the place of a progress report."""


@lru_cache(maxsize=4)
def _digits(classes: tuple[str, ...] | None, size: tuple[int, int] | None) -> Examples:
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = np.rint(data.images * (255 / 16)).astype(np.uint8)[..., None]
    names = classes or tuple("0123456789")
    kept = np.isin(data.target, [int(name) for name in names])
    chosen = grey[kept] if size is None else np.stack([images.resize(i, size) for i in grey[kept]])
    labels = [names.index(str(target)) for target in data.target[kept]]
    facts = f"{DIGITS_SHA256} {names} {size}"
    source = Source(chosen, hashlib.sha256(facts.encode()).hexdigest()[:16])
    return Examples(source, np.asarray(labels, dtype=np.int64), names, Pool(len(labels)))
