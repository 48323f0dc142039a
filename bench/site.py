"""How long does a site of many studies take: from nothing, when nothing changed, and in between?

Each study has a report, and a history of four arms with five seeds, accuracy and speed, in which
one study in four gets worse in the middle. Prints wall and CPU seconds of `ablations.sites`, in a
process of its own each, and the size of the index and of a study's pages.

    python bench/site.py --studies 200 --commits 50
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ablations.plan import load_study
from ablations.records.history import Line, add_lines
from ablations.report.publish.manifests import write_manifest

SAMPLE = Path(__file__).parents[1] / "reports" / "sample" / "quickstart"
SEEDS = 5

STUDY = """
title = "Study {number}: what do dropout and width buy?"
question = "Does dropout help a wider network?"

[trial]
run = "ablations.vision:train"

[trial.settings]
dataset = "digits"
scale = "0..1"
epochs = 10

[factors.dropout]
off = {{ layers = ["flatten", "dense:10"] }}
on = {{ layers = ["flatten", "dropout:0.3", "dense:10"] }}

[factors.rate]
slow = {{ learning_rate = 0.0001 }}
fast = {{ learning_rate = 0.001 }}

[design]
seeds = 5

[analysis]
smallest_effect_that_matters = 0.01
"""


def make_study(folder: Path, number: int, commits: int) -> None:
    """Writes a study file, its history and its report."""
    name = f"study-{number:03}"
    path = folder / f"{name}.toml"
    path.write_text(STUDY.format(number=number), encoding="utf-8")
    study = load_study(path)
    rng, lines = np.random.default_rng(number), []
    seeds = 0.02 * rng.standard_normal(SEEDS)
    for place in range(commits):
        drop = 0.03 if number % 4 == 0 and place >= commits // 2 else 0.0
        commit = hashlib.sha1(f"{number} {place}".encode(), usedforsecurity=False).hexdigest()
        day = (datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=place)).isoformat()
        for i, arm in enumerate(study.arms):
            for seed in range(SEEDS):
                accuracy = 0.8 + 0.01 * i + seeds[seed] + 0.004 * rng.standard_normal()
                metrics = {
                    "test_accuracy": accuracy - drop * (i == 0),
                    "test_loss": 1 - accuracy,
                    "median_step_seconds": 0.004 * float(np.exp(0.02 * rng.standard_normal())),
                }
                lines.append(
                    Line(1, name, commit, day, dict(arm.levels), seed,
                         "data", "machine", "environment", metrics)
                )  # fmt: skip
    add_lines(folder / "history", name, lines, [])
    add_report(folder / "reports" / name, name, study.title)


def add_report(target: Path, name: str, title: str) -> None:
    """Copies the committed sample as the report of a study."""
    shutil.copytree(SAMPLE, target)
    (target / "quickstart.md").rename(target / f"{name}.md")
    path = target / "report.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**summary, "slug": name, "title": title}), encoding="utf-8")
    (target / ".ablations-manifest").unlink(missing_ok=True)
    write_manifest(target)


CALL = """
import sys
from pathlib import Path
from ablations.sites import make_site
make_site(sys.argv[2:], Path(sys.argv[1]))
"""


def timed(folder: Path, what: str) -> None:
    """Builds the site in a process of its own, and prints what it took."""
    studies = sorted(str(path) for path in folder.glob("*.toml"))
    words = [sys.executable, "-c", CALL, str(folder / "site"), str(folder / "reports"),
             str(folder / "history"), *studies]  # fmt: skip
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {what} | {wall:.1f} | {cpu:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--commits", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="Keep the inputs and the site here.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "history").is_dir():
            for number in range(given.studies):
                make_study(folder, number, given.commits)
        shutil.rmtree(folder / "site", ignore_errors=True)
        print(f"{given.studies} studies, {given.commits} commits\n")
        print("| build | wall s | CPU s |\n|---|---:|---:|")
        timed(folder, "from nothing")
        timed(folder, "nothing changed")
        months = sorted((folder / "history" / "study-000").glob("*.jsonl"))
        shorter = months[-1].read_text(encoding="utf-8").splitlines(keepends=True)[:-20]
        months[-1].write_text("".join(shorter), encoding="utf-8")
        timed(folder, "one study lost its newest commit")
        index = folder / "site" / "index.html"
        files = [path for path in (folder / "site").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(
            f"\nindex {index.stat().st_size / 1000:.0f} kB; {len(files)} files, {size / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
