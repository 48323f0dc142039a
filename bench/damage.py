"""Damages files of records on purpose and counts the outcomes.

    python bench/damage.py [--lines 100] [--seeds 10] [--stores 100]

Each damaged file is read as the commands read it. An outcome is *refused* (one line that says what
is wrong), *same* (every record is as it was written, for what was hit holds nothing), *fewer*
(whole lines are gone, which the count of trials shows), and two that may not be: *changed* (a
record came back with other values) and *traceback*. Damaged stores are repaired too: every record
that comes back must be one that was written.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from ablations.core.design import Arm
from ablations.core.record import Exhibit, Metric, Predictions, RunRecord, Table
from ablations.errors import StoreError
from ablations.records.agreement import distinct
from ablations.records.description import record_text
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite.repair import repair
from ablations.records.sqlite.store import Store

ODD = [None, True, -1, 0, 1e308, 10**40, "", "x", "=1+1", [], [1], {}, {"a": 1}, "\u2028", "0.5"]
RAW = ["NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"', "[" * 300, "tru", "-", "nul"]


def written() -> list[RunRecord]:
    """Twelve records with something in every field."""
    rng = np.random.default_rng(0)
    return [_record(arm, seed, rng) for seed in range(6) for arm in ("off", "on")]


def _record(arm: str, seed: int, rng: np.random.Generator) -> RunRecord:
    shares = rng.random((40, 2), dtype=np.float32)
    return RunRecord(
        f"{arm}-{seed}", "s", "m:f", Arm((("a", arm),)), seed, {"epochs": 2, "a": [arm]}, "d1",
        "completed", f"2026-01-01T00:0{seed}:00+00:00", 60.0 + seed,
        metrics=(Metric("test_accuracy", float(rng.random()), "fraction", "higher"),
                 Metric("fit_seconds", float(rng.random()), "seconds", "lower")),
        epochs=tuple({"accuracy": float(rng.random()), "val_accuracy": 0.5} for _ in range(3)),
        steps=tuple(rng.random(20) for _ in range(3)),
        predictions=(Predictions("test", rng.integers(0, 2, 40), shares, "the same images"),),
        exhibits=(Exhibit("layers", "Layers", table=Table(("name", "n"), (("conv", seed),))),
                  Exhibit("grid", "Samples", "study", image_png=bytes(range(256)) * 20)),
        environment={"python": "3", "cpu": "x"},
    )  # fmt: skip


def _texts(records: tuple[RunRecord, ...] | list[RunRecord]) -> Counter[str]:
    return Counter(record_text(record) for record in records)


def outcome(read: Callable[[], tuple[RunRecord, ...]], expected: Counter[str]) -> str:
    """Returns the outcome of reading a damaged file."""
    try:
        found = _texts(read())
    except StoreError as error:
        return "refused" if len(str(error).splitlines()) == 1 else "several lines"
    except Exception as error:  # what must not happen, and is counted
        return f"traceback: {type(error).__name__}: {error}"
    if found - expected:
        return "changed"
    return "same" if found == expected else "fewer"


def _walk(value: object, rng: random.Random) -> tuple[object, object]:
    """Returns a random place inside JSON values: the list or object, and its index or key."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))  # type: ignore[arg-type,call-overload]
        key = rng.choice(keys)
        inner = value[key]  # type: ignore[index]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.3:
            return value, key
        value = inner


def mutate_lines(raw: bytes, rng: random.Random) -> bytes:
    """Damages a file of JSON lines in one of the ways that files are damaged."""
    if rng.random() < 0.5:
        return _mutate_bytes(raw, rng)
    lines = raw.splitlines(keepends=True)
    number = rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        lines[number] = lines[rng.randrange(len(lines))]
    elif kind == 1:
        text = lines[number].decode()
        place = rng.choice([i for i, c in enumerate(text) if c.isdigit()])
        lines[number] = (text[:place] + rng.choice(RAW) + text[place + 1 :]).encode()
    else:
        lines[number] = _mutate_values(lines[number], rng)
    return b"".join(lines)


def _mutate_bytes(raw: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(raw))
    bit = bytes([raw[place] ^ 1 << rng.randrange(8)])
    return rng.choice(
        [
            raw[:place] + bit + raw[place + 1 :],
            raw[:place],
            raw[:place] + raw[place + rng.randrange(1, 50) :],
            raw[:place] + rng.randbytes(rng.randrange(1, 8)) + raw[place:],
        ]
    )


