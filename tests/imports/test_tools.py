"""Each reader on what its tool wrote: the findings are those of the same trials recorded by us."""

from __future__ import annotations

import json
import lzma
import pickle
import shutil
import sqlite3
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ablations import load_study
from ablations.core.record import IMPORTED
from ablations.errors import StoreError
from ablations.records.tools import READERS, read_runs
from ablations.records.tools.encodings import protobuf
from ablations.records.tools.encodings.table import numbered_rows, rows_of
from ablations.records.tools.encodings.yaml import values_of
from ablations.session import Session
from tests.imports.comparing import (
    assert_same_findings,
    call,
    imported_findings,
    json_of,
    our_findings,
    refused,
)
from tests.imports.conftest import FIXTURES

FOLDERS = {
    "mlruns": ("mlruns-3.17.2.tar.xz", "mlflow", "", "float"),
    "wandb": ("wandb-0.31.0.tar.xz", "wandb", "", "float"),
    "keras": ("keras-3.15.1.tar.xz", "keras", "", "float"),
    "lightning": ("lightning-2.6.6.tar.xz", "lightning", "torch", "float"),
    "transformers": ("transformers-5.24.0.tar.xz", "transformers", "accelerate", "float"),
    "torch": ("torch-2.13.0.tar.xz", "torch", "tensorboard", "np.float32"),
    "tensorboard": ("tensorflow-2.21.0.tar.xz", "tensorboard", "tensorflow", "np.float32"),
}
"""Each folder of runs: its fixture, the tool, what else it takes to write it, its numbers."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Our own findings by the kind of numbers."""
    folder = tmp_path_factory.mktemp("ours")
    return {kind: our_findings(folder, kind) for kind in ("float", "np.float32")}


def without(folder: str) -> str:
    """The metric that is another one there: that of a network which learns nothing."""
    return "loss" if folder == "transformers" else ""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_gives_the_findings_of_the_same_trials(unpacked, ours, folder):
    fixture, _, _, kind = FOLDERS[folder]
    found = imported_findings(unpacked(fixture, folder).name)
    assert_same_findings(found, ours[kind], without=without(folder))


@pytest.mark.parametrize("folder", FOLDERS)
def test_so_does_what_is_written_now(written_anew, ours, folder):
    _, tool, needs, kind = FOLDERS[folder]
    written_anew(tool, f"file:{folder}" if folder == "mlruns" else folder, needs=needs)
    assert_same_findings(imported_findings(folder), ours[kind], without=without(folder))


def test_every_kind_of_source_has_a_fixture(unpacked):
    kinds = {read_kind(unpacked(fixture, folder).name) for folder, (fixture, *_) in FOLDERS.items()}
    assert kinds | {"optuna", "csv"} == {reader.kind for reader in READERS}


def read_kind(source: str) -> str:
    (reader,) = {own for own in READERS if own.takes(source)}
    return reader.kind


class TestOptuna:
    def test_values_of_categories_are_choices_and_pruned_is_not_failed(self, unpacked, ours):
        unpacked("optuna-5.0.0.db.xz", "optuna.db")
        call("import", "optuna.db", "--suggest", "-o", "s.toml")
        text = Path("s.toml").read_text()
        assert 'value = { of = "value", unit = "number", better = "higher" }' in text
        named = text.replace('value = { of = "value", unit = "number"',
                             'test_accuracy = { of = "value", unit = "fraction"')  # fmt: skip
        Path("s.toml").write_text(named.replace('metric = "value"', 'metric = "test_accuracy"'))
        found = json_of("import", "sqlite:///optuna.db", "--map", "s.toml")
        assert (found["completed"], found["failed"]) == (12, 0)
        assert [own["why"] for own in found["left_out"]] == [
            "it was pruned, so its last values are no results"
        ]
        session = Session(load_study("s.toml"))
        findings = session.findings(session.records())
        assert [e.estimate for e in findings.effects] == pytest.approx(
            [e.estimate for e in ours["float"].effects], abs=1e-12
        )
        assert findings.environments[0][0][IMPORTED] == "Optuna 5.0.0"

    def test_it_is_the_same_when_written_now(self, written_anew, tmp_path):
        written_anew("optuna", f"sqlite:///{tmp_path}/optuna.db")
        call("import", "optuna.db", "--suggest", "-o", "s.toml")
        assert json_of("import", "optuna.db", "--map", "s.toml")["completed"] == 12

    def test_a_failed_and_an_infinite_trial(self, unpacked):
        path = unpacked("optuna-5.0.0.db.xz", "optuna.db")
        with sqlite3.connect(path) as database:
            database.execute("UPDATE trials SET state = 'FAIL' WHERE number = 0")
            database.execute("UPDATE trials SET state = 'RUNNING' WHERE number = 1")
            database.execute("UPDATE trials SET state = 'WAITING' WHERE number = 2")
            database.execute("UPDATE trial_values SET value = NULL, value_type = 'INF_POS' "
                             "WHERE trial_id = 4")  # fmt: skip
        database.close()
        runs = {run.name: run for run in read_runs("optuna.db", None)}
        assert [runs[name].state for name in "01"] == ["failed", "running"]
        assert "2" not in runs
        assert runs["3"].series["value"] == ((0, float("inf")),)


