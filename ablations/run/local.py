"""The local executor: spawned workers that stay alive over many trials."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from ablations.record import LogContents, Reason, RunRecord
from ablations.run.execute import make_record, utc_now
from ablations.run.machine import worker_environment
from ablations.run.observer import Observer
from ablations.run.process import WorkerProcess
from ablations.run.worker import EpochMessage, StartMessage, Task
from ablations.study import Trial

Ended = tuple[Trial, RunRecord]


@dataclass(frozen=True, slots=True)
class _Job:
    """A trial that a worker is at; ``began`` is ``None`` while the worker starts up."""

    trial: Trial
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
        timeout_seconds: A trial that takes longer is stopped and its worker replaced. The start of
            the worker does not count; what the training function imports does.
        task: Whether to train the trials or to describe them.
        memory_limit_bytes: A worker that holds more after a trial is replaced before the next;
            half of the machine's memory divided by ``jobs`` if left out.
    """

    def __init__(
        self,
        *,
        jobs: int,
        log_dir: Path,
        timeout_seconds: float | None = None,
        task: Task = "train",
        memory_limit_bytes: int | None = None,
    ) -> None:
        self._jobs = jobs
        self._log_dir = log_dir
        self._timeout = timeout_seconds
        self._task: Task = task
        self._limit = memory_limit_bytes or psutil.virtual_memory().total // (2 * jobs)
        self._numbers = count(1)
        self._idle: list[WorkerProcess] = []
        self._busy: dict[Connection, _Job] = {}

    def run(self, trials: Sequence[Trial], observer: Observer) -> Iterator[Ended]:
        """Yields each trial with its record as it ends; closing the iterator stops all workers."""
        waiting = deque(trials)
        try:
            while waiting or self._busy:
                while waiting and len(self._busy) < self._jobs:
                    self._hand_out(waiting.popleft(), observer)
                yield from self._listen(observer)
        finally:
            self._stop_all()

    def _hand_out(self, trial: Trial, observer: Observer) -> None:
        process = self._idle.pop() if self._idle else self._start()
        self._busy[process.connection] = _Job(trial, process, utc_now())
        process.send(trial, self._task)
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
                if job.age >= self._timeout and not connection.poll()
            ]
            for job in overdue:
                message = f"took longer than timeout_seconds = {self._timeout:g}"
                yield self._give_up(job, "timeout", message)

    def _hear(self, connection: Connection, observer: Observer) -> Iterator[Ended]:
        job = self._busy[connection]
        message = job.process.receive()
        if message is None:
            how = f"the worker process {job.process.how_it_ended()}"
            yield self._give_up(job, "died", how)
        elif isinstance(message, StartMessage):
            self._busy[connection] = replace(job, began=time.monotonic())
        elif isinstance(message, EpochMessage):
            observer.epoch(job.trial, message.number, message.metrics)
        else:
            del self._busy[connection]
            if message.resident_bytes > self._limit:
                job.process.stop()
            else:
                self._idle.append(job.process)
            yield job.trial, message.record

    def _patience(self) -> float | None:
        """Seconds until the next trial overruns its time; ``None`` where none can."""
        if self._timeout is None:
            return None
        return max(0.0, self._timeout - max(job.age for job in self._busy.values()))

    def _give_up(self, job: _Job, reason: Reason, message: str) -> Ended:
        del self._busy[job.process.connection]
        job.process.stop()
        record = make_record(
            job.trial,
            LogContents(),
            started_at=job.started_at,
            seconds=job.age,
            failure=(reason, message),
        )
        return job.trial, record

    def _stop_all(self) -> None:
        for process in [*self._idle, *(job.process for job in self._busy.values())]:
            process.stop()
        self._idle.clear()
        self._busy.clear()
