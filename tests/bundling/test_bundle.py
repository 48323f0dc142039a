"""A study in one file: the same bytes again, all of it described, and its trials train from it alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.bundling.archive import SUMS, archived, differences, read_archive
from ablations.cli.app import app
from ablations.errors import AblationsError, StoreError

Files = dict[str, bytes]


def call(*words: str) -> object:
    return CliRunner().invoke(app, list(words))


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained study with a module that its training function imports, in a repository, bundled."""
    folder = tmp_path_factory.mktemp("bundled") / "project"
    shutil.copytree(trained_folder, folder, ignore=shutil.ignore_patterns("reports", "__pycache__"))
    (folder / "helping.py").write_text("import json\n")
    (folder / "unrelated.py").write_text("")
    module = folder / "training_once.py"
    module.write_text(f"import helping\n{module.read_text()}")
    (folder / ".gitignore").write_text("runs\n__pycache__\n*.zip\n*.jsonl\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = call("bundle", "small.toml", "-o", "b.zip", "--author", "Ada, L.")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def bundled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The files of the bundle; the working folder is that of the study."""
    monkeypatch.chdir(folder)
    return read_archive(Path("b.zip"))


@pytest.fixture
def copied(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study's folder, in which a test may change what it wants."""
    shutil.copytree(folder, tmp_path / "deeper" / "place")
    monkeypatch.chdir(tmp_path / "deeper" / "place")
    return Path.cwd()


def test_equal_studies_give_equal_bytes_wherever_they_lie(folder: Path, copied: Path):
    done = call("bundle", "small.toml", "-o", "again.zip", "--author", "Ada, L.")
    assert done.exit_code == 0, done.output
    assert Path("again.zip").read_bytes() == (folder / "b.zip").read_bytes()


def test_a_bundle_is_checked_and_its_trials_train_from_it_alone(
    bundled: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copy("b.zip", tmp_path)
    monkeypatch.chdir(tmp_path)
    checked = call("verify", "b.zip")
    assert checked.exit_code == 0, checked.output
    assert f"{len(bundled) - 1} files are as they were bundled" in checked.stderr
    again = call("verify", "b.zip", "--rerun", "2", "--jobs", "1", "--json")
    assert again.exit_code == 0, again.output
    assert [own["status"] for own in json.loads(again.stdout)["trials"]] == ["equal", "equal"]
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_the_code_that_trains_is_there_and_no_other(bundled: Files):
    own = {name for name in bundled if name.startswith("study/")}
    assert own == {"study/helping.py", "study/small.toml", "study/training_once.py"}
    state = json.loads(bundled["git/state.json"])
    assert len(state["commit"]) == 40
    assert "git/changes.diff" not in bundled
    assert b"pytest==" in bundled["environment.txt"]


def test_what_a_reader_would_stumble_over_is_said(copied: Path):
    Path("training_once.py").write_text(
        f"import nowhere_to_be_found\n{Path('training_once.py').read_text()}"
    )
    records = Path("records.jsonl").read_text().splitlines(keepends=True)
    Path("records.jsonl").write_text("".join(records[:-1]))
    words = ("--records", "records.jsonl", "--author", "A")
    module = sys.modules["nowhere_to_be_found"] = types.ModuleType("nowhere_to_be_found")
    done = call("bundle", "small.toml", "-o", "c.zip", *words)
    del sys.modules[module.__name__]
    assert done.exit_code == 0, done.output
    assert "11 of 12 trials have completed" in done.stderr
    assert "neither in the bundle nor installed: nowhere_to_be_found" in done.stderr
    assert "and the records name none: ablations rerun" in done.stderr


def test_changes_that_are_not_committed_are_in_it_and_are_said(copied: Path):
    with Path("small.toml").open("a") as file:
        file.write("# a remark\n")
    done = call("bundle", "small.toml", "-o", "b.zip", "--author", "Ada")
    assert "git/changes.diff holds changes that are not committed" in done.stderr
    files = read_archive(Path("b.zip"))
    assert b"+# a remark" in files["git/changes.diff"]
    assert json.loads(files["git/state.json"])["changed"] == ["small.toml"]


def test_the_crate_describes_each_file_and_refers_to_nothing_else(bundled: Files):
    graph = {own["@id"]: own for own in json.loads(bundled["ro-crate-metadata.json"])["@graph"]}
    described = {name for name, own in graph.items() if own["@type"] == "File"}
    assert described == bundled.keys() - {"ro-crate-metadata.json", SUMS}
    parts = {own["@id"] for own in graph["./"]["hasPart"]}
    assert parts == described
    action = graph["#training"]
    assert graph[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
    assert {own["@id"] for own in action["object"]} <= described
    assert action["result"]["@id"] == "records.jsonl"
    assert action["startTime"] <= action["endTime"]
    assert graph["./"]["author"] == {"@id": "#author-1"}
    assert graph["./"]["license"] == "No license was given: ask the authors."


def test_a_file_that_is_no_bundle_is_not_replaced(copied: Path):
    Path("thesis.zip").write_bytes(b"years of work")
    refused = call("bundle", "small.toml", "-o", "thesis.zip", "--author", "A")
    assert str(refused.exception) == (
        "thesis.zip is there already and is no bundle, so it is not replaced. Received: a file of "
        "13 bytes. Name another file with -o, or delete this one."
    )
    assert Path("thesis.zip").read_bytes() == b"years of work"


def test_a_license_is_linked_and_cited(copied: Path):
    words = ("--author", "Ada", "--author", "Bob", "--license", "CC-BY-4.0")
    assert call("bundle", "small.toml", "-o", "b.zip", *words).exit_code == 0
    files = read_archive(Path("b.zip"))
    assert b'license: "CC-BY-4.0"' in files["CITATION.cff"]
    zenodo = json.loads(files[".zenodo.json"])
    assert (zenodo["license"], [own["name"] for own in zenodo["creators"]]) == (
        "cc-by-4.0", ["Ada", "Bob"],
    )  # fmt: skip
    graph = json.loads(files["ro-crate-metadata.json"])["@graph"]
    assert {"@id": "https://spdx.org/licenses/CC-BY-4.0"} in [own.get("license") for own in graph]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_reads_the_list(bundled: Files, tmp_path: Path):
    with zipfile.ZipFile("b.zip") as archive:
        archive.extractall(tmp_path / "out")
    command = ["sha256sum", "--check", "--strict", "--quiet", SUMS]
    assert subprocess.run(command, cwd=tmp_path / "out", check=False).returncode == 0


def change(files: Files, name: str) -> None:
    files[name] = b"x"


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda files: change(files, "records.jsonl"), "records.jsonl differs from its checksum"),
        (lambda files: files.pop("bundle.json"), "bundle.json is missing"),
        (lambda files: change(files, "more.py"), "more.py is not in SHA256SUMS"),
    ],
)
def test_what_was_changed_is_named_and_nothing_of_it_is_run(
    bundled: Files, damage: Callable[[Files], object], line: str
):
    damage(bundled)
    with zipfile.ZipFile("c.zip", "w") as archive:
        for name, content in bundled.items():
            archive.writestr(name, content)
    done = call("verify", "c.zip", "--rerun", "1")
    assert (done.exit_code, done.stdout) == (1, f"{line}\n")
    document = json.loads(call("verify", "c.zip", "--json").stdout)
    assert document == {"equal": False, "differences": [line]}


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\..\\out"])
def test_a_file_that_lies_outside_is_refused(tmp_path: Path, name: str):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(StoreError, match="is no bundle that is safe to read"):
        read_archive(path)


def test_what_is_no_bundle_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("a.zip").write_bytes(b"PK nothing")
    assert "a.zip cannot be read as a bundle. Received:" in str(call("verify", "a.zip").exception)
    with zipfile.ZipFile("b.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    assert str(call("verify", "b.zip").exception) == (
        "this is no bundle, as it has no SHA256SUMS. Received: a.txt. Name a file that 'ablations "
        "bundle' wrote."
    )
    assert differences(read_archive_of({"bundle.json": b"[]"})) == ()
    Path("c.zip").write_bytes(archived({"bundle.json": b"[]"}))
    refused = call("verify", "c.zip", "--rerun", "1").exception
    assert isinstance(refused, AblationsError)
    assert "does not name its study and its records. Received: []." in str(refused)


def read_archive_of(files: Files) -> Files:
    Path("x.zip").write_bytes(archived(files))
    return read_archive(Path("x.zip"))


def test_without_an_author_the_cure_works(copied: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    Path("b.zip").unlink()
    refused = call("bundle", "small.toml", "-o", "b.zip")
    assert "and none is known" in str(refused.exception)
    assert '--author "Family, Given"' in str(refused.exception)
    assert not Path("b.zip").exists()
    done = call("bundle", "small.toml", "-o", "b.zip", "--author", "Family, Given")
    assert done.exit_code == 0, done.output


def test_a_study_without_a_record_is_refused_and_training_helps(study_path: Path):
    words = (study_path.name, "-o", "b.zip", "--author", "A")
    refused = call("bundle", *words, "--runs-dir", "none")
    assert "there is nothing to bundle of small" in str(refused.exception)
    assert (
        call("run", study_path.name, "--jobs", "1", "--no-report", "--runs-dir", "none").exit_code
        == 0
    )
    done = call("bundle", *words, "--runs-dir", "none")
    assert done.exit_code == 0, done.output
    checklist = read_archive(Path("b.zip"))["neurips-checklist.md"].decode()
    assert "differ in test accuracy by different amounts, and 3 seeds of this study" in checklist


def test_overrides_are_part_of_a_bundle(study_path: Path):
    own = ("--seeds", "2", "--set", "epochs=3", "--runs-dir", "runs3")
    assert call("run", study_path.name, "--jobs", "1", "--no-report", *own).exit_code == 0
    assert call("bundle", study_path.name, "-o", "b.zip", "--author", "A", *own).exit_code == 0
    options = json.loads(read_archive(Path("b.zip"))["bundle.json"])["options"]
    assert options == ["--set", "epochs=3", "--seeds", "2"]
    again = call("verify", "b.zip", "--rerun", "1", "--jobs", "1")
    assert again.exit_code == 0, again.output
