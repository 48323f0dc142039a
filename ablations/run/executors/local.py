"""The local executor: spawned workers that stay alive over many trials."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, Queue

import psutil

from ablations.core.checks import plain
from ablations.core.design import Arm
from ablations.core.record import LogContents, RunRecord
from ablations.core.study import Trial
from ablations.entry import find_entry, ship
from ablations.errors import StudyError
from ablations.run.execute import Failure, Spent, make_record, utc_now
from ablations.run.executors import Ended, Work
from ablations.run.executors.process import Inbox, Lost, WorkerProcess, how_it_ended
from ablations.run.executors.worker import (
    EndMessage,
    EpochMessage,
    Message,
    StartMessage,
    WorkOrder,
)
from ablations.run.logs import TrialOutput
from ablations.run.machine.hardware import KEPT_MEMORY, best_jobs, gpus, worker_environment
from ablations.run.machine.memory import KernelKills, held_bytes
from ablations.run.observer import Observer
from ablations.text.formatting import gibibytes

_START_SECONDS = 60.0
"""How long a worker may take to start up before the time of its trial begins to count."""

_STOPS = (-signal.SIGTERM, -signal.SIGUSR1)
_STOP_SECONDS = 1.0
"""Who stops a job sends these to all its processes: until then ours arrives, and ends the run."""

_WATCH_SECONDS = 1.0
_WATCH_MEMORY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Job:
    """The trials that a worker trains; ``began`` is ``None`` while the worker starts up."""

    trials: tuple[Trial, ...]
    started_at: str
    handed_out: float
    output: TrialOutput
    began: float | None = None

    @property
    def age(self) -> float:
        return 0.0 if self.began is None else time.monotonic() - self.began

    def overran(self, seconds: float) -> bool:
        """Whether the trials have taken longer than so many seconds each."""
        if self.began is None:
            return time.monotonic() - self.handed_out >= seconds * len(self.trials) + _START_SECONDS
        return self.age >= seconds * len(self.trials)


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Trains on this machine, in worker processes of its own.

    A worker has as many threads as the first trial that it was given. A trial that takes longer
    than it may is stopped and its worker replaced; trials that train together have that time each.
    The start of the worker does not count; what the training function imports does.

    Args:
        jobs: Workers at a time, as many as train fastest here if left out; GPUs, if there are any,
            are divided among them. Raises `StudyError` for a number below 1.
        memory_limit_bytes: A worker that holds more after a trial is replaced before the next;
            half of the machine's memory divided by ``jobs`` if left out.
        variables: Environment variables of the workers, in place of those that they would get.
    """

    jobs: int | None = None
    memory_limit_bytes: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.jobs is not None and (type(self.jobs) is not int or self.jobs < 1):
            raise StudyError(
                "the number of workers must be a whole number from 1",
                received=self.jobs,
                cure="Leave it out for as many as train fastest here",
            )

    def run(self, work: Work, observer: Observer) -> Iterator[Ended]:
        """Yields each trial with its record as it ends; closing the iterator stops all workers.

        The workers stay for the trials that are added once all others have ended.
        """
        threads = max((trial.threads for trial in work.trials), default=1)
        jobs = self.jobs or best_jobs(threads=threads)
        limit = self.memory_limit_bytes or psutil.virtual_memory().total // (2 * jobs)
        variables = self.variables
        return _Workers(work, observer, jobs=jobs, limit=limit, variables=variables).run()


