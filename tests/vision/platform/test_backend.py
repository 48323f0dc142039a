"""The backend of Keras, and what TensorFlow is started with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, sys
{before}
from ablations.vision.platform.backend import use_backend
use_backend("tensorflow")
print(json.dumps(os.environ.get("TF_ENABLE_ONEDNN_OPTS")))
"""


def variable(before: str = "", **environment: str) -> str | None:
    own = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)],
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: str | None = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_tensorflow_computes_with_onednn_unless_the_user_turned_it_off() -> None:
    assert variable() == "1"
    assert variable(TF_ENABLE_ONEDNN_OPTS="0") == "0"


@pytest.mark.slow
def test_where_tensorflow_runs_already_nothing_is_said_of_it() -> None:
    assert variable("import tensorflow") is None
