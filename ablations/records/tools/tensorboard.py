"""Reads TensorBoard's event files: scalars, and the tensors in which Keras writes scalars.

A file is a sequence of records (length, checksum, bytes, checksum) that hold ``Event`` messages;
the descriptions are ``event.proto`` and ``summary.proto`` of TensorBoard, ``tensor.proto`` of
TensorFlow, and ``plugin_data.proto`` of TensorBoard's plugin for hyperparameters.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ablations.records.tools.encodings import protobuf
from ablations.records.tools.encodings.checksums import masked_crc32c
from ablations.records.tools.paths import files_in, labels_of, named_by
from ablations.records.tools.run import (
    Reader,
    SourceRun,
    Wanted,
    between,
    chosen,
    damaged,
    moment,
    ordered,
)

PATTERN = "*tfevents*"
PARTS = frozenset({"train", "validation", "val", "test", "eval"})
"""Folders of parts of one run, as Keras writes them; what they hold is named after them."""

_OF_HPARAMS = re.compile(r"\d{9,}\.\d+")
_LARGEST_CHECKED = 4096
_LARGEST = 1 << 31
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
_VALUES = {5: "f", 6: "d"}


def records(path: Path) -> Iterator[bytes]:
    """Yields the records of a file up to one that is cut short or damaged."""
    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            size, check = struct.unpack("<QI", head)
            if size > _LARGEST or masked_crc32c(head[:8]) != check:
                return
            content, end = file.read(size), file.read(4)
            if len(content) < size or len(end) < 4:
                return
            if size <= _LARGEST_CHECKED and masked_crc32c(content) != struct.unpack("<I", end)[0]:
                return
            yield content


def _takes(source: str) -> bool:
    return bool(files_in(source, PATTERN))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    runs: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for path in files_in(source, PATTERN):
        root = str(path.parent) if path == Path(source) else source
        run, part = _run_of(named_by(path.parent, root))
        runs[run].append((part, path))
    for run, files in sorted(runs.items()):
        yield _run(run, files, wanted)


def _run_of(name: str) -> tuple[str, str]:
    """Returns the run that a folder is of, and the part of it that the folder holds.

    Example:
        >>> _run_of("seed=1/validation"), _run_of("seed=1/1795796103.5"), _run_of("seed=1")
        (('seed=1', 'validation'), ('seed=1', ''), ('seed=1', ''))
    """
    above, _, last = name.rpartition("/")
    if last in PARTS:
        return above or ".", last
    return (above, "") if above and _OF_HPARAMS.fullmatch(last) else (name, "")


@dataclass
class _Found:
    """What the files of a run have said so far."""

    points: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    times: list[float] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)


def _run(name: str, files: list[tuple[str, Path]], wanted: Wanted) -> SourceRun:
    found = _Found()
    for part, path in files:
        try:
            for record in records(path):
                _note(found, record, f"{part}/" if part else "", wanted)
        except (OSError, ValueError) as error:
            raise damaged(path, error, "Move it away, or copy it again") from error
    start, end = (min(found.times), max(found.times)) if found.times else (None, None)
    return SourceRun(
        name=name,
        params=found.params,
        series={tag: ordered(own) for tag, own in found.points.items()},
        labels=labels_of(name),
        started_at=moment(start),
        seconds=between(start, end),
    )


def _note(found: _Found, event: bytes, part: str, wanted: Wanted) -> None:
    step, values = 0, list[bytes]()
    for number, value in protobuf.fields(event):
        if number == 1:
            found.times += protobuf.floats(value, "d")
        elif number == 2:
            step = protobuf.whole(value)
        elif number == 5 and isinstance(value, bytes):
            inner = protobuf.fields(value)
            values += [own for at, own in inner if at == 1 and isinstance(own, bytes)]
    for own in values:
        tag, scalar, params = _scalar(own)
        found.params |= params
        if scalar is not None and chosen(f"{part}{tag}", wanted):
            found.points[f"{part}{tag}"].append((step, scalar))


def _scalar(message: bytes) -> tuple[str, float | None, dict[str, Any]]:
    """Returns the tag of a summary's value with its number, or the hyperparameters that it sets."""
    own = protobuf.last(message)
    tag = protobuf.text(own.get(1))
    if isinstance(own.get(9), bytes) and (set_ := _hyperparameters(own[9])):
        return tag, None, set_
    if 2 in own:
        return tag, protobuf.floats(own[2], "f")[0], {}
    tensor = own.get(8)
    return tag, _of_tensor(tensor) if isinstance(tensor, bytes) else None, {}


def _of_tensor(message: bytes) -> float | None:
    """Returns the number of a tensor of one element; ``None`` for any other tensor."""
    own = protobuf.last(message)
    kind, content, shape = own.get(1, 0), own.get(4), own.get(2, b"")
    if isinstance(shape, bytes) and any(_size(v) != 1 for n, v in protobuf.fields(shape) if n == 2):
        return None
    for place, form in _VALUES.items():
        if place in own:
            return protobuf.floats(own[place], form)[0]
    if isinstance(content, bytes) and isinstance(kind, int) and content and kind in _TYPES:
        found = np.frombuffer(content, _TYPES[kind])
        return float(found[0]) if found.size == 1 else None
    whole = own.get(7, own.get(10))
    return float(protobuf.whole(whole)) if isinstance(whole, int) else None


def _size(dimension: protobuf.Value) -> int:
    return protobuf.whole(protobuf.last(dimension).get(1)) if isinstance(dimension, bytes) else 0


def _hyperparameters(metadata: protobuf.Value) -> dict[str, Any]:
    """Returns the values that the plugin for hyperparameters keeps of a session, if it is one."""
    found: dict[str, Any] = {}
    plugin = protobuf.last(metadata).get(1) if isinstance(metadata, bytes) else None
    if not isinstance(plugin, bytes) or protobuf.last(plugin).get(1) != b"hparams":
        return found
    content = protobuf.last(plugin).get(2)
    session = protobuf.last(content).get(3) if isinstance(content, bytes) else None
    for number, entry in protobuf.fields(session) if isinstance(session, bytes) else ():
        if number == 1 and isinstance(entry, bytes):
            pair = protobuf.last(entry)
            value = pair.get(2)
            found[protobuf.text(pair.get(1))] = _value(value) if isinstance(value, bytes) else None
    return dict(sorted(found.items()))  # in files their order is another one each time


def _value(message: bytes) -> Any:
    """Returns a ``google.protobuf.Value``: a number, a text or a truth value."""
    own = protobuf.last(message)
    if 2 in own:
        found = protobuf.floats(own[2], "d")[0]
        return int(found) if found.is_integer() else found
    if 3 in own:
        return protobuf.text(own[3])
    return bool(own[4]) if 4 in own else None


READER = Reader("tensorboard", "TensorBoard", _takes, _read)
