from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from ablations.calls import run_study
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.run.executors import Work
from ablations.run.executors.local import LocalExecutor
from ablations.run.observer import Observer
from ablations.run.runner import run_trials
from ablations.session import Session


class Watcher(Observer):
    def __init__(self):
        self.events = Counter()

    def started(self, trial):
        self.events["started"] += 1

    def epoch(self, trial, number, metrics):
        self.events["epoch"] += 1

    def finished(self, trial, record):
        self.events[record.reason or "completed"] += 1


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_a_study_runs_to_its_end_and_a_second_run_trains_nothing(study, jobs):
    watcher = Watcher()
    records = run_study(study, jobs=jobs, observer=watcher)
    assert len(records) == 12
    assert watcher.events == {"started": 12, "epoch": 24, "completed": 12}
    again = Watcher()
    assert len(run_study(study, jobs=jobs, observer=again)) == 12
    assert not again.events


def test_workers_live_over_many_trials(study):
    records = run_study(study, jobs=2)
    assert len({record.environment["pid"] for record in records}) <= 2


def test_a_worker_that_has_grown_is_replaced(study, edit):
    grown = load_study(edit("epochs = 2", "epochs = 2\ngrow = true"))
    session = Session(grown)
    executor = LocalExecutor(jobs=1, memory_limit_bytes=150_000_000)
    run_trials(Work(session.trials, log_dir=session.log_dir), executor, session.store)
    assert len({record.environment["pid"] for record in session.records()}) == 12


def test_peak_memory_is_the_trials_own(study, edit):
    path = edit("on = { a = 0.1 }", "on = { a = 0.1, grow = true }")
    text = path.read_text().replace("seeds = 3", "seeds = 1")
    path.write_text(text)
    records = run_study(load_study(path))
    peaks = {r.arm.level("a"): m.value for r in records for m in r.metrics if "peak" in m.name}
    assert peaks["on"] > 200_000_000


@pytest.mark.parametrize(
    ("setting", "reason", "message"),
    [
        ("raise_at", "raised", "ValueError: no such layer"),
        ("nan_at", "diverged", "epoch 1: 'loss' is not finite. Received: nan."),
        ("die_at", "died", "the worker process ended with exit code 3"),
        ("sleep_at", "timeout", "took longer than timeout_seconds = 1"),
    ],
)
def test_what_fails_is_recorded_and_the_others_go_on(edit, setting, reason, message):
    edit("[trial.settings]", "timeout_seconds = 1\n[trial.settings]")
    study = load_study(edit("on = { b = 0.05 }", f"on = {{ b = 0.05, {setting} = 1 }}"))
    records = run_study(study, jobs=2)
    failed = [record for record in records if not record.completed]
    assert {(r.arm.level("b"), r.seed, r.reason) for r in failed} == {("on", 1, reason)}
    assert all(record.message.startswith(message) for record in failed)
    assert len(records) == 12
    assert len(failed) == 2


def test_a_trial_that_diverged_is_not_trained_again_but_one_that_raised_is(edit):
    diverges = "on = { b = 0.05, nan_at = 1, raise_at = 2 }"
    study = load_study(edit("on = { b = 0.05 }", diverges))
    run_study(study, jobs=0)
    again = Watcher()
    run_study(study, jobs=0, observer=again)
    assert again.events == {"started": 2, "raised": 2}


def test_a_diverged_record_keeps_its_last_epoch(edit):
    study = load_study(edit("epochs = 2", "epochs = 2\nnan_at = 0"), seeds=1)
    records = run_study(study, jobs=0)
    assert all(math.isnan(record.epochs[-1]["loss"]) for record in records)


def test_records_tell_where_they_come_from(study):
    record = run_study(study, jobs=0)[0]
    assert {"python", "cpu", "cores", "memory", "numpy", "ablations"} <= set(record.environment)
    assert record.entry.endswith(":train")
    assert record.seconds > 0


def test_measuring_leaves_no_record(study):
    session = Session(study)
    measured = session.measure()
    assert set(measured) == set(study.arms)
    assert all(seconds > 0 for seconds in measured.values())
    assert session.records() == ()


def test_measuring_needs_epochs(edit):
    session = Session(load_study(edit("epochs = 2", "rounds = 2")))
    with pytest.raises(StudyError, match="--measure needs a setting 'epochs'"):
        session.measure()


def test_an_entry_that_only_workers_cannot_import_becomes_failed_records(study, study_path):
    session = Session(study)
    for module in study_path.parent.glob("training_*.py"):
        module.write_text("import nothing_of_this_name")
    session.run(session.trials[:1])
    (record,) = session.records()
    assert record.reason == "raised"
    assert "No module named 'nothing_of_this_name'" in record.message


