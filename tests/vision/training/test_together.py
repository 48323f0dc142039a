"""All seeds of an arm as one JAX program, against one trial at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.slow,  # trains Keras for real
    pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed"),
]

CODE = """
import json, sys
import numpy as np
from ablations.core.trial_log import TrialLog
from ablations.core.study import Arm, Trial
from ablations.vision import train, train_together

def gap(one, other):
    pairs = zip(one.epochs, other.epochs, strict=True)
    return max(abs(a[name] - b[name]) for a, b in pairs for name in a)

def far(one, other):
    said = {p.split: p for p in other.predictions}
    assert all((p.labels == said[p.split].labels).all() for p in one.predictions)
    return max(
        float(np.abs(p.probabilities - said[p.split].probabilities).max()) for p in one.predictions
    )

def both(settings):
    trials = [Trial("s", "e", Arm((("f", "l"),)), seed, settings) for seed in range(3)]
    alone, together = ([TrialLog() for _ in trials] for _ in range(2))
    for trial, log in zip(trials, alone):
        train(trial, log)
    errors = train_together(trials, together)
    found = [(a.contents(), b.contents()) for a, b in zip(alone, together)]
    return {
        "errors": [str(e) for e in errors if e],
        "gaps": [gap(*pair) for pair in found],
        "far": [far(*pair) for pair in found],
        "steps": [len(b.steps[0]) for _, b in found],
        "differ": len({json.dumps(b.epochs) for _, b in found}),
        "missing": sorted(
            {m.name for m in found[0][0].metrics} - {m.name for m in found[0][1].metrics}
        ),
        "together": found[0][1].environment["seeds_together"],
    }

def told(settings):
    try:
        return both(settings)
    except ValueError as error:
        return {"refused": str(error)}

for settings in json.loads(sys.argv[1]):
    print(json.dumps(told(settings)))
"""

BASE = {"base": ["conv:4", "batchnorm"], "weights": "pretrain:digits:0-4", "freeze": True}
ARMS = {
    "scratch, augmented": {
        "augment": ["flip", "rotation:0.2"],
        "layers": ["conv:4", "batchnorm", "pool", "flatten", "dropout:0.2", "dense:5"],
    },
    "frozen": {**BASE, "layers": ["pool", "flatten", "dropout:0.2", "dense:5"]},
    "frozen, augmented": {**BASE, "augment": ["flip"], "layers": ["flatten", "dense:5"]},
    "bfloat16": {"precision": "mixed_bfloat16", "layers": ["conv:4", "flatten", "dense:5"]},
    "float16": {
        "precision": "mixed_float16",
        "scale": "0..1",
        "layers": ["conv:4", "flatten", "dense:5"],
    },
    "two classes, one output": {
        "classes": "5,6",
        "layers": ["flatten", "dropout:0.2", "dense:1"],
    },
}


def in_one_process(several: list[dict]) -> list[dict]:
    """Trains each with three seeds; the many small programs of JAX are compiled once for all."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(several)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()[-len(several) :]]


@pytest.mark.long
def test_seeds_together_train_what_each_trains_alone(digits):
    common = digits | {"train_size": 70, "backend": "jax"}
    found = in_one_process([common | arm for arm in ARMS.values()])
    for (name, arm), said in zip(ARMS.items(), found, strict=True):
        assert said["errors"] == [], name
        close = 1e-2 if "precision" in arm else 1e-4  # 16 bits round to 2^-8 or 2^-11
        assert max(said["gaps"]) < close, name
        assert max(said["far"]) < close, name
        assert said["steps"] == [4, 4, 4], name  # three of 20 images and one of 10
        assert said["differ"] == 3, name
        assert said["together"] == "3", name
        assert set(said["missing"]) <= {
            "frozen_augmented_seconds", "frozen_seconds", "shared_seconds"
        }, name  # fmt: skip


def test_seeds_that_differ_in_what_is_not_stacked_do_not_train_together(digits):
    common = digits | {"backend": "jax", "layers": ["flatten", "dense:5"]}
    own_weights = {"base": ["conv:4", "pool"], "freeze": True, "weights": "none"}
    own_statistics = {"scale": "standardise"}
    for said in in_one_process([common | own_weights, common | own_statistics]):
        assert "the seeds' models differ in frozen weights or constants" in said["refused"]


def test_seeds_join_on_jax_and_a_gpu_only(digits, monkeypatch):
    from ablations.vision import joins_seeds

    assert joins_seeds(digits | {"backend": "jax"}, 1)
    assert not joins_seeds(digits | {"backend": "jax"}, 0)
    assert not joins_seeds(digits, 1)
    tuned = {"backend": "jax", "base": ["conv:4"], "freeze": True, "unfreeze": 1}
    assert not joins_seeds(digits | tuned, 1)  # its phases are two programs
    monkeypatch.setenv("ABLATIONS_WITHOUT", "seeds")
    assert not joins_seeds(digits | {"backend": "jax"}, 1)
