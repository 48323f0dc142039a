"""Replaces what we wrote into a folder: built beside the old one, and swapped in at the end."""

from __future__ import annotations

import fcntl
import filecmp
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ablations.errors import StudyError
from ablations.records.written import MANIFEST
from ablations.report.publish.manifests import (
    all_files,
    is_unchanged,
    read_manifest,
    write_manifest,
)
from ablations.text.formatting import counted, listing

_SHOWN = 3


@contextmanager
def replaced(target: Path, marker: str) -> Iterator[Path]:
    """Gives a new folder to fill, which takes the place of ``target`` when all went well.

    Whatever goes wrong, ``target`` stays as it was. Of two builds at once, the one that ends last
    stays. Of an existing target, only the files are
    replaced or deleted that we wrote and nobody has changed since; all others stay in it. A link
    to a folder stays a link.

    Args:
        target: The folder to replace.
        marker: A file that each folder of this kind holds.

    Raises:
        StudyError: if ``target`` was not made by this program, or someone else's file has a name
            that is needed.
    """
    target = _resolved(target)
    aside = target.with_name(f".{target.name}.ablations-old")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(target.parent):
        _recover(target, aside)
        require_own(target, marker)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        # mkdtemp makes folders that a web server may not read
        fresh.chmod(0o700 | target.stat().st_mode & 0o777 if target.exists() else 0o755)
        yield fresh
        write_manifest(fresh)
        with _alone_in(target.parent):
            _require_free(target, fresh)
            _swap(fresh, target, aside)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other build swaps folders here; the folder is the lock, so none is left."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # of a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _resolved(target: Path) -> Path:
    try:
        found = target.resolve()
    except (OSError, RuntimeError):  # links that lead to themselves
        found = Path("/")
    if not found.name:
        raise StudyError(
            "the output folder cannot be replaced",
            received=str(target),
            cure="Name a new or empty folder",
        )
    return found


def _recover(target: Path, aside: Path) -> None:
    """Finishes a swap that was cut short."""
    if not aside.exists():
        return
    if target.exists():
        _settle(aside, target)
    else:
        aside.rename(target)


def require_own(target: Path, marker: str) -> None:
    """Makes sure that a folder is missing, empty, or one that we made.

    Args:
        target: The folder.
        marker: A file that each folder of its kind holds.

    Raises:
        StudyError: if it holds something else.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if marker not in (read_manifest(target) or ()):
        raise StudyError(
            f"the output folder holds something else, or {MANIFEST}, which names our files, is "
            "missing",
            received=str(target),
            cure="Move it away, or name a new or empty folder",
        )


def _require_free(target: Path, fresh: Path) -> None:
    """Makes sure that no file of someone else has the name of one that is to be written."""
    names = all_files(fresh)
    found = [name for name in _foreign(target) if _collides(name, names, target, fresh)]
    if found:
        more = len(found) - _SHOWN
        shown = [str(target / name) for name in found[:_SHOWN]]
        raise StudyError(
            "files that are to be written were put there, or changed, by someone else",
            received=listing([*shown, counted(more, "more file")] if more > 0 else shown),
            cure="Rename or delete them, then issue the same command again",
        )


def _foreign(folder: Path) -> list[str]:
    """Names the files of a folder that we did not write, or that were changed since."""
    own = read_manifest(folder) or {}
    return [
        name
        for name in all_files(folder)
        if name != MANIFEST and not (name in own and is_unchanged(folder / name, own[name]))
    ]


def _collides(theirs: str, ours: Collection[str], target: Path, fresh: Path) -> bool:
    if theirs in ours:
        return not _same(target / theirs, fresh / theirs)
    return any(own.startswith(f"{theirs}/") or theirs.startswith(f"{own}/") for own in ours)


def _same(path: Path, other: Path) -> bool:
    return not path.is_symlink() and filecmp.cmp(path, other, shallow=False)


def _swap(fresh: Path, target: Path, aside: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        aside.rename(target)
        raise
    _settle(aside, target)


def _settle(aside: Path, target: Path) -> None:
    """Moves what is not ours from the old folder into the new one, and deletes the rest."""
    for name in _foreign(aside):
        place = target / name
        if place.is_file() and _same(aside / name, place):
            continue
        if place.exists() or place.is_symlink():
            raise StudyError(
                "files of someone else were left in the folder of an earlier build",
                received=str(aside / name),
                cure="Move that file away, then issue the same command again",
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        (aside / name).rename(place)
    shutil.rmtree(aside)
