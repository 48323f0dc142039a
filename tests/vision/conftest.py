from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablations.core.design import Arm
from ablations.core.study import Trial


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder for each test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ABLATIONS_CACHE", str(folder))
    return folder


@pytest.fixture
def photographs():
    """The extracted cats_and_dogs_filtered, where this machine has it."""
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("ABLATIONS_TEST_DATA", default)) / "cats_and_dogs_filtered"
    if not folder.is_dir():
        pytest.skip("no photographs: set ABLATIONS_TEST_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def mobilenet_weights():
    """A file of MobileNetV2's ImageNet weights, where this machine has it."""
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("ABLATIONS_TEST_DATA", default)) / "weights"
    file = folder / "mobilenet_v2_1.0_imagenet_no_top.h5"
    if not file.is_file():
        pytest.skip("no weights: set ABLATIONS_TEST_DATA to their folder")
    return file


@pytest.fixture
def shapes(tmp_path):
    """A folder of 40 small images of two classes that differ in brightness."""
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "shapes" / name).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(rng.normal(level, 30, (12, 10, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shapes" / name / f"{i:02}.png")
    return tmp_path / "shapes"


@pytest.fixture
def digits():
    """Settings of a small study of digits."""
    return {
        "dataset": "digits",
        "classes": "5-9",
        "train_size": 60,
        "batch_size": 20,
        "epochs": 2,
        "layers": ["conv:4", "pool", "flatten", "dropout:0.2", "dense:5"],
    }


@pytest.fixture
def trial():
    """Makes a trial of settings, a seed and a data folder."""

    def make(settings, seed=0, data_dir=None):
        arm = Arm((("factor", "level"),))
        return Trial("study", "ablations.vision:train", arm, seed, settings, data_dir=data_dir)

    return make
