"""Trains one trial and turns whatever happens into a run record."""

from __future__ import annotations

import copy
import gc
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ablations.core import checks
from ablations.core import trial_log as reported
from ablations.core.metrics import ENERGY_JOULES, PEAK_MEMORY_BYTES
from ablations.core.record import LogContents, Reason, RunRecord, known_metric
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog, storable
from ablations.entry import Entry, Train
from ablations.errors import DivergedError, ReportingError
from ablations.run.machine import energy, memory
from ablations.run.machine.environment import environment_facts
from ablations.run.more import More, no_more
from ablations.run.observer import Observer
from ablations.run.threads import limited

_CHECKING = {Path(str(module.__file__)) for module in (checks, reported)}
"""Where values are checked that a training function reports."""

REPORTING = f"{ReportingError.__name__}: "
"""How the message of a record begins whose training function does not report as it must."""

_LONGEST = 500
"""Characters of an error's text that a record keeps."""

OnEpoch = Callable[[int, Mapping[str, float]], None]
OnEpochOf = Callable[[int, int, Mapping[str, float]], None]
"""Told which trial of several it is, its epoch, and the epoch's metrics."""


def utc_now() -> str:
    """Returns the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def execute(
    trial: Trial, train: Callable[..., object], on_epoch: OnEpoch, *, must_report: bool = True
) -> RunRecord:
    """Runs a training function on one trial in this process.

    What it raises becomes a failed record, with the traceback on standard error; so does a training
    that has reported nothing, where it must.
    """
    log = TrialLog(on_epoch)
    started_at, began = utc_now(), time.perf_counter()
    failure: tuple[Reason, str] | None = None
    memory.reset_peak()
    energy_before = energy.counters()
    try:
        returned = train(copy.deepcopy(trial), log)  # what it does to its settings stays with it
        unreported = _unreported(log.contents(), returned) if must_report else None
        failure = ("raised", said(unreported, REPORTING)) if unreported else None
    except DivergedError as error:
        failure = ("diverged", said(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a training function may raise anything
        _show_traceback()
        failure = ("raised", _one_line(error))
    seconds = time.perf_counter() - began
    joules = energy.spent(energy_before, seconds)
    return _storable(
        trial, log, started_at=started_at, seconds=seconds, joules=joules, failure=failure
    )


def execute_together(
    trials: Sequence[Trial], entry: Entry, on_epoch: OnEpochOf
) -> tuple[RunRecord, ...]:
    """Runs trials that differ in their seed alone together; each has its part of the time.

    Where that raises, for example because they do not fit into memory, they run one by one.
    """
    assert entry.train_together is not None  # noqa: S101 - else nobody puts trials together
    logs = [TrialLog(partial(on_epoch, place)) for place in range(len(trials))]
    started_at, began = utc_now(), time.perf_counter()
    memory.reset_peak()
    energy_before = energy.counters()
    errors: Sequence[DivergedError | None] | None = None
    try:
        errors = entry.train_together(copy.deepcopy(list(trials)), logs)
        _require_one_each(errors, trials)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a training function may raise anything
        errors = None
        _show_traceback()
    if errors is None:
        # Only here, behind the block, has the error let go of what the attempt held in memory.
        gc.collect()
        print("training one by one instead", flush=True)  # noqa: T201 - a log
        return tuple(
            execute(trial, entry.train, partial(on_epoch, place))
            for place, trial in enumerate(trials)
        )
    whole = time.perf_counter() - began
    seconds = whole / len(trials)
    joules = energy.spent(energy_before, whole)
    return tuple(
        _storable(
            trial,
            log,
            started_at=started_at,
            seconds=seconds,
            joules=None if joules is None else joules / len(trials),
            failure=("diverged", said(error)) if error else None,
        )
        for trial, log, error in zip(trials, logs, errors, strict=True)
    )


def _require_one_each(errors: Sequence[DivergedError | None], trials: Sequence[Trial]) -> None:
    if len(errors) != len(trials) or not all(isinstance(e, DivergedError | None) for e in errors):
        raise TypeError("train_together must return a DivergedError or None for each trial")


def _unreported(contents: LogContents, returned: object) -> ReportingError | None:
    """Returns what is wrong with a training that has logged no metric at all, if anything is."""
    if contents.metrics or (returned is None and (contents.epochs or contents.predictions)):
        return None
    what = "nothing" if returned is None else f"a value of type {type(returned).__name__}"
    return ReportingError(
        "the training function logged no metric",
        received=f"it returned {what}",
        cure='Report results with log.metric("test_accuracy", value, unit="fraction", '
        'better="higher")',
    )


def _storable(
    trial: Trial,
    log: TrialLog,
    *,
    started_at: str,
    seconds: float,
    joules: float | None,
    failure: tuple[Reason, str] | None,
) -> RunRecord:
    """Makes the record of what a log holds; a failed one if that cannot be stored."""
    try:
        contents = storable(log.contents())
    except Exception as error:  # what a training function left in the log may be anything
        contents = LogContents()
        problem = f"what the training reported cannot be stored: {_one_line(error)}"
        failure = failure or ("raised", problem)
    if joules is not None and all(metric.name != ENERGY_JOULES for metric in contents.metrics):
        energy_metric = known_metric(ENERGY_JOULES, joules)
        contents = replace(contents, metrics=(*contents.metrics, energy_metric))
    return make_record(trial, contents, started_at=started_at, seconds=seconds, failure=failure)


def make_record(
    trial: Trial,
    contents: LogContents,
    *,
    started_at: str,
    seconds: float,
    failure: tuple[Reason, str] | None,
) -> RunRecord:
    """Puts the record of an ended trial together; ``failure`` is its reason and message."""
    peak = known_metric(PEAK_MEMORY_BYTES, float(memory.peak_bytes()))
    own = () if failure or peak.name in {m.name for m in contents.metrics} else (peak,)
    reason, message = failure or (None, "")
    return RunRecord(
        key=trial.key,
        study=trial.study,
        entry=trial.entry,
        arm=trial.arm,
        seed=trial.seed,
        settings=trial.settings,
        data=trial.data,
        status="completed" if failure is None else "failed",
        reason=reason,
        message=message,
        started_at=started_at,
        seconds=seconds,
        metrics=(*contents.metrics, *own),
        epochs=contents.epochs,
        steps=contents.steps,
        predictions=contents.predictions,
        exhibits=contents.exhibits,
        environment={
            **environment_facts(),
            **contents.environment,
            "threads": str(trial.threads),
        },
    )


def _show_traceback() -> None:
    """Prints the error at hand, where a training function has left standard error to print to."""
    with suppress(Exception):
        traceback.print_exc()


def _one_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    while len(frames) > 1 and Path(frames[-1].filename) in _CHECKING:
        frames.pop()  # the line that is wrong is the one that called
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return said(error, f"{type(error).__name__}: ", place)


def said(error: BaseException, before: str = "", after: str = "") -> str:
    """Returns what an error says as one line that can be stored, whoever wrote the error."""
    try:
        text = str(error)
    except Exception:  # of an exception that somebody else wrote
        text = "(it cannot be shown)"
    line = f"{' '.join(f'{before}{text[:_LONGEST]}'.split())[:_LONGEST]}{after}"
    return line.encode("utf-8", "backslashreplace").decode()


class InlineExecutor:
    """Runs trials one after another in this process, with the training function as a value.

    For tests, debuggers and notebooks; a crash of the training takes the process with it. A
    framework that was imported before has its threads already: `limited` refuses where these are
    not those of the trials.
    """

    def __init__(self, train: Train) -> None:
        self._train = train

    def run(
        self, trials: Sequence[Trial], observer: Observer, *, more: More = no_more
    ) -> Iterator[tuple[Trial, RunRecord]]:
        """Yields each trial with its record as soon as it has ended."""
        while trials:
            for trial in trials:
                observer.started(trial)
                with limited(trial.threads):
                    record = execute(trial, self._train, partial(observer.epoch, trial))
                yield trial, record
            trials = more()
