"""Keeps a worker's log within bounds: of each trial's output the first and the last part."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ablations.core.checks import grouped

KEPT_BYTES = 1_000_000
"""How much of a trial's output is kept at its beginning, and as much at its end."""

_SLACK_BYTES = 8_000_000  # while a trial runs, so that its log is not rewritten all the time


class TrialOutput:
    """What the trials of one order have printed so far, at the end of their worker's log.

    The worker writes to the file itself, so that nothing is lost when the driver ends. What it
    prints while the middle is removed may be lost.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = _size(path)
        self._head_end: int | None = None
        self._note = b""
        self._left_out = 0

    def cap(self, *, ended: bool = False) -> None:
        """Removes the middle of what is too long."""
        slack = 0 if ended else _SLACK_BYTES
        if _size(self._path) - self._start > 2 * KEPT_BYTES + len(self._note) + slack:
            with suppress(OSError):  # a training function may remove even this file
                self._cut()

    def _cut(self) -> None:
        with self._path.open("r+b") as file:
            if self._head_end is None:
                file.seek(self._start)
                self._head_end = self._start + _whole_lines(file.read(KEPT_BYTES))
            size, tail = _tail(file)
            tail = tail.replace(self._note, b"", 1) if self._note else tail
            self._left_out += size - len(tail) - self._head_end - len(self._note)
            file.truncate(self._head_end)
        self._note = f"\n[{grouped(self._left_out)} bytes left out]\n".encode()
        with self._path.open("ab") as file:
            file.write(self._note + tail)


def _tail(file: BinaryIO) -> tuple[int, bytes]:
    """Returns a file's size and its last whole lines, again if it has grown meanwhile."""
    for _ in range(10):
        size = file.seek(0, os.SEEK_END)
        file.seek(size - KEPT_BYTES)
        tail = file.read(KEPT_BYTES)
        if file.seek(0, os.SEEK_END) == size:
            break
    return size, tail[tail.find(b"\n", 0, -1) + 1 :]


def _whole_lines(text: bytes) -> int:
    return text.rfind(b"\n") + 1 or len(text)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
