from __future__ import annotations

import json
import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.design import Arm
from ablations.core.record import Exhibit, Metric, Predictions, RunRecord, Table
from ablations.errors import StoreError
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite import connections
from ablations.records.sqlite.repair import repair
from ablations.records.sqlite.store import Store

RECORD = RunRecord(
    key="k1",
    study="s",
    entry="m:train",
    arm=Arm((("b", "on"), ("a", "off"))),
    seed=3,
    settings={"epochs": 2, "layers": ["conv:8"], "text": "é"},
    data="digits:1",
    status="completed",
    started_at="2026-01-02T03:04:05+00:00",
    seconds=1.5,
    metrics=(Metric("z", 0.1, "fraction", "higher"), Metric("a", 1 / 3)),
    epochs=({"loss": 1.0, "acc": 0.1}, {"loss": 0.5, "acc": 0.2}),
    steps=(np.array([0.1, 0.2]), np.array([0.3])),
    predictions=(
        Predictions(
            "test", np.array([0, 1]), np.array([[0.1, 0.9], [1 / 3, 2 / 3]], np.float32), "d1"
        ),
    ),
    exhibits=(
        Exhibit(
            "counts", "Labels", "study", table=Table(("class", "n"), (("cat", 3), ("dog", None)))
        ),
        Exhibit("grid", "Samples", image_png=b"\x89PNG\x00", alt="three cats"),
    ),
    environment={"cpu": "x", "device": "cpu"},
)


def same(one: RunRecord, other: RunRecord) -> bool:
    """Compares records field by field, arrays by their bits; what a store noted is left out."""

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if isinstance(value, Predictions):
            return value.split, plain(value.labels), plain(value.probabilities), value.examples
        if isinstance(value, tuple):
            return tuple(plain(item) for item in value)
        return repr(value)

    names = {field.name for field in fields(RunRecord)} - {"training"}
    return all(plain(getattr(one, name)) == plain(getattr(other, name)) for name in names)


def test_a_record_comes_back_as_it_was(tmp_path: Path):
    store = Store(tmp_path / "runs" / "records.sqlite")
    failed = replace(
        RECORD, key="k2", status="failed", reason="diverged", epochs=({"loss": math.nan},)
    )
    store.append(RECORD)
    store.append(failed)
    first, second = store.records()
    assert same(first, RECORD)
    assert same(second, failed)
    assert [(o.key, o.reason) for o in store.outcomes()] == [("k1", None), ("k2", "diverged")]


@given(
    st.lists(st.floats(min_value=0, allow_nan=False, allow_infinity=False), min_size=1),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2),
)
def test_json_lines_are_exact_to_the_last_bit(tmp_path_factory, seconds, probabilities):
    path = tmp_path_factory.mktemp("jsonl") / "records.jsonl"
    predictions = Predictions("test", np.array([1]), np.array([probabilities], np.float32))
    record = replace(RECORD, steps=(np.array(seconds),), predictions=(predictions,))
    write_jsonl([record, RECORD], path)
    assert all(map(same, read_jsonl(path), [record, RECORD]))


