from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.slow  # trains Keras for real

CODE = """
import json, sys
from ablations.core.trial_log import TrialLog
from ablations.core.study import Arm, Trial
from ablations.vision import train
def run(seed):
    log = TrialLog()
    train(Trial("s", "e", Arm((("f", "l"),)), seed, json.loads(sys.argv[1])), log)
    return log.contents()
first, second = run(0), run(0)
facts = dict(first.environment, equal=first.epochs == second.epochs, steps=len(first.steps[0]),
    tensorflow="tensorflow" in sys.modules)
print(json.dumps(facts))
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_the_same_study_runs_on_jax(digits):
    settings = digits | {
        "backend": "jax",
        "augment": ["translation:0.1,0.1", "rotation:0.1"],
        "scale": "standardise",
        "base": ["conv:4", "pool"],
        "layers": ["flatten", "dropout:0.2", "dense:5"],
        "weights": "pretrain:digits:0-4",
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(settings)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["backend"] == "jax"
    assert facts["equal"]
    assert facts["steps"] == 3
    assert not facts["tensorflow"]
