"""Stores of shards, merged in any order and again, are the store of one run."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablations.analyze.compare.reruns import compare_rerun
from ablations.cli.sharding import _first_difference
from ablations.core.design import Arm
from ablations.core.interim_looks import InterimLook, Rule
from ablations.core.record import Exhibit, Metric, Predictions, RunRecord
from ablations.errors import StoreError
from ablations.records import merging
from ablations.records.description import record_text
from ablations.records.exports import write_jsonl
from ablations.records.sqlite import queries, rows
from ablations.records.sqlite.interim_looks import keep_look, read_looks
from ablations.records.sqlite.store import Store


def record(seed: int, arm: str = "on", *, minute: int | None = None, **changes) -> RunRecord:
    value = 0.5 + seed / 100
    own = RunRecord(
        key=f"{arm}-{seed}",
        study="small",
        entry="m:train",
        arm=Arm((("a", arm),)),
        seed=seed,
        settings={"epochs": 2, "a": arm},
        data="digits:1",
        status="completed",
        started_at=f"2026-01-02T03:{seed if minute is None else minute:02d}:05+00:00",
        seconds=1.5 + seed,
        metrics=(Metric("test_accuracy", value, "fraction", "higher"),),
        epochs=({"loss": 1 / (1 + seed)},),
        steps=(np.array([0.1, 0.2]),),
        predictions=(
            Predictions("test", np.array([0, 1]), np.array([[0.1, 0.9], [0.3, 0.7]], np.float32)),
        ),
        exhibits=(Exhibit("shared", "The same in all"), Exhibit("own", f"Of seed {seed}")),
        environment={"cpu": "x", "threads": "1"},
    )
    return replace(own, **changes)


def failed(seed: int, arm: str = "on", *, minute: int, reason: str = "raised") -> RunRecord:
    nothing = {"metrics": (), "epochs": (), "steps": (), "predictions": (), "exhibits": ()}
    return record(
        seed, arm, minute=minute, status="failed", reason=reason, message=f"at {minute}", **nothing
    )


def write(path: Path, records) -> Path:
    store = Store(path)
    for own in records:
        store.append(own)
    return path


def merge(sources, runs: Path = Path("runs")) -> merging.Merged:
    return merging.merge([Path(source) for source in sources], runs, differ=_first_difference)


def texts(path: Path) -> list[str]:
    return [record_text(own) for own in Store(path).records()]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


TARGET = Path("runs/small/records.sqlite")
ALL = [
    own
    for seed in range(16)
    for own in (failed(seed, minute=40 - seed), record(seed), record(seed, "off"))
]


def shards(count: int = 16) -> list[Path]:
    parts = [[own for own in ALL if own.seed % count == number] for number in range(count)]
    return [
        write(Path(f"runs/small/shard-{number}-of-{count}/records.sqlite"), part)
        for number, part in enumerate(parts, start=1)
        if part
    ]


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sixteen")
    parts = [[own for own in ALL if own.seed == seed] for seed in range(16)]
    return [
        write(folder / f"shard-{n}-of-16" / "records.sqlite", part)
        for n, part in enumerate(parts, start=1)
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(16)), st.integers(1, 16), st.integers(0, 15))
def test_any_order_in_any_number_of_steps_and_again_gives_the_store_of_one_run(
    sixteen, tmp_path_factory, order, cut, again
):
    runs = tmp_path_factory.mktemp("runs")
    paths = [sixteen[number] for number in order]
    merge(paths[:cut], runs)
    if paths[cut:]:
        merge([*paths[cut:], sixteen[again]], runs)
    merged = texts(runs / "small" / "records.sqlite")
    assert sorted(merged) == sorted(map(record_text, ALL))
    ordered = sorted(ALL, key=lambda own: (own.started_at, own.key))
    assert merged == [record_text(own) for own in ordered]  # also in their order


def test_merging_again_writes_nothing():
    paths = shards()
    found = merge(paths)
    assert found.line == f"{TARGET}: 48 records added from 16 files, 48 records now"
    before = TARGET.read_bytes()
    found = merge([*paths, *reversed(paths)])
    assert found.line == f"{TARGET} has all records of 16 files already: 48 records"
    assert TARGET.read_bytes() == before


def test_merging_what_is_there_reads_no_record_again(monkeypatch):
    paths = shards(2)
    merge(paths)

    def read(*_arguments):
        raise AssertionError("a record was read")

    monkeypatch.setattr(rows, "fetch", read)
    monkeypatch.setattr(queries, "fetch", read)
    found = merge([*paths, TARGET])
    assert (found.added, found.total) == (0, 48)
    with closing(sqlite3.connect(TARGET)) as connection, connection:
        connection.execute("UPDATE records SET body_checksum = 'x' WHERE id = 1")
    with pytest.raises(AssertionError, match="a record was read"):
        merge(paths)


def test_json_lines_count_as_the_store_that_they_were_exported_from(tmp_path):
    paths = shards(2)
    write_jsonl(Store(paths[1]).records(), Path("second.jsonl"))
    merge([paths[0], "second.jsonl"])
    from_lines = texts(TARGET)
    assert not merge([paths[1]]).added
    merge(paths, Path("other"))
    assert from_lines == texts(Path("other/small/records.sqlite"))


def test_failures_stay_beside_the_completed_record_and_the_latest_is_last():
    one = write(Path("one.sqlite"), [failed(1, minute=3), record(1, minute=9)])
    two = write(Path("two.sqlite"), [failed(1, minute=2), failed(1, minute=5)])
    merge([one, two])
    found = Store(TARGET).records()
    assert [(own.status, own.message) for own in found] == [
        ("failed", "at 2"), ("failed", "at 3"), ("failed", "at 5"), ("completed", ""),
    ]  # fmt: skip


def test_two_completed_records_of_a_trial_with_other_results_are_named_and_nothing_changes():
    merge([write(Path("one.sqlite"), [record(1), record(2)])])
    before = TARGET.read_bytes()
    other = (Metric("test_accuracy", 0.25, "fraction", "higher"),)
    two = write(Path("two.sqlite"), [record(1, minute=59, metrics=other), record(3)])
    with pytest.raises(StoreError) as caught:
        merge([two])
    assert str(caught.value) == (
        "1 trial completed twice with other results, and neither can be preferred. Received: trial "
        f"on-1 (a=on, seed 1): metric test_accuracy is 0.51 in {TARGET} and 0.25 in two.sqlite. "
        "Leave out one of the files, or write it with 'ablations export' as .jsonl, delete the "
        "lines of the trials that you reject, and merge that."
    )
    assert TARGET.read_bytes() == before
    write_jsonl([own for own in Store(two).records() if own.seed != 1], Path("two.jsonl"))
    merge(["two.jsonl"])
    assert [own.seed for own in Store(TARGET).records()] == [1, 2, 3]


def test_a_conflict_within_one_file_of_json_lines_is_named_too():
    other = (Metric("test_accuracy", 0.25, "fraction", "higher"),)
    write_jsonl([record(1), record(1, minute=30, metrics=other)], Path("both.jsonl"))
    with pytest.raises(StoreError, match=r"is 0\.51 in both\.jsonl and 0\.25 in both\.jsonl"):
        merge(["both.jsonl"])
    assert not TARGET.parent.exists()
    TARGET.parent.mkdir(parents=True)
    (TARGET.parent / "mine").touch()
    with pytest.raises(StoreError):
        merge(["both.jsonl"])
    assert not TARGET.exists()
    assert (TARGET.parent / "mine").exists()


def test_of_two_trainings_with_equal_results_the_earlier_stays_in_any_order():
    early, late = record(1, minute=4), record(1, minute=7, seconds=99.0)
    assert compare_rerun(early, late).equal
    files = [write(Path("a.sqlite"), [late]), write(Path("b.sqlite"), [early])]
    for number, order in enumerate(itertools.permutations(files)):
        for path in order:
            found = merge([path], Path(str(number)))
        assert found.total == 1
        (kept,) = Store(Path(str(number)) / "small" / "records.sqlite").records()
        assert kept.started_at == early.started_at
        assert found.notes == (
            "1 completed record left out: the trial has an earlier one with equal results",
        )


def test_files_of_other_settings_are_refused_with_what_differs():
    one = write(Path("one.sqlite"), [record(1), record(2)])
    two = write(Path("two.sqlite"), [record(3, settings={"epochs": 3, "a": "on"}, key="x")])
    with pytest.raises(StoreError) as caught:
        merge([one, two])
    assert str(caught.value) == (
        "the files were trained with different settings. Received: a=on: epochs = 2 in one.sqlite; "
        "epochs = 3 in two.sqlite. Leave out those of other settings; if you mean to keep both, "
        "merge them one after the other."
    )
    assert not Path("runs").exists()
    merge([one])
    (note,) = merge([two]).notes
    assert note == (
        "the store also has records of other settings, which stay: a=on: epochs = 2 in "
        f"{TARGET}; epochs = 3 in two.sqlite"
    )
    assert len(Store(TARGET).records()) == 3


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"data": "digits:2"}, "data = digits:1 in one.sqlite; data = digits:2 in two.sqlite"),
        (
            {"entry": "m:fit"},
            "training function = m:train in one.sqlite; training function = m:fit",
        ),
        ({"environment": {"threads": "2"}}, "threads = 1 in one.sqlite; threads = 2 in two.sqlite"),
        ({"settings": {"a": "on"}}, "epochs = 2 in one.sqlite; epochs = unset in two.sqlite"),
    ],
)
def test_whatever_makes_other_trials_is_named(changes, difference):
    one = write(Path("one.sqlite"), [record(1)])
    two = write(Path("two.sqlite"), [record(3, key="x", **changes)])
    with pytest.raises(StoreError) as caught:
        merge([one, two])
    assert difference in str(caught.value)


def test_a_shard_that_also_has_what_was_trained_before_a_change_fits_the_others():
    old = record(1, settings={"epochs": 1, "a": "on"}, key="old")
    one = write(Path("one.sqlite"), [old, record(1)])
    two = write(Path("two.sqlite"), [record(2)])
    assert merge([one, two]).total == 3


def test_files_of_two_studies_are_refused():
    one = write(Path("one.sqlite"), [record(1)])
    two = write(Path("two.sqlite"), [record(2, study="other")])
    with pytest.raises(StoreError) as caught:
        merge([one, two])
    assert str(caught.value) == (
        "the files hold records of several studies. Received: other in two.sqlite; small in "
        "one.sqlite. Name the files of one study, such as runs/STUDY/shard-*/records.sqlite."
    )


def test_studies_of_one_name_in_two_files_are_told_apart():
    for name in "ab":
        Path(name).mkdir()
        Path(name, "small.toml").write_text(f"title = '{name}'")
        write(Path(f"{name}.d/records.sqlite"), [record(ord(name) % 10)])
        Path(f"{name}.d/origin.json").write_text(json.dumps({"study": f"../{name}/small.toml"}))
    with pytest.raises(StoreError) as caught:
        merge(["a.d/records.sqlite", "b.d/records.sqlite"])
    assert str(caught.value) == (
        "the files hold records of different study files with one name. Received: a/small.toml; "
        "b/small.toml. Merge those of each study into a folder of its own, with --runs-dir."
    )
    merge(["a.d"])
    assert json.loads(Path("runs/small/origin.json").read_text()) == {"study": "../../a/small.toml"}
    with pytest.raises(StoreError, match="different study files"):
        merge(["b.d"])


def test_copies_of_one_study_file_are_one_study_and_the_nearest_is_noted():
    """As where the whole folder of another machine was copied here."""
    for folder, seed in ((Path("from/other/project"), 1), (Path(), 2)):
        shard = folder / f"runs/small/shard-{seed}-of-2"
        write(shard / "records.sqlite", [record(seed)])
        (folder / "small.toml").write_text("title = 'a'")
        (shard / "origin.json").write_text(json.dumps({"study": "../../../small.toml"}))
    shards = ["from/other/project/runs/small/shard-1-of-2", "runs/small/shard-2-of-2"]
    for sources in (shards, shards[::-1]):
        assert merge(sources).total == 2
        noted = json.loads(Path("runs/small/origin.json").read_text())
        assert noted == {"study": "../../small.toml"}
        TARGET.unlink()
        Path("runs/small/origin.json").unlink()


def test_the_store_may_be_named_among_its_sources_and_alone():
    paths = shards()
    merge(paths)
    assert merge([TARGET]).line == (
        f"{TARGET} is the store itself, and nothing was added: 48 records"
    )
    paths.append(write(Path("one.sqlite"), [record(19)]))
    assert merge([TARGET, *paths]).added == 1


def test_descriptions_and_exhibits_are_kept(tmp_path):
    one, two = (write(Path(f"{n}.sqlite"), [record(n)]) for n in (1, 2))
    Store(one).describe("on-1", [Exhibit("pixels", "Pixels")])
    Store(two).describe("on-2", [Exhibit("grid", "Grid", image_png=b"\x89PNG", alt="a cat")])
    Store(two).describe("on-1", [Exhibit("aaa", "First as text")])
    for order in ([one, two], [two, one]):
        shutil.rmtree("runs", ignore_errors=True)
        for path in order:
            merge([path])
        found = Store(TARGET).descriptions()
        assert [found[key][0].name for key in ("on-1", "on-2")] == ["aaa", "grid"]
        with closing(sqlite3.connect(TARGET)) as connection:
            assert connection.execute("SELECT count(*) FROM contents").fetchone() == (3,)
            assert connection.execute("SELECT count(*) FROM environments").fetchone() == (1,)


def test_interim_looks_are_merged_and_a_trial_counts_from_the_first_look_at_it():
    one, two = (write(Path(f"{n}.sqlite"), [record(n)]) for n in (1, 2))
    rule = Rule(frozenset({"a=on"}), (1, 2), "test_accuracy", 0.0)
    keep_look(one, InterimLook("2026-01-02T00:00:00+00:00", rule, frozenset({"k1", "k2"})))
    keep_look(two, InterimLook("2026-01-01T00:00:00+00:00", rule, frozenset({"k2"})))
    for order in ([one, two], [two, one], [one, two, one]):
        shutil.rmtree("runs", ignore_errors=True)
        for path in order:
            merge([path])
        assert [(look.at[:10], set(look.keys)) for look in read_looks(TARGET)] == [
            ("2026-01-01", {"k2"}), ("2026-01-02", {"k1"}),
        ]  # fmt: skip


def test_a_crash_in_the_middle_leaves_the_store_as_it_was(monkeypatch):
    merge(shards(2)[:1])
    before = texts(TARGET)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_merge_and_die)
    child.start()
    child.join(60)
    assert child.exitcode == 9
    assert texts(TARGET) == before
    assert merge(Path("runs/small").glob("shard-*")).total == 48


def _merge_and_die() -> None:
    number, copy = itertools.count(), rows.copy

    def dying(*arguments):
        copy(*arguments)
        if next(number) == 15:
            os._exit(9)

    rows.copy = dying
    merge(Path("runs/small").glob("shard-*"))


def test_readers_see_the_store_as_it_was_until_all_is_merged(monkeypatch):
    merge(shards(2)[:1])
    seen, copy = [], rows.copy

    def watched(*arguments):
        copy(*arguments)
        seen.append(len(Store(TARGET).records()))

    monkeypatch.setattr(rows, "copy", watched)
    merge(Path("runs/small").glob("shard-*"))
    assert set(seen) == {24}
    assert len(Store(TARGET).records()) == 48


def test_a_study_that_is_run_is_not_merged_into():
    paths = shards(2)
    store = Store(TARGET)
    with store.driving(), pytest.raises(StoreError, match="is being run already"):
        merge(paths)


def test_a_source_that_is_written_meanwhile_is_read_as_it_is_and_named():
    one = write(Path("one.sqlite"), [record(1)])
    writer = sqlite3.connect(one)
    writer.execute("BEGIN IMMEDIATE")  # a record that is not committed
    rows.insert(writer, record(2))
    with closing(writer), Store(one).driving():
        found = merge([one])
        assert [own.seed for own in Store(TARGET).records()] == [1]
        writer.commit()
        assert len(found.notes) == 1
        assert found.notes[0].startswith("one.sqlite is being written by ")
        merge([one])  # with what is only in SQLite's log yet
    assert [own.seed for own in Store(TARGET).records()] == [1, 2]


def test_a_source_is_left_as_it_is():
    (path, *_) = paths = shards(2)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    before = sorted((own.name, own.stat().st_mtime_ns) for own in path.parent.iterdir())
    merge(paths)
    assert sorted((own.name, own.stat().st_mtime_ns) for own in path.parent.iterdir()) == before
    path.parent.chmod(0o755)


def test_what_is_no_file_of_records_is_one_line():
    with pytest.raises(StoreError) as caught:
        merge(["nowhere.sqlite"])
    assert str(caught.value) == (
        "nowhere.sqlite is not a file of records. Received: a name that does not exist. Name the "
        "records.sqlite of shards, or .jsonl files."
    )
    Path("empty.sqlite").touch()
    with pytest.raises(
        StoreError, match=r"empty\.sqlite is damaged, or no record file: it is empty"
    ):
        merge(["empty.sqlite"])


def test_shards_without_a_record_add_nothing_and_none_with_any_is_an_error():
    Store(Path("begun.sqlite")).describe("k", [])
    with pytest.raises(StoreError) as caught:
        merge(["begun.sqlite"])
    assert str(caught.value) == (
        "there are no records to merge. Received: begun.sqlite. Name record files of shards that "
        "have trained a trial."
    )
    assert merge(["begun.sqlite", write(Path("one.sqlite"), [record(1)])]).total == 1


def test_a_cut_file_of_json_lines_is_refused_and_nothing_is_merged():
    write_jsonl([record(1), record(2)], Path("cut.jsonl"))
    raw = Path("cut.jsonl").read_bytes()
    Path("cut.jsonl").write_bytes(raw[: len(raw) - 50])
    with pytest.raises(
        StoreError, match=r"cut\.jsonl, line 2, is not a run record.*ablations repair"
    ):
        merge(["cut.jsonl"])
    assert not Path("runs").exists()


def test_a_damaged_source_is_named_and_the_store_stays():
    paths = shards(2)
    merge(paths[:1])
    before = texts(TARGET)
    with closing(sqlite3.connect(paths[1])) as connection, connection:
        connection.execute("UPDATE metrics SET value = 0.99 WHERE record = 2")
    with pytest.raises(StoreError) as caught:
        merge(paths)
    assert str(caught.value).startswith(f"{paths[1]} is damaged, or no record file: record 2")
    assert texts(TARGET) == before
    with pytest.raises(StoreError, match="is damaged"):
        merge(paths, Path("fresh"))
    assert not Path("fresh").exists()


def test_a_source_of_a_later_version_is_refused():
    one = write(Path("one.sqlite"), [record(1)])
    with closing(sqlite3.connect(one)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"one\.sqlite was written by another version"):
        merge([one])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_not_be_written_is_one_line():
    paths = shards(2)
    merge(paths[:1])
    before = texts(TARGET)
    TARGET.parent.chmod(0o555)
    TARGET.with_name("driver.lock").chmod(0o444)
    with pytest.raises(StoreError, match=r"runs/small/(driver\.lock|records\.sqlite) "):
        merge(paths)
    TARGET.parent.chmod(0o755)
    assert texts(TARGET) == before


def test_random_histories_in_random_files_always_come_to_the_same_store():
    rng = random.Random(0)
    for number in range(3):
        copies = [own for own in ALL for _ in range(rng.choice([1, 1, 2, 3]))]
        rng.shuffle(copies)
        files: list[list[RunRecord]] = [[] for _ in range(4)]
        for own in copies:
            file = rng.choice(files)
            if not (own.completed and any(o.key == own.key and o.completed for o in file)):
                file.append(own)
        rest = [own for own in ALL if not any(own is other for file in files for other in file)]
        files.append(rest)
        paths = [write(Path(f"{number}-{n}.sqlite"), file) for n, file in enumerate(files) if file]
        rng.shuffle(paths)
        for path in paths:
            merge([path], Path(f"runs-{number}"))
        found = texts(Path(f"runs-{number}/small/records.sqlite"))
        assert sorted(found) == sorted(record_text(own) for own in ALL)
