"""Reads the offline runs of Weights & Biases: ``run-ID.wandb`` files.

A file is a log in LevelDB's format (blocks of 32 KiB that hold pieces of records) behind a head
of its own; the records are messages of ``wandb_internal.proto``.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablations.core.record import IMPORTED
from ablations.errors import StoreError
from ablations.records.tools.encodings import protobuf
from ablations.records.tools.paths import files_in
from ablations.records.tools.run import (
    Reader,
    SourceRun,
    State,
    Wanted,
    chosen,
    damaged,
    moment,
    ordered,
)

TITLE = "Weights & Biases"

_HEAD = b":W&B"
_BLOCK = 32_768
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT, _HEADER = 2, 3, 5, 17, 18, 21
"""The numbers of the records that are read."""

Points = dict[str, list[tuple[float, float]]]


@dataclass
class _Found:
    """What the records of a file have said so far."""

    run: dict[int, protobuf.Value] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, float] = field(default_factory=dict)
    points: Points = field(default_factory=lambda: defaultdict(list))
    exit: dict[int, protobuf.Value] | None = None
    version: str = ""
    step: int = 0


def records(path: Path) -> Iterator[bytes]:
    """Yields the records of a file up to one that is cut short or damaged.

    Raises:
        StoreError: if it is no such file.
    """
    content = path.read_bytes()
    if content[:4] != _HEAD:
        raise damaged(path, content[:4], "Move it away, or copy it again from where it was written")
    at, record = 7, b""
    while at + 7 <= len(content):
        if _BLOCK - at % _BLOCK < 7:  # too little for a piece: the rest of the block is empty
            at += _BLOCK - at % _BLOCK
            continue
        check, size, kind = struct.unpack_from("<IHB", content, at)
        piece = content[at + 7 : at + 7 + size]
        if kind not in (_WHOLE, _FIRST, _MIDDLE, _LAST) or len(piece) < size:
            return
        if zlib.crc32(content[at + 6 : at + 7 + size]) != check:
            return
        record = piece if kind in (_WHOLE, _FIRST) else record + piece
        at += 7 + size
        if kind in (_WHOLE, _LAST):
            yield record


def _takes(source: str) -> bool:
    return bool(files_in(source, "*.wandb"))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    for path in files_in(source, "*.wandb"):
        found = _Found()
        try:
            for record in records(path):
                _note(found, record)
        except (OSError, ValueError, struct.error) as error:
            if isinstance(error, StoreError):
                raise
            cure = "Move it away, or copy it again from where it was written"
            raise damaged(path, error, cure) from error
        yield _run(path, found, wanted)


def _note(found: _Found, record: bytes) -> None:
    for number, value in protobuf.fields(record):
        if not isinstance(value, bytes):
            continue
        if number == _HISTORY:
            _note_history(found, value)
        elif number == _SUMMARY:
            found.summary |= {k: v for k, v in _items(value, 1) if _is_number(v)}
        elif number == _CONFIG:
            found.config |= _flat(dict(_items(value, 1)))
        elif number == _RUN:
            found.run = dict(protobuf.fields(value))
            own = found.run.get(4)
            found.config |= _flat(dict(_items(own, 1))) if isinstance(own, bytes) else {}
        elif number == _EXIT:
            found.exit = dict(protobuf.fields(value))
        elif number == _HEADER:
            inner = protobuf.last(value).get(1)
            found.version = (
                protobuf.text(protobuf.last(inner).get(1)) if isinstance(inner, bytes) else ""
            )


def _note_history(found: _Found, message: bytes) -> None:
    items = dict(_items(message, 1))
    step = protobuf.last(message).get(2)
    if isinstance(step, bytes):
        found.step = protobuf.whole(protobuf.last(step).get(1))
    elif _is_number(items.get("_step")):
        found.step = int(items["_step"])
    for name, value in _flat(items).items():
        if not name.startswith("_") and _is_number(value):
            found.points[name].append((found.step, float(value)))


def _items(message: bytes, field_number: int) -> Iterator[tuple[str, Any]]:
    """Yields the names and values of a record's items; nested names are joined by dots."""
    for number, item in protobuf.fields(message):
        if number != field_number or not isinstance(item, bytes):
            continue
        own = list(protobuf.fields(item))
        nested = [protobuf.text(value) for at, value in own if at == 2]
        known = dict(own)
        name = protobuf.text(known.get(1)) or ".".join(nested)
        with suppress(ValueError):
            yield name, _value(known)


def _value(item: dict[int, protobuf.Value]) -> Any:
    """Returns the value of an item, which is JSON or, in later versions, a field of its kind."""
    if 16 in item or 8 in item:
        return json.loads(protobuf.text(item.get(16, item.get(8))))
    if 6 in item:
        return protobuf.floats(item[6], "d")[0]
    if 5 in item:
        return protobuf.whole(item[5])
    return bool(item[4]) if 4 in item else protobuf.text(item.get(7))


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Returns nested values by names with dots; W&B's own, which begin with ``_``, are left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name.startswith("_"):
            continue
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = value
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _run(path: Path, found: _Found, wanted: Wanted) -> SourceRun:
    series = {name: ordered(own) for name, own in found.points.items()}
    last = {name: ((found.step, float(value)),) for name, value in found.summary.items()}
    own = {n: p for n, p in {**last, **series}.items() if not n.startswith("_")}
    texts = {"project": 3, "group": 6, "job_type": 7, "run_name": 8}
    labels = {
        name: text for name, at in texts.items() if (text := protobuf.text(found.run.get(at)))
    }
    version = found.version.partition("+")[0]
    return SourceRun(
        name=protobuf.text(found.run.get(1)) or path.stem,
        params=found.config,
        series={name: points for name, points in own.items() if chosen(name, wanted)},
        labels=labels,
        state=_state(found),
        started_at=moment(_started(found)),
        seconds=float(protobuf.whole((found.exit or {}).get(2))),
        facts={IMPORTED: f"{TITLE} {version}".strip(), **_commit(found)},
    )


def _state(found: _Found) -> State:
    if found.exit is None:
        return "running"
    return "failed" if protobuf.whole(found.exit.get(1)) else "finished"


def _started(found: _Found) -> float | None:
    stamp = found.run.get(17)
    if not isinstance(stamp, bytes):
        return None
    own = protobuf.last(stamp)
    return protobuf.whole(own.get(1)) + protobuf.whole(own.get(2)) / 1e9


def _commit(found: _Found) -> dict[str, str]:
    git = found.run.get(21)
    commit = protobuf.text(protobuf.last(git).get(2)) if isinstance(git, bytes) else ""
    return {"commit": commit} if commit else {}


READER = Reader("wandb", TITLE, _takes, _read)
