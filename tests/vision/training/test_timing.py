from __future__ import annotations

import time

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # trains Keras for real


def test_the_timer_counts_the_steps_of_keras_fit_too():
    import keras

    from ablations.vision.training.timing import StepTimer

    class Slow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.02)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile(loss="mse")
    timer = StepTimer()
    x, y = np.zeros((12, 4), np.float32), np.zeros((12, 2), np.float32)
    began = time.perf_counter()
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[Slow(), timer])
    whole = time.perf_counter() - began
    assert timer.seconds.shape == (3,)
    assert (timer.seconds >= 0.02).all()
    assert timer.seconds.sum() < whole
    keras.utils.clear_session()


def test_on_a_device_of_its_own_the_smallest_weight_is_waited_for(monkeypatch):
    import keras

    from ablations.vision.training import timing

    read = []

    class Weight:
        def __init__(self, *shape):
            self.shape = shape

        def __array__(self, dtype=None, copy=None):
            read.append(self.shape)
            return np.zeros(self.shape)

    class Model:
        trainable_variables = (Weight(4, 2), Weight(2), Weight(8, 8))

    for processor, backend, expected in (
        (False, "tensorflow", [(2,)]), (False, "jax", []), (True, "tensorflow", [])
    ):  # fmt: skip
        monkeypatch.setattr(timing, "on_processor", lambda processor=processor: processor)
        monkeypatch.setattr(keras.backend, "backend", lambda backend=backend: backend)
        timer = timing.StepTimer()
        timer.set_model(Model())
        timer.on_epoch_begin(0)
        timer.on_train_batch_begin(0)
        timer.on_train_batch_end(0, {"loss": 1.0})
        assert read == expected
        read.clear()
