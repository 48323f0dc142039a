"""What a user may name as a source by mistake: it is refused, and nothing is lost by the cure."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import run_study
from ablations.cli.app import app
from ablations.core.study import Study
from ablations.errors import StoreError
from ablations.records.exports import write_jsonl
from ablations.records.readers import read_records_of, read_source
from ablations.records.readers.jsonl import read_jsonl
from ablations.session import Session

CLI = CliRunner()


@pytest.fixture
def lines(study: Study, tmp_path: Path) -> Path:
    """The study's records as JSON lines without checksums, as from another tool."""
    write_jsonl(run_study(study, jobs=0), tmp_path / "good.jsonl")
    path = tmp_path / "lines.jsonl"
    path.write_text(re.sub(r',"checksum":"[^"]*"', "", (tmp_path / "good.jsonl").read_text()))
    return path


def changed(path: Path, **values: object) -> None:
    """Gives all records of a file these values."""
    records = [json.loads(line) | values for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_store_or_lines_of_any_name_are_what_they_hold(study, lines, tmp_path):
    shutil.copy(Session(study).store.path, tmp_path / "st.db")
    shutil.copy(lines, tmp_path / "lines.json")
    for name in ("st.db", "lines.json", "lines.jsonl"):
        assert len(read_records_of(name, study)) == 12
    done = CLI.invoke(app, ["repair", "st.db"])
    assert (done.exit_code, "st.db is sound: 12 records" in done.stdout) == (0, True)


@pytest.mark.parametrize("name", ["notes.py", "report.json", "table.csv", "nothing.jsonl"])
def test_repair_leaves_what_holds_no_record(study, tmp_path, name):
    path = tmp_path / name
    path.write_text("" if name == "nothing.jsonl" else '{\n "a": 1,\n}\n')
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        read_records_of(name, study)
    assert "repair" not in str(error.value)
    done = CLI.invoke(app, ["repair", name])
    assert isinstance(done.exception, StoreError)
    assert "holds no line that is a sound record, so it was left as it is" in str(done.exception)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.damaged*"))


def test_lines_of_a_later_version_are_not_taken_for_damage(study, lines):
    changed(lines, schema_version=99)
    before = lines.read_bytes()
    with pytest.raises(StoreError, match=r"by a later version of ablations.*Update ablations"):
        read_records_of(str(lines), study)
    done = CLI.invoke(app, ["repair", str(lines)])
    assert "by a later version of ablations" in str(done.exception)
    assert lines.read_bytes() == before


@pytest.mark.parametrize("change", [{"settings": {"epochs": 7}}, {"data": "other"}])
def test_a_record_that_is_not_of_the_trial_that_its_key_names_is_refused(study, lines, change):
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    records[0] |= change
    lines.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(StoreError, match=r"other facts|records of different data"):
        Session(study, source=lines).records()
    lines.write_text("".join(json.dumps(record) + "\n" for record in records[1:]))
    assert len(Session(study, source=lines).records()) == 11


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"steps": [[1, -2]]}, "steps must be finite and at least 0"),
        ({"epochs": [{"": 1.0}]}, "the name of a metric is blank"),
        ({"epochs": [{"n" * 500: 1.0}]}, "may have 200 characters"),
        (
            {"metrics": [{"name": "", "value": 1.0, "unit": "number", "better": "neither"}]},
            "log.metric: the name is blank",
        ),
        (
            {"predictions": [{"split": "t", "labels": [-5], "probabilities": [[0.5, 0.5]]}]},
            "labels must be whole numbers from 0",
        ),
        (
            {"predictions": [{"split": "t", "labels": [0], "probabilities": [[2.0, 3.0]]}]},
            "probabilities must be of 0 to 1",
        ),
    ],
)
def test_what_no_training_function_may_report_no_file_may_hold(lines, change, problem):
    changed(lines, **change)
    with pytest.raises(StoreError, match=problem):
        read_jsonl(lines)


def test_the_cure_for_a_committed_file_is_a_copy_and_its_repair(study, lines, tmp_path):
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    text = lines.read_text()
    lines.write_text(text[:-40])
    git("init", "-q")
    git("add", lines.name)
    git("commit", "-qm", "records")
    with pytest.raises(StoreError) as error:
        read_records_of("HEAD:lines.jsonl", study)
    assert "/tmp" not in str(error.value).replace(str(tmp_path), "")
    copy = re.search(r"'(git show [^']*)'", str(error.value))[1]
    repair = re.search(r"'ablations (repair [^']*)'", str(error.value))[1]
    subprocess.run(copy, shell=True, check=True)
    assert CLI.invoke(app, shlex.split(repair)).exit_code == 4
    assert len(read_records_of("committed-lines.jsonl", study)) == 11
    assert lines.read_text() == text[:-40]


def test_a_device_is_no_source(study):
    with pytest.raises(StoreError, match=r"no records or findings to read. Received: /dev/zero"):
        read_records_of("/dev/zero", study)


@pytest.mark.parametrize("revision", ["main", "origin/main"])
def test_a_branch_that_a_shallow_clone_lacks_is_fetched_by_the_cure(
    study: Study, tmp_path: Path, monkeypatch, revision
):
    def git(folder: Path, *words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    (origin := tmp_path / "origin").mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "commit", "-q", "--allow-empty", "-m", "one")
    git(origin, "branch", "pull")
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=pull", f"file://{origin}", "clone")
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(StoreError, match="invalid object name") as caught:
        read_source(f"{revision}:report.json", study)
    cure = re.findall(r"fetch it: (git fetch \S+ \S+ \S+)\. ", str(caught.value))
    subprocess.run(shlex.split(cure[0]), check=True, capture_output=True)
    with pytest.raises(StoreError, match=r"path 'report\.json' does not exist") as second:
        read_source(f"{revision}:report.json", study)
    assert "fetch" not in str(second.value)
