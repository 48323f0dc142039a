"""Matches records, also those of earlier versions, with the trials of a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ablations.core.identity import Identify, identified, present_keys
from ablations.core.metrics import MetricInfo
from ablations.core.record import Exhibit, RunRecord
from ablations.core.study import Study, Trial
from ablations.entry import find_entry
from ablations.errors import StoreError
from ablations.records.sqlite.decoder import WHOLE
from ablations.records.sqlite.store import Store


def match_records(
    records: Iterable[RunRecord], trials: Sequence[Trial], study: Study
) -> tuple[RunRecord, ...]:
    """Returns records with those of the study's trials under the keys of these trials.

    Raises:
        StoreError: if a record has a trial's key, and settings or data that this trial has not.
    """
    found, identify = tuple(records), identify_of(study)
    planned = {trial.key: trial for trial in trials}
    for record in found:
        if record.key in planned:
            _require_own_facts(record, planned[record.key], identify)
    names = present_keys(found, planned, identify)
    return tuple(
        record
        if (key := names.get(record.key, record.key)) == record.key
        else replace(record, key=key)
        for record in found
    )


def _require_own_facts(record: RunRecord, trial: Trial, identify: Identify) -> None:
    """Makes sure that a record is of the trial that its key names, whatever its file says."""
    alike = record.settings == trial.settings
    if record.data == trial.data and (
        alike or identified(record.settings, identify) == trial.identity
    ):
        return
    other = sorted(
        key
        for key in {*record.settings, *trial.settings}
        if record.settings.get(key) != trial.settings.get(key)
    )
    raise StoreError(
        f"the record of {trial.arm.name}, seed {trial.seed}, has this trial's key and other facts",
        received=f"{', '.join(other) or 'data'} is not what the key {trial.key} stands for",
        cure="Leave the record out of the file, or take the file as it was exported",
    )


def identify_of(study: Study) -> Identify:
    """Returns the ``identity`` beside the study's training function."""
    return find_entry(study.entry, study.folder).identity


class PlannedStore(Store):
    """A study's store in which each trial of the plan is found under its own key.

    Records that an earlier version named otherwise, or that were trained with other settings which
    their arm does not use, are shown as what they are: records of these trials.

    Args:
        path: The SQLite file.
        study: Whose trials they are.
        trials: All that may be planned.
    """

    def __init__(self, path: Path, study: Study, trials: Sequence[Trial]) -> None:
        super().__init__(path)
        self._study = study
        self._planned = frozenset(trial.key for trial in trials)
        self._total: int | None = None
        self._stored: tuple[RunRecord, ...] = ()
        self._outcomes: tuple[RunRecord, ...] = ()
        self._keys: dict[str, str] = {}

    def _refresh(self) -> None:
        """Reads again what planning needs, if there are other records than before."""
        if (total := self.total()) != self._total:
            self._stored = super().outcomes()
            self._keys = present_keys(self._stored, self._planned, identify_of(self._study))
            self._outcomes = tuple(self._renamed(self._stored))
            self._total = total

    def _renamed(self, records: Iterable[RunRecord]) -> Iterator[RunRecord]:
        """Yields records under the keys of their planned trials."""
        for record in records:
            key = self._keys.get(record.key, record.key)
            yield record if key == record.key else replace(record, key=key)

    def stored_outcomes(self) -> tuple[RunRecord, ...]:
        """Returns the same as `outcomes`, under the keys that the records are stored under."""
        self._refresh()
        return self._stored

    def outcomes(self) -> tuple[RunRecord, ...]:
        """Returns the records without what their trials reported, oldest first."""
        self._refresh()
        return self._outcomes

    def records(self, *, skip: int = 0, parts: Collection[str] = WHOLE) -> tuple[RunRecord, ...]:
        """Returns the records without the first ``skip`` of them, oldest first."""
        self._refresh()
        return tuple(self._renamed(super().records(skip=skip, parts=parts)))

    def stream(self) -> Iterator[RunRecord]:
        """Yields the same records as `records`, of which one at a time is in memory."""
        self._refresh()
        return self._renamed(super().stream())

    def planned_metrics(self) -> tuple[MetricInfo, ...]:
        """Returns what the planned trials that completed reported: each metric and unit once."""
        self._refresh()
        return self.reported(self._keys)

    def judge(self) -> None:
        """Notes whether networks trained where an earlier version has stored the record."""
        super().judge()
        self._total = None

    def descriptions(self) -> dict[str, tuple[Exhibit, ...]]:
        """Returns the exhibits that trials have before they are trained, by the trial's key."""
        self._refresh()
        stored = super().descriptions()
        return {**{self._keys.get(key, key): shown for key, shown in stored.items()}, **stored}
