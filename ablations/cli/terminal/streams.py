"""Standard output and error that never end the program, whoever reads them and in what alphabet.

What a command decides must not depend on its readers. A pipe may close early (``| head -1``), a
descriptor may be closed from the start (``>&-``), and a terminal may know few characters (cp1252).
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_SPELLED = "ablations.spelled"
"""Name of the error handler that spells what an encoding lacks."""

_ALIKE = {
    "−": "-", "–": "-", "—": "-", "×": "x", "·": ".", "±": "+/-", "≥": ">=", "≤": "<=",
    "‘": "'", "’": "'", "“": '"', "”": '"', "→": "->", "←": "<-", "µ": "u",
    "✓": "+", "✗": "x", "▲": "^", "▼": "v",
}  # fmt: skip


class _Outlet(io.FileIO):
    """A descriptor that takes all that is written; what cannot be delivered is dropped.

    ``lost`` says why, where that was not the reader's own choice.
    """

    lost = ""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError as error:
            if not isinstance(error, ConnectionError):  # as when 'head' has read enough
                self.lost = str(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes
        if written is None:  # a pipe that does not block, and is full
            select.select((), (self,), ())
            return self.write(data)
        return written


def open_streams() -> None:
    """Replaces ``sys.stdout`` and ``sys.stderr`` by streams to which writing always succeeds."""
    codecs.register_error(_SPELLED, _spelled)
    _occupy_descriptors()
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr)


def close_streams() -> str:
    """Delivers what is left and returns why standard output was lost; empty where it was not."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, _Outlet) else ""


def knows_unicode(stream: TextIO) -> bool:
    """Whether a stream can show every character."""
    return (stream.encoding or "").lower().startswith("utf")


def _safe(stream: TextIO | None) -> TextIO:
    if stream is None:  # its descriptor was closed when Python started
        return Path(os.devnull).open("w", encoding="utf-8")
    stream.flush()
    outlet = io.BufferedWriter(_Outlet(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(
        outlet, stream.encoding, _SPELLED, line_buffering=bool(stream.line_buffering)
    )


def _occupy_descriptors() -> None:
    """Opens the null device where 0, 1 or 2 is closed, or else a store would get that number.

    What a library prints into its standard output would then be written into the records.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Writes characters that an encoding lacks with those that all have: ``−1.2`` as ``-1.2``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spell, error.object[error.start : error.end])), error.end


def _spell(character: str) -> str:
    r"""Returns a character in ASCII; others become their number.

    Example:
        >>> [_spell(character) for character in ("−", "ü", "猫")]
        ['-', 'u', '\\u732b']
    """
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _ALIKE.get(character) or plain or character.encode("ascii", "backslashreplace").decode()
