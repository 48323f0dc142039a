"""How does each stage grow with the number of trials?

Fills a store with made-up records (192 answers, 5 epochs of 10 steps each), then runs the
commands on it, each in a process of its own. Prints their processor seconds and peak memory, and
the exponent of the seconds above those of a study of one seed: 1 where twice the trials take twice
as long.

    python bench/scale.py                                  # 1,000 and 10,000 trials
    python bench/scale.py --trials 1000 10000 100000       # an hour of patience
    python bench/scale.py --keep /tmp/scale --stages status gate   # fills what is not there yet
    python bench/scale.py --arms 1024 --trials 10240 --stages report   # ten factors of two levels
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.study import Trial
from ablations.plan import load_study
from ablations.records.sqlite.connections import writing_to
from ablations.records.sqlite.rows import insert
from ablations.session import Session

IMAGES, EPOCHS, STEPS = 192, 5, 10
NOISE_SECONDS = 0.1
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

STUDY = """
title = "Many trials"
[trial]
run = "nothing:train"
[factors]
FACTORS
[design]
seeds = SEEDS
[analysis]
metric = "test_accuracy"
smallest_effect_that_matters = 0.01
[[gates]]
metric = "test_accuracy"
at_least = 0.4
judge = "lower"
"""

ARMS = {
    10: "a = { off = {}, on = { a = 1 } }\n"
    "b = { one = { b = 1 }, two = { b = 2 }, three = { b = 3 }, "
    "four = { b = 4 }, five = { b = 5 } }",
    **{
        2**n: "\n".join(f"f{i} = {{ off = {{}}, on = {{ f{i} = 1 }} }}" for i in range(n))
        for n in range(2, 11)
    },
}
"""The factors of a study with so many arms."""

FILL = "store"

STAGES = {
    "status": ["status", "many.toml"],
    "run, nothing left": ["run", "many.toml", "--no-report"],
    "gate": ["gate", "many.toml"],
    "report": ["report", "many.toml"],
    "export": ["export", "many.toml", "--to", "many.jsonl"],
    "merge": ["merge", "runs/many/records.sqlite", "--runs-dir", "merged"],
    "merge, all there": ["merge", "runs/many/records.sqlite", "--runs-dir", "merged"],
    "train": ["run", "nothing.toml", "--no-report", "--jobs", "2"],
}
"""Commands by stage; those of ``train`` train trials that do nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: processor time of it and its children, and its peak memory."""

    seconds: float
    peak_mib: float


def fill(folder: Path, trials: int, *, arms: int) -> None:
    """Writes a study of so many trials and a store with a record of each."""
    folder.mkdir(parents=True)
    (folder / "nothing.py").write_text(
        "def train(trial, log):\n"
        "    log.metric('test_accuracy', 0.5, unit='fraction', better='higher')\n"
    )
    for name in ("many", "nothing"):
        study = STUDY.replace("SEEDS", str(max(1, trials // arms)))
        (folder / f"{name}.toml").write_text(study.replace("FACTORS", ARMS[arms]))
    session = Session(load_study(folder / "many.toml"), runs_dir=folder / "runs")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, IMAGES)
    with writing_to(session.store.path) as connection, connection:
        for number, trial in enumerate(session.trials):
            insert(
                connection,
                _record(trial, labels, rng, began=BEGAN + number * timedelta(seconds=61)),
            )


def _record(
    trial: Trial, labels: np.ndarray, rng: np.random.Generator, *, began: datetime
) -> RunRecord:
    right = rng.random(IMAGES) < 0.7 + 0.02 * sum(trial.settings.values())
    probability = np.where(right, 0.8, 0.2).astype(np.float32)
    answers = np.where(labels == 1, probability, 1 - probability)
    said = np.stack([1 - answers, answers], axis=1)
    return RunRecord(
        trial.key, trial.study, trial.entry, trial.arm, trial.seed, trial.settings,
        trial.data, "completed", began.isoformat(), 60.0,
        metrics=(Metric("test_accuracy", float(right.mean()), "fraction", "higher"),
                 Metric("fit_seconds", 5 + rng.random(), "seconds", "lower")),
        epochs=tuple({"accuracy": 0.5, "val_accuracy": 0.4 + 0.02 * e} for e in range(EPOCHS)),
        steps=tuple(rng.random(STEPS) for _ in range(EPOCHS)),
        predictions=(Predictions("test", labels, said, "the same images"),),
        environment={"python": "3", "threads": "1"},
    )  # fmt: skip


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Runs a command of ``ablations`` in a folder; its exit code may be that of a verdict.

    Raises:
        RuntimeError: if it ended in an error.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", _CHILD, str(folder), *command],
        kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    _, status, usage = os.wait4(process, 0)
    if (code := os.waitstatus_to_exitcode(status)) not in (0, 1, 3):
        raise RuntimeError(f"ablations {' '.join(command)} ended with {code}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


_CHILD = """
import os, sys
os.chdir(sys.argv.pop(1))
log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 1), os.dup2(log, 2)
from ablations.__main__ import run
run()
"""


def stored(folder: Path, trials: int, *, arms: int) -> Path:
    """Returns the folder of a study of so many trials, which is filled if it is not there."""
    whole = folder / (str(trials) if arms == 10 else f"{arms}-arms-{trials}")
    if not whole.exists():
        began, part = time.process_time(), folder / f"{whole.name}-unfinished"
        shutil.rmtree(part, ignore_errors=True)
        fill(part, trials, arms=arms)
        part.rename(whole)
        print(trials, FILL, f"{time.process_time() - began:.1f} s", flush=True)
    return whole


def run_stage(stage: str, folder: Path, *, rounds: int) -> Cost:
    """Measures a stage some times and keeps the least: what else a machine does only adds."""
    costs = [_run_once(stage, folder) for _ in range(rounds)]
    return Cost(min(own.seconds for own in costs), max(own.peak_mib for own in costs))


def _run_once(stage: str, folder: Path) -> Cost:
    """Measures a stage; what it writes is removed before, but for what a second merge needs."""
    gone = {"merge": "merged", "train": "runs/nothing"}.get(stage)
    if gone:
        shutil.rmtree(folder / gone, ignore_errors=True)
    return measure(STAGES[stage], folder)


def exponent(sizes: Sequence[int], seconds: Sequence[float], start: float) -> str:
    """Returns the slope of log seconds over log trials, without what a study of one seed takes.

    It is that between the two largest sizes; a dash where there is one size, or where the seconds
    above the start are so few that they are noise.

    Example:
        >>> exponent([10, 100, 1000], [1.5, 3.0, 21.0], start=1.0)
        '1.00'
        >>> exponent([100], [3.0], start=1.0), exponent([10, 100], [1.01, 1.02], start=1.0)
        ('–', '–')
    """
    known = sorted(zip(sizes, seconds, strict=True))[-2:]
    above = [own - start for _, own in known]
    if len(known) < 2 or min(above) < NOISE_SECONDS:
        return "–"
    (few, _), (many, _) = known
    return f"{math.log(above[1] / above[0]) / math.log(many / few):.2f}"


def main() -> None:
    """Measures each size and prints a row per stage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--arms", type=int, default=10, choices=list(ARMS))
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--rounds", type=int, default=1, help="of which the quickest counts")
    parser.add_argument("--keep", type=Path, help="folder whose stores are used again, and kept")
    parser.add_argument("--out", type=Path, help="where to write the numbers as JSON")
    options = parser.parse_args()
    sizes = [options.arms, *options.trials]
    found: dict[str, list[Cost]] = {stage: [] for stage in options.stages}
    with tempfile.TemporaryDirectory() as scratch:
        for trials in sizes:
            folder = stored(options.keep or Path(scratch), trials, arms=options.arms)
            for stage in options.stages:
                found[stage].append(run_stage(stage, folder, rounds=options.rounds))
                print(trials, stage, found[stage][-1], flush=True)
            for page in folder.glob("reports/*/index.html"):
                print(trials, "page", f"{page.stat().st_size / 1e6:.2f} MB", flush=True)
    for stage, (least, *costs) in found.items():
        slope = exponent(options.trials, [cost.seconds for cost in costs], least.seconds)
        cells = " ".join(f"{c.seconds:9.2f} s {c.peak_mib:6.0f} MiB" for c in (least, *costs))
        print(f"{stage:22}{cells}   exponent {slope}")
    if options.out:
        numbers = {s: [[c.seconds, c.peak_mib] for c in costs] for s, costs in found.items()}
        options.out.write_text(json.dumps({"trials": sizes, "stages": numbers}, indent=1))


if __name__ == "__main__":
    main()
