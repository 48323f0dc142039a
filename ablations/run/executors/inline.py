"""The inline executor: one trial after another, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ablations.core.record import RunRecord
from ablations.core.study import Trial
from ablations.entry import Entry, Train, find_entry
from ablations.run.execute import execute
from ablations.run.executors import Ended, Work
from ablations.run.observer import Observer
from ablations.run.threads import limited


@dataclass(frozen=True, slots=True)
class InlineExecutor:
    """Trains in this process, which a debugger can follow; a crash takes the process with it.

    Neither the time nor the memory of a trial is limited. A framework that was imported before has
    its threads already: `limited` refuses where these are not those of the trials.

    Args:
        train: Used in place of the training function that the trials name.
    """

    train: Train | None = None

    def run(self, work: Work, observer: Observer) -> Iterator[Ended]:
        """Yields each trial with its record as soon as it has ended."""
        for trials in work.rounds():
            for trial in trials:
                yield trial, self._trained(trial, work, observer)

    def _trained(self, trial: Trial, work: Work, observer: Observer) -> RunRecord:
        def on_epoch(_place: int, number: int, metrics: Mapping[str, float]) -> None:
            observer.epoch(trial, number, metrics)

        named = find_entry(trial.entry, trial.folder) if self.train is None else Entry(self.train)
        observer.started(trial)
        with limited(trial.threads):
            (record,) = execute((trial,), named, on_epoch, task=work.task)
        return record
