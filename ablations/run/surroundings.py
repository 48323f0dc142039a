"""Restores a worker's process after each trial, whatever the trial changed."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from typing import TextIO

import psutil

from ablations.run import descendants

_STREAMS = (("stdout", 1), ("stderr", 2))
_LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


class Surroundings:
    """A worker's log as its standard output, its folder, timers, limits and processes.

    A training function may close standard output, change the folder, or start processes; the next
    trial in the same worker must not notice.
    """

    def __init__(self) -> None:
        self._log = os.dup(1)
        self._folder = os.open(".", os.O_RDONLY)
        self._streams: dict[str, TextIO] = {}
        self._limits = {number: resource.getrlimit(number) for number in _LIMITS}
        self._processes: list[psutil.Process] = []
        self._threads: frozenset[threading.Thread] = frozenset()
        descendants.keep_orphans()
        self.restore()

    def begin(self) -> None:
        """Notes which processes and threads there are before a trial."""
        self._processes = descendants.own_descendants()
        self._threads = frozenset(threading.enumerate())

    def threads_left(self) -> bool:
        """Whether the trial has left threads, which cannot be ended."""
        return not self._threads.issuperset(threading.enumerate())

    def restore(self) -> bool:
        """Restores everything; returns whether the trial had left processes, which are ended."""
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        for limit, (soft, _) in self._limits.items():
            with suppress(OSError, ValueError):  # above a hard limit that was lowered
                resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))
        for name, number in _STREAMS:
            self._restore_stream(name, number)
        with suppress(OSError):  # a folder that is gone cannot be restored
            os.fchdir(self._folder)
        return descendants.end_own(self._processes)

    def _restore_stream(self, name: str, number: int) -> None:
        with suppress(Exception):  # the trial may have put anything there
            getattr(sys, name).flush()
        os.dup2(self._log, number)
        ours = self._streams.get(name)
        if ours is None or ours.closed or getattr(sys, name, None) is not ours:
            ours = open(  # noqa: SIM115 - open as long as the worker lives
                number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            self._streams[name] = ours
            setattr(sys, name, ours)
