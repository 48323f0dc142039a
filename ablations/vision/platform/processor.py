"""Which numbers this machine can compute with, and which of them it only emulates.

TensorFlow and JAX compute float16 and bfloat16 on any processor. One without instructions for them
goes the long way through float32: the results are right, and take longer than float32 itself.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from ablations.errors import StudyError
from ablations.vision.platform import cache

CPUINFO = Path("/proc/cpuinfo")
DRIVER = Path("/proc/driver/nvidia")
"""Where Linux shows what the processor can do, and NVIDIA's driver."""

_INSTRUCTIONS = {
    "mixed_bfloat16": {"amx_bf16", "avx512_bf16", "bf16"},
    "mixed_float16": {"amx_fp16", "avx512_fp16", "asimdhp"},
}
"""Instructions that multiply such numbers, as Linux names them, on x86 and on ARM."""

FLOAT32 = "float32"
_OKAY = "computed"


def emulates(precision: str) -> bool:
    """Whether the processor has no instructions for ``precision``, and no GPU is there instead.

    False where that cannot be known, as on macOS and Windows.
    """
    gpu = DRIVER.exists() and os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")
    instructions = _instructions()
    return bool(
        precision != FLOAT32
        and not gpu
        and instructions
        and not instructions & _INSTRUCTIONS[precision]
    )


def emulation(precision: str) -> str:
    """Returns what should be known where ``precision`` is emulated, as one sentence."""
    return (
        f"{precision} is emulated here, as this processor has no instructions for it: accuracies "
        "are valid, but steps are slower than in float32, and their times say nothing about "
        "processors and GPUs that have them"
    )


def require(backend: str, precision: str) -> None:
    """Raises ``StudyError`` unless a step can be trained in ``precision``; tries it out once."""
    if precision == FLOAT32:
        return
    here = [platform.machine(), sorted(_instructions()), DRIVER.exists()]
    visible = [os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS")]
    facts = json.dumps([version("keras"), backend, precision, here, visible])
    cache.remembered("precision", facts, lambda: _try_out(backend, precision))


def _instructions() -> set[str]:
    """Returns the names of the processor's extensions; none where they are unknown."""
    if not CPUINFO.is_file():
        return set()
    lines = (line.partition(":") for line in CPUINFO.read_text(encoding="utf-8").splitlines())
    lists = (words for name, _, words in lines if name.strip() in ("flags", "Features"))
    return set(next(lists, "").split())


def _try_out(backend: str, precision: str) -> str:
    command = [sys.executable, "-m", "ablations.vision.platform.processor", backend, precision]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return _OKAY
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    raise StudyError(
        f"backend '{backend}' cannot compute in {precision} here",
        received=lines[-1].strip().rstrip(".") if lines else f"exit code {done.returncode}",
        cure=f'Write precision = "{FLOAT32}", or use a machine that can',
    )


def _main(backend: str, precision: str) -> None:
    from ablations.vision.platform.backend import use_backend

    use_backend(backend)
    import keras
    import numpy as np

    keras.config.set_dtype_policy(precision)
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.compile(optimizer="sgd", loss="mse")
    loss = float(model.train_on_batch(np.ones((2, 8, 8, 3), np.float32), np.ones((2, 1))))
    if not math.isfinite(loss):
        sys.exit(f"a step gave a loss of {loss}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
