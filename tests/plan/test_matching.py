"""A study's store in which the trials of the plan have their own keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from ablations import load_study, run_study
from ablations.errors import StoreError
from ablations.plan import PlannedStore, plan_trials
from ablations.records.sqlite.store import Store


def test_what_planning_needs_is_read_again_only_when_there_are_other_records(
    study, study_path, monkeypatch
):
    run_study(load_study(study_path, seeds=2), jobs=0)
    store = PlannedStore(study_path.parent / "runs/small/records.sqlite", study, plan_trials(study))
    read, calls = Store.outcomes, []
    monkeypatch.setattr(Store, "outcomes", lambda own: calls.append(own) or read(own))
    for _ in range(3):
        assert len(store.outcomes()) == len(store.records()) == 8
    assert len(calls) == 1
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("DELETE FROM totals")
    for planned in (store, PlannedStore(store.path, study, plan_trials(study))):
        with pytest.raises(StoreError, match="8 are there, an unknown number were written"):
            planned.outcomes()
