"""The driver's part: hands a cluster one task a trial, and yields the records."""

from __future__ import annotations

import math
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablations.core.checks import plain
from ablations.core.design import Resources
from ablations.core.record import NODE, LogContents, RunRecord
from ablations.core.study import Trial
from ablations.entry import Shipped, ship
from ablations.errors import AblationsError, StudyError
from ablations.records.running import machine_name
from ablations.run.execute import Spent, make_record, utc_now
from ablations.run.executors import Ended, Work
from ablations.run.executors.local import batches
from ablations.run.executors.process import was_killed
from ablations.run.executors.ray.cluster import connected, load_ray
from ablations.run.executors.ray.node import Order, Report, train_here
from ablations.run.executors.ray.placement import Amounts, Batch, Machine, Placement, amounts
from ablations.run.observer import Observer

_ATTEMPTS = 5
"""How often a run tries a trial whose machine or process is lost."""

_WAIT_SECONDS = 1.0
_LOOK_SECONDS = 1.0
"""How old the driver's list of machines may be."""

_ANSWER_SECONDS = 1.0
"""How long the process of Ray on a machine may take to accept a connection."""

_NODE_SECONDS = 300.0
"""How long to wait for a machine that fits when the last one is lost."""


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """Trains on the machines of a Ray cluster; the cluster decides when a task begins.

    All arms of a seed train on one machine, so that their speeds compare; where a machine is lost,
    what is left of its seeds moves to another. A trial whose machine or process was ended from
    outside gets a failed record that says so, and is tried again in the same run. What goes wrong
    in a training function is a failed record, as with `LocalExecutor`, which trains on each
    machine.

    Args:
        address: Of the cluster, as ``HOST:PORT`` or ``auto``; ``RAY_ADDRESS`` if left out. If that
            is not set either, a cluster is started on this machine and stopped at the end.
        jobs: Trials at a time; as many as the cluster has room for, if left out.
        spread: Whether the arms of a seed may train on different machines.
    """

    address: str | None = None
    jobs: int | None = None
    spread: bool = False

    def run(self, work: Work, observer: Observer) -> Iterator[Ended]:
        """Yields each trial with its record as it ends; closing the iterator stops all tasks.

        Raises:
            StudyError: if there is no cluster, or none of its machines can train.
        """
        folder = next((trial.folder for trial in work.trials), None)
        with connected(self.address, folder) as code:
            yield from _Driver(work, observer, code, jobs=self.jobs, spread=self.spread).run()


@dataclass(slots=True, eq=False)
class _Flight:
    """A task that was handed to the cluster; ``node`` is empty until it has begun."""

    batch: Batch
    machine: str
    task: Any
    node: str = ""
    started_at: str = ""
    began: float = 0.0


class _Cluster:
    """The machines of the cluster that are alive, looked up again when that is too long ago."""

    def __init__(self, ray: Any) -> None:
        self._ray, self._looked = ray, -math.inf
        self._machines: dict[str, Machine] = {}
        self._ports: dict[str, tuple[str, int]] = {}
        self._hosts: dict[str, str] = {}
        self._lost: set[str] = set()

    def machines(self, *, anew: bool = False) -> dict[str, Machine]:
        """Returns them by Ray's names for them, each of which is given once and never again."""
        if anew or time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            alive = {str(node["NodeID"]): node for node in self._ray.nodes() if node["Alive"]}
            self._machines = {
                name: Machine(name, node["Resources"])
                for name, node in alive.items()
                if name not in self._lost
            }
            self._hosts |= {name: node["NodeManagerHostname"] for name, node in alive.items()}
            self._ports = {
                name: (node["NodeManagerAddress"], node["NodeManagerPort"])
                for name, node in alive.items()
            }
        return self._machines

    def place(self, name: str, node: str = "") -> str:
        """Returns the name of a machine in its records, and what users call it.

        ``node`` is that name, where it is known: with `spread` it may be another machine.
        """
        host = {machine_name(own): own for own in self._hosts.values()}.get(node, self._hosts[name])
        return f"{machine_name(host)} ({host})"

    def has_lost(self, name: str) -> bool:
        """Whether a machine is lost, which Ray itself may notice many seconds later."""
        if name in self._lost or name not in self.machines(anew=True):
            return True
        try:
            socket.create_connection(self._ports[name], timeout=_ANSWER_SECONDS).close()
        except OSError:
            self._lost.add(name)
            del self._machines[name]
            return True
        return False


