"""Trains what is to do and stores each record as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from ablations.core.record import LogContents, RunRecord
from ablations.core.study import Trial
from ablations.errors import UnstorableError
from ablations.records.agreement import Units
from ablations.records.sqlite.store import Store
from ablations.run.execute import REPORTING, Failure, Spent, error_line, make_record, utc_now
from ablations.run.executors import Executor, Work
from ablations.run.observer import Observer


def describe_trials(work: Work, executor: Executor, store: Store) -> None:
    """Stores what the entry's ``describe`` shows of each trial; what fails is left for later."""
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

    When all have ended it goes on with those that ``work.more`` returns, each at most once. A
    trial whose metrics have other units than those of earlier ones, which ``units`` knows, fails:
    once it counted as completed, all of them could never be read together again. ``check`` is
    called with each stored record; an error that it raises ends the run.

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
            found = fresh(work.more())
            watcher.added(found)
            return found

        first = replace(work, trials=fresh(work.trials), more=added)
        ends = executor.run(first, watcher)
        with closing(ends) as ended:  # type: ignore[type-var]
            for trial, record in ended:
                kept = _kept(store, trial, _agreeing(known, record))
                watcher.finished(trial, kept)
                check(kept)


def _agreeing(units: Units, record: RunRecord) -> RunRecord:
    """Returns the record, as a failed one where its units are others than those of earlier ones."""
    fault = units.fault(record) if record.completed else None
    if fault is None:
        return record
    return replace(record, status="failed", reason="raised", message=error_line(fault, REPORTING))


def _kept(store: Store, trial: Trial, record: RunRecord) -> RunRecord:
    """Stores a record, or in its place that it could not be stored, and returns what it stored."""
    try:
        store.append(record)
    except UnstorableError as error:
        failure: Failure = ("raised", error_line(error))
        record = make_record(trial, LogContents(), Spent(utc_now(), 0.0), failure)
        store.append(record)
    return record
