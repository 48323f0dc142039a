"""Names what frozen layers compute, so that arms which compute the same share it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import keras
import numpy as np

from ablations.vision.model.graph import Link, model_of

_SCALING = {
    "Rescaling", "Normalization", "Add", "Subtract", "Multiply", "Divide", "TrueDivide",
}  # fmt: skip
_NAMED = ("name", "keras_history", "input_layers", "output_layers")
"""Parts of a model's description in which layers go by their names."""

Affine = tuple[tuple[float, float], ...]
"""Slope and offset of each channel."""


def key_of(links: Sequence[Link], shape: Sequence[int]) -> str:
    """Returns a digest of what ``links`` compute from images of ``shape``.

    Names, seeds and first values of weights do not count. Nor does the way in which images are
    scaled before the first other layer: an arm that scales them, and undoes it for its base,
    computes what an arm computes that never did.
    """
    scaling, affine = _scaling(links, shape)
    rest = model_of(links[scaling:], shape)
    digest = hashlib.sha256(repr((tuple(shape), affine)).encode())
    digest.update(structure_of(rest).encode())
    for weight in rest.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:32]


def structure_of(model: keras.Model) -> str:
    """Returns a model's layers, wiring and constants as text, without names, seeds and weights."""
    layers = model._flatten_layers()
    # An operation that is no layer, such as a division, has a name of its own as well.
    parts = dict.fromkeys(p for layer in layers for p in (layer, *getattr(layer, "operations", ())))
    numbers = {part.name: f"layer {i}" for i, part in enumerate(parts)}
    return json.dumps(_stripped(json.loads(model.to_json()), numbers, named=False))


def _scaling(links: Sequence[Link], shape: Sequence[int]) -> tuple[int, Affine]:
    """Returns how many of the first links scale each channel by itself, and what they do."""
    first = list(takewhile(lambda link: type(link.operation).__name__ in _SCALING, links))
    for count in range(len(first), 0, -1):
        affine = _affine(first[:count], shape)
        if affine is not None:
            return count, affine
    return 0, ((1.0, 0.0),) * shape[-1]


def _affine(links: Sequence[Link], shape: Sequence[int]) -> Affine | None:
    """Returns what links do to each channel, rounded to a millionth of the range of grey levels.

    ``None`` if they do not do the same to each pixel; a mean image, for example, does not.
    """
    probe = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype(np.float32)
    probe[0, 0, 0], probe[1, 0, 0] = 0.0, 255.0
    outputs: Any = probe
    for link in links:
        outputs = link.apply(keras.ops.convert_to_tensor(outputs))
    found = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    low, high = found[0, 0, 0], found[1, 0, 0]
    slope = (high - low) / 255
    if found.shape != probe.shape or not slope.all():
        return None
    if not np.allclose(found, slope * probe + low, rtol=0, atol=1e-5 * np.abs(slope).max() * 255):
        return None
    # Undone scaling leaves an offset of rounding errors, so it is rounded in units of the range.
    pairs = zip(slope, low / (255 * slope), strict=True)
    return tuple((float(f"{a:.6g}"), round(float(b), 6) + 0.0) for a, b in pairs)


def _stripped(value: Any, numbers: Mapping[str, str], *, named: bool) -> Any:
    """Leaves out what does not count, and numbers layers where they are named."""
    if isinstance(value, dict):
        kept = (key for key in value if _counts(key))
        return {k: _stripped(value[k], numbers, named=k in _NAMED) for k in kept}
    if isinstance(value, list):
        return [_stripped(part, numbers, named=named) for part in value]
    return numbers.get(value, value) if named and isinstance(value, str) else value


def _counts(key: str) -> bool:
    """Whether a part of a layer's description says what it computes, not how it began."""
    left_out = {"build_config", "compile_config", "keras_version", "seed", "trainable"}
    return key not in left_out and not key.endswith(("_initializer", "_regularizer"))
