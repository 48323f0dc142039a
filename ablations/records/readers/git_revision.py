"""Reads a file that is committed to git, ``REVISION:PATH``, without touching the working tree."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from ablations.errors import StoreError
from ablations.records.readers.reader import CURE, Found, Reader, missing_source


def reader_of(files: Sequence[Reader]) -> Reader:
    """Returns the reader that takes a file out of git and hands it to the first that takes it."""

    def read(_path: Path, source: str) -> Found:
        name = Path(source.partition(":")[2]).name
        content = _committed(source)
        if not Path(name).suffix:  # such as a folder, of which git returns a list
            raise StoreError("this is no file of findings or records", received=source, cure=CURE)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            reader = next(reader for reader in files if reader.takes(path))
            try:
                return reader.read(path, source)
            except StoreError as error:
                raise _of_commit(error, path, source) from error

    return Reader(_takes, read)


def _of_commit(error: StoreError, path: Path, source: str) -> StoreError:
    """Returns an error about a copy as one about the committed file, which has to be copied."""
    problem, received, cure = (part.replace(str(path), source) for part in error.parts)
    if str(path) in error.parts[2]:
        copy = quote(f"committed-{path.name}")
        cure = error.parts[2].replace(quote(str(path)), copy)
        cure = f"Copy it with 'git show {quote(source)} > {copy}' first. {cure}"
    return type(error)(problem, received=received, cure=cure)


def _takes(path: Path) -> bool:
    return ":" in str(path) and not path.exists()


def _committed(name: str) -> bytes:
    """Returns the content of a committed file.

    Raises:
        StoreError: if git has no such file.
    """
    command = ["git", "show", "--end-of-options", name]
    try:
        done = subprocess.run(  # noqa: S603 - git itself, and a name that it looks up
            command, capture_output=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error).encode()
        line = output.decode(errors="replace").strip().splitlines()[0].rstrip(".")
        raise _unfetched(missing_source(f"{name}: {line}"), name, line) from error
    return done.stdout


def _unfetched(error: StoreError, name: str, line: str) -> StoreError:
    """Adds how to get a branch that a shallow clone lacks, as the clones of CI do."""
    revision = name.partition(":")[0]
    if "invalid object name" not in line or not re.fullmatch(r"[\w./-]+", revision):
        return error
    branch = revision.removeprefix("origin/")
    place = revision if branch == revision else f"refs/remotes/{revision}"
    problem, received, cure = error.parts
    fetch = f"git fetch --depth=1 origin {branch}:{place}"
    return StoreError(
        problem,
        received=received,
        cure=f"If this is a branch that the clone lacks, fetch it: {fetch}. Otherwise: {cure}",
    )
