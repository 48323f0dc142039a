"""Compares two records of one trial, to the last bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Literal

import numpy as np

from ablations.core.metrics import is_result
from ablations.core.record import Predictions, RunRecord

What = Literal["outcome", "epoch", "metric", "predictions"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first difference of its kind: in the outcome, the epochs, the metrics or the predictions.

    ``name`` is the metric's or the split's. ``place`` is the epoch, from 1, or the example and the
    class, from 0; empty elsewhere. ``None`` is a value that one side lacks.
    """

    what: What
    name: str
    place: tuple[int, ...]
    before: float | str | None
    again: float | str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record of a trial, and another one of the same trial.

    ``mismatches`` has the first one of each kind, in the order in which they occur.
    ``environment`` has the facts that differ: name, before, again. The numbers of results show what
    was compared.
    """

    mismatches: tuple[Mismatch, ...]
    environment: tuple[tuple[str, str | None, str | None], ...]
    metrics: int
    epochs: int
    predictions: int

    @property
    def equal(self) -> bool:
        """Whether all results are the same to the last bit."""
        return not self.mismatches


def compare_rerun(before: RunRecord, again: RunRecord) -> Comparison:
    """Compares outcome, epochs, metrics and predictions; resources used are left out.

    These are numbers of seconds, bytes or joules and all that is computed from them.
    """
    facts = (before.environment, again.environment)
    return Comparison(
        mismatches=tuple(_mismatches(before, again)),
        environment=tuple(
            (name, facts[0].get(name), facts[1].get(name))
            for name in sorted({*facts[0], *facts[1]})
            if facts[0].get(name) != facts[1].get(name)
        ),
        metrics=len(_metrics(before)),
        epochs=len(before.epochs),
        predictions=sum(len(p.labels) for p in before.predictions),
    )


def results_digest(record: RunRecord) -> str:
    """Returns a digest that two records share where all of their results are the same."""
    digest = hashlib.sha256()
    for values in (_metrics(record), *map(_results, record.epochs)):
        for name in sorted(values):
            digest.update(f"{name}\0".encode() + _bits(values[name]))
        digest.update(b"\0\0")
    for own in sorted(record.predictions, key=lambda own: own.split):
        digest.update(f"{own.split}\0{own.probabilities.shape}\0".encode())
        digest.update(np.ascontiguousarray(own.labels, "<i8").tobytes())
        digest.update(np.ascontiguousarray(own.probabilities, "<f4").tobytes())
    return digest.hexdigest()


def _mismatches(before: RunRecord, again: RunRecord) -> Iterator[Mismatch]:
    ends = [record.reason or record.status for record in (before, again)]
    if ends[0] != ends[1]:
        yield Mismatch("outcome", "", (), *ends)
    metrics = _values("metric", (), _metrics(before), _metrics(again))
    for found in (_epochs(before, again), metrics, _predictions(before, again)):
        yield from islice(found, 1)


def _metrics(record: RunRecord) -> dict[str, float]:
    return {m.name: m.value for m in record.metrics if is_result(m.name, m.unit)}


def _epochs(before: RunRecord, again: RunRecord) -> Iterator[Mismatch]:
    none: Mapping[str, float] = {}
    sides = zip_longest(before.epochs, again.epochs, fillvalue=none)
    for i, pair in enumerate(sides, start=1):
        yield from _values("epoch", (i,), *map(_results, pair))


def _results(epoch: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in epoch.items() if is_result(name)}


def _values(
    what: What, place: tuple[int, ...], before: Mapping[str, float], again: Mapping[str, float]
) -> Iterator[Mismatch]:
    for name in {**before, **again}:
        then, now = before.get(name), again.get(name)
        if then is None or now is None or _bits(then) != _bits(now):
            yield Mismatch(what, name, place, then, now)


def _bits(value: float) -> bytes:
    return np.float64(value).tobytes() if value == value else b"nan"  # noqa: PLR0124 - NaN


def _predictions(before: RunRecord, again: RunRecord) -> Iterator[Mismatch]:
    sides = [{p.split: p for p in record.predictions} for record in (before, again)]
    for split in {**sides[0], **sides[1]}:
        pair = [side.get(split) for side in sides]
        if pair[0] is None or pair[1] is None:
            sizes = (None if side is None else f"{len(side.labels)} examples" for side in pair)
            yield Mismatch("predictions", split, (), *sizes)
        else:
            yield from _of_split(pair[0], pair[1])


def _of_split(then: Predictions, now: Predictions) -> Iterator[Mismatch]:
    shapes = [str(p.probabilities.shape) for p in (then, now)]
    if shapes[0] != shapes[1]:
        yield Mismatch("predictions", then.split, (), *shapes)
        return
    digests = {p.examples for p in (then, now) if p.examples}  # earlier records have none
    if len(digests) > 1 or not np.array_equal(then.labels, now.labels):
        yield Mismatch("predictions", then.split, (), "some examples", "other examples")
        return
    bits = (np.ascontiguousarray(p.probabilities, "<f4").view("<u4") for p in (then, now))
    for example, column in np.argwhere(np.not_equal(*bits))[:1].tolist():
        place = (int(example), int(column))
        values = (float(p.probabilities[place]) for p in (then, now))
        yield Mismatch("predictions", then.split, place, *values)
