"""Studies of one name share no store and overwrite no report of each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ablations
from ablations.calls import run_study
from ablations.cli.app import app
from ablations.errors import AblationsError, StoreError, StudyError
from ablations.plan import load_study
from ablations.plan.variants import variant_name
from ablations.session import Session

TRAINING = """
def train(trial, log):
    value = {value} + trial.settings.get("gain", 0) + trial.settings.get("x", 0)
    log.metric("test_accuracy", value + trial.seed / 100, better="higher")


def check_settings(settings):
    pass
"""

STUDY = """
title = "{title}"

[trial]
run = "train_me:train"
settings = {{ x = 0.0, word = "a" }}

[factors.gain]
no = {{ gain = 0.0 }}
yes = {{ gain = 0.1 }}

[design]
seeds = 2
"""


def write(folder: Path, value: float, name: str = "study.toml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train_me.py").write_text(TRAINING.format(value=value))
    (folder / name).write_text(STUDY.format(title=folder.name))
    return folder / name


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two files of one name in two folders, the first of which has run and has its report."""
    monkeypatch.chdir(tmp_path)
    files = write(Path("a"), 0.2), write(Path("b"), 0.6)
    assert call("run", files[0], "--jobs", 1) == 0
    return files


def call(*arguments: object) -> int:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, AblationsError):
        raise done.exception
    return done.exit_code


def title(folder: str) -> str:
    return json.loads(Path(folder, "report.json").read_text())["title"]


@pytest.mark.parametrize("command", ["plan", "status", "report", "gate", "power", "run"])
def test_a_store_of_another_study_of_this_name_is_refused(two, command):
    refused = StudyError if command == "run" else StoreError
    with pytest.raises(refused) as caught:
        call(command, two[1])
    if command == "run":
        assert str(caught.value) == (
            "reports/study is the report of another study. Received: b/study.toml, and there a "
            "report of a/study.toml. Rename this study file, or name another folder with "
            "--reports-dir."
        )
    else:
        assert str(caught.value) == (
            "runs/study holds the records of another study. Received: b/study.toml, and there "
            "records of a/study.toml. Rename this study file, or name another folder with "
            "--runs-dir."
        )
    assert title("reports/study") == "a"


def test_each_cure_works_and_throws_nothing_away(two):
    assert call("run", two[1], "--runs-dir", "runs2", "--reports-dir", "reports2", "--jobs", 1) == 0
    assert (title("reports/study"), title("reports2/study")) == ("a", "b")
    with pytest.raises(StudyError, match="is the report of another study"):
        call("report", two[1], "--runs-dir", "runs2")
    renamed = two[1].rename("b/other.toml")
    assert call("run", renamed, "--jobs", 1) == 0
    assert (title("reports/study"), title("reports/other")) == ("a", "b")
    assert call("status", two[0]) == call("report", two[0]) == 0
    with pytest.raises(StoreError, match="Rename this study file"):
        run_study(load_study(write(Path("b"), 0.6)), jobs=0)


def test_records_from_a_file_need_no_store(two):
    assert call("export", two[0], "--to", "r.jsonl") == 0
    other = write(Path("b"), 0.2)
    assert call("gate", other, "--records", "r.jsonl") in (0, 3)
    assert call("report", other, "--records", "r.jsonl", "--reports-dir", "elsewhere") == 0


def test_a_study_that_moved_keeps_its_records_and_its_report(two, tmp_path):
    Path("c").mkdir()
    for name in ("study.toml", "train_me.py"):
        Path("a", name).rename(Path("c", name))
    assert call("run", "c/study.toml") == 0
    assert title("reports/study") == "a"
    write(Path("a"), 0.2)  # and from now on it is that of the new place
    with pytest.raises(StoreError, match=r"there records of c/study\.toml"):
        call("status", "a/study.toml")


def test_a_whole_tree_can_be_moved(two, tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    for name in ("a", "b", "runs", "reports"):
        shutil.move(name, tmp_path / "project" / name)
    write(Path("a"), 0.9)  # nothing of the old place counts
    monkeypatch.chdir(tmp_path / "project")
    assert call("run", "a/study.toml") == call("status", "a/study.toml") == 0
    with pytest.raises(StoreError, match="of another study"):
        call("status", "b/study.toml")


def test_a_store_of_an_earlier_version_belongs_to_whoever_runs_first(two):
    Path("runs/study/origin.json").unlink()
    assert call("status", two[0]) == call("status", two[1]) == 0
    assert call("run", two[0]) == 0
    with pytest.raises(StoreError):
        call("status", two[1])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"study": 5}', "\\udcff"])
