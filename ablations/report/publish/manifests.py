"""Tells the files that we wrote from all others: a list of their digests lies beside them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ablations.records.written import MANIFEST

_LINE = re.compile(r"([0-9a-f]{64})  ([^/].*)")


def all_files(folder: Path) -> list[str]:
    """Returns what lies below a folder, besides folders, by its path in it; follows no links."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [f"{place}{os.sep}{name}" for name in (*files, *links)]
    start = len(str(folder)) + 1
    return sorted(path[start:] for path in found)


def write_manifest(folder: Path) -> None:
    """Lists all files of a folder in its manifest; equal files give equal bytes."""
    names = [name for name in all_files(folder) if name != MANIFEST]
    _write(folder, {name: digest(folder / name) for name in names})


def add_to_manifest(folder: Path, name: str) -> None:
    """Lists a file as it is now, beside what the manifest of its folder lists.

    The list keeps its time, by which `present` knows which of the other files are older.
    """
    listed, now = read_manifest(folder), digest(folder / name)
    if listed is None:
        _write(folder, {name: now})
    elif listed.get(name) != now:
        before = (folder / MANIFEST).stat()
        _write(folder, dict(sorted({**listed, name: now}.items())))
        os.utime(folder / MANIFEST, ns=(before.st_atime_ns, before.st_mtime_ns))


def _write(folder: Path, listed: Mapping[str, str]) -> None:
    lines = [f"{found}  {name}\n" for name, found in listed.items()]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def read_manifest(folder: Path, name: str = MANIFEST) -> Mapping[str, str] | None:
    """Returns the digests of the files that we wrote by their paths, or None without a list.

    A line that is not as we write it is left out: what it named counts as someone else's.
    """
    path = folder / name
    if path.is_symlink() or not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in map(_LINE.fullmatch, lines) if line]
    return {line[2]: line[1] for line in found}


def present(folder: Path) -> Mapping[str, str] | None:
    """Returns the digests that our files have now by their paths, or None without a list.

    A file that is older than the list is taken to be as listed, and is not read: thousands of files
    are looked at in a moment. Whoever replaces files asks `is_unchanged`, which reads.
    """
    listed = read_manifest(folder)
    if listed is None:
        return None
    found, since = {}, (folder / MANIFEST).stat().st_mtime_ns
    for name, noted in listed.items():
        path = f"{folder}/{name}"
        with suppress(OSError):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                found[name] = noted if status.st_mtime_ns < since else digest(Path(path))
    return found


def is_unchanged(path: Path, expected: str) -> bool:
    """Says whether a file is the one whose digest was noted."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and digest(path) == expected
    except OSError:
        return False


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    with path.open("rb", buffering=0) as file:  # of thousands of small files, a buffer is half
        return hashlib.sha256(file.read()).hexdigest()
