"""What the analysis of 10,000 trials of 8 arms takes, with their answers and epochs."""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import pytest

from ablations.analyze.analysis import analyze
from ablations.core.design import Factor, Level
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.study import Study, Trial
from ablations.plan.designs import Wanted, lay_out

SEEDS, IMAGES, EPOCHS, STEPS = 1_250, 192, 5, 10


def large_study() -> tuple[Study, list[Trial], list[RunRecord]]:
    factors = tuple(Factor(name, (Level("off", {}), Level("on", {name: 1}))) for name in "abc")
    design = lay_out(Wanted("full-factorial", factors))
    study = Study("s", "t", "q", "m:f", {}, factors, design, tuple(range(SEEDS)),
                  smallest_effect_that_matters=0.01)  # fmt: skip
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, IMAGES)
    trials = [
        Trial("s", "m:f", arm, seed, study.arm_settings(arm), "data")
        for seed in study.seeds
        for arm in study.arms
    ]
    return study, trials, [_record(trial, labels, rng) for trial in trials]


def _record(trial: Trial, labels: np.ndarray, rng: np.random.Generator) -> RunRecord:
    said = rng.random((IMAGES, 2), dtype=np.float32)
    accuracy = float((said.argmax(axis=1) == labels).mean())
    return RunRecord(
        trial.key, "s", "m:f", trial.arm, trial.seed, trial.settings, "data", "completed",
        "2026-01-01T00:00:00+00:00", 60.0,
        metrics=(Metric("test_accuracy", accuracy, "fraction", "higher"),
                 Metric("fit_seconds", 5 + rng.random(), "seconds", "lower")),
        epochs=tuple({"accuracy": 0.5, "val_accuracy": 0.4 + 0.02 * e} for e in range(EPOCHS)),
        steps=tuple(rng.random(STEPS) for _ in range(EPOCHS)),
        predictions=(Predictions("test", labels, said, "the same images"),),
        environment={"python": "3"},
    )  # fmt: skip


@pytest.mark.benchmark(group="analysis of 10,000 trials")
def test_analysis(benchmark):
    study, trials, records = large_study()
    found = benchmark.pedantic(analyze, (study, records), {"planned": trials}, rounds=3)
    assert found.n_completed == len(trials) == 10_000


def test_memory():
    """A process of its own: what it holds at its peak, the records included, in MB."""
    code = f"import runpy; runpy.run_path({__file__!r})['report_peak']()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak = float(done.stdout)
    print(f"peak memory of the analysis of 10,000 trials: {peak:.0f} MB")
    assert peak <= 500


def report_peak() -> None:
    study, trials, records = large_study()
    analyze(study, records, planned=trials)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
