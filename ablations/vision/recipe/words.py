"""The words of the layer grammar: which Keras layer each stands for, and what it takes.

====================================  ========================================================
word and its values                   Keras layer
====================================  ========================================================
``conv:filters,kernel=3``             Conv2D; activation=relu, padding=valid, strides=1
``pool:size=2``, ``avgpool:size=2``   MaxPooling2D, AveragePooling2D; padding=valid, strides=size
``globalpool:max``                    GlobalMaxPooling2D (``globalpool:avg``: …Average…)
``flatten``                           Flatten
``dense:units``                       Dense; activation=relu, but linear where it ends the model
``dropout:rate``                      Dropout
``batchnorm``                         BatchNormalization; momentum=0.99
``activation:name``                   Activation
``rescale:low..high``                 Rescaling of 0..255 to low..high
``flip``, ``flip:horizontal``         RandomFlip (both ways without a value)
``rotation``, ``zoom``, …             RandomRotation, RandomZoom, RandomTranslation,
                                      RandomContrast, RandomBrightness
``RandomErasing``, …                  any ``keras.layers.Random*`` by its own name and arguments
``base``                              the base, in a list of layers
====================================  ========================================================

A pair is written ``low..high``; ``rotation``, ``contrast`` and ``brightness`` also take
``low,high``. Factors mean what they mean in Keras: ``rotation:0.3`` is up to 0.3 of a full turn
either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = int | float | bool | str | tuple[float, float]
Stream = Literal["initialization", "augmentation", "dropout"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be, in words, and how its text is read (``ValueError`` if it is not)."""

    description: str
    read: Callable[[str], Value]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the grammar.

    ``parameters`` are in the order of positional values, of which the first ``required`` must be
    given. ``stream`` names the random stream of the seed that feeds the layer.
    """

    layer: str
    parameters: Mapping[str, Kind] = field(default_factory=dict)
    required: int = 0
    stream: Stream | None = None
    example: str = ""


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError
    return value


def _rate(text: str) -> float:
    if not 0 <= (value := float(text)) < 1:
        raise ValueError
    return value


def _pair(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split(".."))
    return low, high


def _factor(text: str) -> float | tuple[float, float]:
    return _pair(text) if ".." in text else float(text)


def _turn(text: str) -> float | tuple[float, float]:
    found = _factor(text)
    if max(map(abs, found if isinstance(found, tuple) else (found,))) > 1:
        raise ValueError
    return found


def one_of(*names: str) -> Kind:
    """Returns the kind of a value that is one of ``names``."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return Kind("one of " + ", ".join(names), read)


COUNT = Kind("a whole number from 1", _count)
RATE = Kind("a number from 0 up to but not including 1", _rate)
NUMBER = Kind("a number", float)
PAIR = Kind("a pair low..high", _pair)
FACTOR = Kind("a number or a pair low..high", _factor)
TURN = Kind("a share of a full turn from -1 to 1, or a pair low..high of them", _turn)
PADDING = one_of("valid", "same")
FILL = one_of("reflect", "wrap", "constant", "nearest")
INTERPOLATION = one_of("nearest", "bilinear")
ACTIVATION = one_of(
    "celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "linear",
    "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus",
    "softsign", "tanh",
)  # fmt: skip

_POOL = {"size": COUNT, "padding": PADDING, "strides": COUNT}
_CONV = {
    "filters": COUNT,
    "kernel": COUNT,
    "activation": ACTIVATION,
    "padding": PADDING,
    "strides": COUNT,
}
_FILLED = {"fill_mode": FILL, "interpolation": INTERPOLATION, "fill_value": NUMBER}
_COLOUR = {"factor": FACTOR, "value_range": PAIR}


def _random(
    layer: str, parameters: Mapping[str, Kind], *, required: int = 0, example: str = ""
) -> Word:
    return Word(layer, parameters, required, "augmentation", example or f"{layer}:0.2")


_AUGMENTATIONS = [
    *(
        _random(f"Random{name}", _COLOUR, required=1)
        for name in (
            "Brightness", "ColorDegeneration", "Contrast", "Hue", "Posterization", "Saturation",
            "Sharpness",
        )
    ),
    _random(
        "RandomColorJitter",
        {
            "value_range": PAIR, "brightness_factor": FACTOR, "contrast_factor": FACTOR,
            "saturation_factor": FACTOR, "hue_factor": FACTOR,
        },
        example="RandomColorJitter:hue_factor=0.2",
    ),
    _random("RandomCrop", {"height": COUNT, "width": COUNT}, required=2, example="RandomCrop:6,6"),
    _random("RandomElasticTransform", {
        "factor": FACTOR, "scale": FACTOR, "interpolation": INTERPOLATION, "fill_mode": FILL,
        "fill_value": NUMBER, "value_range": PAIR,
    }),
    _random("RandomErasing", {
        "factor": FACTOR, "scale": FACTOR, "fill_value": NUMBER, "value_range": PAIR,
    }),
    _random(
        "RandomFlip",
        {"mode": one_of("horizontal", "vertical", "horizontal_and_vertical")},
        example="flip:horizontal",
    ),
    _random("RandomGaussianBlur", {
        "factor": FACTOR, "kernel_size": COUNT, "sigma": FACTOR, "value_range": PAIR,
    }),
    _random("RandomGrayscale", {"factor": FACTOR}),
    _random("RandomInvert", _COLOUR),
    _random("RandomPerspective", {
        "factor": FACTOR, "scale": FACTOR, "interpolation": INTERPOLATION, "fill_value": NUMBER,
    }),
    _random("RandomRotation", {"factor": TURN} | _FILLED, required=1),
    _random("RandomShear", {
        "x_factor": FACTOR, "y_factor": FACTOR, "interpolation": INTERPOLATION, "fill_mode": FILL,
        "fill_value": NUMBER,
    }),
    _random(
        "RandomTranslation",
        {"height_factor": FACTOR, "width_factor": FACTOR} | _FILLED,
        required=2,
        example="translation:0.1,0.1",
    ),
    _random("RandomZoom", {"height_factor": FACTOR, "width_factor": FACTOR} | _FILLED, required=1),
]  # fmt: skip

_BY_CLASS = {word.layer: word for word in _AUGMENTATIONS}
_SHORT = ("flip", "rotation", "zoom", "translation", "contrast", "brightness")

AUGMENT_WORDS: dict[str, Word] = _BY_CLASS | {
    name: _BY_CLASS[f"Random{name.capitalize()}"] for name in _SHORT
}
"""Random layers, which are active in training only."""

WORDS: dict[str, Word] = AUGMENT_WORDS | {
    "conv": Word("Conv2D", _CONV, 1, "initialization", "conv:16"),
    "pool": Word("MaxPooling2D", _POOL, example="pool"),
    "avgpool": Word("AveragePooling2D", _POOL, example="avgpool"),
    "globalpool": Word("", {"how": one_of("max", "avg")}, 1, example="globalpool:max"),
    "flatten": Word("Flatten", example="flatten"),
    "dense": Word(
        "Dense", {"units": COUNT, "activation": ACTIVATION}, 1, "initialization", "dense:128"
    ),
    "dropout": Word("Dropout", {"rate": RATE}, 1, "dropout", "dropout:0.2"),
    "batchnorm": Word("BatchNormalization", {"momentum": RATE}, example="batchnorm"),
    "activation": Word("Activation", {"activation": ACTIVATION}, 1, example="activation:relu"),
    "rescale": Word("Rescaling", {"to": PAIR}, 1, example="rescale:0..1"),
    "base": Word("", example="base"),
}
"""All words of a list of layers."""
