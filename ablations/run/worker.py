"""The worker: a process of its own that trains one trial after another.

The driver starts it with ``python -m ablations.run`` and speaks to it through an inherited pipe; a
line of JSON on standard input says which. A worker lives over many trials, because importing a
framework takes seconds, and ends with the driver, however the driver ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from multiprocessing.connection import Connection
from typing import Literal

from ablations.entry import find_entry
from ablations.errors import StudyError
from ablations.record import LogContents, Reason, RunRecord
from ablations.run import memory
from ablations.run.execute import execute, execute_together, make_record, said, utc_now
from ablations.study import Trial

Task = Literal["train", "describe"]
"""Which function of the entry a worker is to call with a trial."""


@dataclass(frozen=True, slots=True)
class StartMessage:
    """The worker is up, has imported the training function, and begins the trial at hand."""


@dataclass(frozen=True, slots=True)
class EpochMessage:
    """A trial of those at hand, counted from 0, has reported an epoch."""

    place: int
    number: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class EndMessage:
    """The trials at hand have ended; ``resident_bytes`` is what the worker holds now."""

    records: tuple[RunRecord, ...]
    resident_bytes: int


Message = StartMessage | EpochMessage | EndMessage


def main() -> None:
    """Connects to the driver and does what it sends, until the driver ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    greeting = json.loads(sys.stdin.readline())
    for stream in (sys.stdout, sys.stderr):  # a log takes what a narrow terminal would refuse
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.path[:] = greeting["path"]
    threading.Thread(target=_end_with_driver, args=(_own_stdin(),), daemon=True).start()
    os.set_inheritable(greeting["descriptor"], False)
    with Connection(greeting["descriptor"]) as driver:
        # A forked child must neither answer for this process nor keep its pipe open.
        os.register_at_fork(after_in_child=driver.close)
        while True:
            trials, task = driver.recv()
            driver.send(_perform(trials, task, driver))


def _own_stdin() -> int:
    """Keeps the pipe of standard input for this module; training functions find it empty."""
    kept = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return kept


def _end_with_driver(stdin: int) -> None:
    """Waits for the end of the driver's pipe, which comes when the driver is gone."""
    while os.read(stdin, 4096):
        pass
    os._exit(1)


def _perform(trials: tuple[Trial, ...], task: Task, driver: Connection) -> EndMessage:
    for trial in trials:
        print(f"--- {trial.arm.name}, seed {trial.seed} ({trial.key})", flush=True)  # noqa: T201 - a log

    def on_epoch(place: int, number: int, metrics: Mapping[str, float]) -> None:
        driver.send(EpochMessage(place, number, metrics))

    try:
        entry = find_entry(trials[0].entry, trials[0].folder)
    except StudyError as error:
        failure: tuple[Reason, str] = ("raised", said(error))
        now = utc_now()
        records = tuple(
            make_record(trial, LogContents(), started_at=now, seconds=0.0, failure=failure)
            for trial in trials
        )
    else:
        driver.send(StartMessage())
        if len(trials) > 1:
            records = execute_together(trials, entry, on_epoch)
        else:
            records = (execute(trials[0], getattr(entry, task), partial(on_epoch, 0)),)
    return EndMessage(records, memory.resident_bytes())
