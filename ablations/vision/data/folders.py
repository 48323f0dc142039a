"""Folders of images with one sub-folder per class, and what is broken in them."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ablations.errors import DataError
from ablations.vision.data import images
from ablations.vision.data.layouts import Layout, folders_in
from ablations.vision.data.splits import Pool
from ablations.vision.platform import cache
from ablations.vision.recipe.settings import check_known

ReportBytes = Callable[[int, int], None]

NAMED_AT_MOST = 20
"""How many files an error or a report names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, sorted, each with the number of its class.

    ``counts`` are the files of each part that was listed; the parts follow each other. Where they
    give the split, ``layout`` names them; otherwise a second part is held out from training.
    """

    root: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    counts: tuple[int, ...]
    layout: Layout | None = None

    @property
    def pool(self) -> Pool:
        """How many images there are, and how many are held out or given."""
        if self.layout is None:
            return Pool(len(self.files), sum(self.counts[1:]))
        of = dict(zip(dict(self.layout), self.counts, strict=True))
        return Pool(
            len(self.files), given=(of["train"], of.get("validation", 0), of.get("test", 0))
        )

    def without(self, broken: dict[str, str]) -> Listing:
        """Returns the listing without the files that ``broken`` names.

        Raises:
            DataError: if a class, or a part of a given split, has no file left.
        """
        kept = [i for i, file in enumerate(self.files) if file.as_posix() not in broken]
        labels = tuple(self.labels[i] for i in kept)
        for label, name in enumerate(self.classes):
            if label not in labels:
                raise self._nothing_left(f"class '{name}'", broken)
        parts = np.repeat(np.arange(len(self.counts)), self.counts)[kept]
        counts = np.bincount(parts, minlength=len(self.counts)).tolist()
        for (part, _), count in zip(self.layout or (), counts, strict=False):
            if not count:
                raise self._nothing_left(f"the {part} images", broken)
        files = tuple(self.files[i] for i in kept)
        return replace(self, files=files, labels=labels, counts=tuple(counts))

    def _nothing_left(self, what: str, broken: dict[str, str]) -> DataError:
        return DataError(
            f"{self.root}: no readable image is left of {what}",
            received=named_broken(broken),
            cure="Add images, or remove the folder",
        )


def list_folder(
    root: Path, wanted: tuple[str, ...] | None, parts: Sequence[str], layout: Layout | None = None
) -> Listing:
    """Lists the files below the class folders of each part; names that begin with a dot are hidden.

    Args:
        root: The data set's folder.
        wanted: The classes to keep, or ``None`` for all.
        parts: Sub-folders of ``root`` that hold the class folders: ``(".",)``, a training and a
            validation folder, or those of the layout.
        layout: Which parts give the split, if they do.

    Raises:
        DataError: if a folder is missing, holds fewer than two classes, or others than the rest.
        StudyError: if a wanted class is not there.
    """
    classes = _classes(root / parts[0], wanted)
    for folder in parts if layout else ():
        _check_agreement(root, classes, folder, wanted)
    files, labels, counts = list[Path](), list[int](), [0] * len(parts)
    for i, part in enumerate(parts):
        for label, name in enumerate(classes):
            found = [file.relative_to(root) for file in _files(root / part / name)]
            files += found
            labels += [label] * len(found)
            counts[i] += len(found)
    return Listing(root, classes, tuple(files), tuple(labels), tuple(counts), layout)


def _classes(folder: Path, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DataError(
            "there is no such folder of images",
            received=str(folder),
            cure="Correct the path, or --data-dir",
        )
    names = tuple(path.name for path in folders_in(folder))
    if len(names) < 2:
        raise DataError(
            f"{folder}: fewer than two classes",
            received=list(names),
            cure="Put each class's images into a sub-folder of its own",
        )
    check_known(wanted, names)
    return wanted or names


def _check_agreement(
    root: Path, classes: tuple[str, ...], folder: str, wanted: tuple[str, ...] | None
) -> None:
    """Raises ``DataError`` if a part of a split has other classes than the training images."""
    there = {path.name for path in folders_in(root / folder)}
    lacking = [f"no '{name}' in {folder}" for name in sorted(set(classes) - there)]
    more = [f"'{name}' only in {folder}" for name in sorted(there - set(classes))]
    if differs := lacking + ([] if wanted else more):
        raise DataError(
            f"{root}: the parts of the given split have different classes",
            received=named(differs),
            cure="Add or remove class folders, or name with 'classes' those that all parts have",
        )


def _files(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name[0] != ".")
    if not files:
        raise DataError(
            f"{folder}: no images",
            received="an empty or missing folder",
            cure="Add images, or remove the class",
        )
    return files


def check_links(listing: Listing) -> None:
    """Raises ``DataError`` if links lead out of the data set, nowhere, or to folders of images.

    The first could show any file of the machine; the images behind the others are not read.
    """
    parts = [folder for _, folder in listing.layout or ()]
    tops = [listing.root / part / name for part in parts or ["."] for name in listing.classes]
    inside = listing.root.resolve()
    wrong = [top for top in (*map(listing.root.joinpath, parts), *tops) if not _stays(top, inside)]
    wrong += [
        link for top in tops for link in _links(top) if link.is_dir() or not _stays(link, inside)
    ]
    if wrong:
        raise DataError(
            f"{listing.root}: {len(wrong)} links lead out of the folder, nowhere, or to folders",
            received=named([shown(link.relative_to(listing.root).as_posix()) for link in wrong]),
            cure="Use a copy that holds the files themselves (cp -rL)",
        )


def _links(top: Path) -> Iterator[Path]:
    """Yields the links below a folder, hidden ones left out."""
    for folder, *names in os.walk(top):
        paths = (Path(folder) / name for some in names for name in some if name[0] != ".")
        yield from (path for path in paths if path.is_symlink())


def _stays(link: Path, inside: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(inside)
    except (OSError, RuntimeError):  # it leads nowhere, or in a circle
        return False


def named(lines: Sequence[str]) -> str:
    """Returns the first lines in one, and how many more there are."""
    return "; ".join(lines[:NAMED_AT_MOST]) + _more(len(lines))


def _more(count: int) -> str:
    return f"; and {count - NAMED_AT_MOST} more" if count > NAMED_AT_MOST else ""


def shown(name: str) -> str:
    """Returns a file's name without what a terminal or a page would not print."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def digest(listing: Listing) -> str:
    """Returns the digest of the files' paths and contents, cached until they change."""
    facts = cache.stamp(listing.root, listing.files)
    return cache.remembered(
        "digests", facts, lambda: cache.content_digest(listing.root, listing.files)
    )


