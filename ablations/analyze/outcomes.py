"""Which record counts for which planned trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ablations.analyze.derived import measured
from ablations.core.design import Arm
from ablations.core.estimates import MetricInfo
from ablations.core.record import Metric, RunRecord, moment_of
from ablations.core.study import Trial
from ablations.errors import StoreError
from ablations.records.agreement import agreed_infos


@dataclass(frozen=True, slots=True, eq=False)
class TrialOutcome:
    """What became of one planned trial.

    ``record`` is ``None`` while the trial is missing. ``metrics`` are those of a completed record,
    logged and derived; a failed one has none, for half a training is no observation.
    """

    trial: Trial
    record: RunRecord | None
    metrics: Mapping[str, Metric]

    @property
    def completed(self) -> RunRecord | None:
        """The record, if the trial ran to its end."""
        return self.record if self.record is not None and self.record.completed else None

    @property
    def failed(self) -> RunRecord | None:
        """The record, if the trial did not run to its end."""
        return None if self.completed else self.record


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
    trials = [(trial.key, trial) for trial in planned if trial.arm in position]
    chosen = _latest(records, {key for key, _ in trials})
    trials.sort(key=lambda pair: (position[pair[1].arm], pair[1].seed))
    return tuple(_outcome(trial, chosen.get(key)) for key, trial in trials)


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


def _outcome(trial: Trial, record: RunRecord | None) -> TrialOutcome:
    if record is not None and (record.entry, record.seed) != (trial.entry, trial.seed):
        raise StoreError(
            "a record's key names another trial than its own facts do, so one of them is wrong",
            received=f"trial {record.key} ({trial.entry}, seed {trial.seed}) with a record of "
            f"{record.entry}, seed {record.seed}",
            cure="Leave the record out of the file, or take the file as it was exported",
        )
    metrics = measured(record) if record is not None and record.completed else {}
    return TrialOutcome(trial, record, metrics)


def _latest(records: Iterable[RunRecord], keys: set[str]) -> dict[str, RunRecord]:
    chosen: dict[str, RunRecord] = {}
    for record in records:
        if record.key in keys:
            rival = chosen.get(record.key, record)
            chosen[record.key] = max(rival, record, key=_precedence)
    return chosen


def _precedence(record: RunRecord) -> tuple[bool, datetime, float]:
    return record.completed, moment_of(record.started_at), record.seconds
