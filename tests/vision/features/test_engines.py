from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest

from ablations.vision.features import engines, keys
from ablations.vision.model.graph import links_of

pytestmark = pytest.mark.slow  # builds Keras models

SHAPE = (64, 64, 3)


@pytest.fixture(scope="module")
def prefix(mobilenet_weights):
    return make_prefix(mobilenet_weights)


@pytest.fixture(scope="module")
def conversions(prefix, tmp_path_factory):
    """A cache with the prefix as OpenVINO has it under the key ``test``."""
    pytest.importorskip("openvino")
    folder = tmp_path_factory.mktemp("conversions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATIONS_CACHE", str(folder))
        assert engines.choose(prefix, key="test", images=100_000).name.startswith("openvino ")
    return folder


@pytest.fixture
def converted(conversions, cache):
    shutil.copytree(conversions, cache)


def make_prefix(weights):
    base = keras.applications.MobileNetV2(
        input_shape=SHAPE, include_top=False, weights=str(weights)
    )
    base.trainable = False
    inputs = keras.Input(SHAPE)
    outputs = base(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs))
    return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(outputs))


@contextmanager
def numbers_of(kind):
    """Has Keras build models that compute in another kind of numbers."""
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64" if kind == "float64" else "float32")
    keras.config.set_dtype_policy(kind)
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy(policy)


