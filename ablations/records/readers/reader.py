"""What a reader is: one kind of source that records, or findings, are read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablations.core.past import Past
from ablations.core.record import RunRecord
from ablations.errors import StoreError

Found = tuple[RunRecord, ...] | Past
"""Run records, or what a report measured, of which no records are left."""

CURE = (
    "Name a .jsonl file of records, a records.sqlite or its folder, REVISION:PATH of a committed "
    "file, or for --against also a report.json"
)


class NewerVersionError(ValueError):
    """A document that a later version of this program wrote."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of source.

    Args:
        takes: Whether a path, or a name given in its place, is such a source. The first reader of
            the registry that takes a path reads it.
        read: Reads it; the text is how messages name the source. It raises `StoreError` for
            what it cannot read, such as another version.
        inside: Where such a file lies in a folder of many studies and in one of a single study;
            ``{slug}`` and ``{report}`` are replaced by the study's names.
    """

    takes: Callable[[Path], bool]
    read: Callable[[Path, str], Found]
    inside: tuple[str, ...] = ()


def require_version(name: str, found: object, newest: int) -> None:
    """Checks that a document is of a version from 1 to the newest that is known.

    Raises:
        NewerVersionError: if it is of a later version.
        ValueError: if it names no version.
    """
    if type(found) is not int or not 1 <= found <= newest:
        kind = NewerVersionError if type(found) is int and found > newest else ValueError
        raise kind(f"{name}: should be 1 to {newest} ({found!r})")


def beginning(path: Path) -> bytes:
    """Returns the first bytes of a file; none of one that may not be read."""
    try:
        with path.open("rb") as file:
            return file.read(32)
    except OSError:
        return b""


def missing_source(received: str) -> StoreError:
    """Returns the error of a source that does not exist."""
    return StoreError("there are no records or findings to read", received=received, cure=CURE)
