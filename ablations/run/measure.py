"""Measures how long a trial of each arm will take, from two epochs that leave no record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ablations.core.design import Arm
from ablations.core.study import Trial
from ablations.errors import StudyError
from ablations.run.executors import Executor, Work
from ablations.run.observer import Observer

_EPOCHS = 2  # the first pays for start-up and compilation, the second is the measured one


class _Clock(Observer):
    """Notes when each trial began and when its epochs ended."""

    def __init__(self) -> None:
        self.times: dict[Arm, list[float]] = {}

    def started(self, trial: Trial) -> None:
        self.times[trial.arm] = [time.monotonic()]

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        self.times[trial.arm].append(time.monotonic())


def measure_arms(work: Work, executor: Executor) -> dict[Arm, float]:
    """Trains one trial of each arm for two epochs and returns the seconds of a whole one.

    Args:
        work: Planned trials; the first of each arm is taken.
        executor: Where to train.

    Raises:
        StudyError: if the settings have no ``epochs`` to shorten, or an arm fails.
    """
    first: dict[Arm, Trial] = {}
    for trial in work.trials:
        if not isinstance(trial.settings.get("epochs"), int):
            raise StudyError(
                "--measure needs a setting 'epochs' that it can shorten",
                received=f"settings {sorted(trial.settings)}",
                cure="Run one seed with --seeds 1; its records serve as the estimate",
            )
        first.setdefault(trial.arm, trial)
    short = [replace(t, settings={**t.settings, "epochs": _EPOCHS}) for t in first.values()]
    clock = _Clock()
    for trial, record in executor.run(replace(work, trials=short), clock):
        if not record.completed:
            raise StudyError(
                f"--measure: {trial.arm.name} failed ({record.reason})",
                received=record.message,
                cure="Correct the cause; nothing was recorded",
            )
    return {arm: _whole_seconds(clock.times[arm], trial) for arm, trial in first.items()}


def _whole_seconds(times: Sequence[float], trial: Trial) -> float:
    began, first, second = times[0], times[1], times[-1]
    epoch = second - first
    return (first - began - epoch) + epoch * int(trial.settings["epochs"])
