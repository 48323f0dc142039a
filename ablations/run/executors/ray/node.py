"""What a task of the cluster does: it has `LocalExecutor` train, and reports to the driver.

A process of Ray serves many tasks, and so keeps one worker for all of them: importing a framework
takes seconds. What the worker computes with does not depend on Ray: it is the same process, with
the same variables, as on a machine without a cluster.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import psutil

from ablations.core.design import Resources
from ablations.core.record import NODE, RunRecord
from ablations.core.study import Trial
from ablations.entry import Shipped, find_entry, without_shortcuts
from ablations.errors import DataError, StudyError
from ablations.records.running import machine_name
from ablations.run.descendants import GUARD
from ablations.run.executors import Task, Work
from ablations.run.executors.local import LocalExecutor
from ablations.run.machine.hardware import available_cores, part_of_gpu
from ablations.run.observer import Observer

_REPORT_SECONDS = 0.5
"""How often a trial's epochs are reported, so that short trials need no message for each."""

_LOGS_SECONDS = 24 * 3600

_SENT = Path.cwd()
"""The folder in which Ray starts a process; with code that was sent, the one that holds it."""


@dataclass(frozen=True, slots=True)
class Order:
    """Trials to do in one task, and all that the driver knows of how.

    ``folder`` is the driver's working folder, and ``code`` holds the digest of each file of code
    that was sent along, by its path. ``function`` is the training function where no module has it.
    """

    trials: tuple[Trial, ...]
    task: Task
    plain: bool
    timeout_seconds: float | None
    memory_bytes: int | None
    resources: Resources
    folder: str
    code: Mapping[str, str]
    function: Shipped | None = None
    version: str = field(default_factory=lambda: version("ablations"))


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What has happened since the last one; the one with records is the last.

    ``epochs`` holds for each epoch the trial's place in the order, the number and the metrics.
    """

    node: str
    epochs: tuple[tuple[int, int, Mapping[str, float]], ...] = ()
    records: tuple[RunRecord, ...] = ()
    output: bytes = b""


def train_here(order: Order) -> Iterator[Report]:
    """Trains the trials of an order in the worker of this process, and yields what happens.

    Raises:
        StudyError: if this machine has another version of the package.
        DataError: if it has other data, or cannot get them.
    """
    yield Report(machine_name())
    order = _at_home(order)
    if order.function:
        order.function.receive()
    for trial in order.trials:
        _prepare(trial, plain=order.plain)
    yield from _worker_for(order).train(order.trials)


def _at_home(order: Order) -> Order:
    """Returns an order with the folders of this machine, and enters the driver's if it is here.

    A shared folder with the same code serves, with all else that lies in it; code that was sent is
    used where the folder is missing, or holds other code.
    """
    if order.version != (here := version("ablations")):
        raise StudyError(
            "a machine of the cluster has another version of ablations",
            received=f"{here} there, {order.version} here",
            cure="Install the same version on all machines",
        )
    with suppress(OSError):
        os.chdir(order.folder)
    if not order.code:
        return order
    trials = (replace(trial, folder=_code_folder(trial.folder, order)) for trial in order.trials)
    return replace(order, trials=tuple(trials))


def _code_folder(folder: str | None, order: Order) -> str:
    for found in (folder, str(_SENT)):
        if found is not None and digests(Path(found), order.code) == order.code:
            return found
    raise StudyError(
        "a machine of the cluster lacks the code beside the study file, or has other code there",
        received=f"{len(order.code)} files, such as {next(iter(order.code))}",
        cure="Give all machines the same folder, or have ablations connect to the cluster itself",
    )


def digests(folder: Path, files: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Returns the digest of each of these files that can be read."""
    found = {}
    for name in files:
        with suppress(OSError):
            found[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return found


_prepared: set[str] = set()


def _prepare(trial: Trial, *, plain: bool) -> None:
    """Fetches an arm's data, one process of this machine after another, and compares them."""
    name = f"{trial.arm.name} {trial.data_dir} {trial.entry}"
    if name in _prepared:
        return
    from filelock import FileLock

    entry = find_entry(trial.entry, trial.folder)
    with FileLock(_own_folder() / "prepare.lock"), without_shortcuts(plain):
        entry.prepare_data(trial.settings, trial.data_dir, lambda _done, _all: None)
        found = entry.fingerprint_data(trial.settings, trial.data_dir)
    if found != trial.data:
        raise DataError(
            f"{trial.arm.name}: a machine of the cluster has other data than the driver",
            received=f"{found or 'none'} there, {trial.data or 'none'} here",
            cure="Give all machines the same folder of data",
        )
    _prepared.add(name)


def _own_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"ablations-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def remove_old_logs(folder: Path) -> None:
    """Removes the folders of logs whose process is gone, as Ray kills it before it can.

    Names are ``logs-PID-*``; one without a process's number goes when it is a day old.
    """
    for path in folder.glob("logs-*"):
        number = path.name.split("-")[1]
        with suppress(OSError):
            old = time.time() - path.stat().st_mtime > _LOGS_SECONDS
            gone = not psutil.pid_exists(int(number)) if number.isdecimal() else old
            if gone:
                shutil.rmtree(path, ignore_errors=True)


class _Epochs(Observer):
    """Collects the epochs that are not reported yet."""

    def __init__(self) -> None:
        self._trials: Sequence[Trial] = ()
        self._ended: list[tuple[int, int, Mapping[str, float]]] = []

    def begin(self, trials: Sequence[Trial]) -> None:
        self._trials, self._ended = trials, []

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        self._ended.append((self._trials.index(trial), number, metrics))

    def take(self) -> tuple[tuple[int, int, Mapping[str, float]], ...]:
        taken, self._ended = self._ended, []
        return tuple(taken)


class _Worker:
    """The worker of this process, with its log, for orders that differ in their trials only."""

    def __init__(self, order: Order) -> None:
        self._epochs, self._next = _Epochs(), tuple[Trial, ...]()
        remove_old_logs(folder := _own_folder())
        self._logs = tempfile.TemporaryDirectory(prefix=f"logs-{os.getpid()}-", dir=folder)
        self._read: dict[Path, int] = {}
        self._thread = ThreadPoolExecutor(1)
        work = Work(
            (),
            more=lambda: self._next,
            task=order.task,
            plain=order.plain,
            log_dir=Path(self._logs.name),
            timeout_seconds=order.timeout_seconds,
            memory_bytes=order.memory_bytes,
        )
        jobs = max(1, int(available_cores() / order.resources.cpus))
        limit = psutil.virtual_memory().total // (2 * jobs)
        variables = {"ABLATIONS_JOBS": str(jobs), GUARD: "1", **gpu_variables(order.resources.gpus)}
        executor = LocalExecutor(1, memory_limit_bytes=limit, variables=variables)
        self._ended = executor.run(work, self._epochs)

    def train(self, trials: tuple[Trial, ...]) -> Iterator[Report]:
        """Yields the epochs of trials as they come, and at the end their records."""
        training = self._thread.submit(self._train, trials)
        while not wait([training], timeout=_REPORT_SECONDS).done:
            if epochs := self._epochs.take():
                yield Report(machine_name(), epochs)
        yield Report(machine_name(), self._epochs.take(), training.result(), self._printed())

    def close(self) -> None:
        """Ends the worker."""
        self._thread.submit(self._ended.close).result()  # type: ignore[attr-defined]
        self._thread.shutdown()

    def _train(self, trials: tuple[Trial, ...]) -> tuple[RunRecord, ...]:
        self._epochs.begin(trials)
        self._next = trials  # which `Work.more` returns, as all before them have ended
        records = {trial.key: record for trial, record in (next(self._ended) for _ in trials)}
        return tuple(_placed(records[trial.key]) for trial in trials)

    def _printed(self) -> bytes:
        """Returns what was printed since the last time."""
        found = b""
        for path in sorted(Path(self._logs.name).iterdir()):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                found += file.read()
                self._read[path] = file.tell()
        return found


def _placed(record: RunRecord) -> RunRecord:
    return replace(record, environment={**record.environment, NODE: machine_name()})


def gpu_variables(gpus: float) -> dict[str, str]:
    """Returns the variables that let a worker see the GPUs that Ray has given its task alone.

    Where a task has none, current versions of Ray leave all of them in sight.
    """
    if not gpus:
        return {"CUDA_VISIBLE_DEVICES": ""}
    own = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return {"CUDA_VISIBLE_DEVICES": own, **part_of_gpu(gpus)}


_workers: dict[str, _Worker] = {}
"""The worker of this process by what it was started with; one at most."""


def _worker_for(order: Order) -> _Worker:
    terms = repr(replace(order, trials=()))
    if terms not in _workers:
        for worker in _workers.values():
            worker.close()
        _workers.clear()
        _workers[terms] = _Worker(order)
    return _workers[terms]
