"""Finds images that are there more than once: in two classes or parts, or in one."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ablations.errors import DataError
from ablations.text.formatting import counted
from ablations.vision.data.folders import Listing, named, shown
from ablations.vision.platform import cache

CLASSES, PARTS, DRAWN = "two classes", "two parts of the given split", "one class"
_MEANING = {
    CLASSES: "one of its labels is wrong, or both fit",
    PARTS: "a model is judged on what it was trained on",
    DRAWN: "a split that is drawn may train on one and test on the other",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """Two files with the same bytes, and where they are: ``CLASSES``, ``PARTS`` or ``DRAWN``."""

    file: str
    same_as: str
    where: str


def find_copies(listing: Listing) -> tuple[Copy, ...]:
    """Returns the copies among the images of a folder, the most serious first.

    Copies in one class and one folder do not count where all three parts of the split are given.

    Raises:
        DataError: if two classes hold the same images.
    """
    groups = _groups(listing)
    _check_classes(listing, groups)
    found = [copy for group in groups for copy in _copies(listing, group)]
    return tuple(sorted(found, key=lambda copy: list(_MEANING).index(copy.where)))


def sentences(copies: Sequence[Copy]) -> list[str]:
    """Returns for each place with copies how many there are, which, and what it means."""
    lines = []
    for where, meaning in _MEANING.items():
        pairs = [f"{copy.file} = {copy.same_as}" for copy in copies if copy.where == where]
        if pairs:
            count = counted(len(pairs), "image")
            verb = "is" if len(pairs) == 1 else "are"
            lines.append(f"{count} {verb} in {where} ({meaning}): {named(pairs)}")
    return lines


def _groups(listing: Listing) -> list[list[int]]:
    """Returns the positions of files with the same content, cached until files change."""

    def find() -> str:
        sizes = [(listing.root / file).stat().st_size for file in listing.files]
        groups = list[list[int]]()
        for alike in _equal(range(len(sizes)), sizes):  # others need not be read
            groups += _equal(alike, [_sha256(listing.root / listing.files[i]) for i in alike])
        return json.dumps(groups)

    facts = cache.stamp(listing.root, listing.files)
    return list(json.loads(cache.remembered("copies", facts, find)))


def _equal(positions: Sequence[int], values: Sequence[object]) -> Iterator[list[int]]:
    """Yields the positions of values that occur more than once."""
    by_value = defaultdict[object, list[int]](list)
    for position, value in zip(positions, values, strict=True):
        by_value[value].append(position)
    yield from (group for group in by_value.values() if len(group) > 1)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_classes(listing: Listing, groups: Sequence[Sequence[int]]) -> None:
    """Raises ``DataError`` if all images of a class are those of another one."""
    content = list(range(len(listing.files)))
    for group in groups:
        for i in group:
            content[i] = group[0]
    sets = [set[int]() for _ in listing.classes]
    for label, one in zip(listing.labels, content, strict=True):
        sets[label].add(one)
    for a, b in combinations(range(len(sets)), 2):
        if sets[a] == sets[b]:
            first, second = listing.classes[a], listing.classes[b]
            raise DataError(
                f"{listing.root}: classes '{first}' and '{second}' hold the same images",
                received=f"{len(sets[a])} images, each in both",
                cure="Remove one of the two, or put other images into it",
            )


def _copies(listing: Listing, group: Sequence[int]) -> Iterator[Copy]:
    """Yields each file of a group beside the first one, if it matters."""
    names = [shown(listing.files[i].as_posix()) for i in group]
    first, drawn = group[0], len(listing.layout or ()) < 3  # a part without a folder is drawn
    for i, name in zip(group[1:], names[1:], strict=True):
        if listing.labels[i] != listing.labels[first]:
            yield Copy(name, names[0], CLASSES)
        elif _part(listing, i) != _part(listing, first):
            yield Copy(name, names[0], PARTS)
        elif drawn:
            yield Copy(name, names[0], DRAWN)


def _part(listing: Listing, position: int) -> int:
    """Returns the number of the part of the listing that a file lies in."""
    return int(np.searchsorted(np.cumsum(listing.counts), position, side="right"))
