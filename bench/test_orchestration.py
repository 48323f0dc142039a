"""What the runner itself costs: trials that train nothing, with real workers and a real store."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from ablations.core.design import Arm
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.plan import PlannedStore, load_study
from ablations.records.sqlite.connections import writing_to
from ablations.records.sqlite.rows import insert
from ablations.session import Session

TRIALS = 100

LOOKED_AT = 1000

TRAINING = """
def train(trial, log):
    log.metric("test_accuracy", 0.5, unit="fraction", better="higher")
"""

STUDY = f"""
title = "Nothing"
[trial]
run = "no_op:train"
[factors.a]
off = {{}}
on = {{ a = 1 }}
[design]
seeds = {TRIALS // 2}
"""


@pytest.fixture
def study_path(tmp_path: Path) -> Path:
    (tmp_path / "no_op.py").write_text(TRAINING)
    path = tmp_path / "nothing.toml"
    path.write_text(STUDY)
    return path


@pytest.mark.benchmark(group="orchestration of 100 no-op trials")
@pytest.mark.parametrize("jobs", [1, 2])
def test_no_op_trials(benchmark, study_path, tmp_path, jobs):
    """Plan, spawn workers, train, store: the start of the workers counts."""
    folders = count()

    def fresh():
        session = Session(load_study(study_path), runs_dir=tmp_path / str(next(folders)))
        return (session,), {}

    def run(session):
        session.run(session.trials, jobs=jobs)
        return session

    session = benchmark.pedantic(run, setup=fresh, rounds=5, warmup_rounds=1)
    assert len(session.store.outcomes()) == TRIALS
    benchmark.extra_info["milliseconds_per_trial"] = 1000 * benchmark.stats.stats.median / TRIALS


@pytest.fixture
def seen_store(tmp_path: Path) -> PlannedStore:
    """A store of 1,000 records with predictions for 1,000 examples, of which one is new."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1000)
    said = rng.random((1000, 2), dtype=np.float32)
    study = load_study("quickstart")
    path = tmp_path / "records.sqlite"
    with writing_to(path) as connection, connection:
        for seed in range(LOOKED_AT):
            insert(connection, _record(seed, Predictions("test", labels, said)))
    return PlannedStore(path, study, ())


def _record(seed: int, said: Predictions) -> RunRecord:
    return RunRecord(
        f"k{seed}", "s", "no_op:train", Arm((("a", "on"),)), seed, {"a": 1}, "", "completed",
        "2026-01-01T00:00:00+00:00", 1.0,
        metrics=(Metric("test_accuracy", 0.5, "fraction", "higher"),),
        epochs=({"loss": 1.0, "val_accuracy": 0.5},) * 10,
        steps=(np.full(50, 0.01),) * 10,
        predictions=(said,),
        environment={"threads": "1"},
    )  # fmt: skip


@pytest.mark.benchmark(group="what a look of adaptive seeds reads of 1,000 records")
@pytest.mark.parametrize("skip", [0, LOOKED_AT - 1], ids=["all", "the new one"])
def test_reading_for_a_look(benchmark, seen_store, skip):
    found = benchmark.pedantic(lambda: seen_store.records(skip=skip), rounds=3, warmup_rounds=1)
    assert len(found) == LOOKED_AT - skip
