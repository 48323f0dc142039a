"""What it costs that a trial has one thread, whatever runs beside it.

Workers train the scratch model of `post-a-clean` on random images of its size at the same time: two
workers with one thread, one with two, and one with one, in turns. Each prints its training steps
per second; those of a round are added up.

    python bench/threads.py --rounds 5
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from statistics import median

SECONDS = 8.0
SHAPE = (32, 160, 160, 3)
ROUNDS = ((2, 1), (1, 2), (1, 1))
"""Workers, and threads of each."""


def work() -> float:
    """Returns the training steps per second of one worker."""
    import keras
    import numpy as np

    layers = keras.layers
    model = keras.Sequential([keras.Input(SHAPE[1:])])
    for filters in (16, 16, 16, 32):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(2))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, SHAPE).astype(np.float32)
    labels = rng.integers(0, 2, SHAPE[0])
    for _ in range(3):
        model.train_on_batch(images, labels)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        model.train_on_batch(images, labels)
        done += 1
    return done / (time.perf_counter() - start)


def together(workers: int, threads: int) -> float:
    """Returns the steps per second of so many workers at once."""
    from ablations.run.threads import thread_variables

    command = [sys.executable, __file__, "--worker"]
    environment = {**os.environ, **thread_variables(threads)}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(workers)
    ]
    return sum(float(worker.communicate()[0]) for worker in running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        print(work())
        return
    found: dict[tuple[int, int], list[float]] = {pair: [] for pair in ROUNDS}
    for _ in range(asked.rounds):
        for pair in ROUNDS:
            found[pair].append(together(*pair))
            print(
                f"workers {pair[0]}, threads {pair[1]}: {found[pair][-1]:.1f} steps/s", flush=True
            )
    base = found[ROUNDS[0]]
    for pair in ROUNDS[1:]:
        ratios = [one / other for one, other in zip(base, found[pair], strict=True)]
        print(
            f"two workers with one thread do {median(ratios):.2f} times the steps of workers "
            f"{pair[0]}, threads {pair[1]} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
