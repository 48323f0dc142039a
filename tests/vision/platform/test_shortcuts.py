"""Each shortcut against the plain path: the same losses, outputs and metrics, seed for seed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ablations.core.trial_log import TrialLog
from ablations.vision import train
from ablations.vision.platform.shortcuts import SHORTCUTS, facts, on
from ablations.vision.training import feeds

pytestmark = pytest.mark.slow  # trains Keras for real


@pytest.fixture(autouse=True)
def _small_images_too(monkeypatch):
    """Has small images take the way of large ones."""
    monkeypatch.setattr(feeds, "WORTH_NUMBERS", 0)


ARMS = {
    "scratch": {},
    "augmented": {"augment": ["flip", "rotation:0.2"]},
    "frozen": {
        "base": ["conv:4", "batchnorm"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
        "layers": ["pool", "flatten", "dropout:0.2", "dense:5"],
    },
    "frozen, augmented": {
        "augment": ["flip", "rotation:0.2"],
        "base": ["conv:4"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
        "scale": "standardise",
        "layers": ["flatten", "dropout:0.2", "dense:5"],
    },
    "frozen, augmented, in bfloat16": {
        "augment": ["flip", "rotation:0.2"],
        "base": ["conv:4", "batchnorm"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
        "precision": "mixed_bfloat16",
        "scale": "-1..1",
        "layers": ["pool", "flatten", "dropout:0.2", "dense:5"],
    },
    "fine-tuned, augmented": {
        "augment": ["flip", "rotation:0.2"],
        "base": ["conv:4", "batchnorm", "conv:4"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
        "unfreeze": 1,
        "fine_tune_rate": 1e-3,
        "scale": "-1..1",
        "layers": ["flatten", "dropout:0.2", "dense:5"],
    },
    "frozen, augmented inside": {
        "base": ["conv:4"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
        "layers": ["rescale:-1..1", "zoom:0.2", "flip", "base", "flatten", "dense:5"],
    },
}


PLAIN = {}


def run_plainly(settings, trial, monkeypatch):
    """Trains without any shortcut, each settings once."""
    key = json.dumps(settings)
    if key not in PLAIN:
        PLAIN[key] = run(settings, trial, monkeypatch, without="all")
    return PLAIN[key]


def run(settings, trial, monkeypatch, *, without, seed=0):
    monkeypatch.setenv("ABLATIONS_WITHOUT", without)
    log = TrialLog()
    train(trial(settings, seed=seed), log)
    return log.contents()


def assert_same(found, plain):
    """Losses are compared over two epochs, before rounding can grow."""
    for epoch, expected in zip(found.epochs, plain.epochs, strict=True):
        assert epoch == pytest.approx(expected, rel=2e-3, abs=2e-4)
    for said, expected in zip(found.predictions, plain.predictions, strict=True):
        assert said.split == expected.split
        np.testing.assert_array_equal(said.labels, expected.labels)
        np.testing.assert_allclose(said.probabilities, expected.probabilities, atol=2e-3)


@pytest.mark.parametrize("settings", ARMS.values(), ids=ARMS)
def test_all_shortcuts_together_train_what_the_plain_path_trains(
    settings, digits, trial, monkeypatch
):
    settings = digits | settings
    plain = run_plainly(settings, trial, monkeypatch)
    assert plain.environment["shortcuts"] == "none"
    for _ in range(2):  # the second time, what can be shared is there
        assert_same(run(settings, trial, monkeypatch, without=""), plain)


@pytest.mark.parametrize("one", ["ahead", "opencv", "features"])
def test_one_shortcut_alone(one, digits, trial, monkeypatch):
    settings = digits | ARMS["frozen, augmented"]
    plain = run_plainly(settings, trial, monkeypatch)
    others = [name for name in SHORTCUTS if name not in (one, "ahead")]
    assert_same(run(settings, trial, monkeypatch, without=",".join(others)), plain)


def test_images_decoded_once_train_what_images_in_memory_train(shapes, trial, monkeypatch):
    settings = {
        "dataset": f"directory:{shapes}", "image_size": 8, "epochs": 2, "batch_size": 8,
        "layers": ["flatten", "dense:2"],
    }  # fmt: skip
    plain = run(settings, trial, monkeypatch, without="all")
    found = run(settings, trial, monkeypatch, without="ahead,opencv,features,openvino")
    assert found.epochs == plain.epochs


def test_arms_share_frozen_features_and_say_so(digits, trial, monkeypatch, cache):
    settings = digits | ARMS["frozen, augmented"]
    kept = cache / "features"
    first = run(settings, trial, monkeypatch, without="")
    written = sorted(kept.rglob("*.npy"))
    second = run(settings, trial, monkeypatch, without="")
    # Another scaling that is undone before the base, and another head, on the same draws.
    assert sorted(kept.rglob("*.npy")) == written
    assert first.epochs == second.epochs
    told = [{m.name: m.value for m in c.metrics} for c in (first, second)]
    assert told[0]["shared_seconds"] == pytest.approx(0, abs=1e-6)
    frozen = told[1]["frozen_seconds"] + told[1]["frozen_augmented_seconds"]
    assert told[1]["shared_seconds"] == pytest.approx(frozen)
    for name in ("frozen_seconds", "frozen_augmented_seconds"):
        assert told[0][name] == pytest.approx(told[1][name])
    assert first.environment["engine"] == "keras on tensorflow"
    other = run(settings, trial, monkeypatch, without="", seed=1)
    assert len(list(kept.rglob("*.npy"))) > len(written)
    assert other.epochs != first.epochs


def test_a_changed_base_shares_nothing(digits, trial, monkeypatch, cache):
    settings = digits | ARMS["frozen"]
    run(settings, trial, monkeypatch, without="")
    before = len(list((cache / "features").iterdir()))
    run(settings | {"base": ["conv:5", "batchnorm"]}, trial, monkeypatch, without="")
    assert len(list((cache / "features").iterdir())) > before


def test_frozen_mobilenet_by_openvino(photographs, mobilenet_weights, trial, monkeypatch, cache):
    pytest.importorskip("openvino")
    settings = {
        "dataset": "cats-vs-dogs", "image_size": 64, "epochs": 2, "train_size": 96,
        "validation_size": 64, "test_size": 64, "base": "MobileNetV2", "freeze": True,
        "weights": str(mobilenet_weights), "augment": ["flip", "rotation:0.2"],
        "layers": ["globalpool:max", "dropout:0.1", "dense:2"],
    }  # fmt: skip
    folder = str(photographs)

    def with_data(settings, seed=0):
        return trial(settings, seed, folder)

    plain = run(settings, with_data, monkeypatch, without="all")
    found = run(settings, with_data, monkeypatch, without="")
    assert found.environment["engine"].startswith("openvino ")
    assert_same(found, plain)
    scaled = run(settings | {"scale": "-1..1"}, with_data, monkeypatch, without="")
    assert scaled.epochs == found.epochs
    assert len(list((cache / "features").iterdir())) == 3  # resting, and two augmented epochs


def test_switches(monkeypatch):
    monkeypatch.setenv("ABLATIONS_WITHOUT", "openvino,ahead")
    assert not on("openvino")
    assert not on("ahead")
    assert on("features")
    assert facts().startswith("images, opencv ")
    monkeypatch.setenv("ABLATIONS_WITHOUT", "all")
    assert not any(map(on, SHORTCUTS))
    assert facts() == "none"


def test_opencv_that_rounds_coordinates_is_not_used(monkeypatch):
    from ablations.vision.platform import shortcuts

    monkeypatch.setattr(shortcuts, "version", lambda package: "4.12.0")
    assert not on("opencv")
    assert on("openvino")


def test_a_cache_that_has_lost_a_part_is_mended(digits, trial, monkeypatch, cache):
    settings = digits | ARMS["frozen, augmented"]
    first = run(settings, trial, monkeypatch, without="")
    for block in (cache / "features").rglob("*.npy"):
        block.unlink()
    assert run(settings, trial, monkeypatch, without="").epochs == first.epochs
    for block in (cache / "features").rglob("*.npy"):
        block.write_bytes(b"half")
    assert run(settings, trial, monkeypatch, without="").epochs == first.epochs


def test_what_grows_large_is_not_kept(digits, trial, monkeypatch, cache):
    settings = digits | {"base": ["conv:64,padding=same"], "weights": "none", "freeze": True}
    run(settings | {"layers": ["flatten", "dense:5"]}, trial, monkeypatch, without="")
    assert not (cache / "features").exists()
