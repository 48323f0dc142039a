"""What the runner itself costs: trials that train nothing, with real workers and a real store."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from ablations.api import Session
from ablations.plan import load_study

TRIALS = 100

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
        session = Session.open(load_study(study_path), runs_dir=tmp_path / str(next(folders)))
        return (session,), {}

    def run(session):
        session.run(session.trials, jobs=jobs)
        return session

    session = benchmark.pedantic(run, setup=fresh, rounds=5, warmup_rounds=1)
    assert len(session.store.outcomes()) == TRIALS
    benchmark.extra_info["milliseconds_per_trial"] = 1000 * benchmark.stats.stats.median / TRIALS