class Answers(BaseHTTPRequestHandler):
    """Answers what a real server answered."""

    known: dict[str, str]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        answer = self.known.get(f"{self.path} {body}")
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        self.wfile.write((answer or "").encode())

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    kept = (FIXTURES / "mlflow-server-3.17.2.json.xz").read_bytes()
    Answers.known = json.loads(lzma.decompress(kept))
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_a_server_of_mlflow_is_asked_over_its_interface(server, ours):
    found = imported_findings(server)
    assert_same_findings(found, ours["float"])
    assert found.environments[0][0][IMPORTED] == "MLflow 3.17.2"


def test_a_server_that_is_none_or_not_there_is_one_line(server):
    Answers.known = {"/version ": "3"}
    line = refused("import", server, "--suggest")
    assert "does not answer as an MLflow server does. Received: 404 Not Found. Check the" in line
    Answers.known['/api/2.0/mlflow/experiments/search {"max_results": 1000}'] = "<html>"
    assert "Received: an answer of another kind." in refused("import", server, "--suggest")
    assert "Received: " in refused("import", "http://127.0.0.1:9/", "--suggest")


def test_pickles_are_never_opened(unpacked):
    folder = unpacked(FOLDERS["transformers"][0], "transformers")
    poison = pickle.dumps(Poison())
    for path in [*folder.rglob("trainer_state.json")]:
        (path.parent / "training_args.bin").write_bytes(poison)
    assert len(read_runs("transformers", None)) == 12
    assert not Path("opened").exists()


class Poison:
    def __reduce__(self):
        return Path.touch, (Path("opened"),)


def test_a_training_that_did_not_end_still_runs(unpacked):
    folder = unpacked(FOLDERS["transformers"][0], "transformers")
    one = folder / "augment=True,base=none" / "seed=0"
    (one / "trainer_state.json").unlink()  # the one of the whole training; a checkpoint is left
    states = {run.name: run.state for run in read_runs("transformers", None)}
    assert states.pop("augment=True,base=none/seed=0") == "running"
    assert {*states.values()} == {"finished"}


def test_an_offline_run_that_did_not_end_still_runs(unpacked):
    folder = unpacked(FOLDERS["wandb"][0], "wandb")
    first, second, third, *_ = sorted(folder.rglob("*.wandb"))
    content = first.read_bytes()
    first.write_bytes(content[:-30])  # without the record of its end
    failed = second.read_bytes()
    second.write_bytes(failed[:200] + b"\xff" + failed[201:])  # damaged on the way
    third.write_bytes(b"")
    line = refused("import", "wandb", "--suggest")
    assert f"{third.relative_to(folder.parent)} cannot be read. Received: b''. Move it away" in line
    third.unlink()
    states = [run.state for run in read_runs("wandb", None)]
    assert sorted(states) == ["finished"] * 9 + ["running"] * 2


def test_event_files_are_read_up_to_where_they_were_cut(unpacked):
    folder = unpacked(FOLDERS["torch"][0], "torch")
    path = max(folder.glob("run0/events*"), key=lambda own: own.stat().st_size)
    whole = {run.name: run for run in read_runs("torch", None)}["run0"].series["loss/train"]
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    cut = {run.name: run for run in read_runs("torch", None)}["run0"].series
    assert len(cut["loss/train"]) == len(whole) == 3
    assert len(cut["accuracy/val"]) == 2
    path.write_bytes(content[:60] + b"\xff" + content[61:])
    assert "accuracy/val" not in {r.name: r for r in read_runs("torch", None)}["run0"].series


def test_rows_that_are_still_being_written_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("epoch,val_accuracy\n2,0.5\n0,0.25\n1,0.375\n2,0.625\n3,0.7")
    (run,) = read_runs("a.csv", None)
    assert run.series["val_accuracy"] == ((0, 0.25), (1, 0.375), (2, 0.625))


