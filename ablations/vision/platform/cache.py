"""The cache folder: data, pretrained weights and digests, each put in place in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from platformdirs import user_cache_path

from ablations.errors import DataError


def folder() -> Path:
    """Returns the cache folder: ``ABLATIONS_CACHE``, or the one that the system provides."""
    chosen = os.environ.get("ABLATIONS_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("ablations")


def require() -> None:
    """Raises ``DataError`` if the cache folder cannot be made or written to."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder(), prefix=".new-"):
            pass
    except OSError as error:
        raise DataError(
            "the cache folder cannot be used",
            received=f"{folder()} ({error.strerror})",
            cure="Name another one with ABLATIONS_CACHE",
        ) from error


def publish(path: Path, write: Callable[[Path], object]) -> None:
    """Puts a file in place at once: written beside, then renamed, so that no reader sees half.

    Two processes may do it at the same time; the last one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as beside:
        write(Path(beside) / path.name)
        (Path(beside) / path.name).replace(path)


def publish_text(path: Path, text: str) -> None:
    """Puts a file of text in place at once."""
    publish(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def publish_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Puts a folder in place at once; of two processes that do it, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as beside:
        made = Path(beside) / path.name
        made.mkdir()
        write(made)
        try:
            made.rename(path)
        except OSError:
            if not path.is_dir():
                raise


def remembered(kind: str, facts: str, compute: Callable[[], str]) -> str:
    """Returns ``compute()``, from the cache if it was computed for the same facts before."""
    path = folder() / kind / hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()
    if not path.exists() or not path.stat().st_size:  # nothing that is remembered is empty
        text = compute()
        publish_text(path, text)
    return path.read_text(encoding="utf-8")


def prune(kind: str, *, limit_bytes: int, unused_seconds: float = 3600.0) -> None:
    """Removes the folders of a kind that were used longest ago, until the rest fits the limit.

    Args:
        kind: The folder of the cache that holds them.
        limit_bytes: What may stay.
        unused_seconds: Folders that were used since stay in any case: another study may be at them.
    """
    root = folder() / kind
    entries = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    used = {path: path.stat().st_mtime for path in entries}
    sizes = {path: sum(f.stat().st_size for f in path.glob("*")) for path in entries}
    total = sum(sizes.values())
    for path in sorted(entries, key=lambda path: used[path]):
        if total > limit_bytes and used[path] < time.time() - unused_seconds:
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]


def stamp(root: Path, files: Iterable[Path]) -> str:
    """Returns text that changes when files do, read without them: path, size and two times of each.

    The time at which the content changed can be set back, as archives and copies do; the time at
    which the file's entry changed (``st_ctime_ns``) is the system's own on Linux and macOS. On
    Windows it is when the file was made: a change that keeps size and time is not noticed there.

    Args:
        root: The folder that the files lie in.
        files: Paths relative to it.
    """
    lines = [str(root.resolve())]
    for file in files:
        facts = (root / file).stat()
        times = f"{facts.st_mtime_ns}\t{facts.st_ctime_ns}"
        lines.append(f"{file.as_posix()}\t{facts.st_size}\t{times}")
    return "\n".join(lines)


def content_digest(root: Path, files: Iterable[Path]) -> str:
    """Returns SHA-256 over the files' relative paths and contents, in the order of the paths.

    Each file adds its path with forward slashes, a zero byte, its length in decimal, a zero byte
    and its content.
    """
    digest = hashlib.sha256()
    for name, file in sorted((file.as_posix(), file) for file in files):
        content = (root / file).read_bytes()
        head = f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape")
        digest.update(head + content)
    return digest.hexdigest()
