"""Files of records that are damaged, cut short, locked or may not be written."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.core.record import Metric
from ablations.errors import StoreError
from ablations.files import replaced_file
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite import connections, store
from ablations.records.sqlite.repair import repair
from ablations.records.sqlite.store import Store

CLI = CliRunner()


def _bench():
    path = Path(__file__).parents[2] / "bench" / "damage.py"
    spec = spec_from_file_location("damage", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DAMAGE = _bench()
RECORDS = DAMAGE.written()[:4]


@pytest.fixture
def whole(tmp_path: Path) -> Store:
    found = Store(tmp_path / "runs" / "s" / "records.sqlite")
    for record in RECORDS:
        found.append(record)
    return found


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_no_mutated_file_of_lines_is_read_as_something_else(tmp_path: Path):
    counts = DAMAGE.damage_lines(20, 3, tmp_path)
    assert set(counts) <= {"refused", "fewer", "same"}
    assert counts["refused"] > 40


def test_no_damaged_store_is_read_as_something_else_and_repair_keeps_what_is_sound(tmp_path: Path):
    read, repaired = DAMAGE.damage_stores(25, tmp_path, seed=1)
    assert set(read) <= {"refused", "same"}
    assert set(repaired) <= {"sound", "all kept", "some kept"}
    assert read["refused"] > 15


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"metrics": [{"name": "m", "value": "0.5"}]}, "metrics[0].value: input should be a valid"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0 (-1)"),
        ({"seed": True}, "seed: input should be a valid integer (True)"),
        ({"arm": {"a": ["on"]}}, "arm.a: input should be a valid string"),
        ({"started_at": "yesterday"}, "started_at: Invalid isoformat string: 'yesterday'"),
        ({"seconds": 1e300}, "started_at: "),
        ({"reason": "raised"}, "status: completed with the reason raised"),
        ({"colour": 1}, "colour: extra inputs are not permitted (1)"),
        ({"steps": [[0.1, None]]}, "steps[0]: should hold finite numbers only"),
        ({"epochs": [[1]]}, "epochs[0]: input should be a valid dictionary"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_its_field(tmp_path: Path, change, problem):
    path = tmp_path / "r.jsonl"
    write_jsonl(RECORDS[:2], path)
    good, bad = path.read_text().splitlines()
    values = json.loads(bad)
    del values["checksum"]
    if "metrics" in change:
        change = {"metrics": [values["metrics"][0] | change["metrics"][0]]}
    path.write_text(f"{good}\n{json.dumps({**values, **change})}\n")
    with pytest.raises(StoreError) as error:
        read_jsonl(path)
    text = str(error.value)
    assert text.startswith(f"{path}, line 2, is not a run record. Received: ")
    assert problem in text
    assert CLI.invoke(app, ["repair", str(path)]).exit_code == 4  # the cure
    assert [record.key for record in read_jsonl(path)] == [RECORDS[0].key]
    assert len(Path(f"{path}.damaged").read_text().splitlines()) == 2


def test_a_value_that_was_changed_since_the_export_is_noticed(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    write_jsonl(RECORDS[:1], path)
    text = path.read_text()
    path.write_text(text.replace('"seconds":60.0', '"seconds":61.0'))
    with pytest.raises(StoreError, match="the checksum is that of another text"):
        read_jsonl(path)
    values = json.loads(text)
    del values["checksum"]  # of one's own, or from another tool
    path.write_text(json.dumps(values))
    assert len(read_jsonl(path)) == 1


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"no database " * 500])
def test_a_store_of_nothing_is_damaged_and_the_cure_makes_a_new_one(whole: Store, content: bytes):
    whole.path.write_bytes(content)
    for look in (whole.outcomes, whole.records, whole.descriptions):
        with pytest.raises(StoreError, match="is damaged, or no record file"):
            look()
    with pytest.raises(StoreError, match="is damaged, or no record file"):
        whole.append(replace(RECORDS[0], key="new"))
    assert whole.path.read_bytes() == content
    assert CLI.invoke(app, ["repair", str(whole.path)]).exit_code == 0
    assert whole.path.with_name("records.sqlite.damaged").read_bytes() == content
    whole.append(RECORDS[0])
    assert len(whole.records()) == 1


def test_a_store_cut_short_keeps_what_can_be_read(tmp_path: Path):
    path = tmp_path / "records.sqlite"
    many = [replace(r, key=f"{n}-{r.key}") for n in range(8) for r in DAMAGE.written()]
    for record in many:
        Store(path).append(record)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 2 // 3])
    with pytest.raises(StoreError, match=f"ablations repair {path}"):
        Store(path).records()
    done = CLI.invoke(app, ["repair", str(path)])
    assert done.exit_code == 4
    kept = Store(path).records()
    assert len(kept) > 20
    assert DAMAGE._texts(kept) <= DAMAGE._texts(many)
    assert "lost: " in done.stdout
    assert f"{path} has the {len(kept)} records that are sound" in done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics SET value = 0.99 WHERE record = 2 AND name = 'test_accuracy'",
        "UPDATE records SET seconds = 1 WHERE id = 2",
        "UPDATE epochs SET metrics = '{}' WHERE record = 2 AND epoch = 1",
        "DELETE FROM steps WHERE record = 2",
        "DELETE FROM environments",
        "UPDATE contents SET body = replace(body, 'conv', 'pool')",
        "UPDATE predictions SET labels = x'00' WHERE record = 2",
    ],
)
def test_a_row_that_was_changed_is_refused_by_name(whole: Store, statement: str):
    with closing(sqlite3.connect(whole.path)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StoreError, match=r"damaged.*: record \d \(trial .*, seed \d\)\. Received"):
        whole.records()
    found = repair(whole.path)
    assert 0 <= found.kept < len(RECORDS)
    assert len(found.lost) == len(RECORDS) - found.kept
    assert len(whole.records()) == found.kept
    assert not [name for name in listing(whole.path.parent) if name.startswith(".new")]


def test_a_record_that_is_gone_is_noticed(whole: Store):
    with closing(sqlite3.connect(whole.path)) as connection, connection:
        connection.execute("DELETE FROM records WHERE id = 4")
    for look in (whole.outcomes, whole.records):
        with pytest.raises(StoreError, match="Received: 3 are there, 4 were written"):
            look()


def test_a_sound_store_is_left_as_it_is(whole: Store):
    before = whole.path.read_bytes()
    done = CLI.invoke(app, ["repair", str(whole.path)])
    assert done.exit_code == 0
    assert "is sound: 4 records; it was left as it is" in done.stdout
    assert whole.path.read_bytes() == before
    assert listing(whole.path.parent) == ["driver.lock", "records.sqlite"]


def test_a_second_repair_does_not_overwrite_what_the_first_kept(whole: Store):
    for content in (b"one", b"two"):
        whole.path.write_bytes(content)
        repair(whole.path)
    folder = whole.path.parent
    assert (folder / "records.sqlite.damaged").read_bytes() == b"one"
    assert (folder / "records.sqlite.damaged-2").read_bytes() == b"two"


def test_a_repaired_store_keeps_the_looks_and_descriptions(whole: Store):
    whole.describe("k", RECORDS[0].exhibits)
    with closing(sqlite3.connect(whole.path)) as connection, connection:
        connection.execute("CREATE TABLE looks (id INTEGER PRIMARY KEY, at TEXT) STRICT")
        connection.execute("INSERT INTO looks VALUES (1, 'then')")
        connection.execute("UPDATE records SET seed = 7 WHERE id = 1")
    assert repair(whole.path).kept == 3
    assert set(whole.descriptions()) == {"k"}
    with closing(sqlite3.connect(whole.path)) as connection:
        assert connection.execute("SELECT * FROM looks").fetchall() == [(1, "then")]


def test_repair_waits_for_no_study_that_runs(whole: Store, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.0)
    whole.path.write_bytes(b"")
    with whole.driving(), pytest.raises(StoreError, match="is being run already"):
        repair(whole.path)


def test_a_store_of_a_later_version_is_not_repaired(whole: Store):
    with closing(sqlite3.connect(whole.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = whole.path.read_bytes()
    with pytest.raises(StoreError, match="was written by another version"):
        repair(whole.path)
    assert whole.path.read_bytes() == before


def test_a_damaged_store_takes_its_log_along(whole: Store):
    keeper = sqlite3.connect(whole.path)
    assert keeper.execute("SELECT count(*) FROM records").fetchone() == (4,)
    whole.append(replace(RECORDS[0], key="in the log"))
    with closing(sqlite3.connect(whole.path)) as connection, connection:
        connection.execute("UPDATE records SET seed = 7 WHERE id = 1")
    log = connections.log_of(whole.path).read_bytes()
    assert log
    assert repair(whole.path).kept == 4
    keeper.close()
    assert "in the log" in {record.key for record in whole.records()}
    assert connections.log_of(whole.path.with_name("records.sqlite.damaged")).exists()


def test_readers_leave_no_file_behind(whole: Store):
    before = listing(whole.path.parent)
    whole.records()
    whole.outcomes()
    assert listing(whole.path.parent) == before


@pytest.fixture
def unwritable(monkeypatch):
    """Root may write anywhere: here it may not, like another user."""
    monkeypatch.setattr(connections, "may_write", lambda path: False)


@pytest.mark.parametrize("log", [False, True])
def test_a_store_that_may_not_be_written_is_read(whole: Store, unwritable, log: bool):
    folder = whole.path.parent
    keeper = sqlite3.connect(whole.path)
    if log:  # keeps the log beside the file, with a record that only the log holds
        assert keeper.execute("SELECT count(*) FROM records").fetchone() == (4,)
        whole.append(replace(RECORDS[0], key="in the log"))
        assert connections.log_of(whole.path).stat().st_size
    else:
        keeper.close()
    before = listing(folder)
    assert len(whole.records()) == 4 + log
    assert listing(folder) == before
    keeper.close()


def test_a_store_that_changes_while_it_is_read_is_read_again(whole: Store, unwritable, monkeypatch):
    read, seen = connections._ask, []

    def disturbed(path, connection, query):
        seen.append(read(path, connection, query))
        if len(seen) < 3:
            Store(path).append(replace(RECORDS[0], key=f"new {len(seen)}"))
        return seen[-1]

    monkeypatch.setattr(connections, "_ask", disturbed)
    assert len(whole.outcomes()) == 6
    assert [len(found) for found in seen] == [4, 5, 6]


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv to give it up"
)
def test_another_user_may_read(whole: Store, tmp_path: Path):
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o005 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "from pathlib import Path; from ablations.records.sqlite.store import Store; "
        f"print(len(Store(Path({str(whole.path)!r})).records()))"
    )
    command = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("the packages may not be read by another user")
    assert done.stdout.strip() == "4", done.stderr
    assert listing(whole.path.parent) == ["records.sqlite"]


def test_the_cure_works_for_a_file_of_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("my records.txt")
    write_jsonl(RECORDS, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(StoreError) as error:
        read_jsonl(path)
    command = str(error.value).rpartition("'ablations ")[2].removesuffix("'.")
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 4, done.output
    assert len(read_jsonl(path)) == len(RECORDS) - 1


def test_a_folder_with_braces_in_its_name_is_named_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "WRITE_SECONDS", 0.1)
    store = Store(tmp_path / "{x}" / "records.sqlite")
    store.append(RECORDS[0])
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"\{x\}/records.sqlite is locked by"):
            store.append(replace(RECORDS[0], key="new"))


def test_who_holds_a_store_is_named(whole: Store, monkeypatch):
    monkeypatch.setattr(connections, "WRITE_SECONDS", 0.1)
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(whole.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(StoreError) as error:
                whole.append(replace(RECORDS[0], key="new"))
            named = f"process {other.pid} (" if Path("/proc/locks").exists() else "another process"
            assert f"{whole.path} is locked by {named}" in str(error.value)
            assert "Wait for it or end it" in str(error.value)
        finally:
            other.kill()
    whole.append(replace(RECORDS[0], key="new"))
    assert len(whole.records()) == 5


def test_who_runs_a_study_is_named(whole: Store, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    code = (
        "import sys, time; from pathlib import Path; from ablations.records.sqlite.store import Store\n"
        "with Store(Path(sys.argv[1])).driving(): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(whole.path)]
    assert whole.driver() is None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            driver = whole.driver()
            with (
                pytest.raises(
                    StoreError, match=r"this study is being run already, by (.*)\. Rec"
                ) as error,
                whole.driving(),
            ):
                pass
        finally:
            other.kill()
    assert driver is not None
    assert driver in str(error.value)
    assert whole.driver() is None
    if Path("/proc/locks").exists():
        assert f"process {other.pid} (" in driver


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        ("SQLITE_FULL", "cannot be written or read to its end.*Free the disk if it is full"),
        ("SQLITE_READONLY_DIRECTORY", "may not be opened or written here.*Check the permissions"),
        ("SQLITE_CANTOPEN", "may not be opened or written here.*Check the permissions"),
        ("SQLITE_CORRUPT", "is damaged, or no record file.*ablations repair"),
    ],
)
def test_the_cure_fits_the_fault(tmp_path: Path, raised: str, problem: str):
    error = sqlite3.OperationalError("it went wrong")
    error.sqlite_errorname = raised
    with (
        pytest.raises(StoreError, match=problem) as caught,
        connections.as_store_errors(tmp_path / "r.sqlite"),
    ):
        raise error
    assert "it went wrong" in str(caught.value)


def test_a_full_disk_loses_no_record(whole: Store, monkeypatch):
    connect = connections.connect

    def small(*arguments):
        connection = connect(*arguments)
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are
        return connection

    monkeypatch.setattr(connections, "connect", small)
    big = replace(RECORDS[0], key="big", message="x" * 200_000)
    with pytest.raises(StoreError, match="Free the disk if it is full"):
        whole.append(big)
    monkeypatch.undo()
    assert len(whole.records()) == 4
    whole.append(big)  # the cure
    assert len(whole.records()) == 5


def test_an_export_that_breaks_leaves_the_old_file(tmp_path: Path, monkeypatch):
    path = tmp_path / "r.jsonl"
    write_jsonl(RECORDS[:1], path)
    before = path.read_bytes()
    broken = replace(RECORDS[1], metrics=(Metric("m", float("inf")),))
    with pytest.raises(ValueError, match="Out of range"):
        write_jsonl([RECORDS[0], broken], path)
    assert path.read_bytes() == before
    assert listing(tmp_path) == ["r.jsonl"]


def test_a_replaced_file_keeps_its_link_and_its_permissions(tmp_path: Path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with replaced_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)
    with replaced_file(Path("/dev/null")) as file:
        file.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_the_messages_are_one_line(whole: Store):
    whole.path.write_bytes(b"")
    with pytest.raises(StoreError) as error:
        whole.records()
    assert re.fullmatch(
        r".*records\.sqlite is damaged, or no record file: it is empty\. Received: 0 bytes\. "
        r"'ablations repair .*records\.sqlite' keeps the sound records, and the damaged file "
        r"beside them\.",
        str(error.value),
    )
