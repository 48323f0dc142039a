"""What timing a step costs, beside the shortest step there is: the head of a transfer arm."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ablations.vision.platform.backend import use_backend

STEPS = 400


@pytest.mark.benchmark(group="timing")
def test_timing_costs_less_than_a_hundredth_of_the_shortest_step(benchmark):
    use_backend("tensorflow")
    import keras

    from ablations.vision.training.loop import epoch_means
    from ablations.vision.training.timing import StepTimer

    layers = [keras.Input((1280,)), keras.layers.Dropout(0.1), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 1280), dtype=np.float32), rng.integers(0, 2, 32)
    timer = StepTimer()
    timer.set_model(model)
    timer.on_epoch_begin(0)
    steps, costs = [], []
    with epoch_means(model):
        for i in range(STEPS):
            began = time.perf_counter()
            logs = model.train_on_batch(x, y, return_dict=True)
            trained = time.perf_counter()
            timer.on_train_batch_begin(i)
            timer.on_train_batch_end(i, logs)
            costs.append(time.perf_counter() - trained)
            steps.append(trained - began)
    share = float(np.median(costs[50:]) / np.median(steps[50:]))
    benchmark.extra_info["share_of_a_step"] = share
    benchmark(timer.on_train_batch_end, 0, logs)
    print(f"timing takes {100 * share:.2f}% of a step of {1e3 * np.median(steps[50:]):.2f} ms")
