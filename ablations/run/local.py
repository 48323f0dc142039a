"""The local executor: spawned workers that stay alive over many trials."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from ablations.record import LogContents, Reason, RunRecord
from ablations.run.execute import make_record, utc_now
from ablations.run.machine import worker_environment
from ablations.run.more import More, no_more
from ablations.run.observer import Observer
from ablations.run.process import WorkerProcess
from ablations.run.worker import EpochMessage, StartMessage, Task
from ablations.study import Arm, Trial

Ended = tuple[Trial, RunRecord]


@dataclass(frozen=True, slots=True)
class _Job:
    """The trials that a worker is at; ``began`` is ``None`` while the worker starts up."""

    trials: tuple[Trial, ...]
    process: WorkerProcess
    started_at: str
    began: float | None = None

    @property
    def age(self) -> float:
        return 0.0 if self.began is None else time.monotonic() - self.began


class LocalExecutor:
    """Trains on this machine, in worker processes of its own.

    Args:
        jobs: Workers at a time; the cores, and GPUs if there are any, are divided among them.
        log_dir: Where each worker's output goes.
        timeout_seconds: A trial that takes longer is stopped and its worker replaced; trials that
            train together have this time each. The start of the worker does not count; what the
            training function imports does.
        task: Whether to train the trials or to describe them.
        memory_limit_bytes: A worker that holds more after a trial is replaced before the next;
            half of the machine's memory divided by ``jobs`` if left out.
        joins: Says of a trial whether it trains together with the other seeds of its arm.
    """

    def __init__(
        self,
        *,
        jobs: int,
        log_dir: Path,
        timeout_seconds: float | None = None,
        task: Task = "train",
        memory_limit_bytes: int | None = None,
        joins: Callable[[Trial], bool] = lambda _trial: False,
    ) -> None:
        self._jobs = jobs
        self._log_dir = log_dir
        self._timeout = timeout_seconds
        self._task: Task = task
        self._limit = memory_limit_bytes or psutil.virtual_memory().total // (2 * jobs)
        self._joins = joins
        self._numbers = count(1)
        self._waiting: deque[tuple[Trial, ...]] = deque()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[Connection, _Job] = {}

    def run(
        self, trials: Sequence[Trial], observer: Observer, *, more: More = no_more
    ) -> Iterator[Ended]:
        """Yields each trial with its record as it ends; closing the iterator stops all workers.

        The workers stay for the trials that ``more`` adds once all others have ended.
        """
        self._waiting.extend(_batches(trials, self._joins))
        try:
            while self._waiting or self._busy or self._extend(more()):
                while self._waiting and len(self._busy) < self._jobs:
                    self._hand_out(self._waiting.popleft(), observer)
                yield from self._listen(observer)
        finally:
            self._stop_all()

    def _extend(self, trials: Sequence[Trial]) -> bool:
        self._waiting.extend(_batches(trials, self._joins))
        return bool(trials)

    def _hand_out(self, trials: tuple[Trial, ...], observer: Observer) -> None:
        process = self._idle.pop() if self._idle else self._start()
        self._busy[process.connection] = _Job(trials, process, utc_now())
        process.send(trials, self._task)
        for trial in trials:
            observer.started(trial)

    def _start(self) -> WorkerProcess:
        taken = {job.process.slot for job in self._busy.values()}
        slot = next(slot for slot in count() if slot not in taken)
        log = self._log_dir / f"worker-{next(self._numbers)}.log"
        shares = worker_environment(slot, self._jobs)
        return WorkerProcess(log, {**os.environ, **shares}, slot=slot)

    def _listen(self, observer: Observer) -> Iterator[Ended]:
        """Handles what the busy workers say, and ends those that overrun their time."""
        for connection in wait(list(self._busy), timeout=self._patience()):
            assert isinstance(connection, Connection)  # noqa: S101 - wait may also take sockets
            yield from self._hear(connection, observer)
        if self._timeout is not None:
            overdue = [
                job
                for connection, job in self._busy.items()
                if job.age >= self._timeout * len(job.trials) and not connection.poll()
            ]
            for job in overdue:
                message = f"took longer than timeout_seconds = {self._timeout:g}"
                yield from self._give_up(job, "timeout", message)

    def _hear(self, connection: Connection, observer: Observer) -> Iterator[Ended]:
        job = self._busy[connection]
        message = job.process.receive()
        if message is None:
            how = f"the worker process {job.process.how_it_ended()}"
            yield from self._give_up(job, "died", how)
        elif isinstance(message, StartMessage):
            self._busy[connection] = replace(job, began=time.monotonic())
        elif isinstance(message, EpochMessage):
            observer.epoch(job.trials[message.place], message.number, message.metrics)
        else:
            del self._busy[connection]
            if message.resident_bytes > self._limit:
                job.process.stop()
            else:
                self._idle.append(job.process)
            yield from zip(job.trials, message.records, strict=True)

    def _patience(self) -> float | None:
        """Seconds until the next trial overruns its time; ``None`` where none can."""
        if self._timeout is None:
            return None
        left = (self._timeout * len(job.trials) - job.age for job in self._busy.values())
        return max(0.0, min(left))

    def _give_up(self, job: _Job, reason: Reason, message: str) -> Iterator[Ended]:
        """Ends a worker; trials that it trained together are tried again one by one."""
        del self._busy[job.process.connection]
        job.process.stop()
        if len(job.trials) > 1:
            self._waiting.extendleft((trial,) for trial in reversed(job.trials))
            return
        record = make_record(
            job.trials[0],
            LogContents(),
            started_at=job.started_at,
            seconds=job.age,
            failure=(reason, message),
        )
        yield job.trials[0], record

    def _stop_all(self) -> None:
        for process in [*self._idle, *(job.process for job in self._busy.values())]:
            process.stop()
        self._idle.clear()
        self._busy.clear()


def _batches(
    trials: Sequence[Trial], joins: Callable[[Trial], bool]
) -> Iterator[tuple[Trial, ...]]:
    """Yields the trials in their order, with those that join at the first one of their arm."""
    joined: dict[Arm, list[Trial]] = {}
    for trial in filter(joins, trials):
        joined.setdefault(trial.arm, []).append(trial)
    for trial in trials:
        if trial.arm not in joined:
            yield (trial,)
        elif joined[trial.arm]:
            yield tuple(joined[trial.arm])
            joined[trial.arm].clear()