class _Driver:
    """The tasks of one run, and the batches that wait for a machine."""

    def __init__(
        self,
        work: Work,
        observer: Observer,
        code: Mapping[str, str],
        *,
        jobs: int | None,
        spread: bool,
    ) -> None:
        self._work, self._observer, self._code = work, observer, code
        self._jobs, self._spread = math.inf if jobs is None else jobs, spread
        self._ray = load_ray()
        self._cluster = _Cluster(self._ray)
        self._placement = Placement(self._need, spread=spread)
        self._flights: dict[Any, _Flight] = {}
        self._attempts: dict[str, int] = {}
        self._names: list[str] = []
        self._functions: dict[Resources, Any] = {}
        self._shipped: Shipped | None = None

    def run(self) -> Iterator[Ended]:
        try:
            for trials in self._work.rounds():
                self._begin(trials)
                while self._placement.waiting() or self._flights:
                    self._hand_out()
                    yield from self._listen()
        finally:
            self._cancel()

    def _begin(self, trials: Sequence[Trial]) -> None:
        for resources in {self._work.resources(trial.arm) for trial in trials}:
            self._functions.setdefault(resources, _remote(self._ray, resources))
        self._shipped = self._shipped or ship(trials[0].entry)
        self._placement.add(batches(trials, self._n_gpus))
        self._require_machines()

    def _n_gpus(self, trial: Trial) -> int:
        return math.ceil(self._work.resources(trial.arm).gpus)

    def _need(self, batch: Batch) -> Amounts:
        return amounts(self._work.resources(batch[0].arm))

    def _require_machines(self) -> None:
        """Raises `StudyError` unless each seed fits a machine, which may have to come up first."""
        began = time.monotonic()
        while need := self._placement.unplaceable(self._cluster.machines(anew=True).values()):
            if not self._attempts or time.monotonic() - began > _NODE_SECONDS:
                raise _no_room(need, list(self._cluster.machines().values()))
            time.sleep(_LOOK_SECONDS)

    def _hand_out(self) -> None:
        """Hands each machine as many tasks as it runs at a time, and as many again to come."""
        machines = self._cluster.machines()
        names = sorted({self._cluster.place(name) for name in machines})
        if names != self._names:
            self._names = names
            self._observer.machines(names)
        busy = Counter(flight.machine for flight in self._flights.values())
        for machine in machines.values():
            room = 2 * max((machine.slots(need) for need in self._needs()), default=0)
            while busy[machine.name] < room and len(self._flights) < self._jobs:
                batch = self._placement.next_for(machine, machines.values())
                if batch is None:
                    break
                self._submit(batch, machine.name)
                busy[machine.name] += 1

    def _needs(self) -> Iterable[Amounts]:
        return (amounts(resources) for resources in self._functions)

    def _submit(self, batch: Batch, machine: str) -> None:
        resources = self._work.resources(batch[0].arm)
        strategy = "SPREAD" if self._spread else self._affinity(machine)
        function = self._functions[resources].options(scheduling_strategy=strategy)
        task = function.remote(self._order(batch, resources))
        self._flights[task] = _Flight(batch, machine, task)

    def _affinity(self, machine: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(machine, soft=False)

    def _order(self, batch: Batch, resources: Resources) -> Order:
        return Order(
            trials=tuple(map(_anywhere, batch)),
            task=self._work.task,
            plain=self._work.plain,
            timeout_seconds=self._work.timeout_seconds,
            memory_bytes=self._work.memory_bytes,
            resources=resources,
            folder=os.getcwd(),  # noqa: PTH109 - text, as it crosses to other machines
            code=self._code,
            function=self._shipped,
        )

    def _listen(self) -> Iterator[Ended]:
        """Handles what tasks report; where none is left to hear of, waits for a machine."""
        if not self._flights:
            self._require_machines()
            return
        wait, tasks = self._ray.wait, list(self._flights)
        ready, _ = wait(tasks, num_returns=1, timeout=_WAIT_SECONDS)
        if ready and len(tasks) > 1:
            ready, _ = wait(tasks, num_returns=len(tasks), timeout=0)
        for task in ready:
            yield from self._handle(self._flights[task])

    def _handle(self, flight: _Flight) -> Iterator[Ended]:
        errors = self._ray.exceptions
        try:
            report = self._ray.get(next(flight.task))
        except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
            raise _unusable(error) from error
        except errors.RayError as error:
            del self._flights[flight.task]
            yield from self._lose(flight, error)
        else:
            yield from self._note(flight, report)

    def _note(self, flight: _Flight, report: Report) -> Iterator[Ended]:
        if not flight.node:
            flight.node, flight.started_at, flight.began = report.node, utc_now(), time.monotonic()
            where = self._cluster.place(flight.machine, report.node)
            for trial in flight.batch:
                self._observer.started(trial)
                self._observer.placed(trial, where)
        for place, number, metrics in report.epochs:
            self._observer.epoch(flight.batch[place], number, metrics)
        if report.records:
            del self._flights[flight.task]
            self._keep(report)
            for trial, record in zip(flight.batch, report.records, strict=True):
                yield trial, record
                if was_killed(record) and self._tries_again(trial):
                    self._observer.added((trial,))
                    self._placement.again((trial,))

    def _keep(self, report: Report) -> None:
        """Keeps what the trials of a report have printed, in one file for each machine."""
        self._work.log_dir.mkdir(parents=True, exist_ok=True)
        with (self._work.log_dir / f"node-{report.node}.log").open("ab") as file:
            file.write(report.output)

    def _tries_again(self, trial: Trial) -> bool:
        """Counts an attempt that was lost, and says whether another one follows."""
        self._attempts[trial.key] = self._attempts.get(trial.key, 0) + 1
        return self._attempts[trial.key] < _ATTEMPTS

    def _lose(self, flight: _Flight, error: Exception) -> Iterator[Ended]:
        """Yields the record of a trial whose task was lost, and has it wait again.

        Trials that were to train together are tried one by one, and leave no record; nor does one
        that had not begun.
        """
        lost = self._cluster.has_lost(flight.machine)
        memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        if lost:
            self._placement.leave(flight.machine)
        why = _LOST if lost else _MEMORY if memory else _ENDED
        for trial in flight.batch:
            again = self._tries_again(trial)
            if (flight.node and len(flight.batch) == 1) or not again:
                yield trial, _died(flight, trial, why)
                if not again:
                    continue
                self._observer.added((trial,))
            if memory:
                self._placement.elsewhere((trial,), flight.machine)
            else:
                self._placement.again((trial,))

    def _cancel(self) -> None:
        for task in self._flights:
            with suppress(self._ray.exceptions.RayError, ValueError):  # one that has ended
                self._ray.cancel(task, force=True)
        self._flights.clear()


def _remote(ray: Any, resources: Resources) -> Any:
    """Returns the function that Ray runs; one with GPUs gets a process of its own each time."""
    memory = {} if resources.memory_gib is None else {"memory": int(resources.memory_gib * 2**30)}
    return ray.remote(
        num_cpus=resources.cpus,
        num_gpus=resources.gpus,
        accelerator_type=resources.accelerator,
        max_retries=0,
        num_returns="streaming",
        **memory,
    )(train_here)


_LOST = "its machine was lost"
_MEMORY = "Ray ended its process, because memory was short on its machine"
_ENDED = "Ray's process that watched it was ended"


def _died(flight: _Flight, trial: Trial, why: str) -> RunRecord:
    """Returns the record of a trial that was lost with its task.

    Nothing is known of where it ran but the machine's name.
    """
    began = flight.began or time.monotonic()
    spent = Spent(flight.started_at or utc_now(), time.monotonic() - began)
    record = make_record(trial, LogContents(), spent, ("died", f"{why} (node {flight.node})"))
    facts = {"threads": str(trial.threads), NODE: flight.node}
    return replace(record, environment={name: fact for name, fact in facts.items() if fact})


def _anywhere(trial: Trial) -> Trial:
    """Returns a trial whose folder of data has the same name from any working folder."""
    data = trial.data_dir
    return trial if data is None else replace(trial, data_dir=str(Path(data).absolute()))


def _no_room(need: Amounts, machines: Sequence[Machine]) -> StudyError:
    names = list(need)
    there = [_listed({name: own.has.get(name, 0) for name in names}) for own in machines]
    return StudyError(
        "no machine of the cluster has what the arms of a seed need, which train on one machine",
        received=f"{_listed(need)} needed; {'; '.join(sorted(set(there))) or 'nothing'} there",
        cure="Lower [resources], add a machine, or let arms train on different ones with --spread",
    )


def _listed(need: Amounts) -> str:
    """Returns amounts in the words of ``[resources]``.

    Example:
        >>> _listed({"CPU": 2, "memory": 2**33, "accelerator_type:A100": 0})
        'cpus 2, memory_gib 8, no A100'
    """
    return ", ".join(_in_words(name, amount) for name, amount in need.items())


def _in_words(name: str, amount: float) -> str:
    if (kind := name.removeprefix("accelerator_type:")) != name:
        return kind if amount else f"no {kind}"
    if name == "memory":
        return f"memory_gib {plain(round(amount / 2**30, 1))}"
    return f"{name.lower()}s {plain(amount)}"


def _unusable(error: Exception) -> AblationsError:
    """Returns the error of a task that could not even begin to train."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, AblationsError):
        return cause
    lines = [line for line in str(cause or error).splitlines() if line.strip()]
    return StudyError(
        "a machine of the cluster cannot train",
        received=f"{type(cause or error).__name__}: {lines[-1] if lines else 'no reason given'}",
        cure="Install the same Python, ablations and packages on all machines",
    )