@pytest.mark.parametrize("damage", ["x", "1795796103415 0.7\n", "1 x 3\n"])
def test_a_half_written_run_of_mlruns(unpacked, damage):
    folder = unpacked(FOLDERS["mlruns"][0], "mlruns")
    path = next(folder.rglob("metrics/test/acc"))
    path.write_text(damage)
    shutil.copytree(path.parents[2], path.parents[3] / "begun", ignore=lambda *_: ["meta.yaml"])
    if damage == "1 x 3\n":
        assert "Move the folder of this run away" in refused("import", "mlruns", "--suggest")
        return
    runs = read_runs("mlruns", None)
    assert len(runs) == 12
    assert sum("test/acc" in run.series for run in runs) == (11 if damage == "x" else 12)


def test_a_folder_with_runs_of_several_tools_asks_for_one(unpacked):
    unpacked(FOLDERS["keras"][0])
    unpacked(FOLDERS["wandb"][0])
    line = refused("import", ".", "--suggest")
    assert line == (
        ". holds runs of several tools. Received: Weights & Biases, Keras CSVLogger. Name one of "
        "them: --from wandb or --from keras-csv."
    )
    call("import", ".", "--suggest", "--from", "wandb", "-o", "s.toml")
    assert json_of("import", ".", "--from", "wandb", "--map", "s.toml")["completed"] == 12


def test_a_folder_that_was_copied_has_runs_of_two_names(unpacked):
    folder = unpacked(FOLDERS["wandb"][0], "wandb")
    one = next(folder.rglob("*.wandb"))
    shutil.copytree(one.parent, folder / "zz-copy")
    names = [run.name for run in read_runs("wandb", None)]
    assert len({*names}) == len(names) == 13
    call("import", "wandb", "--suggest", "-o", "s.toml")
    line = refused("import", "wandb", "--map", "s.toml")
    (copy,) = [name for name in names if name.endswith(" (2)")]
    assert f"{copy.removesuffix(' (2)')}; {copy}." in line
    text = Path("s.toml").read_text()
    Path("s.toml").write_text(text.replace("[import]", f"[import]\nexclude = ['{copy}']"))
    assert json_of("import", "wandb", "--map", "s.toml")["completed"] == 12


def test_links_and_hidden_folders_are_not_followed(unpacked):
    folder = unpacked(FOLDERS["keras"][0], "keras")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    shutil.copytree(folder / "augment=True,base=none", folder / ".trash")
    assert len(read_runs("keras", None)) == 12


def test_names_of_any_writing_system(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        for level in ("无", "増強 🐈"):
            path = Path(f"läufe/增强={level}/seed={seed}/training.log")
            path.parent.mkdir(parents=True)
            path.write_text(f"epoch,val/äcc,loss\n0,0.5,1\n1,0.{6 + seed},0.5\n", encoding="utf-8")
    call("import", "läufe", "--suggest", "-o", "s.toml")
    assert json_of("import", "läufe", "--map", "s.toml")["completed"] == 4
    assert load_study("s.toml").arms[0].name == "增强=増強 🐈"


def test_messages_that_are_cut_short_are_refused():
    for message in (b"\x08", b"\x12\x05ab", b"\x0b", b"\x80" * 12):
        with pytest.raises(ValueError, match=r"cut short|kind"):
            list(protobuf.fields(message))
    assert protobuf.whole((1 << 64) - 1) == -1
    assert protobuf.floats(struct.pack("<2d", 0.5, 1.5), "d") == (0.5, 1.5)


def test_objects_of_python_in_yaml_stay_text():
    text = (
        "a: !!python/object/apply:os.system ['touch x']\nb:\n- 1\n- 2\n\"c d\": 'it''s'\n# e: 1\n"
    )
    assert values_of(text) == {
        "a": "!!python/object/apply:os.system ['touch x']", "c d": "it's",
    }  # fmt: skip


def test_tables_with_semicolons_and_byte_order_marks(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffa;b\n1;x,y\n2\n".encode())
    path = tmp_path / "t.csv"
    assert rows_of(path, whole_lines=True) == [{"a": "1", "b": "x,y"}]
    with pytest.raises(StoreError, match=r"Received: line 3 has 1 cells, and the heading 2. Mend"):
        rows_of(path)  # of a table nothing is left out silently
    path.write_text('a,b\n\n1,"x\ny"\n2,z\n')
    assert [line for line, _ in numbered_rows(path)] == [3, 5]
