"""Fine-tuning: the head on a frozen base first, then the base's last layers at a lower rate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest

from ablations.core.trial_log import TrialLog
from ablations.errors import StudyError
from ablations.vision import train
from ablations.vision.model.build import build, unfreeze
from ablations.vision.model.graph import cut, model_of
from ablations.vision.model.layers import Streams
from ablations.vision.recipe.settings import read
from ablations.vision.training import trainer
from ablations.vision.training.phases import phases

pytestmark = pytest.mark.slow  # trains Keras for real

TUNED = {
    "base": ["conv:4", "batchnorm", "conv:6", "batchnorm", "dropout:0.1"],
    "weights": "pretrain:digits:0-4",
    "freeze": True,
    "unfreeze": 3,
    "fine_tune_rate": 1e-3,
    "learning_rate": 1e-2,
    "epochs": 5,
    "scale": "-1..1",
    "layers": ["flatten", "dense:5"],
}


@pytest.fixture
def watched(monkeypatch):
    """What each step saw: the model, the rate, the base's weights before it, and its batch."""
    steps, bases = [], []
    plain, make = keras.Model.train_on_batch, trainer.build_model

    def spy(model, x, y, **more):
        weights = [w.numpy().copy() for w in bases[-1].weights] if bases else []
        steps.append((float(model.optimizer.learning_rate.numpy()), weights, x.copy(), y.copy()))
        return plain(model, x, y, **more)

    def keep(*arguments):
        made = make(*arguments)
        bases.append(made.base)
        steps.clear()  # of pretraining
        return made

    monkeypatch.setattr(keras.Model, "train_on_batch", spy)
    monkeypatch.setattr(trainer, "build_model", keep)
    return steps, bases


def contents(trial):
    log = TrialLog()
    train(trial, log)
    return log.contents()


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_the_unfrozen_layers_move_in_the_second_half_at_the_lower_rate(digits, trial, watched):
    steps, bases = watched
    found = contents(trial(digits | TUNED))
    assert [len(epoch) for epoch in found.steps] == [3] * 5
    assert [rate for rate, *_ in steps] == pytest.approx([1e-2] * 6 + [1e-3] * 9)
    first, second, last = steps[0][1], steps[6][1], [w.numpy() for w in bases[0].weights]
    assert not any(moved(first, second))
    names = [weight.path.split("/")[-2:] for weight in bases[0].weights]
    changed = [layer for (layer, _), m in zip(names, moved(second, last), strict=True) if m]
    convolutions = [layer.name for layer in bases[0].layers if hasattr(layer, "kernel")]
    assert changed == [convolutions[1]] * 2  # kernel and bias; no statistics, no first layer
    told = {metric.name: metric.value for metric in found.metrics}
    assert told["trainable_parameters"] == (9 * 4 + 1) * 6 + 4 * 4 * 6 * 5 + 5
    assert "flops_per_second" not in told  # of which phase?
    assert told["images_per_second"] > 0


