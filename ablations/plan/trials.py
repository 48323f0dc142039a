"""From a study to its trials, and from the records to those that are still to do."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ablations.core.design import Arm, Settings
from ablations.core.identity import Identify, identified
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial, blocks, name_trials
from ablations.entry import find_entry
from ablations.errors import StoreError
from ablations.text.formatting import listing

Data = Mapping[Arm, Mapping[int, str]]
"""The fingerprint of the data of each arm and, in the order of the study, of each seed."""


def plan_trials(study: Study, *, data_dir: str | Path | None = None) -> tuple[Trial, ...]:
    """Returns every trial of the study in the order in which it is to be trained.

    Args:
        study: A checked study.
        data_dir: Where the data lie, for data sets that need it.

    Raises:
        DataError: if the data cannot be identified.
    """
    entry = find_entry(study.entry, study.folder)
    where = None if data_dir is None else str(data_dir)
    data = {
        arm: dict.fromkeys(study.seeds, entry.fingerprint_data(study.arm_settings(arm), where))
        for arm in study.arms
    }
    return _trials(study, data, entry.identity, data_dir=where, folder=study.folder)


def trials_of_records(study: Study, records: Iterable[RunRecord]) -> tuple[Trial, ...]:
    """Returns every trial of the study with the data that its record was trained on.

    For records that were made elsewhere: neither their data nor the training function's other needs
    have to be here. A trial without a record has no data.

    Raises:
        StoreError: if the records of an arm are of different data.
    """
    identify = find_entry(study.entry, study.folder).identity
    exact: dict[tuple[int, str], str] = {}
    similar: dict[tuple[int, str], str] = {}  # by the settings that count
    for record in records:
        if record.entry == study.entry:
            exact[record.seed, _text(record.settings)] = record.data
            counted = _text(identified(record.settings, identify))
            similar.setdefault((record.seed, counted), record.data)
    data: dict[Arm, dict[int, str]] = {}
    for arm in study.arms:
        settings = study.arm_settings(arm)
        own, counted = _text(settings), _text(identify(copy.deepcopy(settings)))
        found = {s: exact.get((s, own), similar.get((s, counted))) for s in study.seeds}
        _require_one_data(arm, {one for one in found.values() if one is not None})
        data[arm] = {seed: one or "" for seed, one in found.items()}
    return _trials(study, data, identify)


def _require_one_data(arm: Arm, found: set[str]) -> None:
    if len(found) > 1:
        raise StoreError(
            f"{arm.name} has records of different data, and their mean is of neither",
            received=listing([one or "unknown data" for one in sorted(found)]),
            cure="Name a .jsonl file that 'ablations export' writes where one of the data lie",
        )


def _trials(
    study: Study,
    data: Data,
    identify: Identify,
    *,
    data_dir: str | None = None,
    folder: str | None = None,
) -> tuple[Trial, ...]:
    settings = {arm: study.arm_settings(arm) for arm in study.arms}
    counted = {arm: identify(copy.deepcopy(own)) for arm, own in settings.items()}
    facts = {arm: (_text(own), *data[arm].values()) for arm, own in counted.items()}
    alike = Counter(facts.values())
    # Two arms that differ only in settings that they do not use are named by all of them.
    named = {arm: counted[arm] if alike[facts[arm]] == 1 else settings[arm] for arm in study.arms}
    own = {arm: (settings[arm], data[arm], named[arm]) for arm in study.arms}
    about, threads = (study.slug, study.entry), study.threads
    trials = tuple(
        Trial(*about, arm, seed, shared, of_seed[seed], data_dir, folder, threads, identity)
        for seed, arms in blocks(study)
        for arm in arms
        for shared, of_seed, identity in (own[arm],)
    )
    name_trials(trials)
    return trials


def _text(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True)


def remaining(trials: Sequence[Trial], outcomes: Iterable[RunRecord]) -> tuple[Trial, ...]:
    """Returns the trials that ``run`` would train: those without a final outcome."""
    done = {outcome.key for outcome in outcomes if outcome.final}
    return tuple(trial for trial in trials if trial.key not in done)
