"""``ablations run`` of a post's study beside plain Keras ``fit``, arm by arm, on the same machine.

For each seed in turn, `naive.py` trains the arms one after another, each in a process of
its own as a reader of the post would, and then ``ablations run`` trains the same ones, so that
whatever else the machine does meets both. Both read the same photographs; ours begins with an empty
cache.

    python bench/vs_posts.py --data DIR                    # 2 and 4 epochs, extrapolated to 20
    python bench/vs_posts.py --data DIR --long --seeds 5   # all 20 epochs; hours
    python bench/vs_posts.py --data DIR --study post-a     # the models as published

It prints the ratio with its spread over seeds and whether both reach the same validation accuracy,
and writes all it measured, with where, to a JSON file after each seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

import ablations
from ablations.core.design import Settings
from ablations.run.machine.environment import environment_facts

EPOCHS = 20
SHORT = (2, 4)
"""Epochs of the two short runs of ours, through which a line is drawn."""


@dataclass(frozen=True)
class Options:
    study: str
    data: Path
    weights: str
    seeds: int
    long: bool
    out: Path


def as_words(settings: Settings) -> list[object]:
    """Returns an arm of a post's study as arguments of `naive.py`."""
    words = [*settings.get("augment", ())]
    if "scale" in settings:
        words.append(f"rescale:{settings['scale']}")
    if "base" in settings and "base" not in settings["layers"]:
        words += ["rescale:-1..1", "base"]  # what MobileNetV2's preprocess_input does
    rate = ["--rate", settings["learning_rate"]] if "learning_rate" in settings else []
    return [*rate, *words, *settings["layers"]]


def naive(options: Options, settings: Settings, seed: int) -> dict[str, object]:
    """Trains one arm with plain Keras; seconds of all epochs are extrapolated in the short form."""
    epochs = EPOCHS if options.long else SHORT[0]
    command = [sys.executable, Path(__file__).with_name("naive.py"), "--data", options.data]
    command += ["--weights", options.weights, "--epochs", epochs, "--seed", seed]
    command += as_words(settings)
    done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    later = said["epoch_seconds"][1:]
    seconds = said["seconds"] + (EPOCHS - epochs) * float(np.mean(later))
    return {"seconds": seconds, "val_accuracy": said["val_accuracy"][-1], "measured": said}


def ours(options: Options, folder: Path, epochs: int, seed: int) -> dict[str, object]:
    """Trains all arms of one seed as users do; trials of earlier seeds are recorded already."""
    command = [sys.executable, "-m", "ablations", "run", options.study, "--no-report"]
    command += ["--seeds", seed + 1]
    command += ["--data-dir", options.data, "--runs-dir", folder / f"runs-{epochs}"]
    command += ["--set", f"weights={options.weights}", "--set", f"epochs={epochs}"]
    cache = {"ABLATIONS_CACHE": str(folder / f"cache-{epochs}")}
    began = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, env=os.environ | cache)
    seconds = time.perf_counter() - began
    overrides = [f"weights={options.weights}", f"epochs={epochs}"]
    study = ablations.load_study(options.study, overrides=overrides, seeds=seed + 1)
    records = ablations.read_records(
        study, data_dir=options.data, runs_dir=folder / f"runs-{epochs}"
    )
    own = [record for record in records if record.seed == seed]
    jobs = int(own[0].environment["jobs"])
    return {
        "seconds": seconds,
        "jobs": jobs,
        # The workers share the machine, so a trial has cost its part of the time that it took.
        "arms": {record.arm.name: record.seconds / jobs for record in own},
        "val_accuracy": {record.arm.name: record.epochs[-1]["val_accuracy"] for record in own},
        "environment": dict(own[0].environment),
    }


def extrapolated(short: dict[str, object], longer: dict[str, object]) -> dict[str, object]:
    """Draws a line through two runs of few epochs, to all of them."""

    def at_end(first: float, second: float) -> float:
        each = (second - first) / (SHORT[1] - SHORT[0])
        return first + each * (EPOCHS - SHORT[0])

    arms = {name: at_end(short["arms"][name], longer["arms"][name]) for name in short["arms"]}
    seconds = at_end(short["seconds"], longer["seconds"])
    return {**short, "seconds": seconds, "arms": arms, "measured": [short, longer]}


