"""How often is a change found in a history of commits, where there is one and where there is none?

Histories of 200 commits with five seeds each, 16 series (eight arms, accuracy and speed) judged
together. Numbers are in margins; ``sd`` is the spread within seeds from commit to commit. Beside
our rule, on the same series of means over seeds:

- asv's: the least absolute deviation fit of steps, and a regression where the newest level is 5%
  worse than an earlier one (``asv.step_detect``; accuracy as error, which is 20% here), read once
  at the end of a history. It judges one series, ours 16 together, at every commit;
- a threshold: the newest mean is 5% worse than the one before.

A margin is 1 pp, so 5% of an error of 20% is a margin too. False alarms: any in a history without a
change. Found: within five commits of a step down, drift over 100 commits found by its end, outlier:
a single commit that is worse by three margins, named as lasting.

    python -m pip install asv && python bench/history.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.derived import measured
from ablations.analyze.history.changes import Series, find_changes
from ablations.core.past import HORIZON, Commit
from ablations.core.record import RunRecord, known_metric
from ablations.plan import load_study
from ablations.records.history import add_lines, line_of

Array = NDArray[np.float64]

FAMILY, SEEDS, SOON, STEP_AT = 16, 5, 5, 100
ERROR, MARGIN = 0.20, 0.01
KINDS = ("normal", "skewed", "bimodal")
_STILL = 5
"""Histories without a change for each with one: a rare event needs more of them."""


def noise(rng: np.random.Generator, kind: str, sd: float) -> Array:
    """Returns residuals with mean 0, shape (commit, seed)."""
    shape = (HORIZON, SEEDS)
    if kind == "skewed":
        return sd * (rng.exponential(size=shape) - 1)
    if kind == "bimodal":  # one in ten networks is worse by five times the spread
        return sd * (rng.standard_normal(shape) - 5 * (rng.random(shape) < 0.1))
    return sd * rng.standard_normal(shape)


def ours(values: Array) -> list[int]:
    """Returns when regressions were found."""
    found = find_changes(Series(values), margin=1.0, family=FAMILY)
    return [change.found for change in found if change.change < 0]


def asv(values: Array) -> bool:
    """Whether asv reports a regression of the mean error at the newest commit."""
    from asv.step_detect import detect_regressions, detect_steps

    errors = ERROR - MARGIN * values.mean(axis=1)
    return detect_regressions(detect_steps(list(errors)), threshold=0.05)[1] is not None


def threshold(values: Array) -> list[int]:
    """Returns the commits whose mean error is 5% worse than that of the one before."""
    errors = ERROR - MARGIN * values.mean(axis=1)
    return [int(i) + 1 for i in np.flatnonzero(errors[1:] > 1.05 * errors[:-1])]


def share(hits: int, of: int) -> str:
    low, high = proportion_confint(hits, of, method="wilson")
    return f"{hits / of:.1%} [{low:.1%}, {high:.1%}]"


def alarms(rng: np.random.Generator, kind: str, sd: float, histories: int) -> tuple[int, int, int]:
    """Returns in how many histories without a change each rule gives an alarm."""
    counts = np.zeros(3, dtype=int)
    for _ in range(histories):
        series = [noise(rng, kind, sd) for _ in range(FAMILY)]
        changes = [find_changes(Series(v), margin=1.0, family=FAMILY) for v in series]
        counts += (any(changes), asv(series[0]), bool(threshold(series[0])))
    return int(counts[0]), int(counts[1]), int(counts[2])


def found(
    rng: np.random.Generator, kind: str, sd: float, histories: int, shift: Callable[[], Array]
) -> tuple[int, int, int]:
    """Returns in how many histories each rule finds what happened from the middle on, and soon."""
    counts, end = np.zeros(3, dtype=int), STEP_AT + SOON
    for _ in range(histories):
        values = noise(rng, kind, sd) - shift()[:, None]
        soon = range(STEP_AT, end)
        hits = (ours(values[:end]), threshold(values[:end]))
        counts += (
            any(place in soon for place in hits[0]),
            asv(values[:end]),
            any(place in soon for place in hits[1]),
        )
    return int(counts[0]), int(counts[1]), int(counts[2])


def step(size: float) -> Array:
    shift = np.zeros(HORIZON)
    shift[STEP_AT:] = size
    return shift


def print_others(histories: int) -> None:
    """Prints drifts, outliers and how long a history takes."""
    rng = np.random.default_rng(2)
    for size in (0.5, 1.0, 2.0, 4.0):
        drift = np.clip(np.arange(HORIZON) / HORIZON, 0, 1) * size
        hits = sum(bool(ours(noise(rng, "normal", 0.5) - drift[:, None])) for _ in range(histories))
        print(
            f"drift of {size} margins over 200 commits, sd 0.5: found in {share(hits, histories)}"
        )
    lasting = listed = 0
    for _ in range(histories):
        values = noise(rng, "normal", 0.5)
        values[STEP_AT] -= 3
        changes = find_changes(Series(values), margin=1.0, family=FAMILY)
        listed += bool(changes)
        lasting += abs(sum(change.change for change in changes)) > 1
    print(f"one commit worse by 3 margins, sd 0.5: listed in {share(listed, histories)}, "
          f"not seen to vanish in {share(lasting, histories)}")  # fmt: skip
    start = time.process_time()
    for _ in range(FAMILY):
        find_changes(Series(rng.standard_normal((500, SEEDS))), margin=1.0, family=FAMILY)
    print(f"500 commits, {FAMILY} series: {time.process_time() - start:.2f} s of one core")


STUDY = """
title = "Three factors"
[trial]
run = "nothing:train"
[trial.settings]
z = 0
[factors]
a = { off = { a = 0 }, on = { a = 1 } }
b = { off = { b = 0 }, on = { b = 1 } }
c = { off = { c = 0 }, on = { c = 1 } }
[design]
seeds = 5
[analysis]
smallest_effect_that_matters = 0.01
"""


def write_history(folder: Path) -> str:
    """Writes a history of 500 commits, 8 arms and 5 seeds; returns the path of its study."""
    (folder / "nothing.py").write_text("def train(trial, log): pass\n")
    (folder / "study.toml").write_text(STUDY)
    study, rng, lines = load_study(folder / "study.toml"), np.random.default_rng(0), []
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(500):
        commit = Commit(f"{number:040x}", (began + timedelta(hours=12 * number)).isoformat())
        for arm, seed in product(study.arms, study.seeds):
            accuracy, seconds = 0.9 + 0.004 * rng.standard_normal(), 10 + rng.standard_normal()
            logged = (
                known_metric("test_accuracy", accuracy), known_metric("test_loss", 1 - accuracy),
                known_metric("fit_seconds", seconds), known_metric("median_step_seconds", seconds),
            )  # fmt: skip
            record = RunRecord(
                "", study.slug, study.entry, arm, seed, {}, "d", "completed", commit.date, seconds,
                metrics=logged, environment={"cpu": "A", "numpy": "2"},
            )  # fmt: skip
            lines.append(line_of(record, measured(record), commit))
    add_lines(folder / "history", study.report_name, lines, [{"cpu": "A", "numpy": "2"}])
    return str(folder / "study.toml")


def print_check(rounds: int = 5) -> None:
    """Prints what the whole command takes, beside what its imports take, on 20,000 lines."""
    with tempfile.TemporaryDirectory() as name:
        study = write_history(Path(name))
        words = ["-m", "ablations", "history", "check", study, "--history", f"{name}/history"]
        imports = ["-c", "import ablations.cli.app, ablations.analyze.history.judgement"]
        took: dict[str, list[float]] = {"history check": [], "its imports": []}
        for _ in range(rounds):
            for what, own in zip(took, (words, imports), strict=True):
                before = os.times()
                subprocess.run([sys.executable, *own], capture_output=True, check=False)
                after = os.times()
                cpu = (after.children_user - before.children_user,
                       after.children_system - before.children_system)  # fmt: skip
                took[what].append(sum(cpu))
    for what, seconds in took.items():
        print(f"500 commits, 8 arms, 5 seeds: {what} takes {min(seconds):.2f} s of one core")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=400)
    histories, worst, rng = parser.parse_args().histories, 0, np.random.default_rng(1)
    print("| residuals | sd | rule | false alarms | 1 margin | 2 margins | 3 | 4 |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        for sd in (0.25, 0.5, 0.75, 1.0):
            wrong = alarms(rng, kind, sd, _STILL * histories)
            hits = [found(rng, kind, sd, histories, lambda size=size: step(size))
                    for size in (1.0, 2.0, 3.0, 4.0)]  # fmt: skip
            for place, rule in enumerate(("ours, 16 series", "asv, 1 series", "5%, 1 series")):
                shown = " | ".join(f"{own[place] / histories:.0%}" for own in hits)
                false = share(wrong[place], _STILL * histories)
                print(f"| {kind} | {sd} | {rule} | {false} | {shown} |", flush=True)
            worst = max(worst, wrong[0])
    print_others(histories)
    print_check()
    still = _STILL * histories
    ok = worst <= 0.05 * still and proportion_confint(worst, still, method="wilson")[1] <= 0.06
    print("false alarms of ours at most 5%, upper limit at most 6%:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
