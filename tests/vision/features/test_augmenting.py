from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from ablations.vision.features.augmenting import Augmentation
from ablations.vision.model.graph import links_of

pytestmark = pytest.mark.slow  # builds Keras models

SHAPE = (24, 20, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (7, *SHAPE)).astype(np.float32)


def model_with(*made):
    inputs = outputs = keras.Input(SHAPE)
    for layer in made:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def in_a_training_step(model):
    """Returns what the layers make of the images inside a compiled training step."""

    class Spy(layers.Layer):
        def call(self, inputs, training=None):
            return inputs

    spied = keras.Sequential([keras.Input(SHAPE), model, Spy()])
    import tensorflow as tf

    step = tf.function(lambda x: spied(x, training=True))
    return [step(IMAGES).numpy() for _ in range(2)]


MADE = {
    "flip": lambda: [layers.RandomFlip(seed=1)],
    "flip horizontal": lambda: [layers.RandomFlip("horizontal", seed=1)],
    "flip vertical": lambda: [layers.RandomFlip("vertical", seed=1)],
    "rotation": lambda: [layers.RandomRotation(0.3, seed=2)],
    "rotation nearest edge": lambda: [layers.RandomRotation(0.5, fill_mode="nearest", seed=2)],
    "rotation constant": lambda: [layers.RandomRotation(0.5, fill_mode="constant", seed=2)],
    "rotation wrap": lambda: [layers.RandomRotation(0.5, fill_mode="wrap", seed=2)],
    "rotation whole pixels": lambda: [layers.RandomRotation(0.5, interpolation="nearest", seed=2)],
    "both, scaled": lambda: [
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.RandomFlip(seed=1),
        layers.RandomRotation(0.2, seed=2),
    ],
    "others": lambda: [
        layers.RandomZoom(0.2, seed=3),
        layers.RandomTranslation(0.1, 0.1, seed=4),
        layers.RandomContrast(0.2, seed=5),
        layers.RandomErasing(seed=6),
    ],
}


@pytest.mark.parametrize("without", ["", "opencv"])
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_images_come_out_as_in_a_training_step(made, without, monkeypatch):
    monkeypatch.setenv("ABLATIONS_WITHOUT", without)
    expected = in_a_training_step(model_with(*made()))
    ahead = Augmentation(links_of(model_with(*made())), SHAPE)
    for batch in expected:
        found = ahead.apply(ahead.draw(len(IMAGES)), IMAGES)
        np.testing.assert_allclose(found, batch, rtol=1e-5, atol=2e-4)
        assert found.shape[1:] == ahead.output_shape


def test_draws_wait_for_their_images():
    ahead, later = (Augmentation(links_of(model_with(*MADE["flip"]())), SHAPE) for _ in range(2))
    expected = [ahead.apply(ahead.draw(7), IMAGES) for _ in range(3)]
    draws = [later.draw(7) for _ in range(3)]
    for drawn, batch in reversed(list(zip(draws, expected, strict=True))):
        np.testing.assert_array_equal(later.apply(drawn, IMAGES), batch)


def test_streams_go_on_from_a_state():
    ahead, later = (Augmentation(links_of(model_with(*MADE["others"]())), SHAPE) for _ in range(2))
    ahead.draw(7)
    later.states = ahead.states
    for _ in range(2):
        first, second = (a.apply(a.draw(7), IMAGES) for a in (ahead, later))
        np.testing.assert_array_equal(first, second)


def test_in_inference_random_layers_rest():
    model = model_with(*MADE["both, scaled"]())
    ahead = Augmentation(links_of(model), SHAPE)
    np.testing.assert_array_equal(ahead.rest(IMAGES), model.predict_on_batch(IMAGES))
