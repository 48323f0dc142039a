"""Writes trials for TensorBoard: scalars of each epoch, and settings with results as hparams."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.run.sinks.naming import parameters, results, trial_folder


def open_sink(place: str, study: Study) -> TensorBoardSink:
    """Opens a folder, which ``tensorboard --logdir`` reads; made if missing."""
    folder = Path(place).expanduser() / study.report_name
    folder.mkdir(parents=True, exist_ok=True)
    return TensorBoardSink(folder)


class TensorBoardSink:
    """A folder of event files: one a trial, by arm and seed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, SummaryWriter] = {}

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Writes a scalar for each metric."""
        writer = self._writer(trial)
        for name, value in metrics.items():
            writer.add_scalar(name, value, number)
        writer.flush()

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Writes the results as scalars, and the settings that they belong to."""
        writer, found = self._writer(trial), results(record)
        for summary in hparams(parameters(trial), dict.fromkeys(found)):
            writer.file_writer.add_summary(summary)
        for name, value in found.items():
            writer.add_scalar(name, value, len(record.epochs))
        writer.add_text("status", " ".join(filter(None, (record.status, record.message))))
        self._writers.pop(trial.key).close()

    def close(self) -> None:
        """Closes the files of trials that have not ended."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, trial: Trial) -> SummaryWriter:
        if trial.key not in self._writers:
            place = self._folder / trial_folder(trial)
            self._writers[trial.key] = SummaryWriter(str(place))
        return self._writers[trial.key]
