"""What the folders of a run say of it, where a tool keeps each run in a folder of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_SEED = re.compile(r"(?:^|(?<=[^A-Za-z]))seed[-_=]?(\d+)(?![A-Za-z0-9.])", re.IGNORECASE)
_SETTING = re.compile(r"([^=,]+)=([^=,]*)")


def files_in(source: str, pattern: str) -> list[Path]:
    """Returns the files below a folder whose names match, or the file itself; in fixed order.

    Links to folders are not followed, so that none is read twice or for ever.
    """
    path = Path(source)
    if path.is_file():
        return [path] if path.match(pattern) else []
    return sorted(own for own in _walk(path) if own.match(pattern)) if path.is_dir() else []


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where) / name for name in names)


def _refuse(error: OSError) -> None:
    raise error  # a folder that may not be read holds runs that would be missing


def named_by(path: Path, source: str) -> str:
    """Returns what a run is called: the path of its folder or file below the source."""
    root = Path(source)
    if path == root:
        return path.name
    return path.relative_to(root).as_posix()


def labels_of(name: str) -> Mapping[str, str]:
    """Returns what a path says: ``key=value`` pairs, a seed, and each folder's name.

    Example:
        >>> labels_of("lr=0.1,augment=on/seed=3")
        {'lr': '0.1', 'augment': 'on', 'seed': '3'}
        >>> labels_of("cats/aug-on_seed3")
        {'folder1': 'cats', 'seed': '3', 'folder2': 'aug-on'}
    """
    found: dict[str, str] = {}
    for number, part in enumerate(name.split("/"), start=1):
        pairs = [_SETTING.fullmatch(piece) for piece in part.split(",")]
        if all(pairs):
            found |= {pair[1].strip(): pair[2].strip() for pair in pairs if pair}
            continue
        if seed := _SEED.search(part):
            found["seed"] = seed[1]
            part = (part[: seed.start()] + part[seed.end() :]).strip("-_. ")  # noqa: PLW2901
        if part:
            found[f"folder{number}"] = part
    return found
