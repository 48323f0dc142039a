"""The zip file of a bundle: equal contents give equal bytes, and it has a checksum of each file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ablations.errors import StoreError

SUMS = "SHA256SUMS"
"""Names each other file with its SHA-256, as ``sha256sum -c`` reads it."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_MOST_BYTES = 4 * 2**30
"""What a bundle may take unpacked, so that a small file cannot fill the memory."""


def archived(files: Mapping[str, bytes]) -> bytes:
    """Returns the zip file of these files, by their paths in it, and of their checksums."""
    whole = {**files, SUMS: _sums(files)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(whole):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = _MODE, zipfile.ZIP_DEFLATED
            entry.create_system = 3  # also on Windows, so that the bytes are the same
            archive.writestr(entry, whole[name])
    return buffer.getvalue()


def _sums(files: Mapping[str, bytes]) -> bytes:
    lines = (f"{_digest(files[name])}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def require_replaceable(path: Path) -> None:
    """Makes sure that a bundle may be written there: nothing is, or an earlier bundle.

    Raises:
        StoreError: if something else is there.
    """
    if not path.exists() or (zipfile.is_zipfile(path) and SUMS in read_archive(path)):
        return
    raise StoreError(
        f"{path} is there already and is no bundle, so it is not replaced",
        received=f"a file of {path.stat().st_size} bytes",
        cure="Name another file with -o, or delete this one",
    )


def read_archive(path: Path) -> dict[str, bytes]:
    """Returns the files of a bundle by their paths in it.

    Raises:
        StoreError: if it is no zip file, is damaged, unpacks to more than 4 GiB, or names a file
            outside of itself or twice.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _require_safe(path, entries)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not path.is_file():
            raise
        raise StoreError(
            f"{path} cannot be read as a bundle",
            received=str(error) or type(error).__name__,
            cure="Copy it again from where it comes from",
        ) from error


def _require_safe(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    outside = [name for name in names if not _is_inside(name)]
    size = sum(entry.file_size for entry in entries)
    if outside or len(set(names)) < len(names) or size > _MOST_BYTES:
        twice = [name for name in names if names.count(name) > 1]
        raise StoreError(
            f"{path} is no bundle that is safe to read",
            received=(*outside, *twice, f"{size} bytes")[0],
            cure="Take one that 'ablations bundle' wrote",
        )


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name


def differences(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Says which files are not as the bundle's list of checksums names them.

    Args:
        files: As `read_archive` returns them.

    Raises:
        StoreError: if there is no such list.
    """
    if SUMS not in files:
        raise StoreError(
            f"this is no bundle, as it has no {SUMS}",
            received=", ".join(sorted(files)[:5]) or "an empty file",
            cure="Name a file that 'ablations bundle' wrote",
        )
    lines = files[SUMS].decode(errors="replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    own = files.keys() - {SUMS}
    changed = [n for n in listed.keys() & own if _digest(files[n]) != listed[n]]
    return (
        *(f"{name} differs from its checksum" for name in sorted(changed)),
        *(f"{name} is missing" for name in sorted(listed.keys() - own)),
        *(f"{name} is not in {SUMS}" for name in sorted(own - listed.keys())),
    )