def _mutate_values(line: bytes, rng: random.Random) -> bytes:
    values = json.loads(line)
    inside, key = _walk(values, rng)
    if rng.random() < 0.5:
        del inside[key]  # type: ignore[attr-defined]
    else:
        inside[key] = rng.choice(ODD)  # type: ignore[index]
    separators = (",", ":") if rng.random() < 0.5 else (", ", ": ")
    text = json.dumps(values, separators=separators, ensure_ascii=rng.random() < 0.5)
    return f"{text}\n".encode("utf-8", "surrogatepass")


def mutate_store(path: Path, rng: random.Random) -> None:
    """Damages a record file: bits, its end, or values inside its rows."""
    raw = bytearray(path.read_bytes())
    kind = rng.randrange(6)
    if kind < 2:
        for _ in range(1 if kind else rng.randrange(1, 20)):
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
    elif kind == 2:
        path.write_bytes(raw[: rng.randrange(len(raw))])
    elif kind == 3:
        start = rng.randrange(len(raw))
        end = min(len(raw), start + rng.choice([16, 512, 4096, 8192]))
        raw[start:end] = bytes(end - start)
        path.write_bytes(raw)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            _mutate_row(connection, rng)


def _mutate_row(connection: sqlite3.Connection, rng: random.Random) -> None:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    table = rng.choice([name for (name,) in connection.execute(query)])
    columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    rows = [number for (number,) in connection.execute(f"SELECT rowid FROM {table}")]
    if not rows:
        return
    row, (column, kind) = rng.choice(rows), rng.choice(columns)
    new = {
        "TEXT": rng.choice(["", "x", "{}", "null", "[1]", '{"a":NaN}', "=1"]),
        "INTEGER": rng.choice([-1, 0, 7, 2**62]),
        "REAL": rng.choice([0.5, -1.0, 1e308, float("inf")]),
        "BLOB": rng.choice([b"", b"x", bytes(8), bytes(24)]),
    }[kind]
    connection.execute("PRAGMA ignore_check_constraints = ON")
    try:
        if rng.random() < 0.3:
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        else:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
    except sqlite3.IntegrityError:  # a rule of the tables forbids it
        pass


def damage_lines(files: int, seeds: int, folder: Path) -> Counter[str]:
    """Reads ``files`` mutated files of JSON lines for each seed."""
    path, records = folder / "r.jsonl", written()
    write_jsonl(records, path)
    raw, expected = path.read_bytes(), _texts(records)
    counts: Counter[str] = Counter()
    for seed in range(seeds):
        rng = random.Random(seed)
        for _ in range(files):
            path.write_bytes(mutate_lines(raw, rng))
            counts[outcome(lambda: distinct(read_jsonl(path)), expected)] += 1
    return counts


def damage_stores(files: int, folder: Path, seed: int = 0) -> tuple[Counter[str], Counter[str]]:
    """Reads and repairs damaged record files; returns the outcomes of both."""
    whole, path, records = folder / "whole.sqlite", folder / "s" / "records.sqlite", written()
    path.parent.mkdir()
    for record in records:
        Store(whole).append(record)
    Store(whole).describe("off-0", records[0].exhibits)
    expected, rng = _texts(records), random.Random(seed)
    read: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    for _ in range(files):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        shutil.copy(whole, path)
        mutate_store(path, rng)
        store = Store(path)

        def look(store: Store = store) -> tuple[RunRecord, ...]:
            store.outcomes()
            store.descriptions()
            return store.records()

        read[outcome(look, expected)] += 1
        repaired[_repaired(path, expected)] += 1
    return read, repaired


def _repaired(path: Path, expected: Counter[str]) -> str:
    try:
        found = repair(path)
    except StoreError as error:
        return f"refused: {error}"
    except Exception as error:  # what must not happen, and is counted
        return f"traceback: {type(error).__name__}: {error}"
    found_again = outcome(Store(path).records, expected)
    lost = sum(expected.values()) - found.kept
    if found_again in ("same", "fewer") and (lost == 0 or found.lost or found.kept == 0):
        return "sound" if found.damaged is None else "all kept" if lost == 0 else "some kept"
    return f"{found_again}, {lost} lost without a word"


def main() -> None:
    """Prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("lines", 100), ("seeds", 10), ("stores", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("JSON lines:", dict(damage_lines(wanted.lines, wanted.seeds, Path(folder))))
        read, repaired = damage_stores(wanted.stores, Path(folder))
        print("stores read:", dict(read))
        print("stores repaired:", dict(repaired))


if __name__ == "__main__":
    main()
