"""Lets SIGTERM stop a run as Ctrl-C does, with everything closed in order."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def heed_termination() -> None:
    """Raises `Terminated` where SIGTERM arrives, from now on."""
    signal.signal(signal.SIGTERM, _stop)


def was_terminated() -> bool:
    """Whether SIGTERM has arrived since `heed_termination`."""
    return bool(_arrived)


_arrived: list[int] = []


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _arrived.append(number)
    raise Terminated
