"""Replaces a folder as a whole: built beside the old one, and swapped in at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablations.errors import StudyError


@contextmanager
def replaced(target: Path, *, marker: str) -> Iterator[Path]:
    """Gives a new folder to fill, which takes the place of ``target`` when all went well.

    Whatever goes wrong, ``target`` stays as it was. The new folder must hold a file ``marker``; an
    existing target is replaced only if it is empty or holds one too.

    Raises:
        StudyError: if ``target`` was not made by this program.
    """
    aside = target.with_name(f".{target.name}.old")
    _recover(target, aside)
    _require_own(target, marker)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        fresh.chmod(0o755)  # mkdtemp makes folders that a web server may not read
        yield fresh
        _swap(fresh, target, aside)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _recover(target: Path, aside: Path) -> None:
    """Finishes a swap that was cut short between its two renames."""
    if aside.exists() and not target.exists():
        aside.rename(target)


def _require_own(target: Path, marker: str) -> None:
    if not target.exists() or (target / marker).is_file():
        return
    if not target.is_dir() or any(target.iterdir()):
        raise StudyError(
            "the output folder holds something else, and would be replaced as a whole",
            received=str(target),
            cure="Name a new or empty folder",
        )


def _swap(fresh: Path, target: Path, aside: Path) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        _recover(target, aside)
        raise
    shutil.rmtree(aside, ignore_errors=True)
