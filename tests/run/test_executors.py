"""Executors are values: the caller chooses one, and no other module needs a change."""

from __future__ import annotations

import os

import pytest

from ablations import InlineExecutor, load_study, read_records, run_study
from ablations.entry import WITHOUT
from ablations.errors import StoreError, StudyError
from ablations.run.executors.local import LocalExecutor
from ablations.session import Session


class Recording:
    """An executor that notes what it was asked to do, and has another one do it."""

    def __init__(self):
        self.works = []

    def run(self, work, observer):
        self.works.append(work)
        yield from InlineExecutor().run(work, observer)


def test_an_executor_is_handed_what_the_study_asks_for(edit):
    path = edit("[trial.settings]", "timeout_seconds = 5\nmemory_gib = 2\n[trial.settings]")
    executor = Recording()
    records = run_study(load_study(path), executor=executor)
    assert len(records) == 12
    (work,) = executor.works
    assert len(work.trials) == 12
    assert (work.task, work.plain, work.timeout_seconds) == ("train", False, 5)
    assert work.memory_bytes == 2 * 2**30
    assert work.log_dir.name == "logs"


def test_all_that_a_session_trains_goes_through_its_executor(study):
    executor = Recording()
    session = Session(study, executor=executor)
    session.measure()
    session.run(session.trials[:1])
    assert len(list(session.rerun(session.trials[:1]))) == 1
    session.describe()
    assert [work.task for work in executor.works] == ["train", "train", "train", "describe"]
    assert executor.works[2].log_dir == session.log_dir / "rerun"


def test_a_function_may_stand_in_for_the_entry(study):
    def train(trial, log):
        log.metric("test_accuracy", 0.5, unit="fraction", better="higher")

    records = run_study(study, executor=InlineExecutor(train))
    assert {metric.value for r in records for metric in r.metrics if "acc" in metric.name} == {0.5}


@pytest.mark.parametrize("executor", [InlineExecutor(), LocalExecutor(jobs=1)])
@pytest.mark.parametrize("plain", [False, True])
def test_plain_reaches_the_training_function_and_ends_with_the_run(
    study_path, monkeypatch, executor, plain
):
    monkeypatch.setenv(WITHOUT, "openvino")
    (module,) = study_path.parent.glob("training_*.py")
    body, describe = module.read_text().split("def describe")
    line = "    log.environment(left_out=os.environ['ABLATIONS_WITHOUT'])\n"
    module.write_text(f"{body.rstrip()}\n{line}\n\ndef describe{describe}")
    session = Session(load_study(study_path), executor=executor, plain=plain)
    session.run(session.trials[:1])
    (record,) = session.records()
    assert record.environment["left_out"] == ("all" if plain else "openvino")
    assert os.environ[WITHOUT] == "openvino"


def test_a_worker_imports_neither_the_store_nor_what_only_the_store_needs(study_path):
    (module,) = study_path.parent.glob("training_*.py")
    found = "{'pydantic', 'sqlite3', 'pandas', 'ablations.records.sqlite'} & set(sys.modules)"
    line = f"    log.environment(found=repr({found}))\n    log.predictions("
    text = module.read_text().replace("    log.predictions(", line)
    module.write_text(f"import sys\n{text}")
    records = run_study(load_study(study_path, seeds=1), jobs=1)
    assert {record.environment["found"] for record in records} == {"set()"}


@pytest.mark.parametrize("jobs", [-1, 1.5, "2", True])
def test_a_number_of_workers_that_is_none_is_refused_before_anything_starts(study, jobs):
    with pytest.raises(StudyError, match=r"whole number from 1.*Leave it out"):
        run_study(study, jobs=jobs)
    assert len(run_study(study)) == 12


def test_an_executor_is_a_value_and_no_class(study):
    with pytest.raises(StudyError, match=r"is a class.*Write InlineExecutor\(\)"):
        run_study(study, executor=InlineExecutor)
    assert len(run_study(study, executor=InlineExecutor())) == 12


def test_a_file_as_the_folder_of_records_is_refused(study, study_path):
    for use in (run_study, read_records):
        with pytest.raises(StoreError, match=r"'runs_dir' must be a folder.*small\.toml"):
            use(study, runs_dir=study_path)
    assert len(run_study(study, runs_dir="not there yet")) == 12
