"""Lets SIGTERM stop a run as Ctrl-C does, with everything closed in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


@contextmanager
def terminating() -> Iterator[None]:
    """Raises `Terminated` where SIGTERM arrives, within the block."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def heed_termination() -> None:
    """Raises `Terminated` where SIGTERM arrives, from now on."""
    signal.signal(signal.SIGTERM, _stop)


def was_terminated() -> bool:
    """Whether SIGTERM has arrived since somebody heeds it."""
    return bool(_arrived)


_arrived: list[int] = []


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _arrived.append(number)
    raise Terminated
