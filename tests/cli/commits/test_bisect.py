"""The command ``bisect``, in a git repository whose commits change what is trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app

MODULE = """
import hashlib
import time

from helper import GAIN


def train(trial, log):
    settings, seed = trial.settings, trial.seed
    if settings.get("sleep"):
        time.sleep(60)
    drawn = repr((settings["rate"], GAIN, seed, trial.arm.name)).encode()
    own = hashlib.sha256(drawn).digest()[0] / 256
    accuracy = 0.8 + 0.05 * trial.rng("order").random() + 0.002 * own
    accuracy -= 0.05 * (settings["rate"] > 0.5)
    log.epoch(loss=1 - accuracy)
    log.metric("test_accuracy", accuracy, unit="fraction", better="higher")
"""

STUDY = """
title = "Does a pay?"

[trial]
run = "fast:train"

[trial.settings]
rate = 0.1

[factors.a]
off = { a = 0 }
on = { a = 1 }

[design]
seeds = 3

[analysis]
smallest_effect_that_matters = 0.01
"""


def git(*words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(message: str, **files: str) -> None:
    for name, text in {"notes.txt": message, **files}.items():
        Path(name.replace("__", "/").replace("_py", ".py").replace("_toml", ".toml")).write_text(
            text
        )
    git("add", "-A")
    git("commit", "-qm", message)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in a folder with a space, with a study in a sub-folder, at its first commit."""
    folder = tmp_path / "a repository"
    (folder / "sub").mkdir(parents=True)
    monkeypatch.chdir(folder)
    Path(".gitignore").write_text("runs\n__pycache__\n")
    git("init", "-q", "-b", "main")
    commit("begin", sub__fast_py=MODULE, sub__helper_py="GAIN = 1\n", sub__study_toml=STUDY)
    return folder


def call(*words: str):
    return CliRunner().invoke(app, ["bisect", "sub/study.toml", *words, "--jobs", "1"])


def found(*words: str) -> dict:
    done = call(*words, "--json")
    assert done.stdout, (done.stderr, done.exception)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.exit_code
    return document


WORSE = STUDY.replace("rate = 0.1", "rate = 0.9")


@pytest.mark.slow
def test_a_changed_setting_is_found_among_32_commits_and_nothing_is_trained_twice(repository: Path):
    for number in range(1, 33):
        if number == 21:
            commit("the culprit", sub__study_toml=WORSE)
        else:
            commit(f"commit {number}")
    culprit = git("rev-parse", "HEAD~11")
    Path("sub/fast.py").write_text("a syntax error, not committed (")
    before = git("status", "--porcelain")
    first = found("HEAD~32", "HEAD")
    assert (first["ending"], first["exit_code"], first["commit"]) == ("found", 0, culprit)
    assert first["parent"] == git("rev-parse", "HEAD~12")
    assert len(first["tried"]) <= 6
    assert len(list(Path("runs/bisect").iterdir())) == len(first["tried"]) + 2
    assert {arm["verdict"] for arm in first["arms"]} == {"regressed"}
    low, high = first["arms"][0]["interval"]
    assert low < -0.05 < high < -0.01
    assert first["trained"] == first["trials"] > 0
    second = call("HEAD~32", "HEAD")
    assert second.exit_code == 0
    assert f"Test accuracy regressed with {culprit[:10]}" in second.stdout
    assert "the culprit" in second.stdout
    assert f"{first['trials']} trials, 0 of them trained now" in second.stderr
    assert "32 commits from GOOD to BAD" in second.stderr
    assert git("status", "--porcelain") == before
    assert git("worktree", "list").count("\n") == 0


@pytest.mark.slow
def test_code_beside_the_study_is_that_of_the_commit_and_broken_commits_are_skipped(
    repository: Path,
):
    commit("broken", sub__helper_py="GAIN = \n")
    commit("mended and worse", sub__helper_py="GAIN = 1\n", sub__study_toml=WORSE)
    commit("more")
    document = found("HEAD~3", "HEAD")
    assert (document["ending"], document["exit_code"]) == ("left", 3)
    broken, worse = git("rev-parse", "HEAD~2"), git("rev-parse", "HEAD~1")
    assert document["left"] == [broken, worse]
    (skipped,) = (own for own in document["tried"] if own["verdict"] == "skipped")
    assert skipped["commit"] == broken
    assert "SyntaxError" in skipped["reason"]