def move_weights(model, rng):
    """Moves each weight of a convolution as far as float32 moves a sum of n products.

    Computed in float32, the sum is the exact one of weights that are moved by about sqrt(n) times
    2^-24 of themselves. Source: Higham and Mary, "A new approach to probabilistic rounding error
    analysis", SIAM J. Sci. Comput. 41 (2019), theorem 3.1 with lambda = 1.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            kernel, *rest = layer.get_weights()
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            n = np.prod(kernel.shape[:2] if depthwise else kernel.shape[:3])
            moved = rng.choice([-1, 1], size=kernel.shape) * np.sqrt(n) * 2.0**-24
            layer.set_weights([kernel * (1 + moved), *rest])


def root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_openvino_agrees_with_keras_as_far_as_float32_goes(
    prefix, mobilenet_weights, converted, cache
):
    engine = engines.choose(prefix, key="test", images=100_000)
    assert engine.name.startswith("openvino ")
    images = np.random.default_rng(0).integers(0, 256, (33, *SHAPE)).astype(np.float32)
    apart = engine.run(images) - prefix.predict_on_batch(images)
    with numbers_of("float64"):
        exact, moved = (make_prefix(mobilenet_weights) for _ in range(2))
    move_weights(moved, np.random.default_rng(0))
    features = exact.predict_on_batch(images.astype(np.float64))
    rounding = moved.predict_on_batch(images.astype(np.float64)) - features
    assert root_mean_square(apart) <= root_mean_square(rounding)
    assert np.abs(apart).max() <= np.abs(rounding).max()
    assert np.abs(rounding).max() <= 2e-4 * features.max()  # what docs/speed.md says
    with numbers_of("mixed_float16"):
        half = make_prefix(mobilenet_weights).predict_on_batch(images)
    assert np.abs(half - features).max() > 100 * np.abs(rounding).max()  # it would be seen
    assert len(list((cache / "openvino").iterdir())) == 1


@pytest.mark.parametrize("wrong", [0.0, 1.01, np.nan])
def test_small_features_are_held_against_their_own_size(monkeypatch, caplog, wrong):
    inputs = keras.Input((8, 8, 3))
    tiny = keras.Model(inputs, keras.layers.Rescaling(1e-7)(inputs))
    monkeypatch.setattr(engines, "WORTH_FLOPS", 0.0)
    monkeypatch.setattr(engines.shortcuts, "on", lambda name: True)
    monkeypatch.setattr(engines, "_openvino", lambda model, key: lambda x: wrong * x * 1e-7)
    assert engines.choose(tiny, key="test", images=1).name == "keras on tensorflow"
    assert "OpenVINO is off by" in caplog.text


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="threads show their cores on Linux"
)
def test_workers_do_not_meet_on_one_core(prefix, converted, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in each of several workers
    engine = engines.choose(prefix, key="test", images=100_000)
    images = np.zeros((320, *SHAPE), np.float32)
    working = Thread(target=lambda: engine.run(images))
    cores, seen = os.sched_getaffinity(0), set()
    working.start()
    while working.is_alive():
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                seen.add(frozenset(os.sched_getaffinity(int(task.name))))
    assert seen == {frozenset(cores)}


def test_little_work_is_left_to_keras(prefix):
    assert engines.choose(prefix, key="test", images=10).name == "keras on tensorflow"


def test_an_engine_that_is_off_is_not_used(prefix, converted, monkeypatch, caplog):
    monkeypatch.setattr(engines, "TOLERANCE", 0.0)
    assert engines.choose(prefix, key="test", images=100_000).name == "keras on tensorflow"
    assert "OpenVINO is off by" in caplog.text


def conv(seed, *, name=None, factor=1.0):
    layers = keras.layers
    start = keras.initializers.GlorotUniform(seed)
    made = layers.Conv2D(2, 3, kernel_initializer=start, trainable=False, name=name)
    return links_of(keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(factor), made]))


def key(links):
    return keys.key_of(links, (8, 8, 1))


def test_a_key_names_what_is_computed():
    first = conv(1)
    assert key(first) == key(conv(1, name="other"))
    assert key(first) != key(conv(2))
    assert key(first) != key(conv(1, factor=0.5))
    assert keys.key_of(first, (8, 8, 1)) != keys.key_of(first, (9, 9, 1))


def test_scaling_that_is_undone_does_not_change_a_key():
    layers = keras.layers
    there = [layers.Rescaling(1 / 127.5, offset=-1), layers.Rescaling(127.5, offset=127.5)]
    undone = links_of(keras.Sequential([keras.Input((8, 8, 1)), *there]))
    assert key([*undone, *conv(1)]) == key(conv(1))


def test_first_values_and_seeds_do_not_change_a_key():
    one, other = conv(1), conv(2)
    for links in (one, other):
        links[-1].operation.set_weights([np.ones((3, 3, 1, 2)), np.zeros(2)])
    assert key(one) == key(other)


def test_a_layer_named_like_its_setting_keeps_its_setting():
    layers = keras.layers

    def links(activation):
        made = [layers.Conv2D(1, 3, kernel_initializer="ones"), layers.Activation(activation)]
        made[1].name = activation
        return links_of(keras.Sequential([keras.Input((8, 8, 1)), *made]))

    assert key(links("relu")) != key(links("tanh"))


def test_scaling_that_differs_between_pixels_counts_pixel_by_pixel():
    def links(centre):
        mean = np.zeros((8, 8, 1), np.float32)
        mean[4, 4] = centre
        scaling = keras.layers.Normalization(axis=(1, 2, 3), mean=mean, variance=np.ones((8, 8, 1)))
        inside = links_of(keras.Sequential([keras.Input((8, 8, 1)), scaling]))
        return [*inside, *conv(1)]

    assert key(links(0)) != key(links(100))


def test_small_scalings_are_told_apart():
    assert key(conv(1, factor=4e-4 / 255)) != key(conv(1, factor=4e-5 / 255))


def test_what_openvino_cannot_do_is_left_to_keras(prefix, monkeypatch, caplog):
    def fail(model, folder):
        raise RuntimeError("no conversion rule\nand much more")

    monkeypatch.setattr(engines, "_export", fail)
    assert engines.choose(prefix, key="other", images=100_000).name == "keras on tensorflow"
    assert "OpenVINO cannot be used here: no conversion rule" in caplog.text
    assert "much more" not in caplog.text


def test_threads_may_be_listed_by_level(monkeypatch):
    for text, threads in (("2,1", 2), ("", 0), ("3", 3)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert engines.threads() == threads
