"""The command ``synthesize`` on studies that train in no time, by their stores and their records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app

NAMES = ("one.toml", "two.toml", "three.toml")


def call(*words: str) -> object:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def studies(study_path: Path) -> Path:
    """Three studies that differ in what all of their trials share, trained."""
    text = study_path.read_text()
    (module,) = study_path.parent.glob("*.py")  # its gains differ from seed to seed
    gain = 'settings.get("b", 0.0)'
    module.write_text(module.read_text().replace(gain, f'{gain} * draw * settings["epochs"]'))
    for i, name in enumerate(NAMES):
        (study_path.parent / name).write_text(text.replace("epochs = 2", f"epochs = {i + 1}"))
        assert call("run", name, "--jobs", "1", "--no-report").exit_code == 0
    return study_path.parent


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
        "a study of the synthesis has no records. Received: one.toml, none/one/records.sqlite. "
        "Train it first: ablations run one.toml; or name its records with --records."
    )
    assert call("run", "one.toml", "--runs-dir", "none", "--jobs", "1").exit_code == 0
    assert "Received: two.toml" in str(call("synthesize", *NAMES, "--runs-dir", "none").exception)


def test_a_folder_that_lacks_a_study_is_named_with_it(studies: Path):
    Path("records").mkdir()
    assert call("export", "one.toml", "--to", "records/one.jsonl").exit_code == 0
    done = call("synthesize", *NAMES, "--records", "records")
    assert "Received: records, a folder without records of two." in str(done.exception)