def test_numbers_of_numpy_are_stored_as_numbers(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    table = Table(("n",), ((np.int64(3),), (np.float32(0.5),)))
    store.append(replace(RECORD, exhibits=(Exhibit("x", "X", table=table),)))
    assert store.records()[0].exhibits[0].table.rows == ((3,), (0.5,))


def test_predictions_of_no_example_come_back(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    nothing = Predictions("test", np.zeros(0, np.int64), np.zeros((0, 10), np.float32))
    store.append(replace(RECORD, predictions=(nothing,)))
    assert store.records()[0].predictions[0].probabilities.size == 0


def test_json_lines_may_hold_any_text(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    write_jsonl([replace(RECORD, message="one\u2028two\x85three")], path)
    assert read_jsonl(path)[0].message == "one\u2028two\x85three"


def test_exhibits_that_trials_share_are_stored_once(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    for seed in range(5):
        store.append(replace(RECORD, key=f"k{seed}", seed=seed))
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (2,)
    connection.close()


def test_a_completed_trial_is_recorded_only_once_but_a_failed_one_may_be_tried_again(
    tmp_path: Path,
):
    store = Store(tmp_path / "records.sqlite")
    failed = replace(RECORD, status="failed", reason="raised", message="boom")
    store.append(failed)
    store.append(failed)
    store.append(RECORD)
    with pytest.raises(StoreError, match=r"recorded only once\. Received: trial k1"):
        store.append(RECORD)
    assert len(store.records()) == 3


def test_a_store_that_does_not_exist_is_empty_and_stays_away(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    assert store.records() == store.outcomes() == ()
    assert not store.path.exists()


def test_a_reader_may_look_while_the_file_is_made(tmp_path: Path):
    seen: list[int] = []

    def look(store: Store) -> None:
        while not seen or seen[-1] == 0:
            seen.append(len(store.outcomes()))

    for number in range(20):
        seen.clear()
        store = Store(tmp_path / str(number) / "records.sqlite")
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look, store)
            store.append(RECORD)
            looking.result(timeout=180)
        assert set(seen) <= {0, 1}
        assert seen == sorted(seen)


def test_one_driver_at_a_time(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    with store.driving():
        store.append(RECORD)
        with pytest.raises(StoreError, match="is being run already"), store.driving():
            pass
    with store.driving():
        assert len(store.records()) == 1


def test_what_is_no_record_file_is_refused_in_one_line(tmp_path: Path):
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to look like one" * 20)
    with pytest.raises(StoreError, match=r"is damaged, or no record file.*file is not a database"):
        Store(text).records()
    newer = tmp_path / "newer.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(
        StoreError, match=r"another version of ablations\. Received: schema version 99"
    ):
        Store(newer).records()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (
            "{}",
            r"line 1, is not a run record\. Received: schema_version: should be 1 to 2 \(None\)",
        ),
        ("nonsense", "line 1, is not a run record"),
        ('{"schema_version": 99}', r"schema_version: should be 1 to 2 \(99\)"),
    ],
)
def test_bad_json_lines_are_one_line(tmp_path: Path, content: str | None, problem: str):
    path = tmp_path / "r.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StoreError, match=problem):
        read_jsonl(path)


def undigested(record: RunRecord) -> RunRecord:
    """The record as version 1 knew it."""
    return replace(record, predictions=tuple(replace(p, examples="") for p in record.predictions))


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


@pytest.mark.parametrize("other", [1, 3, 99])
def test_a_file_of_another_version_is_neither_read_nor_written_to(tmp_path: Path, other: int):
    store = Store(tmp_path / "records.sqlite")
    store.append(RECORD)
    connection = sqlite3.connect(store.path)
    connection.execute(f"PRAGMA user_version = {other}")
    connection.close()
    for use in (
        lambda: store.append(replace(RECORD, key="k2")),
        lambda: store.describe("k1", ()),
        store.records,
        store.outcomes,
        lambda: repair(store.path),
    ):
        with pytest.raises(StoreError, match=rf"Received: schema version {other}\. This one reads"):
            use()
    assert version(store.path) == other


def test_json_lines_of_version_1_have_no_digest(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    write_jsonl([RECORD], path)
    values = json.loads(path.read_text())
    assert values.pop("checksum")
    assert (values["schema_version"], values["predictions"][0].pop("examples")) == (2, "d1")
    path.write_text(json.dumps({**values, "schema_version": 1}))
    assert same(read_jsonl(path)[0], undigested(RECORD))


def test_a_digest_comes_back_from_json_lines_and_store(tmp_path: Path):
    store, path = Store(tmp_path / "records.sqlite"), tmp_path / "r.jsonl"
    store.append(RECORD)
    write_jsonl(store.records(), path)
    assert [r.predictions[0].examples for r in (*store.records(), *read_jsonl(path))] == ["d1"] * 2


def test_new_records_are_read_without_the_earlier_ones(tmp_path: Path):
    store = Store(tmp_path / "records.sqlite")
    assert (store.records(skip=0), store.total()) == ((), 0)
    records = [replace(RECORD, key=f"k{seed}", seed=seed) for seed in range(4)]
    for record in records:
        store.append(record)
    assert store.total() == 4
    for skip in range(5):
        found = store.records(skip=skip)
        assert len(found) == 4 - skip
        assert all(map(same, found, records[skip:]))
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("DELETE FROM records WHERE id = 1")
    with pytest.raises(StoreError, match="Received: 3 are there, 4 were written"):
        store.records(skip=2)


def test_a_store_that_is_taken_away_during_a_run_ends_it_and_the_cure_works(tmp_path: Path):
    store, aside = Store(tmp_path / "records.sqlite"), tmp_path / "aside.sqlite"
    records = [replace(RECORD, key=f"k{seed}", seed=seed) for seed in range(6)]
    for begun, take in ((0, lambda: store.path.rename(aside)), (3, store.path.unlink)):
        with store.driving():
            for record in records[begun : begun + 2]:
                store.append(record)
            take()
            with pytest.raises(StoreError, match="was moved or removed while the study runs"):
                store.append(records[begun + 2])
        if aside.exists():
            aside.rename(store.path)
            store.append(records[2])
            assert [own.key for own in store.records()] == ["k0", "k1", "k2"]
    store.append(records[5])
    assert [own.key for own in store.records()] == ["k5"]
    assert not connections.log_of(store.path).exists()
