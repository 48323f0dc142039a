"""The backend of Keras, and what TensorFlow is started with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

KERAS = """
import json, os
print(json.dumps(os.environ.get("TF_ENABLE_ONEDNN_OPTS")))
class backend:
    backend = staticmethod(lambda: "tensorflow")
"""
"""Stands in for Keras, and tells what TensorFlow, which Keras imports, would be started with."""


def variable(folder: Path, before: str = "", **environment: str) -> str | None:
    (folder / "keras.py").write_text(KERAS)
    (folder / "tensorflow.py").touch()
    use = "from ablations.vision.platform.backend import use_backend; use_backend('tensorflow')"
    own = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    own["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [own.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{use}"],
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: str | None = json.loads(done.stdout)
    return found


def test_tensorflow_computes_with_onednn_unless_the_user_turned_it_off(tmp_path: Path) -> None:
    assert variable(tmp_path) == "1"
    assert variable(tmp_path, TF_ENABLE_ONEDNN_OPTS="0") == "0"


def test_where_tensorflow_runs_already_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert variable(tmp_path, "import tensorflow") is None
