"""The commands on a history, in a git repository whose commits change what is trained."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from junitparser import JUnitXml
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.report.formats import named
from ablations.report.publish.manifests import write_manifest


def call(*words: str) -> object:
    return CliRunner().invoke(app, ["history", *words])


def git(*words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def study(study_path: Path) -> str:
    """A study in a repository, trained at its first commit."""
    Path(".gitignore").write_text("runs*\nreports\n__pycache__\n")
    git("init", "-q")
    commit("one")
    return study_path.name


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-qm", message)


def train(study: str, runs: str, *options: str) -> tuple[str, ...]:
    words = ("--jobs", "1", "--no-report", "--runs-dir", runs, "--seeds", "4")
    done = CliRunner().invoke(app, ["run", study, *words, *options])
    assert done.exit_code == 0, done.stderr
    return ("--seeds", "4", "--runs-dir", runs)


def test_a_commit_that_makes_a_network_worse_is_found(study: str, study_path: Path):
    (module,) = study_path.parent.glob("*.py")
    for place, gain in enumerate((0.0, 0.001, 0.002, 0.003, -0.2)):
        module.write_text(module.read_text().replace("0.6 + ", f"0.6 + {gain} + "))
        commit(f"commit {place}")
        assert call("add", study, *train(study, f"runs{place}")).exit_code == 0
    done = call("check", study)
    assert done.exit_code == 1, done.output
    assert "▼\u00a0regressed" in done.stdout
    assert "regressed with" in done.stderr
    document = json.loads(call("check", study, "--json").stdout)
    assert (document["exit_code"], document["commits"]) == (1, 5)
    found = [own for own in document["series"] if own["kind"] == "difference"]
    require_formats(study, len(found))
    assert {own["changes"][-1]["commit"] for own in found} == {document["commit"]}
    listed = json.loads(call("list", "--json").stdout)
    assert [(own["commits"], own["trials"]) for own in listed] == [(5, 5 * len(found) * 4)]
    refused = call("compact", study, "--keep", "1")
    assert "is not committed, and lines would be lost" in str(refused.exception)
    commit("the cure")
    assert (
        "lines removed from history/small; git still has them"
        in call("compact", study, "--keep", "1").stdout
    )
    assert call("check", study).exit_code == 1  # what is beside a change stays


def require_formats(study: str, n: int) -> None:
    """Each format says that the newest commit made all ``n`` arms worse, and leaves the exit code."""
    formats = [word for name in named.OF_CHECKS for word in ("--format", name)]
    done = call("check", study, *formats, "-o", "out")
    assert done.exit_code == 1, done.output
    out = Path("out")
    suites = {own.name: own for own in JUnitXml.fromfile(str(out / "junit.xml"))}
    assert suites["small.history"].failures == n
    assert suites["small.trials"].tests == 1
    assert suites["small.trials"].errors == 0
    comment = (out / "pull-request.md").read_text()
    assert comment.startswith("<!-- ablations history: small -->\n### ✗ ")
    assert "brought to light:" in comment
    assert "comparisons with the commits before</summary>" in comment
    assert (out / "github-annotations.txt").read_text().count("::error ") == n
    badge = json.loads((out / "badge.json").read_text())
    assert badge["message"].endswith("checks failed")
    issues = json.loads((out / "gl-code-quality-report.json").read_text())
    assert [own["severity"] for own in issues].count("critical") == n
    assert not (out / "metrics.txt").exists()  # these are of findings


def test_formats_that_need_findings_are_refused_before_any_history_is_read(study_path: Path):
    name = study_path.name
    refused = call("check", name, "--format", "latex", "-o", "out")
    assert str(refused.exception) == (
        "there is no such format here. Received: --format latex. There are "
        f"{', '.join(named.OF_CHECKS)}."
    )
    assert "belong together" in call("check", name, "--format", "junit").output
    assert (
        "judges nothing"
        in call("check", name, "--self-test", "--format", "junit", "-o", "out").output
    )


def test_records_of_another_commit_or_of_changed_files_are_refused(study: str):
    options = train(study, "runs")
    Path("new.txt").write_text("x")
    commit("two")
    refused = call("add", study, *options)
    assert "was trained at the present commit" in str(refused.exception)
    assert "name the commit that they belong to with --commit" in str(refused.exception)
    assert call("add", study, *options, "--commit", "HEAD~1").exit_code == 0  # the cure
    again = call("add", study, *options, "--commit", "HEAD~1")
    assert again.stdout.startswith("0 of ")


def test_committed_reports_and_histories_do_not_make_a_commit_another(study: str, study_path: Path):
    Path(".gitignore").write_text("runs*\nreports/*/*\n!reports/*/report.json\n__pycache__\n")
    report = Path("reports", "small")
    report.mkdir(parents=True)
    (report / "report.json").write_text("{}")
    write_manifest(report)
    add = ("--history", "history")
    other = study_path.with_name("other.toml")
    other.write_text(study_path.read_text())
    commit("another study")
    train(study, "runs-then", *add)
    commit("what was measured")
    (module,) = study_path.parent.glob("*.py")
    module.write_text(module.read_text().replace("0.6 + ", "0.6 + 0.001 + "))
    commit("a change")
    train(study, "runs-now", *add)
    (report / "report.json").write_text("{ }")
    written = {line[3:] for line in git("status", "--porcelain").splitlines()}
    assert {Path(name).parts[0] for name in written} == {"reports", "history"}
    train(other.name, "runs-now", *add)
    module.write_text(module.read_text().replace("0.6 + ", "0.6 + 0.002 + "))
    refused = CliRunner().invoke(app, ["run", study, "--runs-dir", "runs-next", *add]).exception
    assert f"would be its result. Received: {module.name}. Commit them first" in str(refused)


def test_a_history_without_the_study_is_named_with_its_cure(study: str):
    refused = call("check", study)
    assert str(refused.exception) == (
        f"history holds no history of {Path(study).stem}. Received: no study. Begin one: ablations "
        f"history add {study}; or name its folder with --history."
    )
    thinned = call("compact", study, "--keep", "1")
    assert str(thinned.exception) == str(refused.exception)
    call("add", study, *train(study, "runs"))  # the cure
    assert call("check", study).exit_code == 3
    assert (
        "holds no history; 'ablations history add STUDY' begins one"
        in call("list", "--history", "other").stdout
    )


def test_a_commit_of_a_later_date_does_not_hide_the_present_one(study: str, monkeypatch):
    options, kept = train(study, "runs"), ("--history", ".git/kept")  # no checkout changes it
    call("add", study, *options, *kept)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-01-01T00:00:00Z")
    git("commit", "-q", "--allow-empty", "-m", "late")
    call("add", study, *options, *kept, "--commit", "HEAD")
    late = json.loads(call("check", study, *kept, "--json").stdout)
    assert late["commits"] == 2
    git("checkout", "-q", "HEAD~1")
    done = call("check", study, *kept, "--json")
    found = json.loads(done.stdout)
    assert (found["commits"], found["commit"] != late["commit"]) == (1, True)
    assert "1 of the commits left out: dated after the present one" in done.stderr
    assert call("check", study, *kept, "--json", "--self-test").exit_code == 2


def test_the_bare_command_lists_and_a_history_without_the_present_commit_says_so(study: str):
    call("add", study, *train(study, "runs"))
    bare = call()
    assert (bare.exit_code, bare.stdout) == (0, call("list").stdout)
    assert "lacks the present commit" not in call("check", study).stderr
    commit("two")
    done = call("check", study)
    assert "lacks the present commit, " in done.stderr
    assert "its newest one is judged" in done.stderr


def run(study: str, *words: str):
    shared = ("run", study, "--jobs", "1", "--no-report", "--seeds", "2")
    return CliRunner().invoke(app, [*shared, *words])


def test_a_run_adds_what_the_commit_measured(study: str):
    done = run(study, "--history", ".git/kept")
    assert done.exit_code == 0, done.stderr
    assert "8 of 8 lines are new in .git/kept/small" in done.stderr
    assert "0 of 8 lines are new" in run(study, "--history", ".git/kept").stderr
    (listed,) = json.loads(call("list", "--history", ".git/kept", "--json").stdout)
    assert (listed["commits"], listed["trials"]) == (1, 8)


def test_a_run_that_could_not_be_added_is_refused_before_it_trains(study: str, study_path: Path):
    head = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    study_path.write_text(study_path.read_text() + "\n")
    refused = run(study, "--history", ".git/kept")
    assert str(refused.exception) == (
        f"files differ from commit {head}, so that nothing would be its result. Received: "
        "small.toml. Commit them first, or have git ignore what is no part of the study, or leave "
        "out --history."
    )
    assert not Path("runs").exists()
    assert run(study).exit_code == 0  # one cure, whose records are of no commit
    commit("two")
    other = str(run(study, "--history", ".git/kept").exception)
    assert "8 trials of small have records of other commits" in other
    assert f"Received: commit {head} with changes. Train into a fresh folder: --runs-dir" in other
    fresh = run(study, "--history", ".git/kept", "--runs-dir", "runs-fresh")  # the other cure
    assert "8 of 8 lines are new" in fresh.stderr
    shard = run(study, "--history", ".git/kept", "--shard", "1/2")
    assert "--history takes a whole study" in shard.stderr
    Path("helper of mine.py").write_text("RATE = 0.1")
    assert "Received: helper of mine.py." in str(run(study, "--history", ".git/kept").exception)
    Path(".git/info/exclude").write_text("helper*")  # the cure where it is no part of the study
    assert run(study, "--history", ".git/kept", "--runs-dir", "runs-fresh").exit_code == 0


def test_a_run_with_a_failed_trial_adds_nothing(study: str, study_path: Path):
    study_path.write_text(study_path.read_text().replace("epochs = 2", "epochs = 2\nraise_at = 1"))
    commit("failing")
    done = run(study, "--history", ".git/kept")
    assert done.exit_code == 4
    assert "nothing is added to .git/kept: 4 trials missing or failed" in done.stderr
    assert not Path(".git/kept").exists()


def test_a_commit_whose_trials_all_failed_is_told_with_the_first_error(
    study: str, study_path: Path
):
    call("add", study, *train(study, "runs"))
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(
        module.read_text().replace("log):\n", "log):\n    raise ValueError('no layer')\n", 1)
    )
    commit("failing")
    failing = ("--seeds", "2", "--runs-dir", "runs-new")
    assert CliRunner().invoke(app, ["run", study, "--no-report", *failing]).exit_code == 4
    for words in (["add"], ["check"], ["check", "--json", "--format", "junit", "-o", "out"]):
        done = call(words[0], study, *words[1:], *failing)
        assert done.exit_code == 4, done.stderr
        assert "all 8 trials failed at commit " in done.stderr
        assert "ValueError: no layer" in done.stderr
    document = json.loads(done.stdout)
    assert (document["exit_code"], document["failed"]) == (4, 8)
    (suite,) = JUnitXml.fromfile("out/junit.xml")
    assert (suite.tests, suite.errors) == (1, 1)
    source = ("--records", "runs-new/small", "--seeds", "2")  # all of it is the present commit's
    commit("another")
    assert call("add", study, *source, "--commit", "HEAD").exit_code == 4
    assert call("check", study, *source).exit_code == 4
    assert call("check", study, "--seeds", "4").exit_code == 3  # what was measured before


def test_nothing_to_add_is_an_error(study: str):
    refused = call("add", study, "--commit", "HEAD", "--runs-dir", "none")
    assert "Received: no completed record" in str(refused.exception)


def test_the_self_test_needs_two_states(study: str):
    call("add", study, *train(study, "runs"))
    done = call("check", study, "--self-test")
    assert done.exit_code == 3
    assert "two commits with different results" in done.stderr
