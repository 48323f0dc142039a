from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablations.errors import DataError, StudyError
from ablations.vision.recipe.settings import read

pytestmark = pytest.mark.slow  # builds Keras models for real

CLASSES = ("cats", "dogs")
PHOTOGRAPHS = np.zeros((2, 160, 160, 3), dtype=np.uint8)
SMALL = np.zeros((2, 8, 8, 1), dtype=np.uint8)


def built(settings, images=PHOTOGRAPHS, seed=0):
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams

    streams = Streams(*(np.random.default_rng([seed, i]) for i in range(3)))
    recipe = read({"dataset": "cats-vs-dogs"} | settings)
    return build(recipe, images, classes=CLASSES, streams=streams)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


CONVOLUTIONS = [
    "conv:16",
    "pool",
    "conv:16",
    "pool",
    "conv:32",
    "pool",
    "conv:32",
    "pool",
    "conv:64",
]
PREPROCESSED = ["rescale:-1..1", "flip:horizontal_and_vertical", "rotation:0.2"]


@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        ([*CONVOLUTIONS, "pool", "flatten", "dense:64", "dropout:0.2", "dense:2"], 72_210),
        (
            [
                *PREPROCESSED,
                *["conv:16,padding=same", "pool", "conv:16,padding=same", "pool"],
                *["flatten", "dense:64", "dropout:0.2", "dense:2"],
            ],
            1_641_362,
        ),
    ],
)
def test_published_models_have_their_published_size(layers, parameters):
    assert built({"layers": layers}).model.count_params() == parameters


def test_a_published_transfer_model_trains_its_head_alone(mobilenet_weights):
    layers = [*PREPROCESSED, "base", "globalpool:max", "dropout:0.1", "dense:2"]
    settings = {"base": "MobileNetV2", "freeze": True, "layers": layers}
    model = built(settings | {"weights": str(mobilenet_weights)}).model
    assert (model.count_params(), trainable(model)) == (2_260_546, 2_562)


def test_layers_may_end_in_dropout_after_many_relu_units():
    layers = ["conv:4", "flatten", "dense:64", "dropout:0.1"]
    model = built({"layers": layers}, SMALL).model
    assert model.output_shape == (None, 64)
    assert [layer.activation.__name__ for layer in model.layers if hasattr(layer, "kernel")] == [
        "relu",
        "relu",
    ]


def test_the_last_dense_layer_is_linear():
    model = built({"layers": ["flatten", "dense:4", "dense:2"]}, SMALL).model
    assert [layer.activation.__name__ for layer in model.layers[-2:]] == ["relu", "linear"]


def test_augmentation_comes_before_scale_base_and_layers():
    settings = {
        "augment": ["flip"],
        "scale": "-1..1",
        "base": ["conv:4"],
        "layers": ["flatten", "dense:2"],
    }
    names = [type(layer).__name__ for layer in built(settings, SMALL).model.layers]
    assert names == ["InputLayer", "RandomFlip", "Rescaling", "Functional", "Flatten", "Dense"]


@pytest.mark.parametrize(
    ("scale", "low", "high"), [("none", 0, 255), ("0..1", 0, 1), ("-1..1", -1, 1)]
)
def test_scales(scale, low, high):
    images = np.zeros((1, 8, 8, 1), dtype=np.float32)
    images[:, 0] = 255
    settings = {"scale": scale, "layers": ["RandomFlip", "flatten", "activation:linear"]}
    said = np.asarray(built(settings, SMALL).model.predict_on_batch(images))
    assert (said.min(), said.max()) == pytest.approx((low, high), abs=1e-6)


