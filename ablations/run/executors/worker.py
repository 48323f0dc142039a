"""The worker: a process of its own that trains one trial after another.

The driver starts it with ``python -m ablations.run`` and exchanges messages with it through an
inherited pipe, which a line of JSON on standard input names. A worker trains many trials, because
importing a framework takes seconds, and ends with the driver, however the driver ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import NoReturn

from ablations.core.record import LogContents, RunRecord
from ablations.core.study import Trial
from ablations.entry import Shipped, find_entry, without_shortcuts
from ablations.errors import StudyError
from ablations.run import descendants
from ablations.run.execute import Spent, error_line, execute, make_record, utc_now
from ablations.run.executors import Task
from ablations.run.machine import memory
from ablations.run.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """Trials to do at once, several only where they train together.

    ``function`` is theirs where no module has it; the worker keeps it for later orders.
    """

    trials: tuple[Trial, ...]
    task: Task
    plain: bool
    function: Shipped | None = None


@dataclass(frozen=True, slots=True)
class StartMessage:
    """The worker has imported the training function, and begins the trials of its order."""


@dataclass(frozen=True, slots=True)
class EpochMessage:
    """A trial of the order, whose place counts from 0, has reported an epoch."""

    place: int
    number: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class EndMessage:
    """The trials of the order have ended.

    ``resident_bytes`` is the memory that the worker holds now. ``left_processes``: they had left
    some, which were ended, so that what used them in the worker is broken. ``left_threads``: they
    have left some, which may still end the worker.
    """

    records: tuple[RunRecord, ...]
    resident_bytes: int
    left_processes: bool = False
    left_threads: bool = False


Message = StartMessage | EpochMessage | EndMessage


def main() -> None:
    """Connects to the driver and does what it sends, until the driver ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    memory.raise_oom_score()
    if descendants.GUARD in os.environ:
        descendants.guard(os.environ[descendants.MARK])
    greeting = json.loads(sys.stdin.readline() or _end())
    sys.path[:] = greeting["path"]
    threading.Thread(target=_end_with_driver, args=(_own_stdin(),), daemon=True).start()
    os.set_inheritable(greeting["descriptor"], False)
    surroundings = Surroundings()
    with Connection(greeting["descriptor"]) as driver, suppress(EOFError, ConnectionError):
        # A forked child must neither answer for this process nor keep its pipe open.
        os.register_at_fork(after_in_child=driver.close)
        while True:
            records = _perform(driver.recv(), _Line(driver), surroundings)
            left, threads = surroundings.restore(), surroundings.threads_left()
            driver.send(EndMessage(records, memory.resident_bytes(), left, threads))
    _end()


class _Line:
    """Sends messages one at a time: a training function may report from several threads."""

    def __init__(self, driver: Connection) -> None:
        self._driver, self._lock, self._open = driver, threading.Lock(), True

    def send(self, message: Message) -> None:
        """Sends a message, unless the trials of this order have ended."""
        with self._lock:
            if self._open:
                self._driver.send(message)

    def close(self) -> None:
        """Drops all further messages, such as those of a thread that a trial left behind."""
        with self._lock:
            self._open = False


def _own_stdin() -> int:
    """Keeps the pipe of standard input for this module; training functions find it empty."""
    kept = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return kept


def _end_with_driver(stdin: int) -> None:
    """Waits for the end of the driver's pipe, which comes when the driver has ended."""
    while os.read(stdin, 4096):
        pass
    _end()


def _end() -> NoReturn:
    """Ends this process at once, with all that were started from it."""
    descendants.end_own()
    os._exit(1)


def _perform(order: WorkOrder, line: _Line, surroundings: Surroundings) -> tuple[RunRecord, ...]:
    trials = order.trials
    for trial in trials:
        print(f"--- {trial.arm.name}, seed {trial.seed} ({trial.key})", flush=True)  # noqa: T201 - a log

    def on_epoch(place: int, number: int, metrics: Mapping[str, float]) -> None:
        line.send(EpochMessage(place, number, metrics))

    try:
        if order.function:
            order.function.receive()
        entry = find_entry(trials[0].entry, trials[0].folder)
    except StudyError as error:
        spent, why = Spent(utc_now(), 0.0), error_line(error)
        return tuple(make_record(t, LogContents(), spent, ("raised", why)) for t in trials)
    surroundings.begin()
    line.send(StartMessage())
    try:
        with without_shortcuts(order.plain):
            return execute(trials, entry, on_epoch, task=order.task)
    finally:
        line.close()
