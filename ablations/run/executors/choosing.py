"""Chooses the executor of a run: one that was given, this process, or workers of this machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from ablations.entry import ship
from ablations.errors import StudyError
from ablations.run.executors import Executor
from ablations.run.executors.inline import InlineExecutor
from ablations.run.executors.local import LocalExecutor


def choose(
    executor: Executor | None, jobs: int | None, best_jobs: Callable[[], int], *, entry: str
) -> Executor:
    """Returns what trains the trials.

    A training function that was given in Python and cannot be sent to other processes is trained in
    this one, which a warning says with the reason.

    Args:
        executor: What the caller has given, if anything.
        jobs: Workers at a time, as many as train fastest if left out; 0 for this process.
        best_jobs: Returns how many train fastest.
        entry: The training function.

    Raises:
        StudyError: if the executor is a class.
    """
    if isinstance(executor, type):
        raise StudyError(
            "the executor is a class, where one of its instances is needed",
            received=executor.__name__,
            cure=f"Write {executor.__name__}()",
        )
    if executor is not None:
        return executor
    if jobs == 0 and type(jobs) is int:
        return InlineExecutor()
    try:
        ship(entry)
    except StudyError as error:
        _, reason, cure = error.parts
        warnings.warn(
            f"The trials are trained in this process, as the training function cannot be sent to "
            f"workers ({reason}). {cure}, to train in workers.",
            stacklevel=2,
        )
        return InlineExecutor()
    return LocalExecutor(best_jobs() if jobs is None else jobs)
