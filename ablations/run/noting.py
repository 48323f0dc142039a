"""Keeps a note beside the store of what runs where, for `ablations status`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ablations.core.record import RunRecord
from ablations.core.study import Trial
from ablations.records.running import (
    BEAT_SECONDS,
    Running,
    RunningTrial,
    forget_running,
    note_running,
)
from ablations.records.sqlite.store import Store
from ablations.run.execute import utc_now
from ablations.run.observer import Observer

_SHORTEST_SECONDS = 1.0
"""Between two notes: what trials of a millisecond begin is not worth more writing."""


@contextmanager
def noting(store: Store) -> Iterator[Observer]:
    """Yields an observer that notes beside the store what runs where.

    A thread writes, which starts with the first machine or the first trial in another process.
    """
    forget_running(store)  # of a driver that was killed
    observer = _Noting(store)
    try:
        yield observer
    finally:
        observer.close()


class _Noting(Observer):
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, RunningTrial] = {}
        self._machines: tuple[str, ...] = ()
        self._ended: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._lock, self._changed = threading.Lock(), threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def machines(self, names: Sequence[str]) -> None:
        """Notes which machines there are."""
        with self._lock:
            self._machines = tuple(names)
        self._begin_to_write()

    def placed(self, trial: Trial, place: str) -> None:
        """Notes where a trial runs."""
        arm = dict(trial.arm.levels)
        with self._lock:
            self._running[trial.key] = RunningTrial(trial.key, arm, trial.seed, place, utc_now())
        self._begin_to_write()

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Counts a trial where it ran."""
        with self._lock:
            if own := self._running.pop(trial.key, None):
                self._ended[record.completed][own.place] += 1
        self._changed.set()

    def close(self) -> None:
        """Removes the note."""
        self._closing.set()
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join()
            forget_running(self._store)

    def _begin_to_write(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        self._changed.set()

    def _write(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            note_running(self._store, self._now())
            self._changed.wait(BEAT_SECONDS)
            self._closing.wait(_SHORTEST_SECONDS)

    def _now(self) -> Running:
        with self._lock:
            done, failed = (dict(self._ended[completed]) for completed in (True, False))
            trials, machines = tuple(self._running.values()), self._machines
            return Running(done=done, failed=failed, trials=trials, machines=machines)
