"""Records trials with MLflow: the study an experiment, an arm a run, a trial a run below it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, Metric, Param
from mlflow.tracking import MlflowClient

from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.run.sinks.naming import parameters, results
from ablations.text.naming import arm_label

_ARM, _TRIAL = "ablations.arm", "ablations.trial"
_LONGEST = 6000
"""Characters that MLflow takes of a parameter."""

_FILE = "sqlite:///"

_AT_ONCE = 100
"""Parameters that MLflow takes in one call."""

_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""Else a server that does not answer is asked for minutes; what the user has set stays."""


def open_sink(place: str, study: Study) -> MlflowSink:
    """Opens a tracking server, or what else MLflow takes as a tracking address."""
    if place.startswith(_FILE) and not Path(place.removeprefix(_FILE)).parent.is_dir():
        raise FileNotFoundError("there is no such folder")  # MLflow would try for minutes
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    client = MlflowClient(tracking_uri=place)
    found = client.get_experiment_by_name(study.report_name)
    experiment = found.experiment_id if found else client.create_experiment(study.report_name)
    return MlflowSink(client, experiment, study)


class MlflowSink:
    """An experiment of a tracking server."""

    def __init__(self, client: MlflowClient, experiment: str, study: Study) -> None:
        self._client, self._experiment, self._study = client, experiment, study
        self._arms: dict[str, str] = {}
        self._trials: dict[str, str] = {}

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Logs the metrics with the epoch as their step."""
        self._log(self._run(trial), metrics, number)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Logs the results, names the data, and ends the run as the trial ended."""
        run = self._run(trial)
        self._log(run, results(record), len(record.epochs))
        if trial.data:
            self._client.log_inputs(run, datasets=[_dataset(trial.data)])
        if not record.completed:
            self._client.set_tag(run, "ablations.message", f"{record.reason}: {record.message}")
        status = "FINISHED" if record.completed else "FAILED"
        self._client.set_terminated(self._trials.pop(trial.key), status=status)

    def close(self) -> None:
        """Ends the arms' runs, and those of trials that were stopped."""
        for run in self._trials.values():
            self._client.set_terminated(run, status="KILLED")
        for run in self._arms.values():
            self._client.set_terminated(run, status="FINISHED")

    def _log(self, run: str, metrics: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        logged = [Metric(_named(name), value, now, step) for name, value in metrics.items()]
        self._client.log_batch(run, metrics=logged)

    def _run(self, trial: Trial) -> str:
        """Returns the run of a trial, which begins with its first event."""
        if trial.key not in self._trials:
            label = f"{arm_label(self._study, trial.arm)}, seed {trial.seed}"
            tags = {"mlflow.parentRunId": self._arm(trial), _TRIAL: trial.key}
            run = self._client.create_run(self._experiment, run_name=label, tags=tags)
            params = [Param(_named(n), str(v)[:_LONGEST]) for n, v in parameters(trial).items()]
            for start in range(0, len(params), _AT_ONCE):
                some = params[start : start + _AT_ONCE]
                self._client.log_batch(run.info.run_id, params=some)
            self._trials[trial.key] = run.info.run_id
        return self._trials[trial.key]

    def _arm(self, trial: Trial) -> str:
        """Returns the run of an arm, of this run of the study or of one before."""
        name = trial.arm.name
        if name not in self._arms:
            quoted = name.replace("'", "")
            earlier = [
                run
                for run in self._client.search_runs([self._experiment], f"tags.`{_ARM}` != ''")
                if run.data.tags[_ARM] == quoted
            ]
            self._arms[name] = earlier[0].info.run_id if earlier else self._new_arm(trial, quoted)
        return self._arms[name]

    def _new_arm(self, trial: Trial, name: str) -> str:
        label = arm_label(self._study, trial.arm)
        tags = {_ARM: name}
        run = self._client.create_run(self._experiment, run_name=label, tags=tags)
        return str(run.info.run_id)


def _named(name: str) -> str:
    """Returns a name of a metric or a parameter with what MLflow takes in one."""
    return re.sub(r"[^\w\-. /]", "_", name, flags=re.ASCII)


def _dataset(fingerprint: str) -> Any:
    name, _, digest = fingerprint.rpartition("-")
    source = {"source_type": "local", "source": "{}"}
    return DatasetInput(Dataset(name=name or fingerprint, digest=digest[:36], **source))
