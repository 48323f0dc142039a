"""Many records are read fast, and as strictly as one."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from ablations.core.design import Arm
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.training import training_of
from ablations.errors import StoreError
from ablations.records.description import record_text
from ablations.records.sqlite import codec, decoder, rows
from ablations.records.sqlite.checksums import checksum, judged, judgement
from ablations.records.sqlite.decoder import Decoder
from ablations.records.sqlite.store import Store


def record(seed: int, **changes) -> RunRecord:
    own = RunRecord(
        f"k{seed}", "s", "m:f", Arm((("a", "on"),)), seed, {"epochs": 2}, "d1", "completed",
        "2026-01-01T00:00:00+00:00", 60.0,
        metrics=(Metric("test_accuracy", 0.5 + seed / 100, "fraction", "higher"),),
        epochs=({"loss": 0.7, "accuracy": 0.5}, {"loss": 0.6, "accuracy": 0.5 + seed / 100}),
        steps=(np.array([0.1, 0.2, 0.3 + seed]), np.array([0.5])),
        predictions=(
            Predictions("test", np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)),
        ),
        environment={"python": "3"},
    )  # fmt: skip
    return replace(own, **changes)


ODD = [
    record(1),
    record(2, status="failed", reason="diverged", epochs=({"loss": math.nan},)),
    record(3, status="failed", reason="raised", message="boom", metrics=(), predictions=()),
    record(4, epochs=(), steps=()),
    record(5, steps=(np.zeros(0), np.array([1.0]))),
    record(6, predictions=(Predictions("test", np.zeros(0, int), np.zeros((0, 3), np.float32)),)),
    record(7, environment={"python": "4"}, message="\u2028", metrics=()),
    record(8),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "records.sqlite")
    for own in ODD:
        found.append(own)
    return found


def fetched(store: Store) -> list[rows.RecordRows]:
    with closing(sqlite3.connect(store.path)) as connection:
        return list(rows.fetch(connection, rows.select(connection)))


def test_each_record_is_what_the_description_makes_of_its_rows(store: Store, monkeypatch):
    own = Decoder()
    for found in fetched(store):
        exhibits = [content.exhibit for _, content in found.exhibits]
        strict = codec.record_from_rows(found.head, found.facts, found.details, exhibits)
        fast = found.record(own)
        assert record_text(fast) == record_text(strict)
        for one, other in zip(
            (*fast.steps, *(a for p in fast.predictions for a in (p.labels, p.probabilities))),
            (*strict.steps, *(a for p in strict.predictions for a in (p.labels, p.probabilities))),
            strict=True,
        ):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
    assert [record_text(one) for one in store.records()] == [record_text(one) for one in ODD]


def test_plain_records_do_not_go_through_the_description(store: Store, monkeypatch):
    slow, read = [], codec.record_from_rows
    monkeypatch.setattr(decoder, "record_from_rows", lambda *a: slow.append(a[0][0]) or read(*a))
    store.records()
    assert slow == ["k1", "k2", "k6", "k7"]  # the first of its kind, and what is odd
    slow.clear()
    store.outcomes()
    assert slow == ["k1", "k7"]


@pytest.mark.parametrize(
    ("head", "details", "problem"),
    [
        ({"seed": -1}, {}, "seed: input should be greater than or equal to 0"),
        ({"seed": 1.5}, {}, "seed: input should be a valid integer"),
        ({"key": ""}, {}, "key: "),
        ({"seconds": math.inf}, {}, "seconds: input should be a finite number"),
        ({"seconds": -1.0}, {}, "seconds: "),
        ({"started_at": "yesterday"}, {}, "started_at: Invalid isoformat string"),
        ({"started_at": None}, {}, "started_at: "),
        ({"reason": "raised"}, {}, "status: completed with the reason raised"),
        ({"status": "half"}, {}, "status: "),
        ({"message": b"x"}, {}, "message: "),
        ({}, {"metrics": [("m", math.nan, "number", "neither")]}, "metrics[0].value: "),
        ({}, {"metrics": [("m", 1.0, "miles", "neither")]}, "metrics[0].unit: "),
        ({}, {"metrics": [("m", 1.0, "number", "neither")] * 2}, "metric 'm' twice"),
        ({}, {"epochs": [(2, "{}")]}, "epochs: some are missing"),
        ({}, {"epochs": [(1, "[1]")]}, "epochs[0]: "),
        ({}, {"epochs": [(1, '{"loss":"0"}')]}, "epochs[0].loss: "),
        ({}, {"steps": [(1, np.array([math.inf]).tobytes())]}, "steps[0]: should hold finite"),
        ({}, {"steps": [(1, b"123")]}, "buffer size must be a multiple"),
        ({}, {"steps": [(2, bytes(8))]}, "steps: some are missing"),
        ({}, {"predictions": [("test", bytes(16), bytes(12), "")]}, "cannot reshape"),
        (
            {},
            {"predictions": [("test", bytes(8), np.array([math.nan], "<f4").tobytes(), "")]},
            "predictions[0].probabilities: should hold finite numbers only",
        ),
        (
            {},
            {"predictions": [("test", bytes(8), bytes(8), "")] * 2},
            "predictions of 'test' twice",
        ),
    ],
)
def test_rows_with_a_right_checksum_that_are_no_record_are_refused(
    store: Store, head, details, problem
):
    """Whoever made the file: a checksum says that it was not changed, and not that it is sound."""
    first, *_, last = fetched(store)
    values = dict(zip(codec.HEAD, last.head, strict=True)) | head
    forged = last._replace(head=tuple(values.values()), details={**last.details, **details})
    forged = forged._replace(written=forged.checksums())
    own = Decoder()
    first.record(own)  # so that what both share is known
    with pytest.raises(rows.DamagedError) as error:
        forged.record(own)
    assert problem in error.value.why
    forged_head = forged._replace(details={}, written=(checksum(forged.head), ""))
    if head:
        with pytest.raises(rows.DamagedError):
            forged_head.record(own)


def test_labels_that_trials_share_are_in_memory_once(store: Store):
    *_, one, _, _, _, last = store.records()
    assert one.predictions[0].labels is last.predictions[0].labels


def test_of_parts_the_rest_is_checked_and_only_not_kept(store: Store):
    for own, whole in zip(store.records(parts=("metrics",)), store.records(), strict=True):
        assert own.metrics == whole.metrics
        assert (own.epochs, own.steps, own.predictions) == ((), (), ())
        assert own.training == whole.training == training_of(replace(whole, training=None))
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE predictions SET labels = x'00' WHERE record = 1")
    with pytest.raises(StoreError, match=r"record 1 \(trial k1.*its checksum is that of other"):
        store.records(parts=("metrics",))


@pytest.mark.parametrize("lost", ["UPDATE records SET training = ''", "drop"])
def test_what_an_earlier_version_stored_is_judged_when_it_is_asked(store: Store, lost: str):
    words = [training_of(own) for own in store.records()]
    assert [own.training for own in store.outcomes()] == words
    lost = "ALTER TABLE records DROP COLUMN training" if lost == "drop" else lost
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(lost)
    assert {own.training for own in store.outcomes()} == {None}
    assert [own.training for own in store.records(parts=())] == words
    before = [record_text(own) for own in store.records()]
    store.judge()
    assert [own.training for own in store.outcomes()] == words
    assert [record_text(own) for own in store.records()] == before


def test_a_judgement_is_of_one_body_by_one_rule(monkeypatch):
    noted = judged("untrained", "abc")
    assert judgement(noted, "abc") == "untrained"
    assert judgement(noted.replace("untrained", "trained"), "abc") is None
    assert judgement(noted, "abd") is None
    assert judgement("", "abc") is None
    monkeypatch.setattr("ablations.records.sqlite.checksums.RULE", 2)
    assert judgement(noted, "abc") is None


def test_a_checksum_is_that_of_the_plain_json_of_its_parts():
    parts = [("é", 1, 0.1, None, math.inf), "x", 3, b"raw", [[1.5, "a"]], {"b": Path}]
    import hashlib

    slow = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part if isinstance(part, bytes) else json.dumps(part, default=repr).encode()
        slow.update(b"%d:" % len(raw))
        slow.update(raw)
    assert checksum(*parts) == slow.hexdigest()


def test_a_judgement_is_no_part_of_a_written_record(store: Store):
    (own, *_) = store.records(parts=("metrics",))
    assert "training" in {field.name for field in fields(RunRecord)}
    assert "training" not in json.loads(record_text(own))
