from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import read_records, run_study
from ablations.cli.app import app
from ablations.core.design import Arm
from ablations.core.identity import present_keys, threads_of, with_threads
from ablations.core.record import RunRecord
from ablations.core.study import trial_key
from ablations.errors import StoreError, StudyError
from ablations.plan import load_study
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite.store import Store
from ablations.reporting import analyze_records
from ablations.run.observer import Observer
from ablations.session import Session

CORES = {"cpu": "x", "cores": "4"}


class Watcher(Observer):
    def __init__(self):
        self.started_trials = []

    def started(self, trial):
        self.started_trials.append(trial)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("facts", "threads"),
    [
        ({"cores": "2", "jobs": "2"}, 1),
        ({"cores": "2", "jobs": "1"}, 2),
        ({"cores": "8"}, 8),
        ({"cores": "8", "jobs": "3"}, 2),
        ({"cores": "2", "jobs": "5"}, 1),
        ({"cores": "8", "jobs": "1", "threads": "1"}, 1),
        ({"cores": "8", "jobs": "1", "gpus": "1"}, 1),
        ({"cores": "8", "jobs": "1", "device": "gpu:0"}, 1),
        ({"cores": "8", "jobs": "1", "device": "cpu:0"}, 8),
        ({"cores": "many"}, 1),
        ({}, 1),
    ],
)
def test_the_threads_of_a_trial_by_what_its_record_says(facts, threads):
    assert threads_of(facts) == threads


def earlier(records, **facts):
    """The records as an earlier version left them: named without threads, which they do not say."""
    return [
        replace(
            record,
            key=trial_key(record.entry, record.settings, seed=record.seed, data=record.data),
            environment={**CORES, **facts},
        )
        for record in records
    ]


def write_earlier(path: Path, records: list[RunRecord]) -> None:
    """Writes a file of records that do not say their threads, named by the rule of today."""
    for record in records:
        Store(path).append(with_threads(record))


@pytest.fixture
def trained(study):
    """Records of all trials, in memory."""
    return run_study(study, runs_dir="elsewhere", jobs=0)


def test_records_of_one_thread_keep_their_keys_and_are_not_trained_again(study, trained):
    path = Session(study).store.path
    write_earlier(path, earlier(trained, jobs="4"))
    watcher = Watcher()
    assert len(run_study(study, jobs=0, observer=watcher)) == 12
    assert watcher.started_trials == []


def test_records_of_more_threads_count_under_theirs_and_no_other(study, study_path, trained):
    path = Session(study).store.path
    write_earlier(path, earlier(trained, jobs="1"))
    assert read_records(study) == ()
    assert len(read_records(load_study(study_path, threads=4))) == 12
    hint = (
        "12 trials recorded with 4 threads, not 1, which gives other numbers: to use these records "
        "add --threads 4 (in the study file: threads = 4 under [trial]); otherwise 'run' trains "
        "these trials again"
    )
    for command in ("plan", "status", "power", "gate", "run"):
        shown = call(command, study_path)
        assert hint in shown.stderr.replace("\n", " "), command
    assert call("run", study_path, "--threads", 4).exit_code == 0
    assert len(read_records(load_study(study_path, threads=4))) == 12
    assert hint not in call("status", study_path).stderr  # both are there now
    assert len(read_records(study)) == 12
    keys = {r.key for r in read_records(study)} | {
        r.key for r in read_records(load_study(study_path, threads=4))
    }
    assert len(keys) == 24


def test_the_cure_for_other_threads_in_the_study_file_trains_nothing(study, edit, trained):
    write_earlier(Session(study).store.path, earlier(trained, jobs="1"))
    path = edit("[trial.settings]", "threads = 4\n[trial.settings]")
    watcher = Watcher()
    assert len(run_study(load_study(path), jobs=1, observer=watcher)) == 12
    assert watcher.started_trials == []


def test_the_names_that_records_of_more_threads_had_are_free_for_trials_of_one(study, trained):
    store = Store(Session(study).store.path)
    old = earlier(trained, jobs="1")
    write_earlier(store.path, old)
    assert not {record.key for record in store.records()} & {record.key for record in old}
    for record in old:
        store.append(replace(record, environment={"threads": "1"}))
    assert len(store.records()) == 24


def test_json_lines_are_named_by_threads_when_they_are_read(study, study_path, trained, tmp_path):
    path = tmp_path / "r.jsonl"
    write_jsonl(earlier(trained, jobs="2"), path)
    there = Session(study, source=path)
    with pytest.raises(
        StoreError, match=r"Add --threads 2 .*: the records are of trials with other"
    ):
        there.records()
    assert there.other_threads == {2: 12}
    two = Session(load_study(study_path, threads=2), source=path)
    assert len(two.records()) == 12
    assert call("gate", study_path, "--records", path, "--threads", 2).exit_code == 0
    write_jsonl(two.records(), path)
    assert [r.key for r in read_jsonl(path)] == [r.key for r in two.records()]


