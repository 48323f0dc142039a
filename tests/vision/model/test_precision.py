from __future__ import annotations

import keras
import numpy as np
import pytest

from ablations.core.trial_log import TrialLog
from ablations.vision import train
from ablations.vision.features import engines, keys
from ablations.vision.model.build import build
from ablations.vision.model.graph import links_of
from ablations.vision.model.layers import Streams
from ablations.vision.platform import processor
from ablations.vision.recipe.settings import read

pytestmark = pytest.mark.slow  # trains Keras for real

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
LAYERS = ["rescale:-1..1", "flip", "base", "conv:4", "flatten", "dense:5", "dropout:0.1"]


def built(digits, precision, **more):
    recipe = read(digits | {"base": ["conv:4"], "precision": precision} | more)
    streams = Streams(*(np.random.default_rng(i) for i in range(3)))
    return build(recipe, IMAGES, classes=tuple("56789"), streams=streams)


def test_images_logits_and_weights_stay_in_float32(digits):
    made = built(digits, "mixed_bfloat16", augment=["flip"], scale="standardise", layers=LAYERS)
    layers = [layer for layer in made.model._flatten_layers() if not isinstance(layer, keras.Model)]
    computing = {}
    for layer in layers:
        computing.setdefault(layer.compute_dtype, set()).add(type(layer).__name__)
    assert computing["bfloat16"] - {"InputLayer"} == {"Conv2D", "Flatten"}
    assert {"RandomFlip", "Normalization", "Rescaling", "Dense", "Dropout"} <= computing["float32"]
    assert {weight.dtype for weight in made.model.trainable_weights} == {"float32"}
    assert made.model.predict_on_batch(IMAGES.astype(np.float32)).dtype == np.float32


def test_one_model_leaves_no_precision_behind(digits):
    before = keras.config.dtype_policy().name
    first = built(digits, "float32").model.get_config()
    assert built(digits, "mixed_float16").model.dtype_policy.name == "mixed_float16"
    assert keras.config.dtype_policy().name == before
    layers = built(digits, "float32").model._flatten_layers()
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert len(first["layers"]) == len(digits["layers"]) + 2
    with pytest.raises(Exception, match="cannot be built"):
        built(digits, "mixed_float16", layers=["conv:4,9", "flatten", "dense:5"])
    assert keras.config.dtype_policy().name == before


def test_what_another_precision_computes_is_kept_apart(digits, monkeypatch):
    bases = {p: built(digits, p, freeze=True).base for p in ("float32", "mixed_bfloat16")}
    named = {keys.key_of(links_of(base), (8, 8, 1)) for base in bases.values()}
    assert len(named) == 2
    np.testing.assert_array_equal(*(base.get_weights()[0] for base in bases.values()))
    monkeypatch.setattr(engines, "WORTH_FLOPS", 0.0)
    monkeypatch.setattr(engines, "_openvino", lambda *_: pytest.fail("OpenVINO is for float32"))
    monkeypatch.setattr(engines.shortcuts, "on", lambda name: True)
    engine = engines.choose(bases["mixed_bfloat16"], key="test", images=10)
    assert engine.name == "keras on tensorflow"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_trial_trains_as_plain_keras_does(precision, digits, trial, monkeypatch):
    """The same model under Keras's own policy for the process, trained by ``fit``."""
    monkeypatch.setattr(processor, "emulates", lambda precision: True)
    settings = digits | {
        "scale": "0..1", "layers": ["conv:4", "flatten", "dense:5"], "learning_rate": 0.01,
        "precision": precision,
    }  # fmt: skip
    seen = []
    plain = keras.Model.train_on_batch

    def spy(model, x, y, **more):
        seen.append((model, x.copy(), y.copy()))
        return plain(model, x, y, **more)

    monkeypatch.setattr(keras.Model, "train_on_batch", spy)
    log = TrialLog()
    train(trial(settings), log)
    found = log.contents()
    assert found.environment["precision"] == precision
    (warning,) = [e.caption for e in found.exhibits if e.name.startswith("warning-")]
    assert warning.startswith(f"{precision} is emulated here".capitalize())
    scaled = isinstance(seen[0][0].optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")

    first = trial(settings)
    rng = Streams(*(first.rng(name) for name in ("initialization", "augmentation", "dropout")))
    keras.config.set_dtype_policy(precision)
    try:
        start = keras.initializers.GlorotUniform
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Rescaling(1 / 255, dtype="float32"),
                keras.layers.Conv2D(
                    4, 3, activation="relu", kernel_initializer=start(rng.seed("initialization"))
                ),
                keras.layers.Flatten(),
                keras.layers.Dense(
                    5, kernel_initializer=start(rng.seed("initialization")), dtype="float32"
                ),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
        steps = len(found.steps[0])
        for epoch in range(2):
            own = seen[epoch * steps : (epoch + 1) * steps]
            x, y = (np.concatenate([step[i] for step in own]) for i in (1, 2))
            told = model.fit(x, y, batch_size=20, shuffle=False, verbose=0).history["loss"][0]
            assert found.epochs[epoch]["loss"] == pytest.approx(told, rel=1e-5)
    finally:
        keras.config.set_dtype_policy("float32")
    test = found.predictions[-1].probabilities
    assert test.dtype == np.float32
    np.testing.assert_allclose(test.sum(axis=1), 1, rtol=1e-6)


def test_float16_learns_from_gradients_that_would_vanish(digits, trial):
    """Without a scale, gradients below 6e-8 are zero in float16, and nothing would move."""
    settings = digits | {"epochs": 2, "scale": "0..1", "layers": ["conv:4", "flatten", "dense:5"]}
    losses = {}
    for precision in ("float32", "mixed_float16"):
        log = TrialLog()
        train(trial(settings | {"precision": precision}), log)
        losses[precision] = [epoch["loss"] for epoch in log.contents().epochs]
    assert losses["mixed_float16"] == pytest.approx(losses["float32"], rel=2e-2)
    assert losses["mixed_float16"] != losses["float32"]