def test_a_damaged_note_of_whose_a_store_is_stops_nobody(two, text):
    Path("runs/study/origin.json").write_text(text, errors="replace")
    assert call("run", two[0]) == 0
    assert json.loads(Path("runs/study/origin.json").read_text()) == {"study": "../../a/study.toml"}


def test_a_file_named_like_a_built_in_study_is_another_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = write(Path("a"), 0.2, "quickstart.toml")
    assert call("run", mine, "--jobs", 1) == 0
    with pytest.raises(
        StoreError, match=r"Received: built-in quickstart, and there records of a/q"
    ):
        call("status", "quickstart")
    built_in = Path(ablations.__file__).parent / "studies" / "quickstart.toml"
    assert load_study(built_in).file is load_study("quickstart").file is None


def test_overridden_settings_have_a_report_of_their_own(two):
    assert call("run", two[0], "--set", "x=0.3", "--jobs", 1) == 0
    assert title("reports/study") == "a"
    (own,) = Path("reports").glob("study-with-x-0-3-*")
    assert title(own) == "a (with x = 0.3)"
    assert (own / f"{own.name}.md").is_file()
    assert call("report", two[0], "--set", "x=0.0") == 0  # as the file has it
    assert len(list(Path("reports").iterdir())) == 2
    assert call("gate", two[0], "--set", "x=0.3", "--against", "reports") in (0, 1, 3)
    assert call("site", "-o", "site") == 0
    assert call("report", two[0], "--threads", 2) == 4  # of which there is no record
    assert title("reports/study") == "a"
    shutil.rmtree(next(Path("reports").glob("study-with-trial-threads-2-*")))
    assert call("run", two[0], "--seeds", 3, "--jobs", 1) == 0  # the same study, with more seeds
    assert json.loads(Path("reports/study/report.json").read_text())["trials"]["planned"] == 6
    assert len(list(Path("reports").iterdir())) == 2


def test_a_study_file_named_like_a_report_of_overridden_settings_replaces_none(two):
    assert call("run", two[0], "--set", "x=3", "--jobs", 1) == 0
    other = write(Path("a"), 0.2, "study-with-x-3.toml")
    with pytest.raises(StudyError, match="is the report of another study"):
        call("run", other, "--jobs", 1)


def test_a_report_finds_another_study_in_its_place_before_it_reads_records(two, monkeypatch):
    assert call("run", two[1], "--jobs", 1, "--runs-dir", "other", "--no-report") == 0
    with monkeypatch.context() as patched:
        patched.setattr(Session, "records", None)
        with pytest.raises(StudyError, match="is the report of another study"):
            call("report", two[1], "--runs-dir", "other")
    assert call("report", two[1], "--runs-dir", "other", "--reports-dir", "more") == 0  # its cure
    assert title("reports/study") == "a"


def test_names_of_overridden_settings_tell_them_apart():
    names = [
        variant_name(changed)
        for changed in (
            {"x": 1}, {"x": "1"}, {"x": 1.0}, {"x": True}, {"x": [1]}, {"x": -1}, {"x_1": 1},
            {"x": "a" * 300}, {"x": "a" * 301}, {"x": "../.."}, {"ü": "ß"}, {"x": "A"}, {"x": "a"},
        )
    ]  # fmt: skip
    assert names[0] == "x-1"
    assert len({*names}) == len(names)
    assert all(len(name) <= 70 and name.replace("-", "").isalnum() for name in names)
    assert all(name.isascii() and name == name.strip("-").lower() for name in names)


def test_a_report_elsewhere_names_no_folder(two, tmp_path_factory):
    far = tmp_path_factory.mktemp("far") / "x" / "y" / "reports"
    assert call("report", two[0], "--reports-dir", far) == 0
    text = (far / "study" / "report.json").read_text()
    assert json.loads(text)["origin"]["study"].startswith("elsewhere ")
    assert call("report", two[0], "--reports-dir", far) == 0
    with pytest.raises(StudyError, match="there a report of elsewhere "):
        call("run", two[1], "--runs-dir", "runs2", "--reports-dir", far)
