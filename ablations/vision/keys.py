"""Names what frozen layers compute, so that arms which compute the same share it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import keras
import numpy as np

from ablations.vision.chain import Link, model_of

LEVELS = (0.0, 51.0, 102.0, 255.0)
"""Grey levels that tell two linear scalings apart; more of them would meet more rounding."""

_SCALING = {
    "Rescaling", "Normalization", "Add", "Subtract", "Multiply", "Divide", "TrueDivide",
}  # fmt: skip


def key_of(links: Sequence[Link], shape: Sequence[int]) -> str:
    """Returns a digest of what ``links`` compute from images of ``shape``.

    Names, seeds and first values of weights do not count. Nor does the way in which images are
    scaled before the first other layer: an arm that scales them, and undoes it for its base,
    computes what an arm computes that never did.
    """
    scaling = list(takewhile(_scales, links))
    rest = model_of(links[len(scaling) :], shape)
    digest = hashlib.sha256(repr((tuple(shape), _scaled_levels(scaling, shape))).encode())
    digest.update(json.dumps(_described(rest)).encode())
    for weight in rest.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:32]


def _scales(link: Link) -> bool:
    return type(link.operation).__name__ in _SCALING and link.fixed


def _scaled_levels(links: Sequence[Link], shape: Sequence[int]) -> list[list[float]]:
    """Returns what becomes of each level in each channel, rounded to what float32 can tell."""
    said = []
    for level in LEVELS:
        outputs: Any = np.full((1, *shape), level, dtype=np.float32)
        for link in links:
            outputs = link.apply(keras.ops.convert_to_tensor(outputs))
        pixel = keras.ops.convert_to_numpy(outputs)[0, 0, 0]
        said.append([round(float(value), 3) + 0.0 for value in pixel])
    return said


def _described(model: keras.Model) -> Any:
    """Returns a model's structure, with layers numbered in place of their names."""
    layers = model._flatten_layers()
    numbers = {layer.name: f"layer {i}" for i, layer in enumerate(layers)}
    return _stripped(json.loads(model.to_json()), numbers)


def _stripped(value: Any, numbers: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        kept = (key for key in value if _counts(key))
        return {key: _stripped(value[key], numbers) for key in kept}
    if isinstance(value, list):
        return [_stripped(part, numbers) for part in value]
    return numbers.get(value, value) if isinstance(value, str) else value


def _counts(key: str) -> bool:
    """Whether a part of a layer's description says what it computes, not how it began."""
    left_out = {"build_config", "compile_config", "keras_version", "seed", "trainable"}
    return key not in left_out and not key.endswith(("_initializer", "_regularizer"))
