"""Each tool reads back what its sink wrote; without the tool these tests skip."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.plan import plan_trials


def train(study: Path, sink: str, *more: str) -> None:
    words = ["run", study.name, "--jobs", "1", "--no-report", "--log-to", sink, *more]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "gets nothing more" not in done.stderr


def test_tensorboard_reads_scalars_and_settings(study_path: Path):
    pytest.importorskip("tensorboardX", reason="needs tensorboardX")
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
    )
    train(study_path, "tensorboard:logs", "--seeds", "2")
    folders = sorted({path.parent for path in Path("logs/small").rglob("events.*")})
    assert len(folders) == 8
    assert folders[0].parent.name == "a=off,b=off"
    events = reading.EventAccumulator(str(folders[0])).Reload()
    assert [own.step for own in events.Scalars("loss")] == [1, 2]
    assert len(events.Scalars("test_accuracy")) == 1
    plugin = events.PluginTagToContent("hparams")
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= plugin.keys()
    assert b"epochs" in plugin["_hparams_/session_start_info"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("mlflow.server", reason="needs mlflow")
    port, store = 5000 + os.getpid() % 1000, f"sqlite:///{tmp_path / 'mlflow.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
               "--backend-store-uri", store, "--artifacts-destination", str(tmp_path / "a")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1)
                break
            except (URLError, OSError):
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_mlflow_has_an_experiment_a_study_a_run_an_arm_and_one_a_trial(
    server: str, study_path: Path, study: Study
):
    from mlflow.tracking import MlflowClient

    train(study_path, f"mlflow:{server}", "--seeds", "2")
    train(study_path, f"mlflow:{server}", "--seeds", "3")  # goes on below the same arms
    client = MlflowClient(tracking_uri=server)
    experiment = client.get_experiment_by_name("small")
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    arms = [run for run in runs if "ablations.arm" in run.data.tags]
    trials = [run for run in runs if "ablations.trial" in run.data.tags]
    assert (len(arms), len(trials)) == (4, 12)
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {r.info.run_id for r in arms}
    assert {run.info.status for run in runs} == {"FINISHED"}
    one = next(run for run in trials if run.info.run_name == "baseline, seed 0")
    assert {"a": "off", "b": "off", "seed": "0", "epochs": "2"}.items() <= one.data.params.items()
    history = client.get_metric_history(one.info.run_id, "loss")
    assert [(own.step, own.value) for own in history] == [(1, 1.0), (2, 0.5)]
    assert one.data.metrics["test_accuracy"] > 0.6
    assert not one.inputs.dataset_inputs  # this training function has no data of its own


def test_mlflow_has_the_fingerprint_of_the_data_and_why_a_trial_failed(server: str, study: Study):
    from mlflow.tracking import MlflowClient

    from ablations.run.sinks.mlflow import open_sink

    trial = replace(plan_trials(study)[0], data="cats-vs-dogs-736eb7bf9289cd20")
    sink = open_sink(server, study)
    record = RunRecord(
        trial.key, "small", "m:f", trial.arm, 0, {}, trial.data, "failed", "2026-11-27T00:00:00+00:00",
        1.0, reason="raised", message="no such layer",
    )  # fmt: skip
    sink.finished(trial, record)
    sink.close()
    (run,) = [
        own
        for own in MlflowClient(server).search_runs(
            [MlflowClient(server).get_experiment_by_name("small").experiment_id]
        )
        if "ablations.trial" in own.data.tags
    ]
    dataset = run.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("cats-vs-dogs", "736eb7bf9289cd20")
    assert (run.info.status, run.data.tags["ablations.message"]) == (
        "FAILED",
        "raised: no such layer",
    )


def test_mlflow_that_is_not_there_is_one_line(study_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("mlflow.tracking", reason="needs mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    words = ["run", study_path.name, "--no-report", "--log-to", "mlflow:http://127.0.0.1:9"]
    refused = CliRunner().invoke(app, words)
    assert str(refused.exception).startswith("mlflow cannot be opened there. Received: http://127")
    assert not Path("runs/small/records.sqlite").exists()


def test_wandb_writes_an_offline_run_a_trial(study_path: Path):
    pytest.importorskip("wandb.sdk", reason="needs wandb")
    train(study_path, "wandb:logs", "--seeds", "2")
    files = sorted(Path("logs").rglob("*.wandb"))
    assert len(files) == 8
    back = CliRunner().invoke(app, ["import", "logs", "--suggest"])
    assert back.exit_code == 0, back.output
    assert "8 runs" in back.output
    assert "[factors.a]" in back.stdout
