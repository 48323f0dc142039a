"""From a study to its trials, and from the records to those that are still to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ablations.entry import find_entry
from ablations.record import RunRecord
from ablations.store import Outcome
from ablations.study import Arm, Settings, Study, Trial, blocks


def plan_trials(study: Study, *, data_dir: str | Path | None = None) -> tuple[Trial, ...]:
    """Returns every trial of the study in the order in which it is to be trained.

    Args:
        study: A checked study.
        data_dir: Where the data lie, for data sets that need to be told.

    Raises:
        DataError: if the data cannot be identified.
    """
    entry = find_entry(study.entry, study.folder)
    where = None if data_dir is None else str(data_dir)
    data = {arm: entry.fingerprint_data(study.arm_settings(arm), where) for arm in study.arms}
    trials = _trials(study, lambda arm, _seed: data[arm])
    return tuple(replace(trial, data_dir=where, folder=study.folder) for trial in trials)


def trials_of_records(study: Study, records: Iterable[RunRecord]) -> tuple[Trial, ...]:
    """Returns every trial of the study with the data that its record was trained on.

    For records that were made elsewhere: neither their data nor the training function's other needs
    have to be here. A trial without a record has no data.
    """
    data = {(r.entry, r.seed, _text(r.settings)): r.data for r in records}
    texts = {arm: _text(study.arm_settings(arm)) for arm in study.arms}
    return _trials(study, lambda arm, seed: data.get((study.entry, seed, texts[arm]), ""))


def _trials(study: Study, data_of: Callable[[Arm, int], str]) -> tuple[Trial, ...]:
    settings = {arm: study.arm_settings(arm) for arm in study.arms}
    return tuple(
        Trial(study.slug, study.entry, arm, seed, settings[arm], data_of(arm, seed))
        for seed, arms in blocks(study)
        for arm in arms
    )


def _text(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True)


def remaining(trials: Sequence[Trial], outcomes: Iterable[Outcome]) -> tuple[Trial, ...]:
    """Returns the trials that ``run`` would train: those without a final outcome."""
    done = {outcome.key for outcome in outcomes if outcome.final}
    return tuple(trial for trial in trials if trial.key not in done)
