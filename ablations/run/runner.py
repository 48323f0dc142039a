"""Trains what is to do and stores each record as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Protocol

from ablations.record import RunRecord
from ablations.run.observer import Observer
from ablations.store import Store
from ablations.study import Trial


class Executor(Protocol):
    """Anything that trains trials; closing the iterator stops it."""

    def run(self, trials: Sequence[Trial], observer: Observer) -> Iterator[tuple[Trial, RunRecord]]:
        """Yields each trial with its record as it ends."""


def describe_trials(trials: Sequence[Trial], executor: Executor, store: Store) -> None:
    """Stores what the entry's ``describe`` shows of each trial; what fails is left for later."""
    with closing(executor.run(trials, Observer())) as ended:  # type: ignore[type-var]
        for trial, record in ended:
            if record.completed:
                store.describe(trial.key, record.exhibits)


def run_trials(
    trials: Sequence[Trial], executor: Executor, store: Store, observer: Observer | None = None
) -> None:
    """Trains the trials that have no final record, and commits each record as its trial ends.

    Raises:
        StoreError: if another process runs the study, or a record cannot be stored.
    """
    watcher = observer or Observer()
    with store.driving():
        # Another driver may have ended since the trials were chosen.
        done = {outcome.key for outcome in store.outcomes() if outcome.final}
        to_do = [trial for trial in trials if trial.key not in done]
        with closing(executor.run(to_do, watcher)) as ended:  # type: ignore[type-var]
            for trial, record in ended:
                store.append(record)
                watcher.finished(trial, record)
