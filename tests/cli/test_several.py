"""The commands on several studies that train in no time, by their stores and their records."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app

NAMES = ("one.toml", "two.toml", "three.toml")


def call(*words: str) -> object:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def trained_studies(
    trained_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Three studies that differ in what all of their trials share, trained."""
    folder = tmp_path_factory.mktemp("studies")
    text = (trained_folder / "small.toml").read_text().replace("training_once", "training_three")
    module = (trained_folder / "training_once.py").read_text()
    gain = 'settings.get("b", 0.0)'  # which differs from seed to seed here
    module = module.replace(gain, f'{gain} * draw * settings["epochs"]')
    (folder / "training_three.py").write_text(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.chdir(folder)
        for i, name in enumerate(NAMES):
            Path(name).write_text(text.replace("epochs = 2", f"epochs = {i + 1}"))
            assert call("run", name, "--jobs", "1", "--no-report").exit_code == 0
    yield folder
    sys.modules.pop("training_three", None)


@pytest.fixture
def studies(trained_studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `trained_studies`."""
    shutil.copytree(trained_studies, tmp_path, dirs_exist_ok=True)
    monkeypatch.delitem(sys.modules, "training_three", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_studies_are_combined_from_their_stores(studies: Path):
    done = call("synthesize", *NAMES)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("The studies together do not show the effect.\n")
    assert "It is not recorded which data all studies use" in done.stdout
    assert (studies / "reports" / "synthesis-one-two-three" / "index.html").is_file()


def test_studies_are_combined_from_a_folder_of_records(studies: Path):
    Path("records").mkdir()
    for name in NAMES:
        to = f"records/{Path(name).stem}.jsonl"
        assert call("export", name, "--to", to).exit_code == 0
    stored = call("synthesize", *NAMES, "--json")
    done = call("synthesize", *NAMES, "--json", "--records", "records", "--runs-dir", "none")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(stored.stdout)


def test_one_study_or_the_same_one_twice_is_refused_in_one_line(studies: Path):
    for words in (["one.toml"], ["one.toml", "one.toml"]):
        done = call("synthesize", *words)
        assert "a synthesis needs at least two studies" in str(done.exception)


def test_a_study_without_records_is_named_with_its_cure(studies: Path):
    done = call("synthesize", *NAMES, "--runs-dir", "none")
    assert str(done.exception) == (
        "one.toml has no records. Received: none/one/records.sqlite. "
        "Train it first: ablations run one.toml; or name its records with --records."
    )
    assert call("run", "one.toml", "--runs-dir", "none", "--jobs", "1").exit_code == 0
    assert "two.toml has no records" in str(
        call("synthesize", *NAMES, "--runs-dir", "none").exception
    )


def test_a_folder_that_lacks_a_study_is_named_with_it(studies: Path):
    Path("records").mkdir()
    assert call("export", "one.toml", "--to", "records/one.jsonl").exit_code == 0
    done = call("synthesize", *NAMES, "--records", "records")
    assert "Received: records, a folder without records of two (such as two.jsonl)." in str(
        done.exception
    )


def test_studies_are_compared_from_their_stores_and_from_a_folder_of_records(studies: Path):
    done = call("compare", *NAMES)
    assert done.exit_code == 0, done.stderr
    assert "The studies differ in 1 setting: epochs;" in done.stdout
    assert (studies / "reports" / "comparison-one-two-three" / "index.html").is_file()
    stored = call("compare", *NAMES, "--json")
    Path("records").mkdir()
    for name in NAMES:
        assert call("export", name, "--to", f"records/{Path(name).stem}.jsonl").exit_code == 0
    read = call("compare", *NAMES, "--json", "--records", "records", "--runs-dir", "none")
    assert json.loads(read.stdout) == json.loads(stored.stdout)


def test_a_state_is_read_with_the_study_before_it_and_may_come_first(studies: Path):
    assert call("export", "one.toml", "--to", "old records.jsonl").exit_code == 0
    for names in (["one.toml", "old records.jsonl"], ["old records.jsonl", "one.toml"]):
        done = call("compare", *names)
        assert done.exit_code == 0, done.exception
        assert done.stdout.startswith("All results are the same.\n")
        assert "settings of the states are the same." in done.stdout
    found = json.loads(call("compare", "old records.jsonl", "one.toml", "--json").stdout)
    assert [own["name"] for own in found["studies"]] == ["old records.jsonl", "one"]


def test_records_of_other_settings_are_a_state_whose_settings_are_shown(studies: Path):
    text = Path("one.toml").read_text()
    assert call("export", "one.toml", "--to", "old.jsonl").exit_code == 0
    Path("one.toml").write_text(text.replace("epochs = 1", "epochs = 4"))
    assert call("run", "one.toml", "--jobs", "1", "--no-report").exit_code == 0
    found = json.loads(call("compare", "old.jsonl", "one.toml", "--json").stdout)
    (own,) = found["settings"]
    assert (own["setting"], own["arms"]) == ("epochs", [])
    assert own["values"] == {"old.jsonl": 1, "one": 4}


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["one.toml"], "a comparison needs at least two studies, or two states of one. Received: "
         "one. Name two or more: study files, built-in studies, or records of another state."),
        (["one.toml", "one.toml"], "two of the studies or states have one name, so that no page can "
         "tell them apart. Received: one twice. Name each once, and rename one of the files where "
         "two have the same name."),
        (["x.jsonl"], "none of these is a study, and records are read as those of a study. Received: "
         "x.jsonl. Name the study file or built-in study as well: ablations compare STUDY x.jsonl."),
        (["two.toml", "empty.jsonl"], "empty.jsonl holds no records. Received: an empty file."),
        (["one.toml", "quickstart", "--records", "x.jsonl"], "Name the study that they are of"),
        (["one.toml", "on.toml"], "there is no such study file"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(studies: Path, names, line):
    assert call("export", "one.toml", "--to", "x.jsonl").exit_code == 0
    Path("empty.jsonl").write_text("")
    done = call("compare", *names)
    assert done.exit_code != 0
    assert line in str(done.exception)