def block(options: Options, folder: Path, seed: int) -> dict[str, object]:
    """Measures both sides with one seed."""
    study = ablations.load_study(options.study)
    plain = {}
    for arm in study.arms:
        plain[arm.name] = naive(options, study.arm_settings(arm), seed)
        print(
            f"seed {seed}, plain Keras: {arm.name}: {plain[arm.name]['seconds']:.0f} s", flush=True
        )
    if options.long:
        return {"seed": seed, "naive": plain, "ours": ours(options, folder, EPOCHS, seed)}
    runs = [ours(options, folder, epochs, seed) for epochs in SHORT]
    return {"seed": seed, "naive": plain, "ours": extrapolated(*runs)}


def spread(ratios: list[float]) -> str:
    """Says the geometric mean of ratios and their range over seeds."""
    middle = float(np.exp(np.mean(np.log(ratios))))
    return f"{middle:.1f}×" + (
        f" ({min(ratios):.1f} to {max(ratios):.1f})" if len(ratios) > 1 else ""
    )


def line(name: str, plain: list[float], fast: list[float]) -> str:
    """Compares the seconds of both sides, seed by seed."""
    ratios = [a / b for a, b in zip(plain, fast, strict=True)]
    means = f"{np.mean(plain):8.0f} s {np.mean(fast):8.1f} s"
    return f"{name:60}{means}   {sum(plain) / sum(fast):.1f}× in all; {spread(ratios)}"


def report(blocks: list[dict[str, object]]) -> list[str]:
    """Returns the lines that say how many times faster ours was, arm by arm and in all."""
    names = list(blocks[0]["naive"])
    head = f"{f'means over {len(blocks)} seeds':60}{'Keras':>10} {'ablations':>10}"
    by_arm = [
        line(
            name,
            [b["naive"][name]["seconds"] for b in blocks],
            [b["ours"]["arms"][name] for b in blocks],
        )
        for name in names
    ]
    totals = [sum(b["naive"][name]["seconds"] for name in names) for b in blocks]
    shares = [sum(b["ours"]["arms"].values()) for b in blocks]
    walls = [b["ours"]["seconds"] for b in blocks]
    return [
        head,
        *by_arm,
        line("all arms, as if no worker ever waited", totals, shares),
        line("the whole study, with start-up", totals, walls),
    ]


def compatible(blocks: list[dict[str, object]]) -> str:
    """Compares the last validation accuracies of both sides arm by arm, with Welch's t test.

    In the short form they are those after the first of the two short runs.
    """
    if len(blocks) < 2:
        return "one seed cannot tell whether the validation accuracies differ"
    names = list(blocks[0]["naive"])
    pairs = {
        name: (
            [b["naive"][name]["val_accuracy"] for b in blocks],
            [b["ours"]["val_accuracy"][name] for b in blocks],
        )
        for name in names
    }
    smallest = min(stats.ttest_ind(*pair, equal_var=False).pvalue for pair in pairs.values())
    adjusted = min(1.0, smallest * len(pairs))
    gap = np.mean([np.mean(b) - np.mean(a) for a, b in pairs.values()])
    verdict = "compatible" if adjusted > 0.05 else "NOT compatible"
    return (
        f"validation accuracies are {verdict}: ours are {100 * gap:+.1f} pp higher on average over "
        f"the arms; smallest p = {adjusted:.2f} (Welch, Bonferroni over {len(pairs)} arms)"
    )


def options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("ABLATIONS_TEST_DATA", ".")) / "cats_and_dogs_filtered"
    parser.add_argument("--study", default="post-a-clean", help="a built-in study of the posts")
    parser.add_argument("--data", type=Path, default=default, help=f"photographs ({default})")
    parser.add_argument("--weights", default="imagenet", help="of MobileNetV2: imagenet or a file")
    parser.add_argument("--seeds", type=int, default=1, choices=range(1, 101), metavar="N")
    parser.add_argument("--long", action="store_true", help=f"train all {EPOCHS} epochs; hours")
    parser.add_argument("--out", type=Path, default=Path("vs_posts.json"))
    said = parser.parse_args()
    if not said.data.is_dir():
        parser.error(f"no photographs in {said.data}: name their folder with --data")
    said.out.touch()  # here, not after hours
    return Options(**{**vars(said), "data": said.data.resolve()})


def main() -> None:
    chosen = options()
    facts = {"date": time.strftime("%Y-%m-%d"), "environment": environment_facts()}
    blocks: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.seeds):
            blocks.append(block(chosen, Path(folder), seed))
            lines = [*report(blocks), compatible(blocks)]
            form = "long" if chosen.long else f"short, extrapolated from {SHORT} epochs"
            written = {**facts, "form": form, "epochs": EPOCHS, "said": lines, "blocks": blocks}
            chosen.out.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
