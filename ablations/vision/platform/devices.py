"""What training runs on, and the memory of a GPU that it took."""

from __future__ import annotations

import keras


def device_name() -> str:
    """Returns the devices that Keras trains on, as its backend calls them."""
    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        return str(keras.ops.zeros(1).device)
    return ", ".join(keras.distribution.list_devices())


def on_processor() -> bool:
    """Whether all devices are processors."""
    return all("cpu" in name.lower() for name in device_name().split(", "))


def device_memory_bytes() -> int | None:
    """Returns the most GPU memory that this process has held so far; ``None`` without a GPU."""
    if on_processor():
        return None
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return int(jax.local_devices()[0].memory_stats()["peak_bytes_in_use"])
    if backend == "torch":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import tensorflow as tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
