"""Trials that train together: all seeds of an arm in one call, each with its own record."""

from __future__ import annotations

import pytest

from ablations import load_study, run_study
from ablations.run.observer import Observer

MODULE = """
import os
from pathlib import Path

from ablations.errors import DivergedError

CALLS = Path(__file__).with_name("calls")


def note(line):
    with CALLS.open("a") as file:
        file.write(line + "\\n")


def joins_seeds(settings, gpus):
    return settings["join"]


def train(trial, log):
    note(f"single {trial.seed}")
    log.epoch(loss=1.0)
    log.metric("test_accuracy", 0.5 + trial.seed / 100, unit="fraction", better="higher")


def train_together(trials, logs):
    note("together " + " ".join(str(trial.seed) for trial in trials))
    how = trials[0].settings["how"]
    if how == "raises":
        raise MemoryError("it does not fit")
    if how == "dies":
        os._exit(9)
    errors = []
    for trial, log in zip(trials, logs):
        if how == "diverges" and trial.seed == 1:
            errors.append(DivergedError("loss is not finite", received="nan", cure="Lower the rate"))
            continue
        log.epoch(loss=2.0)
        log.metric("test_accuracy", 0.6 + trial.seed / 100, unit="fraction", better="higher")
        errors.append(None)
    return errors
"""

STUDY = """
title = "Together"

[trial]
run = "joined:train"
settings = { how = "well" }

[factors.join]
no = { join = false }
yes = { join = true }

[design]
seeds = 3
"""


class Noted(Observer):
    def __init__(self):
        self.started_, self.epochs, self.finished_ = [], [], []

    def started(self, trial):
        self.started_.append((trial.arm.level("join"), trial.seed))

    def epoch(self, trial, number, metrics):
        self.epochs.append((trial.arm.level("join"), trial.seed, metrics["loss"]))

    def finished(self, trial, record):
        self.finished_.append((trial.arm.level("join"), trial.seed))


@pytest.fixture
def ran(tmp_path):
    """Runs the study in one way, and returns its records, the calls, and the events of the run."""

    def run(how):
        (tmp_path / "joined.py").write_text(MODULE)
        (tmp_path / "together.toml").write_text(STUDY.replace("well", how))
        noted = Noted()
        study = load_study(tmp_path / "together.toml")
        records = run_study(study, runs_dir=tmp_path / how, jobs=1, observer=noted)
        calls = (tmp_path / "calls").read_text().splitlines()
        return {(r.arm.level("join"), r.seed): r for r in records}, calls, noted

    return run


def test_the_seeds_of_an_arm_are_one_call_and_a_record_each(ran):
    records, calls, noted = ran("well")
    assert sorted(calls) == ["single 0", "single 1", "single 2", "together 0 1 2"]
    assert len(records) == 6
    for seed in range(3):
        joined = records["yes", seed]
        assert joined.completed
        assert joined.epochs == ({"loss": 2.0},)
        assert {m.name: m.value for m in joined.metrics}["test_accuracy"] == 0.6 + seed / 100
        assert records["no", seed].epochs == ({"loss": 1.0},)
    assert len({record.seconds for (join, _), record in records.items() if join == "yes"}) == 1
    assert sorted(noted.started_) == sorted(noted.finished_) == sorted(records)
    assert ("yes", 2, 2.0) in noted.epochs


def test_one_seed_that_diverges_leaves_the_others(ran):
    records, _, _ = ran("diverges")
    states = [(records["yes", seed].status, records["yes", seed].reason) for seed in range(3)]
    assert states == [("completed", None), ("failed", "diverged"), ("completed", None)]
    assert "loss is not finite" in records["yes", 1].message


@pytest.mark.parametrize("how", ["raises", "dies"])
def test_what_cannot_be_done_together_is_done_one_by_one(how, ran):
    records, calls, _ = ran(how)
    assert calls.count("together 0 1 2") == 1
    assert sorted(c for c in calls if c.startswith("single")) == [
        f"single {s}" for s in range(3) for _ in range(2)
    ]
    assert all(record.completed for record in records.values())
    assert records["yes", 2].epochs == ({"loss": 1.0},)
