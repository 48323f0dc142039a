"""Which record counts for which planned trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ablations.analyze.derived import measured
from ablations.core.design import Arm
from ablations.core.findings import TrialFinding
from ablations.core.metrics import MetricInfo
from ablations.core.record import Metric, RunRecord, moment_of
from ablations.core.study import Trial
from ablations.core.training import trained
from ablations.errors import StoreError
from ablations.records.agreement import agreed_infos


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """What became of one planned trial.

    ``record`` is the one of its ``records`` that counts, ``None`` while the trial is missing.
    ``metrics`` are those of a completed record, logged and derived; a failed one has none, because
    half a training is no observation.
    """

    trial: Trial
    record: RunRecord | None
    metrics: Mapping[str, Metric]
    records: Sequence[RunRecord] = ()

    @property
    def completed(self) -> RunRecord | None:
        """The record, if the trial ran to its end."""
        return self.record if self.record is not None and self.record.completed else None

    @property
    def failed(self) -> RunRecord | None:
        """The record, if the trial did not run to its end."""
        return None if self.completed else self.record

    @cached_property
    def trained(self) -> bool | None:
        """Whether the network of the completed record trained; ``None`` where that is unknown."""
        return trained(self.completed) if self.completed else None


def match(
    records: Iterable[RunRecord], planned: Sequence[Trial], *, arms: Sequence[Arm]
) -> tuple[TrialOutcome, ...]:
    """Returns the outcome of each planned trial, by the order of ``arms`` and then by seed.

    Records of other keys are ignored. The latest completed record of a key counts, else its
    latest failed one. The arm is the planned one: a record outlives the renaming of its arm.

    Raises:
        StoreError: if a record under a trial's key is of another function or seed.
    """
    position = {arm: i for i, arm in enumerate(arms)}
    trials = {trial.key: trial for trial in planned if trial.arm in position}
    by_key: dict[str, list[RunRecord]] = {key: [] for key in trials}
    for record in records:
        if record.key in by_key:
            by_key[record.key].append(record)
    outcomes = (_outcome(trial, by_key[key]) for key, trial in trials.items())
    return tuple(sorted(outcomes, key=lambda o: (position[o.trial.arm], o.trial.seed)))


def metric_infos(outcomes: Iterable[TrialOutcome]) -> dict[str, MetricInfo]:
    """Returns the metrics of the completed trials by name, in the order of their appearance.

    Raises:
        StoreError: if two trials give one another unit or direction.
    """
    completed = ((o.record, o.metrics.values()) for o in outcomes if o.record is not None)
    return agreed_infos(completed)


def finished_at(outcomes: Iterable[TrialOutcome]) -> str | None:
    """Returns the end of the last trial, ISO 8601 in UTC to the second."""
    ends = [
        moment_of(outcome.record.started_at) + timedelta(seconds=outcome.record.seconds)
        for outcome in outcomes
        if outcome.record is not None
    ]
    return max(ends).isoformat(timespec="seconds") if ends else None


def trial_findings(outcomes: Iterable[TrialOutcome]) -> tuple[TrialFinding, ...]:
    """Returns all records of the outcomes, those of one trial by their start."""
    return tuple(
        TrialFinding(
            arm=outcome.trial.arm,
            seed=record.seed,
            key=record.key,
            status=record.status,
            trained=outcome.trained if record is outcome.record else _trained(record),
            reason=record.reason,
            started_at=record.started_at,
            seconds=record.seconds,
            metrics={metric.name: metric.value for metric in record.metrics},
        )
        for outcome in outcomes
        for record in sorted(outcome.records, key=lambda record: record.started_at)
    )


def _trained(record: RunRecord) -> bool | None:
    return trained(record) if record.completed else None


def _outcome(trial: Trial, records: Sequence[RunRecord]) -> TrialOutcome:
    for own in records:
        if (own.entry, own.seed) != (trial.entry, trial.seed):
            raise StoreError(
                "a record's key names another trial than its own facts do, so one of them is wrong",
                received=f"trial {own.key} ({trial.entry}, seed {trial.seed}) with a record of "
                f"{own.entry}, seed {own.seed}",
                cure="Leave the record out of the file, or take the file as it was exported",
            )
    record = max(records, key=_precedence, default=None)
    metrics = measured(record) if record is not None and record.completed else {}
    return TrialOutcome(trial, record, metrics, records)


def _precedence(record: RunRecord) -> tuple[bool, datetime, float]:
    return record.completed, moment_of(record.started_at), record.seconds
