"""What a model costs: floating-point operations, counted from the shapes of its layers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from functools import cache

import keras
import numpy as np

from ablations.vision.model.graph import links_of


def flops(model: keras.Model) -> float | None:
    """Returns the floating-point operations of one image's way through ``model``.

    ``None`` where layers hide in other layers, so that their places cannot be counted.

    Two for each product and its sum, in convolutions and dense layers; what the others do is
    little beside it and is left out, as is usual.
    """
    try:
        return sum(map(_layer_flops, _weighing(model._flatten_layers())))
    except AttributeError:  # a layer that only another layer's code calls has no output
        return None


def training_flops(model: keras.Model) -> float | None:
    """Returns the operations of training on one image: forwards, and backwards as far as needed.

    ``None`` where they cannot be counted.

    Behind the first trainable layer each product is done three times, for the output, for the
    gradient of the input and for that of the weights; a frozen layer spares the last of them. The
    first trainable layer spares the gradient of its input.
    """
    if flops(model) is None:
        return None
    total, training = 0.0, False
    for link in links_of(model):
        for layer in _weighing(link.layers):
            cost = _layer_flops(layer)
            trainable = bool(layer.trainable_variables)
            total += cost * (1 + (1 if trainable else 0) + (1 if training else 0))
            training = training or trainable
    return total


@cache
def peak_flops() -> float:
    """Returns the operations per second of this process's best matrix product, measured once.

    Of float32 matrices of 1024 rows and columns, the best of ten after warming up, on the device
    and with the threads that this process trains with.
    """
    size = 1024
    matrix = keras.ops.convert_to_tensor(np.ones((size, size), dtype=np.float32))

    def once() -> float:
        began = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[0, 0])
        return time.perf_counter() - began

    return 2.0 * size**3 / min([once() for _ in range(13)][3:])


def _weighing(layers: Iterable[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in layers if _kernels(layer)]


def _kernels(layer: keras.Layer) -> list[int]:
    """Returns the sizes of the arrays that a layer multiplies by at each place of its output."""
    if isinstance(layer, keras.Model):
        return []
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    kernels = [getattr(layer, name, None) for name in names]
    return [math.prod(kernel.shape) for kernel in kernels if kernel is not None]


def _layer_flops(layer: keras.Layer) -> float:
    """Counts a layer's products; a convolution's kernel is used once for each place."""
    shape = layer.output.shape
    places = math.prod(shape[1:-1]) if len(shape) > 2 else 1
    return 2.0 * places * sum(_kernels(layer))
