"""Runs frozen layers in inference mode, by the fastest engine that gives the same numbers."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.vision.model.flops import flops
from ablations.vision.model.precision import in_float32
from ablations.vision.platform import cache, shortcuts
from ablations.vision.platform.devices import on_processor

Floats = NDArray[np.float32]
Infer = Callable[[Floats], Floats]

WORTH_FLOPS = 1e11
"""Below so many operations Keras is done before OpenVINO has started."""

TOLERANCE = 1e-3
"""What OpenVINO may differ by from Keras, as a share of the largest feature, or it is not used.

Rounding in float32 made 5e-5 of it at most in MobileNetV2, half precision 6e-2 (docs/speed.md).
"""

BATCH = 16
"""Images at a time; more of them leave the processor's caches (417 against 352 images/s at 64),
and fewer suffer more from what runs beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """How to run frozen layers: ``run`` maps a batch to their outputs; ``name`` says by what."""

    name: str
    run: Infer


def choose(model: keras.Model, *, key: str, images: int) -> Engine:
    """Returns the engine that computes ``model`` fastest for so many images.

    Args:
        model: The frozen layers.
        key: Names their structure and weights.
        images: How many will pass through it.
    """
    by_keras = Engine(f"keras on {keras.backend.backend()}", _batched(_keras(model)))
    little = (flops(model) or 0.0) * images < WORTH_FLOPS
    if little or not in_float32(model) or not shortcuts.on("openvino") or not on_processor():
        return by_keras
    try:
        by_openvino = _batched(_openvino(model, key))
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        logging.getLogger(__name__).warning("OpenVINO cannot be used here: %s", reason)
        return by_keras
    shape = (2, *model.input_shape[1:])
    probe = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    expected, found = by_keras.run(probe), by_openvino(probe)
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE * np.abs(expected).max():  # NaN is off as well
        logging.getLogger(__name__).warning("OpenVINO is off by %g here and not used", worst)
        return by_keras
    return Engine(f"openvino {version('openvino')}", by_openvino)


def _batched(infer: Infer) -> Infer:
    def run(images: Floats) -> Floats:
        outputs = []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            padding = [(0, BATCH - len(batch)), *[(0, 0)] * (batch.ndim - 1)]
            outputs.append(infer(np.pad(batch, padding))[: len(batch)])
        return np.concatenate(outputs)

    return run


def _keras(model: keras.Model) -> Infer:
    return lambda batch: np.asarray(model.predict_on_batch(batch), dtype=np.float32)


def _openvino(model: keras.Model, key: str) -> Infer:
    import openvino

    path = cache.folder() / "openvino" / f"{key}-{version('openvino')}"
    if not path.is_dir():
        cache.publish_folder(path, lambda beside: _export(model, beside))
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",  # it would choose bfloat16 where the processor can
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads(),
        "ENABLE_CPU_PINNING": False,  # it would put every process's first thread on one core
    }
    core = openvino.Core()
    try:
        graph = core.read_model(path / "model.xml")
    except RuntimeError:
        shutil.rmtree(path, ignore_errors=True)  # damaged; the next one exports it anew
        raise
    graph.reshape([BATCH, *model.input_shape[1:]])  # a fixed size is 1.1 times as fast
    compiled = core.compile_model(graph, "CPU", settings)
    request = compiled.create_infer_request()
    return lambda batch: np.array(request.infer([batch])[0], dtype=np.float32)


def threads() -> int:
    """Returns the threads that this process is to use; 0 leaves it to the engine."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # it may list nested levels
    return int(first) if first.isdecimal() else 0


def _export(model: keras.Model, folder: Path) -> None:
    model.export(str(folder / "model.xml"), format="openvino", verbose=False)
