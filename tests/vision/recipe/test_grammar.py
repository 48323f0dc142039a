from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.errors import StudyError
from ablations.vision.recipe.grammar import parse_augment, parse_layers
from ablations.vision.recipe.words import WORDS


def only(text):
    return dict(parse_layers("layers", [text])[0].arguments)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("conv:16", {"filters": 16}),
        ("conv:16,5,linear", {"filters": 16, "kernel": 5, "activation": "linear"}),
        ("conv:16, padding=same, strides=2", {"filters": 16, "padding": "same", "strides": 2}),
        ("flatten", {}),
        ("rotation:0.3", {"factor": 0.3}),
        ("rotation:0,1", {"factor": (0.0, 1.0)}),
        ("rotation:-0.1..0.2,fill_mode=constant", {"factor": (-0.1, 0.2), "fill_mode": "constant"}),
        ("zoom:0.2", {"height_factor": 0.2}),
        ("translation:0.1,0.2", {"height_factor": 0.1, "width_factor": 0.2}),
        ("brightness:0.2,value_range=-1..1", {"factor": 0.2, "value_range": (-1.0, 1.0)}),
        ("RandomFlip:horizontal", {"mode": "horizontal"}),
        ("rescale:-1..1", {"to": (-1.0, 1.0)}),
    ],
)
def test_values_go_by_position_or_name(text, arguments):
    assert only(text) == arguments


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "cnov:16",
            "layers[0]: unknown word 'cnov'. Received: cnov:16. Perhaps 'conv' was meant. Words are "
            "activation, avgpool, base, batchnorm, brightness, contrast, conv, dense, dropout, "
            "flatten, flip, globalpool, pool, rescale, rotation, translation, zoom.",
        ),
        ("conv", "layers[0]: 'conv' needs filters. Received: conv. Write for example conv:16."),
        (
            "conv:0",
            "layers[0]: filters must be a whole number from 1. Received: conv:0. "
            "Write for example conv:16.",
        ),
        (
            "dropout:1",
            "layers[0]: rate must be a number from 0 up to but not including 1. "
            "Received: dropout:1. Write for example dropout:0.2.",
        ),
        (
            "rotation:10",
            "layers[0]: factor must be a share of a full turn from -1 to 1, or a pair low..high of "
            "them. Received: rotation:10. Write for example RandomRotation:0.2.",
        ),
        (
            "dense:8,units=8",
            "layers[0]: 'dense' cannot take 'units' twice. Received: dense:8,units=8. "
            "It takes units, activation.",
        ),
        (
            "flatten:2",
            "layers[0]: 'flatten' cannot take '2'. Received: flatten:2. It takes no values.",
        ),
        (
            "conv:16,pading=same",
            "layers[0]: 'conv' cannot take 'pading=same'. Received: conv:16,pading=same. "
            "It takes filters, kernel, activation, padding, strides.",
        ),
        (
            "flip:sideways",
            "layers[0]: mode must be one of horizontal, vertical, horizontal_and_vertical. "
            "Received: flip:sideways. Write for example flip:horizontal.",
        ),
    ],
)
def test_errors_name_the_place_and_the_cure(text, message):
    with pytest.raises(StudyError) as caught:
        only(text)
    assert str(caught.value) == message


def test_augment_takes_random_layers_alone():
    with pytest.raises(StudyError) as caught:
        parse_augment("augment", ["flip", "conv:16"])
    assert str(caught.value).startswith(
        "augment[1]: unknown word 'conv'. Received: conv:16. Words are brightness, contrast, flip"
    )


def test_a_list_of_layers_must_be_a_list():
    with pytest.raises(StudyError) as caught:
        parse_layers("layers", "conv:16")
    assert str(caught.value) == (
        "setting 'layers' must be a list of texts. Received: conv:16. "
        'Write for example layers = ["conv:16"].'
    )


@given(st.text())
def test_any_other_text_is_refused_with_one_line(text):
    if text.partition(":")[0] not in WORDS:
        with pytest.raises(StudyError, match=r"\Alayers\[0\]: unknown word [^\n]*\Z"):
            parse_layers("layers", [text])


@pytest.mark.slow
def test_the_table_of_words_knows_what_keras_knows():
    import keras

    ours = {word.layer: word for name, word in WORDS.items() if word.layer.startswith("Random")}
    theirs = {name for name in dir(keras.layers) if name.startswith("Random")}
    assert set(ours) == theirs
    for name, word in ours.items():
        taken = list(inspect.signature(getattr(keras.layers, name)).parameters)
        ours_to_give = [p for p in taken if p not in {"seed", "data_format", "kwargs"}]
        assert sorted(word.parameters) == sorted(set(ours_to_give) & set(word.parameters)), name
        assert next(iter(word.parameters)) == taken[0], name
    activations = WORDS["activation"].parameters["activation"].description
    for name in activations.removeprefix("one of ").split(", "):
        assert callable(keras.activations.get(name))
