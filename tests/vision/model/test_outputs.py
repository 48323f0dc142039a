from __future__ import annotations

import numpy as np
import pytest

from ablations.errors import StudyError
from ablations.vision.recipe.settings import read

pytestmark = pytest.mark.slow  # imports Keras

RAW = np.array([[2.0, -1.0], [0.5, 0.6], [-3.0, 4.0]], dtype=np.float32)
LABELS = np.array([0, 0, 1])


def outputs_of(layers, classes=2, **more):
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams
    from ablations.vision.model.outputs import read_outputs

    own = {} if layers is None else {"layers": layers}
    recipe = read({"dataset": "directory:x"} | own | more)
    streams = Streams(*(np.random.default_rng(i) for i in range(3)))
    images = np.zeros((1, 8, 8, 1), dtype=np.uint8)
    model = build(recipe, images, classes=("a", "b"), streams=streams).model
    return read_outputs(model, recipe, classes)


def test_logits_softmax_and_a_single_unit_agree():
    many = outputs_of(["flatten", "dense:2"])
    soft = outputs_of(["flatten", "dense:2,activation=softmax"])
    single = outputs_of(["flatten", "dense:1"])
    sigmoid = outputs_of(["flatten", "dense:1", "activation:sigmoid"])
    probabilities = many.probabilities(RAW)
    difference = RAW[:, 1:] - RAW[:, :1]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    for outputs, raw in (
        (many, RAW),
        (soft, probabilities),
        (single, difference),
        (sigmoid, probabilities[:, 1:]),
    ):
        np.testing.assert_allclose(outputs.probabilities(raw), probabilities, atol=1e-6)
        assert outputs.accuracy(raw, LABELS) == pytest.approx(2 / 3)
        expected = -np.log(probabilities[np.arange(3), LABELS]).mean()
        assert outputs.mean_loss(raw, LABELS) == pytest.approx(expected, rel=1e-4)


def test_keras_counts_a_single_logit_as_we_do():
    single = outputs_of(["flatten", "dense:1"])
    metric = single.accuracy_metric()
    raw = np.array([[0.2], [-0.2], [0.7]], dtype=np.float32)
    labels = np.array([1, 1, 1])
    metric.update_state(single.targets(labels), raw)
    assert (
        float(metric.result())
        == pytest.approx(single.accuracy(raw, labels))
        == pytest.approx(2 / 3)
    )


@pytest.mark.parametrize(
    ("layers", "more", "message"),
    [
        (
            ["conv:4", "dense:2"],
            {},
            "the model must end in one list of numbers per image. "
            "Received: outputs of shape (None, 6, 6, 2). "
            "Add flatten or globalpool before the last dense layer.",
        ),
        (
            ["flatten", "dense:2"],
            {"loss": "binary_crossentropy"},
            "setting 'loss' does not fit 2 outputs. Received: binary_crossentropy. "
            "Remove it, or change the last layer.",
        ),
    ],
)
def test_errors(layers, more, message):
    with pytest.raises(StudyError) as caught:
        outputs_of(layers, **more)
    assert str(caught.value) == message


def test_one_output_cannot_tell_three_classes_apart():
    with pytest.raises(StudyError, match="1 outputs for 3 classes"):
        outputs_of(["flatten", "dense:1"], classes=3)


OWN = """
import keras
from keras import layers

class Head(keras.Model):
    def __init__(self, units, activation=None, wrap=lambda x: x, gate="softmax"):
        super().__init__()
        self.out = layers.Dense(units, activation=activation)
        self.flat, self.wrap = layers.Flatten(), wrap
        self.gate = layers.Dense(64, activation=gate)  # listed last, and gives no output

    def call(self, inputs):
        flat = self.flat(inputs) / 255
        return self.wrap(self.out(flat * self.gate(flat)))

def logits(settings, image_shape, classes): return Head(2)
def layer(settings, image_shape, classes): return Head(2, "softmax")
def operation(settings, image_shape, classes): return Head(2, wrap=keras.ops.softmax)
def gated(settings, image_shape, classes): return Head(1, gate="sigmoid")
def gated_twice(settings, image_shape, classes): return Head(2, gate="sigmoid")
def functional(settings, image_shape, classes): return ending(2, keras.ops.softmax)
def sigmoid(settings, image_shape, classes): return ending(1, keras.ops.sigmoid)
def sigmoids(settings, image_shape, classes): return ending(2, layers.Activation("sigmoid"))
def ending(units, wrap):
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, wrap(layers.Dense(units)(layers.Flatten()(inputs))))
"""


@pytest.mark.parametrize(
    ("function", "logits"),
    [
        ("logits", True), ("layer", False), ("operation", False), ("functional", False),
        ("gated", True), ("gated_twice", True), ("sigmoid", False), ("sigmoids", False),
    ],
)  # fmt: skip
def test_what_a_model_of_ones_own_puts_out_is_told_by_its_outputs(
    function, logits, tmp_path, monkeypatch
):
    (tmp_path / "own_heads.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    assert outputs_of(None, build=f"own_heads:{function}").logits is logits


def test_probabilities_of_sigmoids_add_up_to_one_as_in_the_loss():
    outputs = outputs_of(["flatten", "dense:2,activation=sigmoid"])
    raw = np.array([[0.9, 0.6], [0.1, 0.1]], dtype=np.float32)
    np.testing.assert_allclose(outputs.probabilities(raw), [[0.6, 0.4], [0.5, 0.5]], rtol=1e-6)
    expected = -np.log([0.6, 0.5]).mean()
    assert outputs.mean_loss(raw, np.array([0, 1])) == pytest.approx(expected, rel=1e-4)
