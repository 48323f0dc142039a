"""Trains trials and stores each record when its trial ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from ablations.core.record import LogContents, RunRecord
from ablations.core.study import Trial
from ablations.errors import UnstorableError
from ablations.records.agreement import Units
from ablations.records.sqlite.store import Store
from ablations.run.execute import REPORTING, Spent, error_line, make_record, utc_now
from ablations.run.executors import Executor, Work
from ablations.run.noting import noting
from ablations.run.observer import Observer, several


def describe_trials(work: Work, executor: Executor, store: Store) -> None:
    """Stores what the entry's ``describe`` shows of each trial, unless that fails."""
    with closing(executor.run(work, Observer())) as ended:  # type: ignore[type-var]
        for trial, record in ended:
            if record.completed:
                store.describe(trial.key, record.exhibits)


def run_trials(
    work: Work,
    executor: Executor,
    store: Store,
    *,
    observer: Observer | None = None,
    units: Units | None = None,
    check: Callable[[RunRecord], None] = lambda _record: None,
) -> None:
    """Trains the trials that have no final record, and commits each record as its trial ends.

    When all have ended it trains those that ``work.more`` returns, each at most once. A trial whose
    metrics have other units than those of earlier ones (``units``) fails: if it counted as
    completed, the records of all could no longer be read together. ``check`` is called with each
    stored record; an error that it raises ends the run.

    Raises:
        StoreError: if another process runs the study, or a record cannot be stored.
    """
    begun = set[str]()
    with store.driving(), noting(store) as note:
        watcher = several((observer or Observer(), note))

        def fresh(wanted: Sequence[Trial]) -> list[Trial]:
            # Another driver may have ended since the trials were chosen.
            done = {outcome.key for outcome in store.outcomes() if outcome.final}
            found = [t for t in wanted if t.key not in done and t.key not in begun]
            begun.update(trial.key for trial in found)
            return found

        def added() -> list[Trial]:
            watcher.added(found := fresh(work.more()))
            return found

        first = replace(work, trials=fresh(work.trials), more=added)
        with closing(executor.run(first, watcher)) as ended:  # type: ignore[type-var]
            for trial, record in ended:
                stored = _stored(store, trial, record, units)
                watcher.finished(trial, stored)
                check(stored)


def _stored(store: Store, trial: Trial, record: RunRecord, units: Units | None) -> RunRecord:
    """Stores a record, or a failed one where its units or values cannot be; returns that."""
    fault = units.fault(record) if units and record.completed else None
    if fault is not None:
        message = error_line(fault, REPORTING)
        record = replace(record, status="failed", reason="raised", message=message)
    try:
        store.append(record)
    except UnstorableError as error:
        spent, failure = Spent(utc_now(), 0.0), error_line(error)
        record = make_record(trial, LogContents(), spent, ("raised", failure))
        store.append(record)
    return record
