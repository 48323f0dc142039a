"""``gate --against-commit``: both states are trained in turn, in a real git repository."""

from __future__ import annotations

import json
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

from helper import GAIN, SECONDS


def sleep():
    start = time.perf_counter()
    time.sleep(SECONDS)
    return time.perf_counter() - start


def train(trial, log):
    log.steps([min(sleep() for _ in range(7)) for _ in range(2)])  # the least busy of seven
    own = hashlib.sha256(repr((GAIN, trial.seed)).encode()).digest()[0] / 256
    accuracy = 0.8 + GAIN + 0.05 * trial.rng("order").random() + 0.0001 * own
    log.epoch(loss=1 - accuracy)
    log.metric("test_accuracy", accuracy, unit="fraction", better="higher")
"""

STUDY = """
title = "Does a pay?"

[trial]
run = "fast:train"

[factors.a]
off = {}
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


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_py", ".py").replace("_toml", ".toml"))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def commit(message: str, **files: str) -> None:
    write(**files)
    git("add", "-A")
    git("commit", "-qm", message)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in a folder with a space, with a study in a sub-folder, at its first commit."""
    folder = tmp_path / "a repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path(".gitignore").write_text("runs\nout\n__pycache__\n")
    git("init", "-q", "-b", "main")
    helper = "GAIN, SECONDS = 0, 0.02\n"
    commit("begin", sub__fast_py=MODULE, sub__helper_py=helper, sub__study_toml=STUDY)
    return folder


def call(*words: str):
    return CliRunner().invoke(app, [words[0], "sub/study.toml", *words[1:]])


def gate(*words: str):
    return call("gate", "--against-commit", *words)


def refusal(*words: str) -> str:
    done = gate(*words)
    assert done.exception, done.stdout
    return str(done.exception)


@pytest.mark.slow
def test_slower_code_that_is_not_committed_regresses_and_equal_results_are_equivalent(
    repository: Path,
):
    """The speeds differ by half, which one seed of each at a time shows within a minute."""
    write(sub__helper_py="from new import SECONDS\n\nGAIN = 0\n", sub__new_py="SECONDS = 0.03\n")
    before = git("status", "--porcelain")
    done = gate("main", "--json", "--jobs", "1")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["exit_code"]) == (1, 1), done.stderr
    assert document["against"] == f"main ({git('rev-parse', 'HEAD')[:12]})"
    verdicts = {"test_accuracy": "equivalent", "median_step_seconds": "regressed"}
    for drift in document["drifts"]:
        if drift["metric"] in verdicts:  # a trial also takes what does not depend on steps
            assert drift["verdict"] == verdicts[drift["metric"]]
        assert not drift["apart"]
        assert (drift["n"], drift["n_then"]) == (3, 3)
    assert {drift["metric"] for drift in document["drifts"]} == {*verdicts, "trial_seconds"}
    [(low, high), _] = (
        drift["interval"] for drift in document["drifts"] if "step" in drift["metric"]
    )
    assert 1.05 < low < high < 2.2
    assert (
        "main and the present state are trained in turn, a seed of each at a time: 12 trials"
        in done.stderr
    )
    turns = [line for line in done.stderr.splitlines() if line.startswith("seed ")]
    assert turns == [
        f"seed {seed} of {state}: 2 trials"
        for seed, states in enumerate(
            (
                ("main", "the present state"),
                ("the present state", "main"),
                ("main", "the present state"),
            )
        )
        for state in states
    ]
    assert "other code" not in done.stderr
    assert git("status", "--porcelain") == before
    assert git("worktree", "list").count("\n") == 0
    again = gate("main", "--format", "junit", "-o", "out")
    assert again.exit_code == 1
    assert "seed 0 of main" not in again.stderr
    assert "median step time" in Path("out/junit.xml").read_text()
    own = call("status", "--json")
    assert json.loads(own.stdout)["completed"] == 6, "the present state's records are the study's"


@pytest.mark.slow
def test_what_is_slower_between_the_steps_regresses_too(repository: Path):
    reads = MODULE.replace("    log.steps", "    time.sleep(2)  # reads data\n    log.steps")
    write(sub__fast_py=reads)
    done = gate("main", "--json", "--jobs", "1", "--seeds", "5")
    assert done.exit_code == 1, done.stderr
    regressed = {
        d["metric"] for d in json.loads(done.stdout)["drifts"] if d["verdict"] == "regressed"
    }
    assert "trial_seconds" in regressed


@pytest.mark.slow
def test_an_installed_copy_of_the_code_is_no_code_of_a_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else both states would train the copy, and be equal whatever changed."""
    (repository / "lib").mkdir()
    site = repository.parent / "site"
    site.mkdir()
    Path("sub/helper.py").rename("lib/helper.py")
    (site / "helper.py").write_text("GAIN, SECONDS = 0, 0\n")
    commit("a package")
    write(lib__helper_py="GAIN, SECONDS = -0.2, 0\n")
    monkeypatch.syspath_prepend(str(site))
    said = refusal("HEAD", "--seeds", "2")
    assert (
        "fast:train imports an installed copy of helper, so every commit would train the same "
        in said
    )
    assert str(site / "helper.py") in said
    assert "'PYTHONPATH=src ablations ...'" in said
    monkeypatch.syspath_prepend("lib")
    done = gate("HEAD", "--json", "--seeds", "2")
    accuracies = [d for d in json.loads(done.stdout)["drifts"] if d["metric"] == "test_accuracy"]
    changes = [drift["change"] for drift in accuracies]
    assert changes == pytest.approx([-0.2, -0.2], abs=1e-3), done.stderr


