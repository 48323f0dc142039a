"""What commands are told without results being read is what the whole records say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.core.identity import with_threads
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.study import Study, Trial, trial_key
from ablations.core.training import untrained
from ablations.errors import StoreError
from ablations.plan import load_study, plan_trials, progress_of
from ablations.records.description import record_text
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite.store import Store
from ablations.session import Session

CLI = CliRunner()
STORE = Path("runs/small/records.sqlite")


def made(trial: Trial, hour: int = 0, *, same: bool = False, **changes) -> RunRecord:
    labels = np.array([0, 1, 1])
    right = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    outputs = np.full((3, 2), 0.5, np.float32) if same else right
    own = RunRecord(
        trial.key, trial.study, trial.entry, trial.arm, trial.seed, trial.settings, trial.data,
        "completed", f"2026-01-01T{hour:02d}:00:00+00:00", 1.0 + hour,
        metrics=(Metric("test_accuracy", 0.6 + trial.seed / 100, "fraction", "higher"),
                 Metric("test_loss", 1.0 - trial.seed / 100, "number", "lower")),
        epochs=({"loss": 1.0, "val_accuracy": 0.5}, {"loss": 0.5, "val_accuracy": 0.6}),
        steps=(np.array([0.1, 0.2]), np.array([0.3])),
        predictions=(Predictions("test", labels, outputs, "d"),),
        environment={"threads": "1"},
    )  # fmt: skip
    return replace(own, **changes)


def failed(trial: Trial, hour: int, reason: str = "raised") -> RunRecord:
    nothing = {"metrics": (), "epochs": (), "steps": (), "predictions": ()}
    return made(trial, hour, status="failed", reason=reason, message=f"boom {hour}", **nothing)


def mixed(study: Study) -> list[RunRecord]:
    """Of twelve trials: failed and then completed, failed twice, diverged, untrained, missing."""
    trials = plan_trials(study)
    of_before = trial_key(study.entry, {**trials[6].settings, "old": 1}, seed=9, data="")
    return [
        failed(trials[0], 1), made(trials[0], 2),
        failed(trials[1], 3), failed(trials[1], 4, "timeout"),
        failed(trials[2], 5, "diverged"),
        made(trials[3], 6, same=True), made(trials[4], 7, same=True), made(trials[5], 8),
        made(trials[6], 9), made(trials[6], 10, key=of_before),
        made(trials[7], 11, environment={"threads": "4"}),
    ]  # fmt: skip


@pytest.fixture
def stored(study: Study) -> Study:
    for own in mixed(study):
        Store(STORE).append(own)
    return study


def of_whole_records(study: Study) -> Mapping[str, object]:
    """Answers as all of each record gives them."""
    records, trials = Store(STORE).records(), plan_trials(study)
    own = [record for record in records if record.key in {trial.key for trial in trials}]
    done = {record.key for record in own if record.completed}
    return {
        "progress": progress_of(trials, records),
        "untrained": {record.key for record in untrained(own)},
        "reported": {m.name for record in own if record.completed for m in record.metrics},
        "failures": {r.key: r.message for r in own if r.key not in done},
        "others": len(records) - len(own),
    }


def of_session(study: Study) -> Mapping[str, object]:
    session = Session(study)
    return {
        "progress": session.progress(jobs=1),
        "untrained": {record.key for record in session.untrained()},
        "reported": {metric.name for metric in session.reported()},
        "failures": {record.key: record.message for record in session.failures()},
        "others": session.others(),
    }


@pytest.mark.parametrize("earlier", ["", "UPDATE records SET training = ''", "drop"])
def test_what_is_asked_without_results_is_what_the_records_say(stored: Study, earlier: str):
    drop = "ALTER TABLE records DROP COLUMN training"
    with closing(sqlite3.connect(STORE)) as connection, connection:
        connection.execute(drop if earlier == "drop" else earlier)
    expected = of_whole_records(stored)
    assert of_session(stored) == expected
    assert len(expected["untrained"]) == 2
    assert len(expected["failures"]) == 2
    Session(stored).claim()  # as 'run' does
    assert all(outcome.training for outcome in Store(STORE).outcomes())
    assert of_session(stored) == expected


PAYLOADS = (
    "UPDATE predictions SET labels = x'00'",
    "UPDATE steps SET seconds = x'00'",
    "UPDATE epochs SET metrics = '{'",
    "UPDATE records SET body_checksum = 'x'",
    "UPDATE metrics SET value = value + 1",
)


def damage(*statements: str) -> None:
    with closing(sqlite3.connect(STORE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


def test_status_and_a_run_with_nothing_to_do_read_no_results(study: Study, study_path: Path):
    for trial in plan_trials(study):
        Store(STORE).append(made(trial, trial.seed))
    expected = json.loads(call("status", study_path, "--json").stdout)
    assert expected["completed"] == expected["planned"] == 12
    damage(*(line for line in PAYLOADS if "body_checksum" not in line))
    shown = call("status", study_path, "--json")
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout) == expected
    done = call("run", study_path, "--no-report")
    assert (done.exit_code, "12 of 12 trials done" in done.stderr) == (0, True)


@pytest.mark.parametrize("statement", PAYLOADS)
@pytest.mark.parametrize("command", ["gate", "report", "export", "merge", "run"])
def test_what_tells_results_refuses_a_damaged_record(
    study: Study, study_path: Path, statement: str, command: str
):
    for trial in plan_trials(study):
        Store(STORE).append(made(trial, trial.seed))
    damage(f"{statement} WHERE {'id' if 'records' in statement else 'record'} = 5")
    arguments = {"export": [study_path, "--to", "r.jsonl"], "merge": [STORE, "--runs-dir", "all"]}
    done = call(command, *arguments.get(command, [study_path]))
    assert isinstance(done.exception, StoreError)
    assert "is damaged, or no record file: record 5 (trial " in str(done.exception)
    assert not Path("r.jsonl").exists()
    assert not Path("all/small/records.sqlite").exists()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE records SET status = 'completed', reason = NULL WHERE id = 3", "DELETE FROM records WHERE id = 8"],
)  # fmt: skip
def test_a_trial_that_is_counted_is_one_that_was_recorded_so(
    stored: Study, study_path: Path, statement: str
):
    damage(statement)
    for command in ("status", "run"):
        done = call(command, study_path)
        assert isinstance(done.exception, StoreError)
        assert "is damaged, or no record file" in str(done.exception)


def test_units_that_disagree_are_refused_by_status_too(stored: Study, study_path: Path):
    trial = plan_trials(stored)[8]
    Store(STORE).append(made(trial, metrics=(Metric("test_accuracy", 0.5, "number", "higher"),)))
    done = call("status", study_path)
    problem = "records disagree on the unit or the direction of metric 'test_accuracy'"
    assert problem in str(done.exception)


def judged(study: Study, records: Sequence[RunRecord]) -> tuple[object, ...]:
    found = Session(study).findings(records)
    arms = tuple((own.arm, own.training and own.training.untrained) for own in found.arms)
    counts = found.n_planned, found.n_completed, found.n_failed
    return found.gates, arms, counts, found.revisions


def test_a_gate_says_the_same_without_what_it_does_not_need(stored: Study, study_path: Path):
    text = study_path.read_text()
    gates = '\n[[gates]]\nmetric = "test_accuracy"\nat_least = 0.5\njudge = "lower"\n'
    study_path.write_text(text + gates)
    study = load_study(study_path)
    lean, whole = Session(study).gate_records(), Session(study).records()
    assert all(own.training and not own.steps and not own.predictions for own in lean)
    assert any(own.steps for own in whole)
    assert judged(study, lean) == judged(study, whole)
    study_path.write_text(text + gates.replace("test_accuracy", "p95_step_seconds"))
    timed = Session(load_study(study_path))
    assert any(own.steps for own in timed.gate_records())


def test_an_export_holds_the_records_of_the_plan_one_after_another(stored: Study, study_path: Path):
    session = Session(stored)
    records = session.records()
    assert list(map(record_text, session.stream())) == list(map(record_text, records))
    assert call("export", study_path, "--to", "r.jsonl").exit_code == 0
    renamed = [record_text(with_threads(own)) for own in records]  # as their readers do
    assert list(map(record_text, read_jsonl(Path("r.jsonl")))) == renamed
