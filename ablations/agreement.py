"""Whether records can stand beside each other: one result a trial, one unit a metric."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ablations.codec import to_text
from ablations.errors import StoreError
from ablations.estimates import MetricInfo
from ablations.jsonl import record_to_json
from ablations.record import Metric, RunRecord
from ablations.study import Study

_NAMED = 3
"""How many records a message names."""


def distinct(records: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """Returns the records without copies of the same one, in their order.

    A trial may have failed several times before it completed.

    Raises:
        StoreError: if a trial has two completed records that are not the same.
    """
    often = Counter(record.key for record in records)
    kept, texts = [], defaultdict[str, list[str]](list)
    for record in records:
        if often[record.key] > 1:
            text = to_text(record_to_json(record))
            if text in texts[record.key]:
                continue
            texts[record.key].append(text)
        kept.append(record)
    completed = Counter(record.key for record in kept if record.completed)
    twice = [record for record in kept if record.completed and completed[record.key] > 1]
    if twice:
        raise StoreError(
            "a trial has two completed records that differ, and one cannot be preferred",
            received=_named(twice),
            cure="Leave one of them out of the file",
        )
    return tuple(kept)


def agreed_infos(
    reported: Iterable[tuple[RunRecord, Iterable[Metric]]],
) -> dict[str, MetricInfo]:
    """Returns unit and direction of each metric by name, in the order of their appearance.

    Raises:
        StoreError: if two records give a metric another unit or direction.
    """
    found: dict[str, dict[MetricInfo, list[RunRecord]]] = {}
    for record, metrics in reported:
        for metric in metrics:
            info = MetricInfo(metric.name, metric.unit, metric.better)
            found.setdefault(metric.name, {}).setdefault(info, []).append(record)
    for name, sides in found.items():
        if len(sides) > 1:
            raise _disagreement(name, sides)
    return {name: next(iter(sides)) for name, sides in found.items()}


def strangers(path: Path, records: Sequence[RunRecord], study: Study) -> StoreError:
    """Returns the error of a file whose records belong to no trial that a study plans."""
    said = (
        f"{_listed('study', {r.study for r in records})}, "
        f"{_listed('training function', {r.entry for r in records})}, "
        f"{_listed('arm', {r.arm.name for r in records})}, "
        f"{_listed('seed', {r.seed for r in records})}, "
        f"{_listed('data', {r.data or 'unknown' for r in records})}"
    )
    return StoreError(
        f"{path}: none of its {len(records)} records is of a trial that {study.slug} plans",
        received=said,
        cure=f"Name the study that they are of, or repeat --set and --seeds as for 'run'; "
        f"{study.slug} trains {study.entry} with arms such as {study.reference.name}",
    )


def _listed(what: str, names: set[Any]) -> str:
    ordered = [str(name) for name in sorted(names)]
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return f"{what} {'; '.join(ordered[:_NAMED])}{more}"


def _disagreement(name: str, sides: dict[MetricInfo, list[RunRecord]]) -> StoreError:
    ordered = sorted(sides.items(), key=lambda side: -len(side[1]))
    said = "; ".join(
        f"unit '{info.unit}', better '{info.better}' in {len(records)} records"
        + (f": {_named(records)}" if place else "")
        for place, (info, records) in enumerate(ordered)
    )
    return StoreError(
        f"records disagree on the unit or the direction of metric '{name}'",
        received=said,
        cure="Leave the wrong ones out of the file, or train all again in another --runs-dir",
    )


def _named(records: Sequence[RunRecord]) -> str:
    names = [f"trial {r.key} ({r.arm.name}, seed {r.seed})" for r in records[:_NAMED]]
    more = len(records) - len(names)
    return "; ".join(names) + (f" and {more} more" if more else "")