def test_it_trains_what_plain_keras_trains_in_two_phases(digits, trial, watched, monkeypatch):
    monkeypatch.setenv("ABLATIONS_WITHOUT", "all")  # so that steps are fed images
    steps, _ = watched
    settings = digits | TUNED | {"base": ["conv:4", "batchnorm", "conv:6", "batchnorm"]}
    first = trial(settings)
    found = contents(first)
    start = steps[0][1]
    base = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2D(6, 3, activation="relu"),
            keras.layers.BatchNormalization(),
        ]
    )
    for weight, value in zip(base.weights, start, strict=True):
        weight.assign(value)
    rng = Streams(*(first.rng(name) for name in ("initialization", "augmentation", "dropout")))
    seed = [rng.seed("initialization") for _ in range(3)][-1]
    dense = keras.layers.Dense(5, kernel_initializer=keras.initializers.GlorotUniform(seed=seed))
    inputs = keras.Input((8, 8, 1))
    features = base(keras.layers.Rescaling(2 / 255, offset=-1)(inputs), training=False)
    model = keras.Model(inputs, dense(keras.layers.Flatten()(features)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def fit(epochs, rate):
        model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
        for epoch in epochs:
            x, y = (
                np.concatenate([s[i] for s in steps[3 * epoch : 3 * epoch + 3]]) for i in (2, 3)
            )
            told = model.fit(x, y, batch_size=20, shuffle=False, verbose=0).history["loss"][0]
            assert found.epochs[epoch]["loss"] == pytest.approx(told, rel=1e-4)

    base.trainable = False
    fit((0, 1), 1e-2)
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer is base.layers[2]  # batch normalisations stay frozen
    fit((2, 3, 4), 1e-3)


def test_shortcuts_train_what_the_plain_path_trains(digits, trial, monkeypatch):
    both = []
    for without in ("all", ""):
        monkeypatch.setenv("ABLATIONS_WITHOUT", without)
        both.append(contents(trial(digits | TUNED | {"base": TUNED["base"][:4]})))
    for plain, quick in zip(both[0].epochs, both[1].epochs, strict=True):
        assert quick == pytest.approx(plain, rel=1e-5)
    for plain, quick in zip(both[0].predictions, both[1].predictions, strict=True):
        np.testing.assert_allclose(quick.probabilities, plain.probabilities, atol=1e-5)
    told = {metric.name: metric.value for metric in both[1].metrics}
    assert told["frozen_seconds"] > 0


@pytest.mark.parametrize(("last", "count"), [(6, 5), (1, 5)])
def test_layers_that_cannot_be_unfrozen_are_an_error(digits, last, count):
    settings = (
        digits | TUNED | {"unfreeze": last, "base": ["conv:4", "batchnorm", "conv:6", "pool"]}
    )
    streams = Streams(*(np.random.default_rng(i) for i in range(3)))
    images = np.zeros((2, 8, 8, 1), np.uint8)
    with pytest.raises(StudyError) as caught:
        build(read(settings), images, classes=tuple("56789"), streams=streams)
    assert str(caught.value) == (
        f"no such layers of the base can be trained. Received: unfreeze = {last}, of {count} "
        f'layers. Name 1 to {count} layers, or "all"; the last ones may have no weights to train.'
    )
    build(read(settings | {"unfreeze": "all"}), images, classes=tuple("56789"), streams=streams)


SHAPE = (64, 64, 3)


@pytest.fixture
def mobilenet(mobilenet_weights):
    settings = {
        "dataset": "cats-vs-dogs", "image_size": 64, "base": "MobileNetV2", "freeze": True,
        "weights": str(mobilenet_weights), "unfreeze": 30, "epochs": 4,
        "layers": ["globalpool:avg", "dense:2"],
    }  # fmt: skip
    streams = Streams(*(np.random.default_rng(i) for i in range(3)))
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE)).astype(np.uint8)
    recipe = read(settings)
    return build(recipe, images, classes=("cats", "dogs"), streams=streams), recipe, images


def test_a_base_with_branches_is_cut_after_its_last_frozen_block(mobilenet):
    built, recipe, images = mobilenet
    first, second = phases(built, recipe)
    assert (first[1], second[1]) == (range(2), range(2, 4))
    assert (first[0].learning_rate, second[0].learning_rate) == (None, 1e-5)
    trainable = {layer.name for layer in built.base.layers if layer.trainable_weights}
    assert trainable <= {layer.name for layer in built.base.layers[-30:]}
    assert not [name for name in trainable if name.endswith(("BN", "_bn"))]
    parts = cut(built.model)
    prefix = {layer.name for link in parts.before for layer in link.layers}
    rest = {layer.name for link in parts.rest for layer in link.layers}
    assert parts.heavy
    assert "block_13_project_BN" in prefix
    assert "block_14_expand" in trainable
    assert trainable <= rest
    assert not prefix & rest
    head = model_of(parts.before, SHAPE)
    tail = model_of(parts.rest, head.output_shape[1:])
    x = images.astype(np.float32)
    whole = built.model.predict_on_batch(x)
    np.testing.assert_array_equal(tail.predict_on_batch(head.predict_on_batch(x)), whole)
    own = {id(weight) for weight in tail.trainable_weights}
    assert own == {id(weight) for weight in built.model.trainable_weights}


def test_a_base_that_is_frozen_or_trained_as_a_whole_is_not_cut(mobilenet):
    built, _, _ = mobilenet
    unfreeze(built.base, "all")
    assert not cut(built.model).heavy
    built.base.trainable = False
    whole = [link for link in cut(built.model).before if link.heavy]
    assert [link.operation for link in whole] == [built.base]


JAX = """
import json, sys
from ablations.core.trial_log import TrialLog
from ablations.core.design import Arm
from ablations.core.study import Trial
from ablations.vision import train
log = TrialLog()
train(Trial("s", "e", Arm((("f", "l"),)), 0, json.loads(sys.argv[1])), log)
found = log.contents()
print(json.dumps([found.environment["backend"], [epoch["loss"] for epoch in found.epochs]]))
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_it_runs_on_jax(digits):
    settings = digits | TUNED | {"backend": "jax", "epochs": 2, "precision": "mixed_bfloat16"}
    done = subprocess.run(
        [sys.executable, "-c", JAX, json.dumps(settings)],
        capture_output=True, text=True, check=True, env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    backend, losses = json.loads(done.stdout.splitlines()[-1])
    assert backend == "jax"
    assert losses[1] < losses[0]
