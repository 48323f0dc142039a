"""Downloads an archive of images, checks what was in it, and puts the folder in place at once."""

from __future__ import annotations

import errno
import re
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath

from ablations.errors import AblationsError, DataError
from ablations.vision.data.folders import ReportBytes
from ablations.vision.platform.cache import content_digest

CHUNK_BYTES = 1 << 18
_CURE = "Try again, or download it yourself, extract it and name the folder with --data-dir"


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip file on the web, and the digest of the images in it (``cache.content_digest``).

    ``limit_bytes`` is more than the file, and than its images when unpacked, can have.
    """

    url: str
    folder: str
    images: str
    sha256: str
    limit_bytes: int = 1 << 27


def verify(archive: Archive, root: Path) -> str:
    """Returns the digest of the images below ``root``.

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
    return found


def image_files(archive: Archive, root: Path) -> list[Path]:
    """Returns the paths of the archive's images below ``root``, relative to it."""
    return sorted(path.relative_to(root) for path in root.glob(archive.images))


def fetch(archive: Archive, target: Path, report: ReportBytes) -> None:
    """Downloads, extracts and checks ``archive``; ``target`` appears whole or not at all.

    Only the images are unpacked, and neither the archive nor they may exceed its limit.

    Args:
        archive: What to fetch.
        target: The folder that shall hold the archive's ``folder``'s content.
        report: Told the bytes done and the bytes in all, which are 0 where the server does not say.

    Raises:
        DataError: if the download fails or is cut short, or the content is wrong.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as beside:
        packed = Path(beside) / "archive.zip"
        _download(archive, packed, report)
        _extract(archive, packed, Path(beside))
        verify(archive, Path(beside) / archive.folder)
        if not target.exists():
            (Path(beside) / archive.folder).rename(target)


def _download(archive: Archive, packed: Path, report: ReportBytes) -> None:
    try:
        # The address is a constant of this package, never a user's text.
        with urllib.request.urlopen(archive.url, timeout=60) as answer, packed.open("wb") as file:  # noqa: S310
            total = content_length(answer)
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                report(file.tell(), total)
                _check_limit(archive, file.tell())
            done = file.tell()
    except (OSError, HTTPException) as error:
        raise _failed(archive, "the download failed", error) from error
    if done < total:
        received = f"{done} of {total} bytes"
        raise DataError(f"{archive.url}: the download was cut short", received=received, cure=_CURE)


def content_length(answer: HTTPResponse) -> int:
    """Returns how many bytes an answer from the web has; 0 where it does not say so."""
    length = str(answer.headers.get("Content-Length") or "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else 0


def _extract(archive: Archive, packed: Path, beside: Path) -> None:
    """Unpacks the images; whatever else an archive holds may be there to fill the disk."""
    wanted = f"{archive.folder}/{archive.images}"
    try:
        with zipfile.ZipFile(packed) as zipped:
            _check_names(archive, zipped, beside)
            images = [m for m in zipped.infolist() if PurePosixPath(m.filename).match(wanted)]
            _check_limit(archive, sum(m.file_size for m in images))  # no member is read beyond it
            zipped.extractall(beside, images)
    except AblationsError:
        raise
    except (zipfile.BadZipFile, EOFError) as error:
        raise _failed(archive, "no readable zip archive", error) from error
    except Exception as error:
        # Damaged or encrypted members, unknown methods and long names raise nearly anything.
        raise _failed(archive, "the archive cannot be unpacked", error) from error


def _check_names(archive: Archive, zipped: zipfile.ZipFile, beside: Path) -> None:
    for name in zipped.namelist():
        if not (beside / name).resolve().is_relative_to(beside.resolve()):
            problem = f"{archive.url}: the archive would write outside its folder"
            raise DataError(problem, received=name, cure="Do not use this archive")


def _check_limit(archive: Archive, size: int) -> None:
    if size > archive.limit_bytes:
        raise DataError(
            f"{archive.url}: the archive is larger than its images can be",
            received=f"more than {archive.limit_bytes} bytes",
            cure="Do not use this archive",
        )


def _failed(archive: Archive, problem: str, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    cure = f"Free {archive.limit_bytes} bytes of the disk, and try again" if full else _CURE
    return DataError(f"{archive.url}: {problem}", received=str(reason), cure=cure)
