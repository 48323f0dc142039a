"""Whether records agree: one result a trial, one unit a metric, one recipe an arm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ablations.core.checks import plain
from ablations.core.design import Arm, Settings
from ablations.core.identity import Identify, identified
from ablations.core.metrics import Better, MetricInfo, Unit
from ablations.core.record import Metric, RunRecord
from ablations.core.study import Study
from ablations.core.trial_log import require_usable
from ablations.errors import ReportingError, StoreError, StudyError
from ablations.records.description import record_text
from ablations.text.formatting import few


def distinct(records: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """Returns the records without copies of the same one, in their order.

    A trial may have failed several times before it completed.

    Raises:
        StoreError: if a trial has two completed records that are not the same.
    """
    number = Counter(record.key for record in records)
    kept: dict[tuple[str, str], RunRecord] = {}
    for record in records:
        text = record_text(record) if number[record.key] > 1 else ""  # writing all takes long
        kept.setdefault((record.key, text), record)
    completed = Counter(record.key for record in kept.values() if record.completed)
    twice = [own for own in kept.values() if own.completed and completed[own.key] > 1]
    if twice:
        raise StoreError(
            "a trial has two completed records that differ, and one cannot be preferred",
            received=_named(twice),
            cure="Leave one of them out of the file",
        )
    return tuple(kept.values())


def agreed_infos(
    reported: Iterable[tuple[RunRecord, Iterable[Metric]]],
) -> dict[str, MetricInfo]:
    """Returns unit and direction of each metric by name, in the order of their appearance.

    Raises:
        StoreError: if two records give a metric another unit or direction.
    """
    found: dict[str, dict[tuple[Unit, Better], list[RunRecord]]] = {}
    for record, metrics in reported:
        for metric in metrics:
            sides = found.setdefault(metric.name, {})
            sides.setdefault((metric.unit, metric.better), []).append(record)
    for name, sides in found.items():
        if len(sides) > 1:
            raise _disagreement(name, sides)
    return {name: MetricInfo(name, *next(iter(sides))) for name, sides in found.items()}


class Units:
    """The unit and direction of each metric as earlier trials gave them.

    Args:
        records: The completed records that there are already.
        measured: Returns a record's metrics by name, with those that follow from others.
    """

    def __init__(
        self,
        records: Iterable[RunRecord],
        measured: Callable[[RunRecord], Mapping[str, Metric]],
    ) -> None:
        self._measured = measured
        self._known: dict[str, Metric] = {}
        for record in records:
            self._known = {**measured(record), **self._known}

    def fault(self, record: RunRecord) -> ReportingError | None:
        """Returns the error of a record with other units; those of any other are noted."""
        metrics = self._measured(record)
        for new in metrics.values():
            known = self._known.get(new.name, new)
            if (known.unit, known.better) != (new.unit, new.better):
                return ReportingError(
                    f"metric '{new.name}' had unit '{known.unit}', better '{known.better}' in "
                    "earlier trials",
                    received=f"unit '{new.unit}', better '{new.better}' in {record.arm.name}, "
                    f"seed {record.seed}",
                    cure="Report it as in earlier trials, or under another name",
                )
        self._known = {**metrics, **self._known}
        return None


def require_one_recipe(records: Iterable[RunRecord], identify: Identify) -> None:
    """Makes sure that the seeds of each arm were trained alike.

    A store keeps what was trained before a setting was changed, which must not count as the same.

    Args:
        records: One of each arm and seed.
        identify: The entry's ``identity``: settings that it leaves out may differ.

    Raises:
        StoreError: if two records of an arm have other settings.
    """
    first: dict[Arm, tuple[RunRecord, Settings]] = {}
    for record in records:
        own = identified(record.settings, identify)
        other, settings = first.setdefault(record.arm, (record, own))
        if (record.entry, own) != (other.entry, settings):
            raise StoreError(
                "an arm has records of different settings, which have no common mean",
                received=_named([other, record]),
                cure="Name the report.json of the settings that you mean, or a .jsonl file that "
                "'ablations export' writes of them",
            )


def none_planned(
    path: Path | str, records: Sequence[RunRecord], study: Study, *, threads: Iterable[int]
) -> StoreError:
    """Returns the error of a file whose records belong to no trial that a study plans.

    Args:
        path: The file, or what else was given them.
        records: All that it holds.
        study: The study.
        threads: With these numbers of threads some of them would be of its trials.
    """
    other = " or ".join(f"--threads {number}" for number in threads)
    cure = (
        f"Add {other} (in the study file: 'threads' under [trial]): the records are of trials with "
        "other threads"
        if other
        else "Name the study that they are of, or repeat --set and --seeds as for 'run'"
    )
    found = (
        f"study {few(sorted({r.study for r in records}))}, "
        f"training function {few(sorted({r.entry for r in records}))}, "
        f"arm {few(sorted({r.arm.name for r in records}))}, "
        f"seed {few(sorted({r.seed for r in records}))}, "
        f"data {few(sorted({r.data or 'unknown' for r in records}))}"
    )
    return StoreError(
        f"{path}: none of its {len(records)} records is of a trial that {study.slug} plans",
        received=found,
        cure=f"{cure}; {study.slug} trains {study.entry} with arms such as {study.reference.name}",
    )


def _disagreement(
    name: str, sides: Mapping[tuple[Unit, Better], Sequence[RunRecord]]
) -> StoreError:
    ordered = sorted(sides.items(), key=lambda side: -len(side[1]))
    found = "; ".join(
        f"unit '{unit}', better '{better}' in {len(records)} records"
        + (f": {_named(records)}" if place else "")
        for place, ((unit, better), records) in enumerate(ordered)
    )
    return StoreError(
        f"records disagree on the unit or the direction of metric '{name}'",
        received=found,
        cure="Leave the wrong ones out of the file, or train all again in another --runs-dir",
    )


def _named(records: Sequence[RunRecord]) -> str:
    return few([f"trial {r.key} ({r.arm.name}, seed {r.seed})" for r in records])


def require_usable_metrics(records: Iterable[RunRecord]) -> None:
    """Makes sure that means and differences of all metrics can be computed.

    A training function cannot log others; records that were made in another way may hold them.

    Raises:
        AblationsError: as `require_usable` does.
    """
    for record in records:
        for metric in record.metrics:
            require_usable(metric, f"{record.arm.name}, seed {record.seed}")


def require_fractions(study: Study, units: Mapping[str, Unit]) -> None:
    """Raises `StudyError` where a bar is given in percent for a metric that is a fraction.

    Args:
        study: Its gates and its margin.
        units: The unit of each metric that was reported.
    """
    bars = [
        (f"gates[{i}].{name}", gate.metric, bar)
        for i, gate in enumerate(study.gates)
        for name, bar in (("at_least", gate.at_least), ("at_most", gate.at_most))
        if bar is not None and abs(bar) > 1
    ]
    margin = study.smallest_effect_that_matters
    if margin >= 1:
        bars.append(("analysis.smallest_effect_that_matters", study.metric, margin))
    for place, metric, bar in bars:
        if units.get(metric) == "fraction":
            raise StudyError(
                f"{study.slug}: {place} is in percent, but '{metric}' is a fraction, of 0 to 1",
                received=f"{place.rpartition('.')[2]} = {plain(bar)}",
                cure=f"Write {plain(bar / 100)}",
            )
