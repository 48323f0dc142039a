"""Trains trials in this process and returns a run record of each, whatever happens."""

from __future__ import annotations

import copy
import gc
import sysconfig
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ablations.core import checks, trial_log
from ablations.core.metrics import ENERGY_JOULES, PEAK_MEMORY_BYTES
from ablations.core.record import CODE, SEED_USE, LogContents, Reason, RunRecord, known_metric
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog, storable
from ablations.entry import Entry
from ablations.errors import DivergedError, ReportingError
from ablations.run.executors import Task
from ablations.run.machine import energy, memory
from ablations.run.machine.environment import environment_facts

_CHECKING = {Path(str(module.__file__)) for module in (checks, trial_log)}
"""Where values are checked that a training function reports."""

_OF_OTHERS = (
    Path(__file__).parents[1],
    *(Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Folders of code that raises errors of which the cause is elsewhere."""

REPORTING = f"{ReportingError.__name__}: "
"""The beginning of a record's message whose training function does not report as it must."""

_LONGEST = 500
"""Characters of an error's text that a record keeps."""

OnEpoch = Callable[[int, int, Mapping[str, float]], None]
"""Called when a trial has ended an epoch, with its place from 0, the epoch and its metrics."""

Failure = tuple[Reason, str]
"""Why a trial failed: the reason and a message."""


def utc_now() -> str:
    """Returns the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Spent:
    """When a trial began, how long it took, and the energy that it used, if known."""

    started_at: str
    seconds: float
    joules: float | None = None


def execute(
    trials: Sequence[Trial],
    entry: Entry,
    on_epoch: OnEpoch,
    *,
    task: Task = "train",
    first: int = 0,
) -> tuple[RunRecord, ...]:
    """Trains trials in this process, or describes them, and returns the record of each.

    Several trials, which differ only in their seed, train together, and each has its part of the
    time. Where that raises, for example because they do not fit into memory, they train one by one.
    ``on_epoch`` is called with the first of them as number ``first``.
    """
    logs = [TrialLog(partial(on_epoch, first + place)) for place in range(len(trials))]
    started_at, began = utc_now(), time.perf_counter()
    memory.reset_peak()
    energy_before = energy.counters()
    if len(trials) == 1:
        failures = [_failure(trials[0], logs[0], entry, task)]
    else:
        failures = _failures_together(trials, logs, entry)
    if not failures:
        gc.collect()  # only now has the error let go of what the attempt held in memory
        print("training one by one instead", flush=True)  # noqa: T201 - a log
        each = (execute((t,), entry, on_epoch, first=place) for place, t in enumerate(trials))
        return tuple(record for (record,) in each)
    whole = time.perf_counter() - began
    joules = energy.spent(energy_before, whole)
    share = None if joules is None else joules / len(trials)
    spent = Spent(started_at, whole / len(trials), share)
    ended = zip(trials, logs, failures, strict=True)
    records = (_storable(trial, log, spent, failure) for trial, log, failure in ended)
    return tuple(_of_code(record, entry.code) for record in records)


def _of_code(record: RunRecord, digest: str) -> RunRecord:
    facts = {**record.environment, CODE: digest}
    return replace(record, environment=facts) if digest else record


class _Watched(Trial):
    """A trial that notes whether its seed is asked for."""

    __slots__ = ("asked",)

    asked: bool

    @classmethod
    def copy_of(cls, trial: Trial) -> _Watched:
        """Copies a trial, so that what a function does to its settings stays with it."""
        own, copied = object.__new__(cls), copy.deepcopy(trial)
        for field in fields(Trial):
            object.__setattr__(own, field.name, getattr(copied, field.name))
        object.__setattr__(own, "asked", False)
        return own

    def __getattribute__(self, name: str) -> Any:
        if name == "seed":  # also by `rng`, and by whatever copies, prints or sends the trial
            object.__setattr__(self, "asked", True)
        return super().__getattribute__(name)


def _failure(trial: Trial, log: TrialLog, entry: Entry, task: Task) -> Failure | None:
    """Calls the function for one trial; returns why it failed, if it did.

    What it raises is printed as well; a training that has reported nothing has failed.
    """
    function: Callable[..., object] = getattr(entry, task)
    watched = _Watched.copy_of(trial)
    try:
        returned = function(watched, log)
        if not watched.asked:
            log.environment(**{SEED_USE: "none"})
        unreported = _unreported(log.contents(), returned) if task == "train" else None
        return ("raised", error_line(unreported, REPORTING)) if unreported else None
    except DivergedError as error:
        return "diverged", error_line(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a training function may raise anything
        _show_traceback()
        return "raised", _with_place(error)


def _failures_together(
    trials: Sequence[Trial], logs: Sequence[TrialLog], entry: Entry
) -> list[Failure | None]:
    """Trains the trials in one call; returns why each failed, if it did, or nothing of any."""
    assert entry.train_together is not None  # noqa: S101 - else trials do not join
    try:
        errors = entry.train_together(copy.deepcopy(list(trials)), logs)
        _require_one_each(errors, trials)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a training function may raise anything
        _show_traceback()
        return []
    return [("diverged", error_line(error)) if error else None for error in errors]


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


def _storable(trial: Trial, log: TrialLog, spent: Spent, failure: Failure | None) -> RunRecord:
    """Makes the record of what a log holds; a failed one if that cannot be stored."""
    try:
        contents = storable(log.contents())
    except Exception as error:  # a training function may leave anything in the log
        contents = LogContents()
        problem = f"what the training reported cannot be stored: {_with_place(error)}"
        failure = failure or ("raised", problem)
    return make_record(trial, contents, spent, failure)


def make_record(
    trial: Trial, contents: LogContents, spent: Spent, failure: Failure | None = None
) -> RunRecord:
    """Returns the record of a trial that has ended, with what was measured here as metrics."""
    measured = {} if spent.joules is None else {ENERGY_JOULES: spent.joules}
    if failure is None:
        measured[PEAK_MEMORY_BYTES] = float(memory.peak_bytes())
    reported = {metric.name for metric in contents.metrics}
    own = (known_metric(name, value) for name, value in measured.items() if name not in reported)
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
        started_at=spent.started_at,
        seconds=spent.seconds,
        metrics=(*contents.metrics, *own),
        epochs=contents.epochs,
        steps=contents.steps,
        predictions=contents.predictions,
        exhibits=contents.exhibits,
        environment={**environment_facts(), **contents.environment, "threads": str(trial.threads)},
    )


def _show_traceback() -> None:
    """Prints the error at hand, where a training function has left standard error to print to."""
    with suppress(Exception):
        traceback.print_exc()


def _with_place(error: BaseException) -> str:
    frames = list(traceback.extract_tb(error.__traceback__))
    while len(frames) > 1 and Path(frames[-1].filename) in _CHECKING:
        frames.pop()  # the line that is wrong is the one that called
    frames = [frame for frame in frames if _is_own(frame.filename)] or frames
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return error_line(error, f"{type(error).__name__}: ", place)


def _is_own(file: str) -> bool:
    """Whether a file is of the user, and neither of Python, nor of a package, nor of ours."""
    return not any(Path(file).is_relative_to(folder) for folder in _OF_OTHERS)


def error_line(error: BaseException, before: str = "", after: str = "") -> str:
    """Returns the text of an error as one line that can be stored, whatever its class."""
    try:
        text = str(error)
    except Exception:  # of an exception class that is not ours
        text = "(it cannot be shown)"
    line = f"{' '.join(f'{before}{text[:_LONGEST]}'.split())[:_LONGEST]}{after}"
    return line.encode("utf-8", "backslashreplace").decode()