def test_a_folder_of_another_study_is_found_before_anything_is_trained(repository: Path):
    Path("runs/study").mkdir(parents=True)
    Path("study.toml").write_text(STUDY)
    Path("runs/study/origin.json").write_text('{"study": "../../study.toml"}')
    said = refusal("HEAD")
    assert "runs/study holds the records of another study" in said
    assert not Path("runs/in-turn").exists()


def test_what_cannot_be_compared_is_one_line_and_its_cure_works(repository: Path):
    """Also a state with itself: it costs two trainings, and is said."""
    git("mv", "sub/study.toml", "sub/other.toml")
    commit("renamed")
    commit("other arms", sub__study_toml=STUDY.replace("factors.a", "factors.b"))
    commit("these arms", sub__study_toml=STUDY)
    renamed = git("rev-parse", "--short=12", "HEAD~2")
    assert refusal("nowhere").startswith("git does not know this commit. Received: nowhere in ")
    assert refusal("HEAD~2") == (
        f"HEAD~2 has no file sub/study.toml. Received: {renamed}. Name a commit that has the study "
        "file; without one there is nothing to compare with: ablations gate STUDY."
    )
    assert refusal("HEAD~1") == (
        "HEAD~1 has no arm of this study. Received: arms b=off; b=on. Name a commit at which its "
        "arms have the same levels."
    )
    done = gate("HEAD", "--seeds", "1", "--jobs", "1")
    assert done.exit_code in (0, 3), done.stderr
    assert (
        "the present state is HEAD itself: this shows how equal two measurements are" in done.stderr
    )
    assert (
        "1 seed of each cannot show a change of speed: for that name more, as in --seeds 3"
        in done.stderr
    )
    assert git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("main", "--records", "runs"), "trains anew, and excludes --records"),
        (("main", "--against", "runs"), "trains anew, and excludes --against"),
        (("main", "--self-test"), "--self-test excludes --against"),
    ],
)
def test_other_questions_exclude_it(study_path: Path, words, said):
    done = CliRunner().invoke(app, ["gate", "small.toml", "--against-commit", *words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_it_needs_a_repository_and_jobs_need_it(study_path: Path):
    done = CliRunner().invoke(app, ["gate", "small.toml", "--against-commit", "main"])
    assert str(done.exception).startswith("small.toml lies in no git repository, whose commits ")
    git("init", "-q")
    done = CliRunner().invoke(app, ["gate", "small.toml", "--against-commit", "main"])
    assert str(done.exception).startswith("git does not know this commit. Received: main in ")
    assert CliRunner().invoke(app, ["gate", "small.toml", "--jobs", "1"]).exit_code == 2


@pytest.mark.slow
def test_code_that_fails_on_either_side_is_told_after_the_first_seed(repository: Path):
    fails = "    raise ValueError('no')\n    log.steps"
    reads = "    open(__file__.replace('fast.py', 'table.csv')).close()\n    log.steps"
    write(sub__fast_py=MODULE.replace("    log.steps", reads))
    Path("sub/table.csv").write_text("1")
    present = gate("main", "--jobs", "1", "--seeds", "2")
    assert present.exit_code == 4, present.stderr
    assert "seed 1 of" not in present.stderr
    assert "all trials of the present state failed. Where 'ablations run' works" in present.stderr
    git("add", "sub/table.csv")
    assert gate("main", "--jobs", "1", "--seeds", "1").exit_code in (0, 3)
    commit("fails", sub__fast_py=MODULE.replace("    log.steps", fails))
    write(sub__fast_py=MODULE)
    commit_name = git("rev-parse", "--short=12", "HEAD")
    assert refusal("HEAD", "--jobs", "1").startswith(
        f"sub/study.toml cannot be used at HEAD ({commit_name}). Received: a=off, seed 0 failed "
        "(raised): ValueError: no"
    )
    assert refusal("HEAD", "--jobs", "1").endswith(
        "Mend that, or name a commit at which 'ablations run' trains it."
    )
    assert git("worktree", "list").count("\n") == 0


@pytest.mark.slow
def test_a_stopped_comparison_leaves_no_checkout(repository: Path):
    write(sub__helper_py="GAIN, SECONDS = 0, 30\n")
    words = ["-m", "ablations", "gate", "sub/study.toml", "--against-commit", "main", "--jobs", "1"]
    with subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as driver:  # fmt: skip
        end = time.monotonic() + 240
        while not list(Path("runs").glob("in-turn/*/now/sub/study/running.json")):
            assert time.monotonic() < end, "waited in vain"
            assert driver.poll() is None, "it has ended"
            time.sleep(0.1)
        driver.send_signal(signal.SIGINT)
        output = driver.communicate(timeout=120)[1]
    assert driver.returncode == 130
    assert "stopped; what has ended is recorded, and the same command resumes" in output
    assert "Traceback" not in output
    assert git("worktree", "list").count("\n") == 0
    assert not list(Path("runs").glob("in-turn/*/now/sub/study/running.json"))
