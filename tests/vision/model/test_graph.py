from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from ablations.vision.features.keys import structure_of
from ablations.vision.model.flops import flops, training_flops
from ablations.vision.model.graph import cut, links_of, model_of

pytestmark = pytest.mark.slow  # builds Keras models


def chain(*steps, shape=(8, 8, 1)):
    inputs = outputs = keras.Input(shape)
    for step in steps:
        outputs = step(outputs)
    return keras.Model(inputs, outputs)


def frozen(layer):
    layer.trainable = False
    return layer


def names(links):
    return [type(link.operation).__name__ for link in links]


def parts(model):
    return [names(part) for part in vars_of(cut(model))]


def vars_of(found):
    return found.before, found.random, found.after, found.rest


def head():
    return [layers.Flatten(), layers.Dense(2)]


def test_models_inside_models_are_opened_if_they_are_chains():
    inner = keras.Sequential([layers.Rescaling(2.0), keras.Sequential([layers.Conv2D(2, 3)])])
    assert names(links_of(chain(inner, *head()))) == ["Rescaling", "Conv2D", "Flatten", "Dense"]


def test_what_branches_is_one_step():
    inputs = keras.Input((8, 8, 1))
    once = layers.Conv2D(1, 3, padding="same")(inputs)
    model = chain(keras.Model(inputs, layers.Add()([inputs, once])), layers.Flatten())
    assert names(links_of(model)) == ["Functional", "Flatten"]
    assert names(links_of(keras.Model(inputs, layers.Add()([inputs, once])))) == ["Functional"]


def test_the_model_of_all_links_computes_the_same():
    model = chain(layers.Rescaling(0.1), keras.Sequential([layers.Conv2D(2, 3)]), *head())
    x = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
    again = model_of(links_of(model), (8, 8, 1))
    np.testing.assert_array_equal(again.predict_on_batch(x), model.predict_on_batch(x))
    assert [id(v) for v in again.trainable_variables] == [id(v) for v in model.trainable_variables]


def test_a_prefix_ends_before_the_first_layer_that_learns():
    model = chain(
        layers.Rescaling(2.0), frozen(layers.Conv2D(2, 3)), layers.MaxPooling2D(), *head()
    )
    assert parts(model) == [["Rescaling", "Conv2D", "MaxPooling2D", "Flatten"], [], [], ["Dense"]]
    assert cut(model).heavy


def test_augmentation_stands_between_what_is_fixed():
    augment = [layers.RandomFlip(), layers.Rescaling(0.5), layers.RandomRotation(0.1)]
    model = chain(layers.Rescaling(2.0), *augment, frozen(layers.Conv2D(2, 3)), *head())
    random = ["RandomFlip", "Rescaling", "RandomRotation"]
    assert parts(model) == [["Rescaling"], random, ["Conv2D", "Flatten"], ["Dense"]]


def test_without_frozen_weights_only_augmentation_is_cut_off():
    model = chain(layers.Rescaling(2.0), layers.RandomFlip(), layers.Rescaling(2.0), *head())
    assert parts(model) == [["Rescaling"], ["RandomFlip"], [], ["Rescaling", "Flatten", "Dense"]]
    assert parts(chain(layers.Rescaling(2.0), *head())) == [
        [], [], [], ["Rescaling", "Flatten", "Dense"]
    ]  # fmt: skip


class Mine(layers.Layer):
    def call(self, inputs):
        return inputs * 2


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5),
        layers.RandomCrop(4, 4),
        layers.GaussianNoise(0.5),
        layers.BatchNormalization(),
        layers.BatchNormalization(center=False, scale=False),  # adapts, though nothing is trained
        layers.Lambda(lambda x: x * 2),
        Mine(),
        keras.Sequential([layers.Conv2D(1, 1, trainable=False), layers.Dropout(0.5)]),
        frozen(keras.Sequential([layers.Dropout(0.5)])),  # Keras drops out in it all the same
    ],
    ids=lambda layer: layer.name,
)
def test_what_is_random_adapts_or_is_unknown_ends_a_prefix(layer):
    found = cut(chain(frozen(layers.Conv2D(1, 3)), layer, *head()))
    assert names(found.before)[:1] == ["Conv2D"]
    assert "Flatten" in names(found.rest)


@pytest.mark.parametrize(
    "layer",
    [
        frozen(layers.BatchNormalization()),
        layers.Normalization(mean=[1.0], variance=[2.0]),
        layers.Activation("relu"),
        frozen(keras.Sequential([layers.Conv2D(1, 3), layers.BatchNormalization()])),
    ],
    ids=lambda layer: layer.name,
)
def test_what_rests_belongs_to_the_prefix(layer):
    found = cut(chain(frozen(layers.Conv2D(1, 3)), layer, *head()))
    assert names(found.rest) == ["Dense"]


def test_operations_are_counted_as_products_and_sums():
    model = chain(layers.Conv2D(4, 3), layers.DepthwiseConv2D(3), layers.Flatten(), layers.Dense(5))
    conv, depth, dense = 36 * 9 * 4, 16 * 9 * 4, 64 * 5
    assert flops(model) == 2 * (conv + depth + dense)
    # The first layer needs no gradient of its input; the others need both gradients.
    assert training_flops(model) == 2 * (2 * conv + 3 * depth + 3 * dense)
    assert flops(chain(layers.SeparableConv2D(4, 3))) == 2 * 36 * (9 + 4)


def test_frozen_layers_cost_their_way_forwards_and_the_gradient_through_them():
    first, last = frozen(layers.Conv2D(4, 3)), frozen(layers.Dense(5))
    model = chain(first, layers.Flatten(), layers.Dense(3), last)
    conv, own, behind = 36 * 9 * 4, 144 * 3, 3 * 5
    assert training_flops(model) == 2 * (conv + 2 * own + 2 * behind)


class Twice(keras.Model):
    def call(self, inputs):
        return 2 * super().call(inputs)


def test_a_model_with_a_call_of_its_own_is_not_opened():
    inputs = keras.Input((8, 8, 1))
    own = Twice(inputs, layers.Conv2D(1, 3, trainable=False)(inputs))
    found = links_of(chain(own, *head()))
    assert names(found) == ["Twice", "Flatten", "Dense"]
    assert not found[0].fixed


def test_a_model_of_which_another_output_is_used_is_not_opened():
    inputs = keras.Input((8, 8, 1))
    middle = layers.Conv2D(1, 3)(inputs)
    inner = keras.Model(inputs, [middle, layers.Conv2D(1, 3)(middle)])
    outer_inputs = keras.Input((8, 8, 1))
    outer = keras.Model(outer_inputs, layers.Flatten()(inner(outer_inputs)[0]))
    assert "Conv2D" not in names(links_of(outer))


def test_what_hides_in_other_layers_is_not_counted():
    attention = layers.MultiHeadAttention(1, 2)
    inputs = keras.Input((4, 3))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(attention(inputs, inputs))))
    assert flops(model) is None
    assert training_flops(model) is None


def test_the_same_arithmetic_is_the_same_structure_however_keras_numbers_it():
    def scaled():
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(2)(inputs / 127.5 - 1.0))

    assert structure_of(scaled()) == structure_of(scaled())
