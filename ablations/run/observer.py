"""The events of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ablations.core.record import RunRecord
from ablations.core.study import Trial


class Observer:
    """Receives the events of a run; this one ignores them."""

    def added(self, trials: Sequence[Trial]) -> None:
        """Trials were added that were not known at the start."""

    def started(self, trial: Trial) -> None:
        """A worker has begun a trial."""

    def placed(self, trial: Trial, place: str) -> None:
        """A trial has begun in another process: a worker, or a machine of a cluster, by name."""

    def machines(self, names: Sequence[str]) -> None:
        """These machines of a cluster can train; called again whenever others can."""

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """A trial has reported an epoch, counted from 1."""

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """A trial has ended and its record is stored."""


def several(observers: Iterable[Observer]) -> Observer:
    """Returns an observer that hands each event on to all of these, in their order."""
    return _Several(observers)


class _Several(Observer):
    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def added(self, trials: Sequence[Trial]) -> None:
        for observer in self._observers:
            observer.added(trials)

    def started(self, trial: Trial) -> None:
        for observer in self._observers:
            observer.started(trial)

    def placed(self, trial: Trial, place: str) -> None:
        for observer in self._observers:
            observer.placed(trial, place)

    def machines(self, names: Sequence[str]) -> None:
        for observer in self._observers:
            observer.machines(names)

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        for observer in self._observers:
            observer.epoch(trial, number, metrics)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        for observer in self._observers:
            observer.finished(trial, record)
