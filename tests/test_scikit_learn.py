"""Another framework fits: a study that trains scikit-learn goes through the same commands."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.plan import load_study

TRAINING = """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train(trial, log):
    images, labels = load_digits(return_X_y=True)
    draw = int(trial.rng("split").integers(2**31))
    parts = train_test_split(images, labels, train_size=200, random_state=draw)
    train_images, test_images, train_labels, test_labels = parts
    steps = [StandardScaler()] if trial.settings["scale"] else []
    model = make_pipeline(*steps, LogisticRegression(C=trial.settings["C"], max_iter=2000))
    model.fit(train_images, train_labels)
    probabilities = model.predict_proba(test_images)
    accuracy = float((probabilities.argmax(1) == test_labels).mean())
    log.metric("test_accuracy", accuracy, unit="fraction", better="higher")
    log.predictions("test", test_labels, probabilities)
"""

STUDY = """
title = "Scaling and regularisation of logistic regression"
[trial]
run = "logistic:train"
[factors.scaling]
off = { scale = false }
on = { scale = true }
[factors.regularisation]
weak = { C = 1.0 }
strong = { C = 0.0001 }
[design]
seeds = 3
[[gates]]
metric = "test_accuracy"
where = { regularisation = "weak" }
at_least = 0.8
"""


def test_scikit_learn_goes_through_the_same_commands(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logistic.py").write_text(TRAINING)
    Path("logistic.toml").write_text(STUDY)
    cli = CliRunner()
    assert cli.invoke(app, ["run", "logistic.toml"]).exit_code == 0
    gate = cli.invoke(app, ["gate", "logistic.toml"])
    assert gate.exit_code == 0, gate.stdout
    page = Path("reports/logistic/index.html").read_text()
    assert load_study("logistic.toml").title in page
    assert "keras" not in page.lower()
