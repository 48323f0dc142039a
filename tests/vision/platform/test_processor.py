from __future__ import annotations

import pytest

from ablations.errors import StudyError
from ablations.vision import notes, prepare_data
from ablations.vision.platform import processor

AVX2 = (
    "processor\t: 0\nflags\t\t: fpu f16c avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu f16c avx2 fma\n"
)
AMX = "flags\t\t: avx2 avx512_bf16 amx_bf16 amx_tile\n"
ARM = "Features\t: fp asimd asimdhp bf16\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Has this machine be one without a GPU, whose processor is described by a text."""
    monkeypatch.setattr(processor, "DRIVER", tmp_path / "nvidia")

    def make(text):
        (tmp_path / "cpuinfo").write_text(text)
        monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")

    return make


@pytest.mark.parametrize(
    ("text", "bfloat16", "float16"),
    [(AVX2, True, True), (AMX, False, True), (ARM, False, False), ("", False, False)],
)
def test_what_a_processor_emulates(machine, text, bfloat16, float16):
    machine(text)
    assert processor.emulates("mixed_bfloat16") == bfloat16
    assert processor.emulates("mixed_float16") == float16
    assert not processor.emulates("float32")


def test_a_gpu_emulates_nothing_unless_it_is_hidden(machine, tmp_path, monkeypatch):
    machine(AVX2)
    (tmp_path / "nvidia").mkdir()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert not processor.emulates("mixed_bfloat16")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert processor.emulates("mixed_bfloat16")


def test_a_plan_says_what_is_emulated(machine, digits):
    machine(AVX2)
    assert notes(digits, None) == []
    assert notes(digits | {"precision": "mixed_float16"}, None) == [
        "mixed_float16 is emulated here, as this processor has no instructions for it: accuracies "
        "are valid, but steps are slower than in float32, and their times say nothing about "
        "processors and GPUs that have them"
    ]


@pytest.mark.slow  # starts processes with Keras
def test_what_cannot_be_computed_ends_before_any_training(digits, cache, monkeypatch):
    for precision in ("mixed_bfloat16", "mixed_float16"):
        prepare_data(digits | {"precision": precision}, None, lambda *_: None)
    assert len(list((cache / "precision").iterdir())) == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # as on another machine
    monkeypatch.setattr(processor.sys, "executable", "/bin/false")
    with pytest.raises(StudyError) as caught:
        prepare_data(digits | {"precision": "mixed_float16"}, None, lambda *_: None)
    assert str(caught.value) == (
        "backend 'tensorflow' cannot compute in mixed_float16 here. Received: exit code 1. "
        'Write precision = "float32", or use a machine that can.'
    )
    prepare_data(digits | {"precision": "float32"}, None, lambda *_: None)  # the cure
