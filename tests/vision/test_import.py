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
        "[] ['check_settings', 'describe', 'fingerprint_data', 'identity', 'joins_seeds', "
        "'notes', 'prepare_data', 'train', 'train_together']"
    )
    assert done.stdout.strip() == said


def test_importing_loads_neither_pillow_nor_scikit_learn():
    code = "import sys, ablations.vision; print(sorted({'PIL', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BASE_INSTALL = """
import sys
for name in ("keras", "tensorflow", "PIL", "sklearn"):
    sys.modules[name] = None
from ablations.cli.app import main
sys.argv = ["ablations", *sys.argv[1:]]
main()
"""


def base_install(folder, *arguments):
    """Runs the command line where no extra package is installed."""
    command = [sys.executable, "-c", BASE_INSTALL, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_a_base_install_plans_and_says_what_training_needs(tmp_path):
    planned = base_install(tmp_path, "plan", "quickstart")
    assert (planned.returncode, planned.stderr) == (0, "")
    done = base_install(tmp_path, "run", "quickstart", "--jobs", "1")
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line] == [done.stderr.strip()]
    assert done.stderr.strip().endswith(
        "backend 'tensorflow' cannot be used. Received: no package 'keras', 'tensorflow', "
        "'pillow', 'scikit-learn'. Install what is missing: "
        "python -m pip install 'ablations[tensorflow]'."
    )


def test_a_base_install_says_what_folders_of_images_need(tmp_path):
    (tmp_path / "study.toml").write_text(
        'title = "t"\n[trial]\nrun = "ablations.vision:train"\n[trial.settings]\n'
        f'dataset = "directory:{tmp_path}"\nlayers = ["flatten", "dense:2"]\n'
        '[factors.f]\na = {}\nb = { scale = "0..1" }\n'
    )
    done = base_install(tmp_path, "plan", "study.toml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.strip().endswith(
        "images in folders cannot be read. Received: no package 'pillow'. "
        "Install it: python -m pip install 'ablations[vision]'."
    )
