"""A study without factors: one model with its gates, from its plan to its report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ablations
from ablations.cli.app import app

MODULE = """
import numpy as np


def train(trial, log):
    rng, labels = trial.rng("order"), np.arange(60) % 3
    log.steps([0.01 + 0.001 * rng.random() for _ in range(20)])
    for epoch in range(3):
        log.epoch(loss=1 / (epoch + 1 + rng.random()), accuracy=0.9, val_accuracy=0.8 + epoch / 100)
    wrong = int(rng.integers(1, 4))
    probabilities = np.full((60, 3), 0.1)
    probabilities[np.arange(60), labels] = 0.8
    probabilities[:wrong] = np.roll(probabilities[:wrong], 1, axis=1)
    log.predictions("test", labels, probabilities)
    log.metric("test_accuracy", 1 - wrong / 60, unit="fraction", better="higher")
"""

STUDY = """
title = "Is our model still good?"

[trial]
run = "one_model:train"

[design]
seeds = 4

[[gates]]
metric = "test_accuracy"
at_least = 0.5
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("one_model.py").write_text(MODULE)
    Path("one.toml").write_text(STUDY)
    return "one.toml"


def call(*words: str):
    return CliRunner().invoke(app, [*words])


def test_the_study_of_the_documentation_is_one(study: str):
    text = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    (own,) = (
        found for found in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "trial" in found
    )
    Path("our_model.py").write_text(MODULE)
    Path("documented.toml").write_text(own)
    found = ablations.load_study("documented.toml")
    assert ([arm.name for arm in found.arms], len(found.gates)) == (["the only arm"], 1)


def test_one_arm_is_planned_trained_judged_and_reported(study: str):
    plan = call("plan", study)
    assert "one arm, seeds 0, 1, 2, 3" in plan.stdout
    done = call("run", study, "--jobs", "1")
    assert done.exit_code == 0, done.stderr
    assert "4 of 4 trials done" in call("status", study).stdout
    gate = call("gate", study)
    assert gate.exit_code == 0
    assert "the only arm  4 " in gate.stdout
    text = Path("reports/one/one.md").read_text()
    assert "\nTest accuracy is 9" in text
    assert "over 4 seeds. Of 1 check, 1 passed.\n" in text
    for heading in ("The arm", "Gates", "How it learned", "Time and cost", "Do it again"):
        assert f"\n## {heading}\n" in text
    for words in (
        "best arm",
        "Best arm",
        "comparison",
        "What each level sets",
        "baseline",
        "Effects",
    ):
        assert words not in text, words
    assert "no effects to plan for" in call("power", study).stdout
    again = call("gate", study, "--against", "reports/one/report.json", "--format", "pull-request",
                 "-o", "out", "--json")  # fmt: skip
    assert again.exit_code == 0
    assert {own["verdict"] for own in json.loads(again.stdout)["drifts"]} == {"equivalent"}
    comment = Path("out/pull-request.md").read_text()
    assert "\n\nTest accuracy is 9" in comment
    assert "Between the arms" not in comment
    findings = ablations.run(study)
    assert (len(findings.arms), findings.effects) == (1, ())
    assert "Test accuracy is 9" in findings._repr_html_()
    assert "1 arm × 4 seeds" in findings.study._repr_html_()
