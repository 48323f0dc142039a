"""Folders of images with one sub-folder per class, and what is broken in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablations.errors import DataError
from ablations.vision import cache, images
from ablations.vision.settings import check_known

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, sorted, each with the number of its class.

    ``held_out`` counts the files of the validation folder; they come last.
    """

    root: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    held_out: int = 0

    def without(self, broken: dict[str, str]) -> Listing:
        """Returns the listing without the files that ``broken`` names.

        Raises:
            DataError: if a class has no file left.
        """
        kept = [i for i, file in enumerate(self.files) if file.as_posix() not in broken]
        labels = tuple(self.labels[i] for i in kept)
        for label, name in enumerate(self.classes):
            if label not in labels:
                problem = f"{self.root}: no readable image is left of class '{name}'"
                cure = "Add images, or remove the class"
                raise DataError(problem, received=f"{len(broken)} broken files", cure=cure)
        first_held_out = len(self.files) - self.held_out
        held_out = sum(i >= first_held_out for i in kept)
        files = tuple(self.files[i] for i in kept)
        return Listing(self.root, self.classes, files, labels, held_out)


def list_folder(root: Path, wanted: tuple[str, ...] | None, parts: tuple[str, ...]) -> Listing:
    """Lists the files below the class folders of each part; names that begin with a dot are hidden.

    Args:
        root: The data set's folder.
        wanted: The classes to keep, or ``None`` for all.
        parts: Sub-folders of ``root`` that hold the class folders: ``(".",)``, or a training and a
            validation folder.

    Raises:
        DataError: if a folder is missing or holds fewer than two classes.
        StudyError: if a wanted class is not there.
    """
    classes = _classes(root / parts[0])
    check_known(wanted, classes)
    classes = wanted or classes
    found = [
        (file.relative_to(root), label, part)
        for part in parts
        for label, name in enumerate(classes)
        for file in _files(root / part / name)
    ]
    held_out = sum(part != parts[0] for *_, part in found)
    files, labels = tuple(f for f, *_ in found), tuple(label for _, label, _ in found)
    return Listing(root, classes, files, labels, held_out)


def _classes(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DataError(
            "there is no such folder of images",
            received=str(folder),
            cure="Correct the path, or --data-dir",
        )
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if len(names) < 2:
        raise DataError(
            f"{folder}: fewer than two classes",
            received=names,
            cure="Put each class's images into a sub-folder of its own",
        )
    return tuple(names)


def _files(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name[0] != ".")
    if not files:
        raise DataError(
            f"{folder}: no images",
            received="an empty or missing folder",
            cure="Add images, or remove the class",
        )
    return files


def digest(listing: Listing) -> str:
    """Returns the digest of the files' paths and contents; quick if they have not changed."""
    facts = cache.stamp(listing.root, listing.files)
    return cache.remembered(
        "digests", facts, lambda: cache.content_digest(listing.root, listing.files)
    )


def broken_files(listing: Listing, report: Report) -> dict[str, str]:
    """Returns the files that are no readable image with the reasons; quick if nothing changed."""
    facts = cache.stamp(listing.root, listing.files)
    text = cache.remembered("checked", facts, lambda: json.dumps(_try_all(listing, report)))
    return dict(json.loads(text))


def _try_all(listing: Listing, report: Report) -> dict[str, str]:
    sizes = [(listing.root / file).stat().st_size for file in listing.files]
    broken, done = {}, 0
    for file, size in zip(listing.files, sizes, strict=True):
        try:
            images.decode(listing.root / file)
        except ValueError as error:
            broken[file.as_posix()] = str(error)
        report(done := done + size, sum(sizes))
    return broken
