"""From a study to its trials, and from the records to those that are still to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ablations.entry import find_entry
from ablations.store import Outcome
from ablations.study import Study, Trial, blocks


def plan_trials(study: Study, *, data_dir: str | Path | None = None) -> tuple[Trial, ...]:
    """Returns every trial of the study in the order in which it is to be trained.

    Args:
        study: A checked study.
        data_dir: Where the data lie, for data sets that need to be told.

    Raises:
        DataError: if the data cannot be identified.
    """
    entry = find_entry(study.entry)
    folder = None if data_dir is None else str(data_dir)
    fingerprints: dict[str, str] = {}

    def fingerprint(settings: dict[str, object]) -> str:
        text = json.dumps(settings, sort_keys=True)
        if text not in fingerprints:
            fingerprints[text] = entry.fingerprint_data(settings, folder)
        return fingerprints[text]

    settings = {arm: study.arm_settings(arm) for arm in study.arms}
    return tuple(
        Trial(
            study=study.slug,
            entry=study.entry,
            arm=arm,
            seed=seed,
            settings=settings[arm],
            data=fingerprint(settings[arm]),
            data_dir=folder,
        )
        for seed, arms in blocks(study)
        for arm in arms
    )


def remaining(trials: Sequence[Trial], outcomes: Iterable[Outcome]) -> tuple[Trial, ...]:
    """Returns the trials that ``run`` would train.

    A completed trial is done, and so is one that diverged: the same settings and seed would diverge
    again. What raised, overran its time or died is tried again.
    """
    done = {o.key for o in outcomes if o.status == "completed" or o.reason == "diverged"}
    return tuple(trial for trial in trials if trial.key not in done)
