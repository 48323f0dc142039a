from __future__ import annotations

import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.errors import StoreError
from ablations.jsonl import read_jsonl, write_jsonl
from ablations.record import Exhibit, Metric, Predictions, RunRecord, Table
from ablations.store import Store
from ablations.study import Arm

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
        Predictions("test", np.array([0, 1]), np.array([[0.1, 0.9], [1 / 3, 2 / 3]], np.float32)),
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
    """Compares records field by field, arrays by their bits."""

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if isinstance(value, Predictions):
            return value.split, plain(value.labels), plain(value.probabilities)
        if isinstance(value, tuple):
            return tuple(plain(item) for item in value)
        return repr(value)

    return all(
        plain(getattr(one, f.name)) == plain(getattr(other, f.name)) for f in fields(RunRecord)
    )


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
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2),
)
def test_json_lines_are_exact_to_the_last_bit(tmp_path_factory, seconds, probabilities):
    path = tmp_path_factory.mktemp("jsonl") / "records.jsonl"
    said = Predictions("test", np.array([1]), np.array([probabilities], np.float32))
    record = replace(RECORD, steps=(np.array(seconds),), predictions=(said,))
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
            looking.result(timeout=20)
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
    with pytest.raises(StoreError, match="cannot be used as a record file"):
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
        ("{}", r"line 1, is not a run record\. Received: KeyError: 'schema_version'"),
        ("nonsense", "line 1, is not a run record"),
        ('{"schema_version": 99}', "schema version 99, not 1"),
    ],
)
def test_bad_json_lines_are_one_line(tmp_path: Path, content: str | None, problem: str):
    path = tmp_path / "r.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StoreError, match=problem):
        read_jsonl(path)
