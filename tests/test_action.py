"""The action's steps run as written, on a study that trains in no time, with a GitHub made of files."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}

GH = """#!/usr/bin/env python3
import json, os, sys
with open("gh.log", "a") as log:
    log.write(json.dumps([*sys.argv[1:], os.environ["MARK"]]) + "\\n")
if "--jq" in sys.argv:
    print(os.environ.get("EARLIER", ""))
sys.exit(int(os.environ.get("GH_CODE", "0")) if "--method" in sys.argv else 0)
"""


@pytest.fixture
def runner(study_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, in which ``ablations`` and ``gh`` are commands."""
    folder = study_path.parent
    commands = {"ablations": f'#!/bin/sh\nexec {sys.executable} -m ablations "$@"\n', "gh": GH}
    (folder / "bin").mkdir()
    for name, text in commands.items():
        path = folder / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
    study_path.rename(folder / "study.toml")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{folder}")
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(folder / name))
    return folder


def do(name: str, folder: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """Runs a step as GitHub does: with bash, which stops at the first error."""
    given = {"STUDY": "study.toml", "OPTIONS": "", "RECORDS": "", "AGAINST": "", "OUT": "out"}
    given |= {"HISTORY": "", "AGAINST_COMMIT": ""}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],
        cwd=folder, env={**os.environ, **given, **values}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


def test_a_study_is_trained_judged_summarised_and_commented(runner: Path):
    trained = do("Train", runner, OPTIONS="--seeds 2")
    assert trained.returncode == 0, trained.stderr
    judged = do("Judge", runner, OPTIONS="--seeds 2")
    assert judged.returncode == 0, judged.stderr
    code = (runner / "GITHUB_OUTPUT").read_text()
    assert re.fullmatch(r"code=[0134]\n", code)
    shown = do("Summarise", runner)
    assert shown.stdout.splitlines()[-1].startswith("::notice title=")
    assert "### " in (runner / "GITHUB_STEP_SUMMARY").read_text()
    place = {"GITHUB_REPOSITORY": "o/r", "NUMBER": "7"}
    first = do("Comment", runner, **place)
    second = do("Comment", runner, EARLIER="42\n43", **place)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    calls = [line for line in (runner / "gh.log").read_text().splitlines() if "--method" in line]
    assert '"POST", "repos/o/r/issues/7/comments"' in calls[0]
    assert '"PATCH", "repos/o/r/issues/comments/42"' in calls[1]
    assert all('"<!-- ablations: study -->"]' in call for call in calls)
    forked = do("Comment", runner, GH_CODE="1", **place)
    assert forked.returncode == 0
    assert forked.stdout.startswith("::warning::the comment was not written")


def test_the_worse_of_gates_and_past_decides_and_a_missing_past_is_a_notice(runner: Path):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    do("Train", runner)
    for command in (
        ["init", "-q"],
        ["add", "-f", "reports/study/report.json"],
        ["commit", "-qm", "a"],
    ):
        subprocess.run(["git", *who, *command], cwd=runner, check=True)
    past = "HEAD:reports/study/report.json"
    judged = do("Judge", runner, AGAINST=past)
    assert judged.returncode == 0, judged.stderr
    assert "Against HEAD:reports/study/report.json" in (runner / "out/pull-request.md").read_text()
    text = (runner / "study.toml").read_text()
    (runner / "study.toml").write_text(text.replace("at_least = 0.6", "at_least = 0.99"))
    do("Judge", runner, AGAINST=past)
    new = do("Judge", runner, AGAINST="HEAD:reports/other/report.json")
    assert "::notice::there is no HEAD:reports/other/report.json yet" in new.stdout
    assert (runner / "GITHUB_OUTPUT").read_text() == "code=0\ncode=1\ncode=1\n"


