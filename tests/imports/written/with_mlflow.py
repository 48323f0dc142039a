"""Logs the trials of ``made.py`` to MLflow, as people do: python with_mlflow.py URI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials


def main(uri: str) -> None:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # which later versions refuse otherwise
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("cats")
    for own in made_trials():
        with mlflow.start_run(run_name=own.folder):
            mlflow.log_params(own.params)
            for epoch, values in enumerate(own.epochs):
                mlflow.log_metric("train/loss", values["loss"], step=epoch)
                mlflow.log_metric("val/acc", values["val_accuracy"], step=epoch)
            mlflow.log_metric("test/acc", own.test_accuracy)


if __name__ == "__main__":
    main(sys.argv[1])