def test_each_arm_is_described_once_and_its_exhibits_join_its_records(study):
    session = Session(study)
    session.run(session.trials)
    session.describe()
    before = session.store.descriptions()
    assert len(before) == len(study.arms)
    session.describe()
    assert session.store.descriptions() == before
    shown = {r.seed: [e.name for e in r.exhibits] for r in session.records()}
    assert shown == {0: ["sample", "pixels"], 1: [], 2: []}
    without = replace(session, samples=False).records()
    assert {e.name for r in without for e in r.exhibits} == {"pixels"}


def test_a_description_that_fails_is_left_for_later(edit):
    session = Session(load_study(edit("epochs = 2", 'epochs = 2\ndescribe = "raise"')))
    session.run(session.trials[:1])
    session.describe()
    assert session.store.descriptions() == {}
    assert len(session.records()) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "log._environment = {'gpu': {1}}",
            "what the training reported cannot be stored: TypeError",
        ),
        ("log.exhibit(Exhibit('x', 'X', caption=object()))", "TypeError: exhibit 'x': the caption"),
        (
            "log.exhibit(Exhibit('t', 'T', table=[[1, 2]]))",
            "TypeError: exhibit 't': the table must",
        ),
        ("log.predictions('v', [0], [[float('nan'), 1.0]])", "predictions('v') is not finite"),
        ("log.steps([float('inf')])", "ValueError: log.steps: the seconds must be finite"),
        ("raise ValueError('\\ud800')", "ValueError: \\ud800"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_what_cannot_be_stored_fails_its_trial_and_no_other(study_path, line, message):
    (module,) = study_path.parent.glob("training_*.py")
    text = module.read_text()
    module.write_text(text.replace("    draw =", f"    if seed == 1:\n        {line}\n    draw ="))
    records = run_study(load_study(study_path), jobs=1)
    failed = [record for record in records if not record.completed]
    assert {r.seed for r in failed} == {1}
    assert all(record.message.startswith(message) for record in failed)
    assert len(records) == 12


def test_a_driver_trains_nothing_that_another_has_trained_since(study):
    session = Session(study)
    stale = session.trials
    session.run(stale[:5], jobs=0)
    watcher = Watcher()
    session.run(stale, jobs=0, observer=watcher)
    assert watcher.events["started"] == 7


def test_records_made_elsewhere_need_no_data(study, tmp_path):
    from ablations.records.exports import write_jsonl

    session = Session(study)
    session.run(session.trials[:8], jobs=0)
    elsewhere = [replace(r, data="other", key="k" * 16) for r in session.records()]
    keyed = [
        replace(r, key=replace(t, data="other").key)
        for r in elsewhere
        for t in session.trials
        if (t.arm, t.seed) == (r.arm, r.seed)
    ]
    write_jsonl(keyed, tmp_path / "r.jsonl")
    there = replace(session, source=tmp_path / "r.jsonl")
    findings = there.findings(there.records())
    assert (findings.n_completed, findings.n_missing) == (8, 4)


@pytest.mark.parametrize(
    "line",
    [
        "assert sys.stdin.read() == ''",
        "trial.settings['epochs'] = object()",
        "log.metric('peak_memory_bytes', 5.0, unit='bytes')",
        "os.fork() or os._exit(0)",
        "if os.fork() == 0: return",
    ],
)
def test_odd_habits_of_a_training_function_harm_nobody(study_path, line):
    (module,) = study_path.parent.glob("training_*.py")
    text = "import sys\n" + module.read_text()
    module.write_text(
        text.replace("    log.environment(pid", f"    {line}\n    log.environment(pid")
    )
    records = run_study(load_study(study_path, seeds=1), jobs=1)
    assert [record.completed for record in records] == [True] * 4


def test_a_worker_that_dies_with_a_child_alive_is_noticed(edit, study_path):
    (module,) = study_path.parent.glob("training_*.py")
    dies = "        os._exit(3)"
    sleeps = "        if os.fork() == 0:\n            time.sleep(20)\n"
    module.write_text(module.read_text().replace(dies, sleeps + dies))
    study = load_study(edit("epochs = 2", "epochs = 2\ndie_at = 0"), seeds=1)
    assert {record.reason for record in run_study(study, jobs=1)} == {"died"}


@pytest.mark.parametrize("jobs", [0, 1])
def test_studies_in_two_folders_each_have_their_own_module(study_path, tmp_path, jobs):
    text, studies = study_path.read_text(), []
    for name, value in (("one", 0.25), ("two", 0.75)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "train_me.py").write_text(
            "def train(trial, log):\n"
            f"    log.metric('test_accuracy', {value}, unit='fraction', better='higher')\n"
        )
        lines = [
            'run = "train_me:train"' if "run =" in line else line for line in text.splitlines()
        ]
        (folder / f"{name}.toml").write_text("\n".join(lines))
        studies.append(load_study(folder / f"{name}.toml", seeds=1))
    for study, value in zip(studies, (0.25, 0.75), strict=True):
        records = run_study(study, jobs=jobs)
        assert {record.metrics[0].value for record in records} == {value}
