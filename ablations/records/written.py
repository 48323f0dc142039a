"""Tells results that we wrote into a repository from the files that a trial may depend on.

A report that is committed for ``gate --against``, or a history, changes with each run. The code
that was trained is that of its commit all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

MANIFEST = ".ablations-manifest"
"""Names every file of a folder that we wrote, as ``sha256sum --check`` reads it."""

ENVIRONMENTS = "environments.jsonl"
"""Lies beside the months of a study's history."""

MONTHS = "[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"
"""How the files of a history are called."""

ATTRIBUTES = "*.jsonl merge=union\n"
"""What the file ``.gitattributes`` of a folder of histories says."""

_DIGEST_LENGTH = 64


def without_results(paths: Sequence[str], top: Path) -> tuple[str, ...]:
    """Returns those of some files, by their paths in a folder, that are no results of ours."""
    return tuple(path for path in paths if not _is_result(PurePosixPath(path), top))


def _is_result(path: PurePosixPath, top: Path) -> bool:
    if path.match(MONTHS) or path.name == ENVIRONMENTS:
        attributes = top / path.parent.parent / ".gitattributes"
        return attributes.is_file() and ATTRIBUTES in attributes.read_text(errors="replace")
    return any(_lists(top / folder, path.relative_to(folder)) for folder in path.parents)


def _lists(folder: Path, path: PurePosixPath) -> bool:
    """Whether the list of a folder names a file of it, or is this file."""
    place = folder / MANIFEST
    if place.is_symlink() or not place.is_file():
        return False
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    return str(path) in {MANIFEST, *(line[_DIGEST_LENGTH + 2 :] for line in lines)}