@pytest.mark.slow
def test_a_commit_is_trained_in_turn_and_a_base_without_the_study_is_a_notice(runner: Path):
    (runner / ".gitignore").write_text("runs\nreports\nout\nbin\nGITHUB*\n__pycache__\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *command], cwd=runner, check=True)
    place = {"AGAINST_COMMIT": "HEAD", "OPTIONS": "--seeds 1 --set epochs=1"}
    trained = do("Train", runner, **place)
    assert trained.returncode == 0, trained.stderr
    assert "HEAD and the present state are trained in turn" in trained.stderr
    assert "0 trials to train" in trained.stderr or "trials to train" not in trained.stdout
    judged = do("Judge", runner, **place)
    assert judged.returncode == 0, judged.stderr
    assert "Against HEAD (" in (runner / "out/pull-request.md").read_text()
    subprocess.run(["git", "mv", "study.toml", "new.toml"], cwd=runner, check=True)
    place["STUDY"] = "new.toml"
    no_study = do("Judge", runner, **place)
    assert "::notice::there is no new.toml at HEAD" in no_study.stdout
    for step in ("Train", "Judge"):
        unknown = do(step, runner, **{**place, "AGAINST_COMMIT": "nowhere"})
        assert unknown.returncode == 2
        assert "git does not know this commit. Received: nowhere" in unknown.stderr
    unknown = do("Judge", runner, STUDY="new.toml", AGAINST="nowhere:reports/new/report.json")
    assert (unknown.returncode, "::notice::" in unknown.stdout) == (2, False), unknown.stderr


def test_what_is_wrong_with_the_command_stops_the_job(runner: Path):
    assert do("Train", runner, STUDY="no.toml").returncode == 2
    assert do("Judge", runner, STUDY="no.toml").returncode == 2
    hostile = do("Judge", runner, STUDY="$(touch hit)", OPTIONS="; touch hit")
    assert hostile.returncode == 2
    assert not (runner / "hit").exists()


@pytest.mark.slow
def test_a_history_is_kept_in_a_branch_and_a_worse_commit_stops_the_job(
    runner: Path, tmp_path_factory, monkeypatch
):
    origin, temp = (tmp_path_factory.mktemp(name) for name in ("origin", "temp"))
    monkeypatch.setenv("RUNNER_TEMP", str(temp))
    place = {"HISTORY": "kept", "GITHUB_RUN_ID": "1", "GITHUB_SHA": "abc", "OPTIONS": "--seeds 4"}

    def git(*words: str, folder: Path = runner) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(
            ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    def job(*names: str) -> list[subprocess.CompletedProcess[str]]:
        """Runs steps at the present commit, as a job does that knows nothing of earlier ones."""
        git("worktree", "prune")
        done = [do(name, runner, **place) for name in names]
        assert [own.returncode for own in done] == [0] * len(done), [own.stderr for own in done]
        git("worktree", "remove", "--force", str(temp / "ablations-history"))
        shutil.rmtree(runner / "runs")
        return done

    git("init", "-q", "--bare", ".", folder=origin)
    git("init", "-q")
    git("remote", "add", "origin", f"file://{origin}")
    (runner / ".gitignore").write_text("runs\nreports\nout\nbin\ngh.log\nGITHUB*\n__pycache__\n")
    (module,) = runner.glob("training_*.py")
    steps = ("Fetch the history", "Train", "Judge", "Judge by the history")
    for place_, gain in enumerate((0.0, 0.001)):
        module.write_text(module.read_text().replace("0.6 + ", f"0.6 + {gain} + "))
        git("add", "-A")
        git("commit", "-qm", f"commit {place_}")
        first, *_ = job(*steps, "Keep the history")
        assert ("there is no branch kept yet" in first.stdout) == (place_ == 0)
    assert (
        git("log", "--format=%s", "kept", folder=origin).splitlines()
        == ["Add what abc measured"] * 2
    )
    listed = git("ls-tree", "-r", "--name-only", "kept", folder=origin).splitlines()
    assert len(listed) == 4
    assert {".gitattributes", ".gitignore", "study/environments.jsonl"} < set(listed)
    (runner / "GITHUB_OUTPUT").write_text("")
    module.write_text(module.read_text().replace("0.6 + ", "0.6 - 0.2 + "))
    git("commit", "-qam", "worse")
    job(*steps, "Summarise")
    assert (runner / "GITHUB_OUTPUT").read_text().splitlines()[-1] == "code=1"
    for shown in ("GITHUB_STEP_SUMMARY", "out/pull-request.md"):
        text = (runner / shown).read_text()
        assert "## By the commits before\n\n### ✗" in text
        assert "brought to light: " in text
    assert do("Verdict", runner, CODE="0", HISTORY_CODE="1", INCONCLUSIVE="pass").returncode == 1


def test_all_is_told_where_all_trials_fail(runner: Path, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path_factory.mktemp("temp")))
    place = {"OPTIONS": "--seeds 2 --set epochs=3", "HISTORY": "kept", "NUMBER": "7"}
    (module,) = runner.glob("training_*.py")
    ignored = "runs\nreports\nout\nbin\ngh.log\nGITHUB*\n__pycache__\n"
    (runner / ".gitignore").write_text(ignored)
    module.write_text(
        module.read_text().replace("log):\n", "log):\n    raise ValueError('no <such> layer')\n", 1)
    )
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all fail"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *words], cwd=runner, check=True)
    steps = ("Train", "Judge", "Judge by the history", "Summarise", "Comment")
    done = [do(name, runner, **place, GITHUB_REPOSITORY="o/r") for name in steps]
    assert [own.returncode for own in done] == [0] * len(done), [own.stderr for own in done]
    assert (runner / "GITHUB_OUTPUT").read_text() == "code=4\ncode=4\n"
    for shown in ("GITHUB_STEP_SUMMARY", "out/pull-request.md"):
        said = (runner / shown).read_text()
        assert "no trial of the present commit has completed" in said
        assert "All 8 trials failed at commit " in said
    told = [line for line in done[3].stdout.splitlines() if "All 8 trials failed" in line]
    assert told[0].startswith("::error ")
    assert "no <such> layer" in told[0]
    codes = {"CODE": "4", "HISTORY_CODE": "4", "INCONCLUSIVE": "pass"}
    assert do("Verdict", runner, **codes).returncode == 4


def test_a_job_that_judged_nothing_says_so_in_place_of_what_was_said_before(runner: Path):
    place = {"GITHUB_REPOSITORY": "o/r", "NUMBER": "7", "HISTORY": "kept", "EARLIER": "42"}
    for name in ("Summarise", "Comment"):
        assert do(name, runner, **place).returncode == 0
    assert (runner / "out/pull-request.md").read_text() == (
        "<!-- ablations: study -->\n### ✗ The study was not judged\n\nThe log of the job says why.\n"
        "\nNothing was judged by the commits before. The log of the job says why.\n"
    )
    assert '"PATCH", "repos/o/r/issues/comments/42"' in (runner / "gh.log").read_text()
    nothing = {"CODE": "", "HISTORY_CODE": "", "INCONCLUSIVE": "pass"}
    assert do("Verdict", runner, **nothing).returncode == 2
    told = {name: step["if"] for name, step in STEPS.items() if "cancelled" in step.get("if", "")}
    assert list(told) == ["Summarise", "Comment", "Verdict"]


@pytest.mark.parametrize(
    ("code", "inconclusive", "ends"),
    [("0", "pass", 0), ("1", "pass", 1), ("4", "pass", 4), ("3", "pass", 0), ("3", "fail", 3)],
)
def test_the_last_step_ends_the_job_by_the_worse_of_gates_and_history(
    tmp_path: Path, code, inconclusive, ends
):
    for gates, history in ((code, ""), (code, "0"), ("0", code)):
        values = {"CODE": gates, "HISTORY_CODE": history, "INCONCLUSIVE": inconclusive}
        assert do("Verdict", tmp_path, **values).returncode == ends


def test_no_script_holds_an_expression_that_someone_else_may_fill():
    for step in STEPS.values():
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_steps_use_inputs_that_there_are():
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == set(ACTION["inputs"])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_the_hash_of_a_commit(workflow: Path):
    for line in re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8")):
        assert line == "./" or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line)