def test_a_record_of_a_name_that_no_rule_gave_keeps_it(trained, tmp_path):
    path = tmp_path / "r.jsonl"
    write_jsonl([replace(trained[0], key="k1", environment={"cores": "8"})], path)
    assert read_jsonl(path)[0].key == "k1"


IDENTITY = """

def identity(settings):
    return {k: v for k, v in settings.items() if k != "unused" or "a" in settings}
"""


@pytest.fixture
def leaving_out(study_path, edit):
    """The study, whose arms without ``a`` do not use the setting ``unused``."""
    edit("epochs = 2", 'epochs = 2\nunused = "x"')

    def switch_on():
        (module,) = study_path.parent.glob("training_*.py")
        module.write_text(module.read_text() + IDENTITY)
        sys.modules.pop(module.stem, None)

    return switch_on


def test_a_setting_that_an_arm_does_not_use_trains_only_the_arms_that_use_it(
    study_path, leaving_out
):
    leaving_out()
    assert call("run", study_path, "--no-report").exit_code == 0
    changed = load_study(study_path, overrides=["unused=y"])
    watcher = Watcher()
    assert len(run_study(changed, jobs=1, observer=watcher)) == 12
    assert {trial.arm.level("a") for trial in watcher.started_trials} == {"on"}
    assert len(watcher.started_trials) == 6


def test_records_from_before_the_hook_are_carried_over_with_what_they_show(study_path, leaving_out):
    def counts(*overrides):
        session = Session(load_study(study_path, overrides=overrides))
        records = session.records()
        shown = sum(len(record.exhibits) for record in records)
        return len(session.progress().to_do), len(records), shown

    assert call("run", study_path).exit_code == 0
    assert counts("unused='z'") == (12, 0, 0)
    leaving_out()
    assert counts() == (0, 12, 8)
    assert counts("unused='z'") == (6, 6, 4)


def reported_nothing(key):
    """A completed record with one setting and one thread, whose trial reported nothing."""
    arm = Arm((("a", "on"),))
    return RunRecord(key, "s", "m:train", arm, 0, {"u": 1}, "", "completed", "", 1.0)


def test_of_several_records_of_one_trial_its_own_counts_else_the_first_that_completed():
    head = reported_nothing("own")
    named = trial_key("m:train", {}, seed=0, data="")
    first, second = (
        replace(head, key=key, settings={"u": u}) for key, u in (("first", 2), ("second", 3))
    )

    def identify(_settings):
        return {}

    def carried(*heads):
        return present_keys(heads, {named}, identify)

    failed = replace(first, key="failed", status="failed", reason="raised")
    assert carried(failed, first, second) == {"first": named}
    assert carried(failed) == {"failed": named}
    assert carried(first, replace(head, key=named)) == {named: named}
    assert carried(first, replace(head, key=named, status="failed", reason="raised")) == {
        "first": named
    }
    assert carried(replace(first, environment={"threads": "2"})) == {}
    assert carried(replace(first, seed=1)) == {}


def test_an_identity_that_cannot_read_old_settings_does_not_change_their_records():
    def identify(_settings):
        raise StudyError("no such setting", received="u", cure="Correct it")

    head = reported_nothing("k")
    assert present_keys([head], {"other"}, identify) == {}


def test_arms_that_differ_only_in_what_they_do_not_use_keep_different_keys(
    study_path, leaving_out, edit
):
    leaving_out()
    edit("on = { b = 0.05 }", "on = { b2 = 1 }")
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(module.read_text().replace('k != "unused"', 'k not in ("unused", "b2")'))
    sys.modules.pop(module.stem, None)
    trials = Session(load_study(study_path)).trials
    assert len({trial.key for trial in trials}) == 12


def test_findings_of_a_file_find_records_of_other_unused_settings(
    study_path, leaving_out, tmp_path
):
    leaving_out()
    study = load_study(study_path)
    write_jsonl(run_study(study, jobs=0), tmp_path / "r.jsonl")
    changed = load_study(study_path, overrides=["unused=y"])
    records = read_jsonl(tmp_path / "r.jsonl")
    assert analyze_records(changed, records).n_completed == 6
    there = Session(changed, source=tmp_path / "r.jsonl")
    assert (there.findings(there.records()).n_completed, len(there.records())) == (6, 6)
