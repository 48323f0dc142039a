"""Writes trials as offline runs of Weights & Biases, which ``wandb sync`` sends when you ask it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wandb import Settings, init  # by name, as a folder of results is called wandb as well

from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.run.sinks.naming import parameters, results
from ablations.text.naming import arm_label


def open_sink(place: str, study: Study) -> WandbSink:
    """Opens a folder, in which each trial is an offline run; made if missing."""
    folder = Path(place).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return WandbSink(folder, study)


class WandbSink:
    """A project of offline runs: the study, with its arms as groups."""

    def __init__(self, folder: Path, study: Study) -> None:
        self._folder, self._study = folder, study
        self._runs: dict[str, Any] = {}

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Logs the metrics with the epoch as their step."""
        self._run(trial).log(dict(metrics), step=number)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Writes the results into the run's summary, and ends it as the trial ended."""
        run = self._run(trial)
        run.summary.update(results(record))
        self._runs.pop(trial.key).finish(exit_code=0 if record.completed else 1)

    def close(self) -> None:
        """Ends the runs of trials that were stopped."""
        for run in self._runs.values():
            run.finish(exit_code=1)

    def _run(self, trial: Trial) -> Any:
        if trial.key not in self._runs:
            arm = arm_label(self._study, trial.arm)
            self._runs[trial.key] = init(
                mode="offline",
                dir=str(self._folder),
                project=self._study.report_name,
                group=arm,
                name=f"{arm}, seed {trial.seed}",
                config={**parameters(trial), "data": trial.data, "trial": trial.key},
                reinit="create_new",
                settings=Settings(silent=True, console="off"),
            )
        return self._runs[trial.key]
