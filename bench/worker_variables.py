"""What do the environment variables save that training runs with?

Training steps of the first model of post a in plain Keras, one thread, in processes of their own in
turns: as TensorFlow starts by itself, with memory that is kept (``KEPT_MEMORY``), and with that and
oneDNN. Prints the processor time of a step, page faults and peak memory.

    python bench/worker_variables.py --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from itertools import chain
from statistics import median

from ablations.run.machine.hardware import KEPT_MEMORY, thread_variables

STEPS = 10

_PLAIN = {"TF_ENABLE_ONEDNN_OPTS": "0"}
KINDS = {
    "plain": _PLAIN,
    "memory kept": {**KEPT_MEMORY, **_PLAIN},
    "memory kept, oneDNN": {**KEPT_MEMORY, "TF_ENABLE_ONEDNN_OPTS": "1"},
}


def steps() -> dict[str, float]:
    """Trains some steps, after three for warming up; returns what they took."""
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers = keras.layers
    pairs = [(layers.Conv2D(n, 3, activation="relu"), layers.MaxPooling2D()) for n in (16, 16, 32)]
    head = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((160, 160, 3)), *chain(*pairs), *head])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    images = rng.random((32, 160, 160, 3), dtype=np.float32) * 255
    labels = rng.integers(0, 2, 32)
    for _ in range(3):
        model.train_on_batch(images, labels)
    began, faults = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(STEPS):
        model.train_on_batch(images, labels)
    seconds, used = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "ms": 1000 * seconds / STEPS,
        "faults": (used.ru_minflt - faults) / STEPS,
        "peak_mib": used.ru_maxrss / 1024,
    }


def measure(variables: dict[str, str]) -> dict[str, float]:
    """Measures in a process of its own, started with these variables."""
    environment = {**os.environ, **thread_variables(1), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    done = subprocess.run(
        [sys.executable, __file__, "--child"], env=environment, capture_output=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measures in turns and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", action="store_true")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(steps()))
        return
    rounds = [[measure(own) for own in KINDS.values()] for _ in range(options.rounds)]
    for kind, found in zip(KINDS, zip(*rounds, strict=True), strict=True):
        ms, faults, peak = (median(one[name] for one in found) for name in found[0])
        ratios = sorted(one[0]["ms"] / own["ms"] for one, own in zip(rounds, found, strict=True))
        print(
            f"{kind}: {ms:.0f} ms, {faults:.0f} page faults, {peak:.0f} MiB; times faster than"
            f" plain: {median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