class _Workers:
    """The workers of one run, the job of each, and the trials that wait for a worker."""

    def __init__(
        self,
        work: Work,
        observer: Observer,
        *,
        jobs: int,
        limit: int,
        variables: Mapping[str, str],
    ) -> None:
        self._work, self._observer, self._jobs = work, observer, jobs
        self._variables = variables
        half = limit if work.memory_bytes is None else work.memory_bytes // 2
        self._limit = min(limit, half)
        self._numbers = count(1)
        self._waiting: deque[tuple[Trial, ...]] = deque()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, _Job] = {}
        self._inbox: Inbox = Queue(maxsize=1000)
        self._kills = KernelKills()

    def run(self) -> Iterator[Ended]:
        try:
            for trials in self._work.rounds():
                self._waiting.extend(batches(trials))
                while self._waiting or self._busy:
                    while self._waiting and len(self._busy) < self._jobs:
                        self._hand_out(self._waiting.popleft())
                    yield from self._listen()
        finally:
            self._stop_all()

    def _hand_out(self, trials: tuple[Trial, ...]) -> None:
        process = self._idle_worker() or self._start(trials[0].threads)
        output = TrialOutput(process.log)
        function = None if process.has_orders else ship(trials[0].entry)
        process.order(WorkOrder(trials, self._work.task, self._work.plain, function))
        self._busy[process] = _Job(trials, utc_now(), time.monotonic(), output)
        for trial in trials:
            self._observer.started(trial)
            self._observer.placed(trial, f"worker {process.slot + 1}")

    def _idle_worker(self) -> WorkerProcess | None:
        """Returns one that still runs; what its last trial has left behind may have ended it."""
        while self._idle:
            process = self._idle.pop()
            if process.quiet:
                return process
            process.stop()
        return None

    def _start(self, threads: int) -> WorkerProcess:
        taken = {process.slot for process in self._busy}
        slot = next(slot for slot in count() if slot not in taken)
        log = self._work.log_dir / f"worker-{next(self._numbers)}.log"
        shares = worker_environment(slot, self._jobs, threads=threads)
        environment = {**KEPT_MEMORY, **os.environ, **shares, **self._variables}
        return WorkerProcess(log, environment, inbox=self._inbox, slot=slot)

    def _listen(self) -> Iterator[Ended]:
        """Handles the messages of workers, and ends those that exceed their limits."""
        with suppress(Empty):
            yield from self._handle(*self._inbox.get(timeout=self._wait_seconds()))
            for _ in range(self._inbox.qsize()):
                yield from self._handle(*self._inbox.get_nowait())
        for process, job in list(self._busy.items()):
            if not process.has_ended and (end := self._beyond(process, job)):
                yield from self._give_up(process, end)

    def _handle(self, process: WorkerProcess, message: Message | Lost) -> Iterator[Ended]:
        job = self._busy.get(process)
        if job is None:  # of trials that have been given up
            return
        if isinstance(message, StartMessage):
            self._busy[process] = replace(job, began=time.monotonic())
        elif isinstance(message, EpochMessage) and 0 <= message.place < len(job.trials):
            self._observer.epoch(job.trials[message.place], message.number, message.metrics)
        elif isinstance(message, EndMessage) and _fits(message, job):
            yield from self._end(process, job, message)
        else:
            unreadable = not isinstance(message, Lost) or message.unreadable
            yield from self._lose(process, job, unreadable=unreadable)

    def _end(self, process: WorkerProcess, job: _Job, message: EndMessage) -> Iterator[Ended]:
        del self._busy[process]
        job.output.cap(ended=True)
        if message.resident_bytes > self._limit or message.left_processes:
            process.stop()
        else:
            process.suspect |= message.left_threads
            self._idle.append(process)
        yield from zip(job.trials, message.records, strict=True)

    def _lose(self, process: WorkerProcess, job: _Job, *, unreadable: bool) -> Iterator[Ended]:
        if process.suspect or (job.began is None and not process.fresh):
            # Most likely what an earlier trial left behind has ended it: try in another worker.
            self._drop(process)
            self._waiting.appendleft(job.trials)
            return
        code = None if unreadable else process.exit_code()
        if code in _STOPS:
            time.sleep(_STOP_SECONDS)
        how = how_it_ended(code, unreadable=unreadable)
        why = self._kills.explain() if code == -signal.SIGKILL else ""
        yield from self._give_up(process, ("died", f"the worker process {how}{why}"))

    def _beyond(self, process: WorkerProcess, job: _Job) -> Failure | None:
        """Returns which limit a job has exceeded, if any."""
        job.output.cap()
        longest, most = self._work.timeout_seconds, self._work.memory_bytes
        if longest is not None and job.overran(longest):
            return "timeout", f"took longer than timeout_seconds = {plain(longest)}"
        if most is not None and (held := held_bytes(process.pid)) > most:
            limit, now = plain(most / 2**30), gibibytes(held, 2)
            return "died", f"held more than memory_gib = {limit} ({now}), and was ended"
        return None

    def _wait_seconds(self) -> float:
        """Returns how long to wait for messages before the limits are checked."""
        watch = _WATCH_SECONDS if self._work.memory_bytes is None else _WATCH_MEMORY_SECONDS
        longest = self._work.timeout_seconds
        if longest is None:
            return watch
        jobs = [job for job in self._busy.values() if job.began is not None]
        left = (longest * len(job.trials) - job.age for job in jobs)
        return max(0.0, min([watch, *left]))

    def _give_up(self, process: WorkerProcess, why: Failure) -> Iterator[Ended]:
        """Ends a worker; trials that it trained together are tried again one by one."""
        job = self._drop(process)
        if len(job.trials) > 1:
            self._waiting.extendleft((trial,) for trial in reversed(job.trials))
            return
        (trial,) = job.trials
        yield trial, make_record(trial, LogContents(), Spent(job.started_at, job.age), why)

    def _drop(self, process: WorkerProcess) -> _Job:
        process.stop()
        job = self._busy.pop(process)
        job.output.cap(ended=True)
        return job

    def _stop_all(self) -> None:
        for process in [*self._idle, *self._busy]:
            process.stop()
        self._idle.clear()
        self._busy.clear()


def _fits(message: EndMessage, job: _Job) -> bool:
    """Whether there is a record of each trial of the job, as there is unless it was forged."""
    records = message.records
    return len(records) == len(job.trials) and all(isinstance(r, RunRecord) for r in records)


def joins_seeds(trial: Trial, n_gpus: int) -> bool:
    """Whether a trial trains together with the other seeds of its arm, by its own entry."""
    entry = find_entry(trial.entry, trial.folder)
    together = entry.train_together is not None
    return together and entry.joins_seeds(trial.settings, n_gpus)


def batches(
    trials: Sequence[Trial], n_gpus: Callable[[Trial], int] = lambda _trial: len(gpus())
) -> Iterator[tuple[Trial, ...]]:
    """Yields the trials in their order, with those that join at the first one of their arm.

    ``n_gpus`` says how many GPUs a trial will have.
    """
    joined: dict[Arm, list[Trial]] = {}
    for trial in trials:
        if joins_seeds(trial, n_gpus(trial)):
            joined.setdefault(trial.arm, []).append(trial)
    for trial in trials:
        if trial.arm not in joined:
            yield (trial,)
        elif joined[trial.arm]:
            yield tuple(joined[trial.arm])
            joined[trial.arm].clear()
