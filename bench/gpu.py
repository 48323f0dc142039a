"""All measurements on a GPU in one call: seeds together against one-by-one Keras ``fit`` on JAX.

    python bench/gpu.py --data DIR --weights FILE --out gpu.json

Trains the 30 trials of ``post-a-clean`` on the JAX backend, the seeds of each arm as one program,
compilation and start-up included; then all of them a second time, to see whether they come out
equal to the last bit; then each arm once with plain Keras ``fit`` and the data in memory, for a few
epochs, extrapolated to all epochs and seeds. Without ``--data`` the images are
noise of the same size, which takes as long. What would begin after ``--budget`` seconds is left out
and said so. ``--set`` makes it small, to prove it on a machine without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from vs_posts import as_words

from ablations.analyze.compare.reruns import compare_rerun
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.plan import load_study
from ablations.run.executors import Work, local
from ablations.run.machine.environment import environment_facts
from ablations.run.runner import run_trials
from ablations.session import Session

STUDY = "post-a-clean"
NAIVE_EPOCHS = 3
Records = dict[str, RunRecord]


@dataclass(frozen=True)
class Options:
    data: Path
    weights: str
    epochs: int
    seeds: int
    budget: float
    settings: tuple[str, ...]
    out: Path


def noise(folder: Path) -> Path:
    """Writes as many images of noise as there are photographs, and returns their folder."""
    rng = np.random.default_rng(0)
    for kind in ("cats", "dogs"):
        (folder / kind).mkdir(parents=True)
        for i in range(1500):
            pixels = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{i:04}.png", compress_level=0)
    return folder


def study_of(options: Options, real: bool) -> Study:
    overrides = ["backend=jax", f"epochs={options.epochs}", f"weights={options.weights}"]
    if not real:
        sizes = ["train_size=2000", "validation_size=808", "test_size=192"]
        overrides += ["dataset=directory:.", *sizes]
    threads = os.cpu_count()  # they feed the device
    overrides = [*overrides, *options.settings]
    return load_study(STUDY, overrides=overrides, seeds=options.seeds, threads=threads)


def together(options: Options, study: Study, runs: Path) -> tuple[dict[str, object], Records]:
    """Trains all trials, the seeds of each arm as one program in one worker."""
    session = Session(study, data_dir=options.data, runs_dir=runs)
    began = time.perf_counter()
    session.prepare(session.trials)
    prepared = time.perf_counter() - began
    work = Work(session.trials, log_dir=session.log_dir)
    local.joins_seeds = lambda _trial, _gpus: (
        True
    )  # also where NVIDIA's library does not show the GPU
    run_trials(work, local.LocalExecutor(jobs=1), session.store)
    seconds = time.perf_counter() - began - prepared
    records = session.records()
    failed = [record.message for record in records if not record.completed]
    arms: dict[str, float] = {}
    for record in records:
        arms[record.arm.name] = arms.get(record.arm.name, 0.0) + record.seconds
    said: dict[str, object] = {
        "seconds": seconds,
        "prepare_seconds": prepared,
        "trials": len(records),
        "failed": failed,
        "seconds_by_arm": arms,
        "metrics": {r.key: {m.name: m.value for m in r.metrics} for r in records},
        "environment": dict(records[0].environment),
    }
    return said, {record.key: record for record in records}


def again(options: Options, study: Study, folder: Path, before: Records) -> dict[str, object]:
    """Trains all trials once more and counts those that are equal to the last bit."""
    said, after = together(options, study, folder / "again")
    found = {key: compare_rerun(record, after[key]) for key, record in before.items()}
    unlike = {key: one for key, one in found.items() if not one.equal}
    return {
        "seconds": said["seconds"],
        "equal": len(found) - len(unlike),
        "first_differences": {key: asdict(one.mismatches[0]) for key, one in unlike.items()},
    }


def arrays(options: Options, trial: Trial, file: Path) -> Path:
    """Writes the decoded parts of one seed's split for the plain side."""
    from ablations.vision.data import datasets, splits
    from ablations.vision.recipe.settings import read

    recipe = read(trial.settings)
    examples = datasets.load(recipe, str(options.data))
    split = splits.draw(recipe, examples.pool, seed=trial.seed)
    parts = {}
    for part in ("train", "validation", "test"):
        rows = getattr(split, part)
        parts |= {f"{part}_images": examples.images[rows], f"{part}_labels": examples.labels[rows]}
    np.savez(file, **parts)
    return file


