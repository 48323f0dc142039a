"""Trains what is to do and stores each record as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from ablations.core.record import LogContents, Reason, RunRecord
from ablations.core.study import Trial
from ablations.errors import UnstorableError
from ablations.records.agreement import Units
from ablations.records.sqlite.store import Store
from ablations.run.execute import REPORTING, make_record, said, utc_now
from ablations.run.more import More, no_more
from ablations.run.observer import Observer


class Executor(Protocol):
    """Anything that trains trials; closing the iterator stops it."""

    def run(
        self, trials: Sequence[Trial], observer: Observer, *, more: More = no_more
    ) -> Iterator[tuple[Trial, RunRecord]]:
        """Yields each trial with its record as it ends; then asks for more until there are none."""


def describe_trials(trials: Sequence[Trial], executor: Executor, store: Store) -> None:
    """Stores what the entry's ``describe`` shows of each trial; what fails is left for later."""
    with closing(executor.run(trials, Observer())) as ended:  # type: ignore[type-var]
        for trial, record in ended:
            if record.completed:
                store.describe(trial.key, record.exhibits)


def run_trials(
    trials: Sequence[Trial],
    executor: Executor,
    store: Store,
    *,
    observer: Observer | None = None,
    more: More = no_more,
    units: Units | None = None,
) -> None:
    """Trains the trials that have no final record, and commits each record as its trial ends.

    When all have ended it goes on with those that ``more`` returns, each trial at most once. A
    trial whose metrics have other units than those of earlier ones, which ``units`` knows, fails:
    once it counted as completed, all of them could never be read together again.

    Raises:
        StoreError: if another process runs the study, or a record cannot be stored.
    """
    watcher, begun = observer or Observer(), set[str]()
    known = units or Units()
    with store.driving():

        def fresh(wanted: Sequence[Trial]) -> list[Trial]:
            # Another driver may have ended since the trials were chosen.
            done = {outcome.key for outcome in store.outcomes() if outcome.final}
            found = [t for t in wanted if t.key not in done and t.key not in begun]
            begun.update(trial.key for trial in found)
            return found

        def added() -> list[Trial]:
            found = fresh(more())
            watcher.added(found)
            return found

        ends = executor.run(fresh(trials), watcher, more=added)
        with closing(ends) as ended:  # type: ignore[type-var]
            for trial, record in ended:
                watcher.finished(trial, _kept(store, trial, _agreeing(known, record)))


def _agreeing(units: Units, record: RunRecord) -> RunRecord:
    """Returns the record, as a failed one where its units are others than those of earlier ones."""
    fault = units.fault(record) if record.completed else None
    if fault is None:
        return record
    return replace(record, status="failed", reason="raised", message=said(fault, REPORTING))


def _kept(store: Store, trial: Trial, record: RunRecord) -> RunRecord:
    """Stores a record, or in its place that it could not be stored, and returns what it stored."""
    try:
        store.append(record)
    except UnstorableError as error:
        failure: tuple[Reason, str] = ("raised", said(error))
        now = utc_now()
        record = make_record(trial, LogContents(), started_at=now, seconds=0.0, failure=failure)
        store.append(record)
    return record