def test_ends_with_equal_results_have_nothing_between_them(repository: Path):
    commit("nothing")
    done = call("HEAD~1", "HEAD")
    assert done.exit_code == 3
    assert "all results are the same to the last bit: there is nothing to find" in done.stdout
    assert "inconclusive" not in done.stdout


@pytest.mark.slow
def test_a_package_of_the_repository_on_pythons_path_is_that_of_the_commit(
    repository: Path, monkeypatch
):
    """Else both ends would be trained with the code of the working tree."""
    Path("src").mkdir()
    git("mv", "sub/helper.py", "src/helper.py")
    commit("move", src__helper_py="GAIN = 1\n")
    worse = MODULE.replace('settings["rate"] > 0.5', "GAIN > 1")
    commit("read it", sub__fast_py=worse)
    commit("worse", src__helper_py="GAIN = 2\n")
    monkeypatch.syspath_prepend(str(repository / "src"))
    document = found("HEAD~1", "HEAD")
    assert (document["ending"], document["commit"]) == ("found", git("rev-parse", "HEAD"))


def test_code_that_stays_that_of_the_working_tree_is_refused(
    repository: Path, tmp_path, monkeypatch
):
    """As by a package that is installed with ``pip install -e``."""
    Path("src").mkdir()
    git("mv", "sub/helper.py", "src/helper.py")
    commit("move", src__helper_py="GAIN = 1\n")
    commit("more")
    hooks = tmp_path / "site"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('helper', {str(repository / 'src/helper.py')!r})\n"
        "class Finder:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        return spec if name == 'helper' else None\n"
        "sys.meta_path.append(Finder)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{hooks}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    done = call("HEAD~1", "HEAD")
    assert "fast:train imports code of the working tree" in str(done.exception)
    assert "PYTHONPATH=src ablations bisect" in str(done.exception)


def test_what_is_wrong_with_the_ends_is_one_line(repository: Path):
    commit("another", other_toml=STUDY)
    commit("last")
    assert "GOOD comes after BAD" in str(call("HEAD", "HEAD~1").exception)
    assert "git does not know this commit" in str(call("nowhere", "HEAD").exception)
    lacking = CliRunner().invoke(app, ["bisect", "other.toml", "HEAD~2", "HEAD"])
    there = git("rev-parse", "--short=12", "HEAD~1")
    assert str(lacking.exception).startswith("GOOD has no file other.toml. Received: ")
    assert str(lacking.exception).endswith(f"from {there} on.")
    built_in = CliRunner().invoke(app, ["bisect", "quickstart", "HEAD~2", "HEAD"])
    assert "GOOD has no file quickstart" in str(built_in.exception)


def test_a_study_outside_of_git_is_refused(study_path: Path):
    done = CliRunner().invoke(app, ["bisect", "small.toml", "HEAD~1", "HEAD"])
    assert str(done.exception).startswith("small.toml lies in no git repository")


@pytest.mark.slow
def test_an_end_whose_trials_fail_ends_with_4(repository: Path):
    commit(
        "fails",
        sub__fast_py=MODULE.replace("    drawn =", "    raise ValueError('no')\n    drawn ="),
    )
    done = call("HEAD~1", "HEAD")
    assert done.exit_code == 4
    assert "could not be trained, and it is one of the ends" in done.stdout
    assert "failed (raised): ValueError: no" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_bisection_leaves_no_checkout_and_no_process(repository: Path, number, code):
    commit("slow", sub__study_toml=STUDY.replace("rate = 0.1", "rate = 0.1\nsleep = true"))
    words = ["-m", "ablations", "bisect", "sub/study.toml", "HEAD~1", "HEAD", "--jobs", "1"]
    with subprocess.Popen(
        [sys.executable, *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as driver:
        at_work = (
            Path("runs/bisect") / git("rev-parse", "--short=12", "HEAD") / "sub/study/running.json"
        )
        end = time.monotonic() + 120
        while not at_work.exists():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)
        driver.send_signal(number)
        output = driver.communicate(timeout=60)[1]
    assert driver.returncode == code
    assert "stopped; what has ended is recorded, and the same command resumes" in output
    assert "Traceback" not in output
    assert git("worktree", "list").count("\n") == 0
    assert not at_work.exists()
