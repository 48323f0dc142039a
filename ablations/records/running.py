"""What a study's driver is doing now: a small file beside the store, for others to read.

The driver alone writes it, and removes it at its end. One that stays is of a driver that was ended
from outside: its lock is gone with it, and where the lock of another machine cannot be seen, the
file grows old.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ablations.files import replaced_file
from ablations.records.sqlite.store import Store

BEAT_SECONDS = 10.0
"""How old the file of a driver that runs becomes."""

_SILENT_SECONDS = 60.0
"""How old it is where the driver, on another machine, is taken to have ended."""


@cache
def machine_name(host: str | None = None) -> str:
    """Returns a name of a machine, or else of this one, by which nobody can tell which it is."""
    name = platform.node() if host is None else host
    return hashlib.sha256(name.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that has begun: where, and when as ISO 8601 in UTC."""

    key: str
    arm: Mapping[str, str]
    seed: int
    place: str
    since: str

    @property
    def seconds(self) -> float:
        """How long ago it began, by the clock of this machine."""
        return _seconds_since(self.since)


@dataclass(frozen=True, slots=True)
class Running:
    """The driver and its trials.

    Args:
        process: The driver's process id.
        machine: The name of its machine, as `machine_name` gives it.
        noted_at: When it wrote this.
        done: Trials that have completed in this run, by the place.
        failed: Trials that have failed in this run, by the place.
        trials: Those that run.
        machines: Those of a cluster that can train; none of a run on one machine.
    """

    process: int = field(default_factory=os.getpid)
    machine: str = field(default_factory=machine_name)
    noted_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    done: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    trials: tuple[RunningTrial, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def age_seconds(self) -> float:
        """How long ago it was written, by the clock of this machine."""
        return _seconds_since(self.noted_at)

    @property
    def places(self) -> tuple[str, ...]:
        """The workers or machines on which trials run or have ended, or can run, by name."""
        known = {*self.done, *self.failed, *self.machines, *(own.place for own in self.trials)}
        return tuple(sorted(known, key=lambda name: (len(name), name)))


def read_running(store: Store) -> Running | None:
    """Returns what the driver of a store has noted; nothing where none runs or was killed."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _running(json.loads(_path(store).read_text(encoding="utf-8")))
    return None


def _running(found: dict[str, Any]) -> Running:
    """Returns what a file holds; raises one of many errors where it is no note."""
    return Running(
        process=int(found["process"]),
        machine=str(found["machine"]),
        noted_at=_moment(found["noted_at"]),
        done={str(place): int(count) for place, count in found["done"].items()},
        failed={str(place): int(count) for place, count in found["failed"].items()},
        trials=tuple(map(_trial, found["trials"])),
        machines=tuple(map(str, found["machines"])),
    )


def _trial(found: dict[str, Any]) -> RunningTrial:
    arm = {str(factor): str(level) for factor, level in found["arm"].items()}
    key, place, since = str(found["key"]), str(found["place"]), _moment(found["since"])
    return RunningTrial(key, arm, int(found["seed"]), place, since)


def _moment(text: str) -> str:
    _seconds_since(text)
    return text


def has_ended(running: Running, store: Store) -> bool:
    """Whether the driver that has noted this no longer runs."""
    if store.driver() is not None:
        return False
    return running.machine == machine_name() or running.age_seconds > _SILENT_SECONDS


def note_running(store: Store, running: Running) -> None:
    """Replaces the file, where its folder may be written: nothing depends on it."""
    with suppress(OSError), replaced_file(_path(store)) as file:
        file.write(json.dumps(asdict(running), ensure_ascii=False).encode())


def forget_running(store: Store) -> None:
    """Removes the file, at the end of a run."""
    with suppress(OSError):
        _path(store).unlink(missing_ok=True)


def _path(store: Store) -> Path:
    return store.path.with_name("running.json")


def _seconds_since(moment: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
