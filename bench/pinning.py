"""What two workers lose if OpenVINO binds its threads to cores, as it does by default.

Two processes with one thread each run MobileNetV2 at 160 × 160 at the same time, bound and free in
turns. Each prints its images per second; the ratio is that of the sums of a round.

    python bench/pinning.py --rounds 5
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

WORKERS = 2
SECONDS = 5.0
SHAPE = (16, 160, 160, 3)


def export(folder: Path) -> Path:
    """Writes MobileNetV2 with random weights, whose values take no time."""
    import keras

    model = keras.applications.MobileNetV2(SHAPE[1:], include_top=False, weights=None)
    path = folder / "model.xml"
    model.export(str(path), format="openvino", verbose=False)
    return path


def work(path: str, *, bound: bool) -> float:
    """Returns the images per second of one worker."""
    import openvino

    core = openvino.Core()
    graph = core.read_model(path)
    graph.reshape(SHAPE)
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": bound,
    }
    request = core.compile_model(graph, "CPU", settings).create_infer_request()
    batch = np.zeros(SHAPE, np.float32)
    request.infer([batch])
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        request.infer([batch])
        done += len(batch)
    return done / (time.perf_counter() - start)


def together(path: Path, *, bound: bool) -> float:
    """Returns the images per second of all workers at once."""
    command = [sys.executable, __file__, "--worker", str(path), *(["--bound"] if bound else [])]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(WORKERS)]
    return sum(float(worker.communicate()[0]) for worker in running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--bound", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        print(work(asked.worker, bound=asked.bound))
        return
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = export(Path(folder))
        for _ in range(asked.rounds):
            bound, free = (together(path, bound=choice) for choice in (True, False))
            ratios.append(free / bound)
            print(f"bound {bound:.0f} images/s, free {free:.0f} images/s: {ratios[-1]:.2f} times")
    print(f"median {median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
