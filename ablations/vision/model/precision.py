"""In which numbers the layers of one model compute: float32, or mostly 16 bits.

Weights, images until the first layer with weights, logits, losses and metrics are float32 at any
precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Has layers that are made within the block, and no others, compute in ``precision``.

    A layer keeps the policy that it was made under, so the process need not keep it.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(model: keras.Model) -> bool:
    """Whether all layers of a model compute in float32."""
    layers = [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]
    return all(layer.compute_dtype in ("float32", None) for layer in layers)


def scaling_losses(optimizer: Any, precision: str) -> Any:
    """Returns an optimizer for ``precision``: gradients in float16 vanish unless they are scaled.

    Keras's scale begins at 2^15, doubles after 2,000 steps, and is halved, and the step left out,
    where a gradient is not finite.
    """
    if precision != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