def test_standardising_uses_the_training_images_alone():
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    settings = {"scale": "standardise", "layers": ["flatten", "activation:linear"]}
    said = np.asarray(built(settings, images).model.predict_on_batch(images.astype(np.float32)))
    channels = said.reshape(-1, 3)
    np.testing.assert_allclose(channels.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(channels.std(axis=0), 1, atol=1e-5)


def test_equal_seeds_give_equal_weights_with_and_without_augmentation():
    plain = {"base": ["conv:4"], "layers": ["flatten", "dense:2"]}
    first = built(plain, SMALL).model.get_weights()
    second = built(plain | {"augment": ["flip", "rotation:0.1"]}, SMALL).model.get_weights()
    other = built(plain, SMALL, seed=1).model.get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_an_application_from_scratch_draws_from_the_seed():
    import random

    settings = {"base": "MobileNetV2", "layers": ["globalpool:avg", "dense:2"]}
    images = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    first = built(settings, images).model.get_weights()
    random.random()
    second = built(settings, images).model.get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_of_ones_own_comes_after_augment_and_scale(tmp_path, monkeypatch):
    code = (
        "import keras\n"
        "def build(settings, image_shape, classes):\n"
        "    units = settings['build_width']\n"
        "    return keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(units), keras.layers.Dense(len(classes))])\n"
        "def wrong(settings, image_shape, classes):\n"
        "    return 'no model'\n"
    )
    (tmp_path / "own_models.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    settings = {"build": "own_models:build", "build_width": 3, "augment": ["flip"], "scale": "0..1"}
    model = built(settings, SMALL).model
    assert model.count_params() == 64 * 3 + 3 + 3 * 2 + 2
    assert [type(layer).__name__ for layer in model.layers[1:3]] == ["RandomFlip", "Rescaling"]
    with pytest.raises(StudyError) as caught:
        built(settings | {"build": "own_models:wrong"}, SMALL)
    assert str(caught.value) == (
        "'own_models:wrong' must return a keras.Model. Received: no model. "
        "Return the model that it builds."
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "compiled",
            "'own_trainers:compiled' returns a compiled model, and the study would not use what it "
            "is compiled with. Received: optimizer SGD. Leave compile out, and set optimizer, "
            "learning_rate and loss in the study; or train it by the adapter for Keras.",
        ),
        (
            "stepping",
            "'own_trainers:stepping' returns a model with a training step of its own, which the "
            "study would not use. Received: Stepping.train_step. Remove it, or train the model by "
            "the adapter for Keras.",
        ),
    ],
)
def test_what_the_study_would_not_use_of_a_model_is_refused(
    function, message, tmp_path, monkeypatch
):
    code = (
        "import keras\n"
        "class Stepping(keras.Sequential):\n"
        "    def train_step(self, data): ...\n"
        "def make(kind, shape, units):\n"
        "    return kind([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(units)])\n"
        "def compiled(settings, image_shape, classes):\n"
        "    model = make(keras.Sequential, image_shape, len(classes))\n"
        "    model.compile('sgd', 'mse')\n"
        "    return model\n"
        "def stepping(settings, image_shape, classes):\n"
        "    return make(Stepping, image_shape, len(classes))\n"
    )
    (tmp_path / "own_trainers.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError) as caught:
        built({"build": f"own_trainers:{function}"}, SMALL)
    assert str(caught.value) == message


def test_what_does_not_fit_is_named_without_the_frame_of_keras(tmp_path, monkeypatch):
    code = (
        "import keras\n"
        "def build(settings, image_shape, classes):\n"
        "    return keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(len(classes))])\n"
    )
    (tmp_path / "own_shapes.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError) as caught:
        built({"build": "own_shapes:build"}, SMALL)
    received = str(caught.value).partition("Received: ")[2]
    assert "incompatible with the layer" in received
    assert "Exception encountered" not in received
    assert "\x1b" not in received


def test_layers_that_do_not_fit_are_told_in_one_line():
    with pytest.raises(StudyError) as caught:
        built({"layers": ["conv:4,9", "flatten", "dense:2"]}, SMALL)
    assert str(caught.value).startswith("the layers cannot be built. Received: ")
    assert str(caught.value).endswith("Make the layers fit each other and the image size.")


# Keras hands TensorFlow's variables to NumPy in a way that NumPy 2 is about to drop.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
# Before it refuses other shapes, Keras warns that it may skip them.
@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")
def test_weights_of_another_base_are_refused(tmp_path):
    path = tmp_path / "base.weights.h5"
    settings = {"base": ["conv:4"], "weights": str(path), "layers": ["flatten", "dense:2"]}
    source = built(settings | {"weights": "none"}, SMALL).base
    source.save_weights(path)
    loaded = built(settings, SMALL, seed=5).base
    np.testing.assert_array_equal(loaded.get_weights()[0], source.get_weights()[0])
    with pytest.raises(DataError, match="the weights do not fit the base"):
        built(settings | {"base": ["conv:8"]}, SMALL)


@pytest.mark.parametrize("scale", ["none", "0..1", "-1..1", "standardise"])
def test_a_pretrained_base_sees_what_its_weights_were_trained_on(scale, mobilenet_weights):
    import keras

    images = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    settings = {"base": "MobileNetV2", "weights": str(mobilenet_weights), "freeze": True}
    layers = ["globalpool:avg", "dense:2"]
    model = built({**settings, "layers": layers, "scale": scale}, images).model
    base = keras.applications.MobileNetV2(
        input_shape=(160, 160, 3), include_top=False, weights=str(mobilenet_weights)
    )
    prepared = keras.applications.mobilenet_v2.preprocess_input(images.astype(np.float32))
    features = np.asarray(base(prepared, training=False)).mean(axis=(1, 2))
    kernel, bias = map(np.asarray, model.layers[-1].weights)
    said = np.asarray(model(images.astype(np.float32), training=False))
    np.testing.assert_allclose(said, features @ kernel + bias, atol=1e-3)


def test_a_base_that_the_layers_place_gets_just_what_they_say(mobilenet_weights):
    settings = {"base": "MobileNetV2", "weights": str(mobilenet_weights), "freeze": True}
    model = built({**settings, "layers": ["rescale:0..1", "base", "flatten", "dense:2"]}).model
    assert [layer.name.split("_")[0] for layer in model.layers[1:3]] == ["rescaling", "mobilenetv2"]


def test_every_base_has_its_preprocessing():
    from ablations.vision.model.preprocessing import preprocess_of
    from ablations.vision.recipe.readers import APPLICATIONS

    assert all(callable(preprocess_of(name)) for name in APPLICATIONS)


def test_the_layer_word_of_the_documents_is_one_entry(monkeypatch):
    from ablations.vision.model.layers import Streams, make_layer
    from ablations.vision.recipe import words
    from ablations.vision.recipe.grammar import parse_layers

    document = Path(__file__).parents[3] / "docs" / "extending.md"
    part = document.read_text(encoding="utf-8").split("## A layer word")[1]
    entry = part.split("```python\n")[1].split("```")[0]
    for name, word in eval(f"{{{entry}}}", vars(words)).items():
        monkeypatch.setitem(words.WORDS, name, word)
    with pytest.raises(StudyError, match="stddev"):
        parse_layers("layers", ["noise"])
    (spec,) = parse_layers("layers", ["noise:0.1"])
    layers = [make_layer(spec, Streams(*map(np.random.default_rng, range(3)))) for _ in range(2)]
    images = np.ones((1, 2), np.float32)
    first, again = (np.asarray(layer(images, training=True)) for layer in layers)
    assert (first == again).all()
    assert (first != images).all()
