"""Downloads an archive of images, checks what was in it, and puts the folder in place at once."""

from __future__ import annotations

import shutil
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from ablations.errors import DataError
from ablations.vision.cache import content_digest
from ablations.vision.folders import Report

CHUNK_BYTES = 1 << 18
_CURE = "Try again, or download it yourself, extract it and name the folder with --data-dir"


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip file on the web, and the digest of the images in it (``cache.content_digest``)."""

    url: str
    folder: str
    images: str
    sha256: str


def verify(archive: Archive, root: Path) -> None:
    """Checks the images below ``root``.

    Raises:
        DataError: if they are not exactly those of the archive.
    """
    files = image_files(archive, root)
    found = content_digest(root, files)
    if found != archive.sha256:
        differs = f"{len(files)} images, SHA-256 {found[:16]}… instead of {archive.sha256[:16]}…"
        raise DataError(
            f"{root}: these are not the images of {archive.url.rpartition('/')[2]}",
            received=differs if files else f"no {archive.images}",
            cure=f'{_CURE}; for images of your own use dataset = "directory:PATH"',
        )


def image_files(archive: Archive, root: Path) -> list[Path]:
    """Returns the paths of the archive's images below ``root``, relative to it."""
    return sorted(path.relative_to(root) for path in root.glob(archive.images))


def fetch(archive: Archive, target: Path, report: Report) -> None:
    """Downloads, extracts and checks ``archive``; ``target`` appears whole or not at all.

    Args:
        archive: What to fetch.
        target: The folder that shall hold the archive's ``folder``'s content.
        report: Told the bytes done and the bytes in all.

    Raises:
        DataError: if the download fails or is cut short, or the content is wrong.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as beside:
        packed = Path(beside) / "archive.zip"
        _download(archive.url, packed, report)
        _extract(packed, Path(beside), archive.url)
        verify(archive, Path(beside) / archive.folder)
        if not target.exists():
            (Path(beside) / archive.folder).rename(target)


def _download(url: str, packed: Path, report: Report) -> None:
    try:
        # The address is a constant of this package, never a user's text.
        with urllib.request.urlopen(url, timeout=60) as answer, packed.open("wb") as file:  # noqa: S310
            total = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                report(file.tell(), total)
            done = file.tell()
    except (OSError, HTTPException) as error:
        raise DataError(f"{url}: the download failed", received=str(error), cure=_CURE) from error
    if done < total:
        received = f"{done} of {total} bytes"
        raise DataError(f"{url}: the download was cut short", received=received, cure=_CURE)


def _extract(packed: Path, beside: Path, url: str) -> None:
    try:
        with zipfile.ZipFile(packed) as archive:
            for name in archive.namelist():
                if not (beside / name).resolve().is_relative_to(beside.resolve()):
                    problem = f"{url}: the archive would write outside its folder"
                    raise DataError(problem, received=name, cure="Do not use this archive")
            archive.extractall(beside)
    except (zipfile.BadZipFile, EOFError, shutil.Error) as error:
        raise DataError(
            f"{url}: no readable zip archive", received=str(error), cure=_CURE
        ) from error
