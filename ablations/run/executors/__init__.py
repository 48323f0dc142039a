"""Executors: trials in, records out.

An executor is a value with one method, so another one is a module beside `inline` and `local` and
nothing else: pass it to ``run_study(study, executor=...)``. ``docs/extending.md`` writes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ablations.core.design import Arm, Resources
from ablations.core.record import RunRecord
from ablations.core.study import Trial
from ablations.run.observer import Observer

Ended = tuple[Trial, RunRecord]
"""A trial that has ended, with its record."""

Task = Literal["train", "describe"]
"""Which function of the entry is called with a trial."""


def no_more() -> Sequence[Trial]:
    """Ends the work with the trials that it began with."""
    return ()


@dataclass(frozen=True, slots=True)
class Work:
    """Trials of one study, and what the study asks for while they are trained.

    Args:
        trials: To train, in this order.
        more: Returns the trials that come once all of these have ended; none ends the work.
        task: Whether to train the trials or to describe them.
        plain: Whether training functions leave out their shortcuts. In this process the session
            has seen to that; an executor passes it on to other processes.
        log_dir: Where other processes leave what they print.
        timeout_seconds: The longest that a trial may take.
        memory_bytes: The most memory that a trial may hold.
        resources: What a cluster keeps free for a trial of an arm.
    """

    trials: Sequence[Trial]
    more: Callable[[], Sequence[Trial]] = no_more
    task: Task = "train"
    plain: bool = False
    log_dir: Path = Path("logs")
    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    resources: Callable[[Arm], Resources] = lambda _arm: Resources()

    def rounds(self) -> Iterator[Sequence[Trial]]:
        """Yields the trials, and then more of them until there are none."""
        if self.trials:
            yield self.trials
        while trials := self.more():
            yield trials


class Executor(Protocol):
    """Anything that trains trials."""

    def run(self, work: Work, observer: Observer) -> Iterator[Ended]:
        """Yields each trial with its record as it ends; closing the iterator stops all of them.

        What goes wrong in a trial is a failed record. The executor calls the observer when
        trials start and end an epoch, the caller of ``run`` when they have ended.
        """
