from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from ablations import vision
settings = {"dataset": "digits", "layers": ["flatten", "dense:10"]}
vision.check_settings(settings)
vision.fingerprint_data(settings, None)
vision.prepare_data(settings, None, print)
print(sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)), vision.__all__)
"""


def test_planning_and_preparing_need_no_framework():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    said = (
        "[] ['check_settings', 'describe', 'fingerprint_data', 'joins_seeds', 'notes', "
        "'prepare_data', 'train', 'train_together']"
    )
    assert done.stdout.strip() == said


def test_importing_loads_neither_pillow_nor_scikit_learn():
    code = "import sys, ablations.vision; print(sorted({'PIL', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
