"""Notices that files changed, by asking for their times again and again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Snapshot = Mapping[str, tuple[int, int]]
"""Time of change and size of each file by its path."""


def snapshot(paths: Iterable[Path], *, apart: Path) -> Snapshot:
    """Returns the state of files and of all files in folders.

    Args:
        paths: What to look at; what is not there is left out.
        apart: A folder that is left out, as what is built lies there. So is, within folders, what
            has a name that begins with a dot.
    """
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        for name in _files(path, apart.resolve()):
            try:
                facts = Path(name).stat()
            except OSError:  # it is gone again
                continue
            found[name] = (facts.st_mtime_ns, facts.st_size)
    return found


def _files(path: Path, apart: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [
            name for name in folders
            if not name.startswith(".") and (Path(folder) / name).resolve() != apart
        ]  # fmt: skip
        yield from (f"{folder}/{name}" for name in names if not name.startswith("."))