def naive(options: Options, study: Study, file: Path, *, until: float) -> dict[str, object]:
    """Trains each arm with plain Keras, and extrapolates to all epochs; stops at ``until``."""
    epochs = min(NAIVE_EPOCHS, options.epochs)
    found: dict[str, object] = {}
    for arm in study.arms:
        if time.monotonic() > until:
            found[arm.name] = None
            continue
        command = [sys.executable, Path(__file__).with_name("naive.py"), "--arrays", file]
        command += ["--weights", options.weights, "--epochs", epochs]
        command += as_words(study.arm_settings(arm))
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        done = subprocess.run(
            list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
        said = json.loads(done.stdout.splitlines()[-1])
        later = float(np.mean(said["epoch_seconds"][1:])) if epochs > 1 else said["seconds"]
        said["seconds_of_all_epochs"] = said["seconds"] + (options.epochs - epochs) * later
        found[arm.name] = said
        print(f"plain Keras: {arm.name}: {said['seconds_of_all_epochs']:.1f} s", flush=True)
    return found


def ratio(ours: dict[str, object], plain: dict[str, object], seeds: int) -> float | None:
    """Returns how many times faster all trials were; ``None`` where an arm is missing."""
    if any(arm is None for arm in plain.values()):
        return None
    return seeds * sum(arm["seconds_of_all_epochs"] for arm in plain.values()) / ours["seconds"]


def options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="photographs; noise if left out")
    parser.add_argument("--weights", default="imagenet", help="of MobileNetV2: imagenet or a file")
    parser.add_argument("--epochs", type=int, default=20, choices=range(1, 1001), metavar="N")
    parser.add_argument("--seeds", type=int, default=5, choices=range(1, 101), metavar="N")
    parser.add_argument("--budget", type=float, default=480.0, help="seconds")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    said = parser.parse_args()
    if said.data is not None and not said.data.is_dir():
        parser.error(f"no photographs in {said.data}: correct --data, or leave it out for noise")
    said.out.touch()  # here, not after the measuring
    return Options(**vars(said))


def main() -> None:
    chosen, began = options(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder, real = Path(name), chosen.data is not None
        os.environ["ABLATIONS_CACHE"] = str(folder / "cache")
        data = chosen.data.resolve() if real else noise(folder / "noise")
        chosen = replace(chosen, data=data)
        study = study_of(chosen, real)
        ours, records = together(chosen, study, folder / "runs")
        print(f"together: {ours['trials']} trials in {ours['seconds']:.1f} s", flush=True)
        twice = again(chosen, study, folder, records)
        print(f"again: {twice['equal']} of {ours['trials']} equal to the last bit", flush=True)
        session = Session(study, data_dir=chosen.data)
        file = arrays(chosen, session.trials[0], folder / "parts.npz")
        plain = naive(chosen, study, file, until=began + chosen.budget)
    times = ratio(ours, plain, chosen.seeds)
    said = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": environment_facts(),
        "images": "photographs" if real else "noise",
        "epochs": chosen.epochs,
        "seeds": chosen.seeds,
        "together": ours,
        "again": twice,
        "plain": plain,
        "times_faster": times,
    }
    chosen.out.write_text(json.dumps(said, indent=1) + "\n")
    print("plain Keras was not measured whole" if times is None else f"{times:.1f} times faster")


if __name__ == "__main__":
    main()
