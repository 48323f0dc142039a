"""Writes files into a folder that also holds those of others, and replaces only our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ablations.errors import StudyError
from ablations.files import replaced_file
from ablations.report.publish.manifests import digest, is_unchanged, read_manifest
from ablations.text.formatting import few

PLACED = ".ablations-formats"
"""Names every file that we wrote into the folder, with its digest. A report's own list in the same
folder stays apart, so that rendering the report again leaves these files where they are."""


def place(files: Mapping[str, str | bytes], folder: Path) -> list[Path]:
    """Writes files by their paths in a folder, which is made if missing; returns their paths.

    Equal files give equal bytes. All is checked before anything is written.

    Raises:
        StudyError: if a file that someone else wrote, or changed, has the name of one of them.
    """
    raw = {name: _encoded(content) for name, content in files.items()}
    own = dict(read_manifest(folder, PLACED) or {})
    taken = [
        str(folder / name) for name in raw if not _is_free(folder / name, raw[name], own.get(name))
    ]
    if taken:
        raise StudyError(
            "files that are to be written were put there, or changed, by someone else",
            received=few(taken),
            cure="Rename or delete them, or name another folder with -o",
        )
    for name, content in raw.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(folder / name) as file:
            file.write(content)
        own[name] = digest(folder / name)
    lines = [f"{own[name]}  {name}\n" for name in sorted(own) if (folder / name).is_file()]
    with replaced_file(folder / PLACED) as file:
        file.write("".join(lines).encode())
    return [folder / name for name in raw]


def _encoded(content: str | bytes) -> bytes:
    return content.encode(errors="replace") if isinstance(content, str) else content


def _is_free(path: Path, content: bytes, noted: str | None) -> bool:
    """Says whether a file may be written: there is none, it is ours, or it holds this already."""
    if path.is_symlink():
        return False
    if not path.exists():
        return True
    if noted is not None and is_unchanged(path, noted):
        return True
    return path.is_file() and path.read_bytes() == content
