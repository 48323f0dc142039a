"""Lets SIGTERM and SIGUSR1 stop a run as Ctrl-C does, with everything closed in order.

SIGUSR1 is what SLURM sends before the end of a job's time, where the job asks for it. A shard that
is stopped ends with a code of its own, by which a job file knows that it is to be started again.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

REQUEUE = 75
"""The exit code of a stopped shard: EX_TEMPFAIL of BSD's sysexits.h, "try again later"."""

_NUMBERS = (signal.SIGTERM, signal.SIGUSR1)


class Terminated(KeyboardInterrupt):
    """The process was asked to end by a signal."""


def heed_termination() -> None:
    """Raises `Terminated` where SIGTERM or SIGUSR1 arrives, from now on."""
    for number in _NUMBERS:
        signal.signal(number, _stop)


def was_terminated() -> bool:
    """Whether one of them has arrived since `heed_termination`."""
    return bool(_arrived)


def stopped_code() -> int:
    """Returns the exit code of a process that such a signal has ended.

    It is read from the command line, as the signal may arrive while that is still being imported.
    """
    if any(word.partition("=")[0] == "--shard" for word in sys.argv[1:]):
        return REQUEUE
    return 128 + next(iter(_arrived), signal.SIGTERM)


_arrived: list[int] = []


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    for other in _NUMBERS:  # a second one must not interrupt the closing; SIGKILL still ends it
        signal.signal(other, signal.SIG_IGN)
    _arrived.append(number)
    raise Terminated
