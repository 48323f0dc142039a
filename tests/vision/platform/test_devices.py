from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ablations.vision.platform import devices


def test_a_processor_has_no_memory_of_its_own():
    assert devices.on_processor()
    assert devices.device_memory_bytes() is None


@pytest.mark.parametrize(
    ("backend", "module"),
    [
        (
            "jax",
            SimpleNamespace(
                local_devices=lambda: [
                    SimpleNamespace(memory_stats=lambda: {"peak_bytes_in_use": 7})
                ]
            ),
        ),
        ("torch", SimpleNamespace(cuda=SimpleNamespace(max_memory_allocated=lambda: 7))),
        (
            "tensorflow",
            SimpleNamespace(
                config=SimpleNamespace(
                    experimental=SimpleNamespace(get_memory_info=lambda name: {"peak": 7})
                )
            ),
        ),
    ],
)
def test_each_backend_tells_its_peak(backend, module, monkeypatch):
    monkeypatch.setattr(devices, "device_name", lambda: "gpu:0")
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: backend)
    monkeypatch.setitem(sys.modules, backend, module)
    assert devices.device_memory_bytes() == 7
