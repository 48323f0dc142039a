"""Trials of other code, and trials that use no seed: nobody finds out by chance."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations import entry
from ablations.cli.app import app

STUDY = """
title = "Does b pay?"

[trial]
run = "own_training:train"

[factors.b]
off = {}
on = { b = 1 }

[design]
seeds = 3
"""

TRAINING = """
from own_helper import gain

def train(trial, log):
    value = 0.5 + gain(trial) * trial.settings.get("b", 0) + trial.rng("order").uniform(0, 0.01)
    log.metric("test_accuracy", float(value), unit="fraction", better="higher")
"""

HELPER = """
def gain(trial):
    return 0.1
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study whose training function imports another file beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own.toml").write_text(STUDY)
    (tmp_path / "own_training.py").write_text(TRAINING)
    (tmp_path / "own_helper.py").write_text(HELPER)
    return tmp_path


def call(*words: object) -> str:
    """Gives a command as a new process would; returns what it printed, each blank as one."""
    for name in ("own_training", "own_helper"):
        sys.modules.pop(name, None)
    entry._code_digest.cache_clear()
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code in (0, 1, 4), done.output
    return " ".join((done.stdout + done.stderr).split())


def test_trials_of_other_code_are_named_wherever_they_are_counted(own: Path):
    assert "other code" not in call("run", "own.toml", "--jobs", 1)
    (own / "own_helper.py").write_text('"""Helps."""\n' + HELPER + "# a remark\n")
    assert "other code" not in call("status", "own.toml")
    (own / "own_helper.py").write_text(HELPER.replace("0.1", "0.2"))
    said = "6 of the completed trials were trained by other code than the training function has now"
    for command in ("status", "plan", "run"):
        assert said in call(command, "own.toml")
    (own / "own.toml").write_text(f"{STUDY}\n[[gates]]\nmetric = 'test_accuracy'\nat_least = 0.1\n")
    assert said in call("gate", "own.toml")
    assert said in call("bundle", "own.toml", "-o", "own.zip", "--author", "Ada")
    differs = call("rerun", "own.toml", "--trials", "all")
    assert "DIFFERS" in differs
    assert "code_digest: " in differs


def test_a_new_setting_trains_all_again_and_keeps_what_was_trained(own: Path):
    call("run", "own.toml", "--jobs", 1)
    (own / "own_helper.py").write_text(HELPER.replace("0.1", "0.2"))
    study = own / "own.toml"
    study.write_text(
        study.read_text().replace("[factors.b]", "[trial.settings]\nversion = 2\n\n[factors.b]")
    )
    assert "other code" not in call("run", "own.toml", "--jobs", 1)
    assert "+20.0" in (own / "reports" / "own" / "own.md").read_text()
    study.write_text(study.read_text().replace("version = 2", ""))
    assert call("status", "own.toml").count("6 of 6 trials done") == 1


def test_a_report_over_two_versions_says_so(own: Path):
    call("run", "own.toml", "--jobs", 1, "--seeds", 2)
    (own / "own_helper.py").write_text(HELPER.replace("0.1", "0.2"))
    call("run", "own.toml", "--jobs", 1)
    page = " ".join((own / "reports" / "own" / "own.md").read_text().split())
    assert "trained by 2 versions of the training function's code" in page
    assert "different environments" not in page


def test_a_function_that_never_asks_for_its_seed_is_named(own: Path):
    without = TRAINING.replace('trial.rng("order").uniform(0, 0.01)', "random.uniform(0, 0.01)")
    (own / "own_training.py").write_text(f"import random\n{without}")
    said = "the training function of 6 trials never asked for trial.seed or trial.rng"
    assert said in call("run", "own.toml", "--jobs", 1)
    page = " ".join((own / "reports" / "own" / "own.md").read_text().split())
    assert "T" + said[1:] in page
    differs = call("rerun", "own.toml", "--trials", 1)
    assert "the training function never asked for trial.seed" in differs


def test_a_rerun_that_differs_for_no_reason_names_the_likely_one(own: Path):
    half = TRAINING.replace("trial.rng", "random.random() * trial.rng")
    (own / "own_training.py").write_text(f"import random\n{half}")
    assert "never asked" not in call("run", "own.toml", "--jobs", 1)
    differs = call("rerun", "own.toml", "--trials", 1)
    assert "so something draws random numbers that no seed sets" in differs


def test_seeds_that_are_copies_of_one_training_are_named(own: Path):
    (own / "own_training.py").write_text(
        TRAINING.replace('trial.rng("order").uniform(0, 0.01)', "0 * trial.seed")
    )
    call("run", "own.toml", "--jobs", 1)
    page = " ".join((own / "reports" / "own" / "own.md").read_text().split())
    assert "In each arm, all seeds gave the very same test accuracy" in page
    assert "does not use its seed" in page


def test_an_error_names_the_line_of_ones_own_file(own: Path):
    (own / "own_helper.py").write_text(
        "from pathlib import Path\n\n\ndef gain(trial):\n    return float(Path('none').read_text())\n"
    )
    failed = call("run", "own.toml", "--jobs", 1)
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'none'" in failed
    assert "(own_helper.py, line 5)" in failed


def test_a_folder_that_no_report_can_be_written_to_is_found_before_training(own: Path):
    (own / "reports" / "own").mkdir(parents=True)
    (own / "reports" / "own" / "mine.txt").touch()
    done = CliRunner().invoke(app, ["run", "own.toml"])
    assert "the output folder holds something else" in str(done.exception)
    assert not (own / "runs").exists()
    (own / "reports" / "own" / "mine.txt").rename(own / "mine.txt")
    assert "6 of 6 trials done" in call("run", "own.toml", "--jobs", 1)