def unlike_stored(listing: Listing) -> list[str]:
    """Returns the files whose pixels are not used as they are stored, cached until they change."""

    def find() -> str:
        with images.without_warnings():
            paths = (file for file in listing.files if not images.is_plain(listing.root / file))
            return json.dumps([file.as_posix() for file in paths])

    facts = cache.stamp(listing.root, listing.files)
    return list(json.loads(cache.remembered("unlike-stored", facts, find)))


def broken_files(listing: Listing, report: ReportBytes) -> dict[str, str]:
    """Returns the files that are no readable image with the reasons, cached until they change."""
    facts = f"{images.DECODING}\n{cache.stamp(listing.root, listing.files)}"
    text = cache.remembered("checked", facts, lambda: json.dumps(_try_all(listing, report)))
    return dict(json.loads(text))


def named_broken(broken: dict[str, str]) -> str:
    """Returns the first broken files by what is wrong with them, and how many more there are."""
    by_reason = defaultdict[str, list[str]](list)
    for name, reason in list(broken.items())[:NAMED_AT_MOST]:
        by_reason[shown(reason)].append(shown(name))
    lines = [f"{', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    return "; ".join(lines) + _more(len(broken))


def _try_all(listing: Listing, report: ReportBytes) -> dict[str, str]:
    sizes = [(listing.root / file).stat().st_size for file in listing.files]
    broken, done = {}, 0
    with images.without_warnings():
        for file, size in zip(listing.files, sizes, strict=True):
            try:
                images.decode(listing.root / file)
            except ValueError as error:
                broken[file.as_posix()] = str(error)
            report(done := done + size, sum(sizes))
    return broken
