from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest

from ablations.calls import run_study
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.run.threads import limited, thread_variables
from ablations.session import Session


@pytest.fixture
def clean(monkeypatch):
    """A process whose frameworks are not imported and whose threads nobody has set."""
    for name in ("tensorflow", "jax", "torch"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in thread_variables(1):
        monkeypatch.setenv(name, "7")
        monkeypatch.delenv(name)


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_a_trial_has_the_threads_of_its_study_whatever_runs_beside_it(clean, study, jobs):
    records = run_study(study, jobs=jobs)
    assert {record.environment["omp"] for record in records} == {"1"}
    assert {record.environment["threads"] for record in records} == {"1"}


@pytest.mark.parametrize("jobs", [0, 2])
def test_a_study_may_give_its_trials_more_threads(clean, edit, jobs):
    study = load_study(edit("[trial.settings]", "threads = 3\n[trial.settings]"), seeds=1)
    records = run_study(study, jobs=jobs)
    assert {r.environment["omp"] for r in records} == {r.environment["threads"] for r in records}
    assert {record.environment["threads"] for record in records} == {"3"}


def test_threads_are_part_of_what_a_trial_is_where_they_are_not_one(study_path):
    one, two = (Session(load_study(study_path, threads=n)).trials for n in (1, 2))
    default = Session(load_study(study_path)).trials
    assert [trial.key for trial in default] == [trial.key for trial in one]
    assert not {trial.key for trial in one} & {trial.key for trial in two}


def test_describing_and_measuring_have_the_same_threads(clean, study_path, monkeypatch):
    given = []
    start = "ablations.run.executors.local.worker_environment"
    real = sys.modules["ablations.run.executors.local"].worker_environment

    def noted(slot, jobs, *, threads):
        given.append(threads)
        return real(slot, jobs, threads=threads)

    monkeypatch.setattr(start, noted)
    session = Session(load_study(study_path, threads=2))
    session.measure(1)
    session.describe(1)
    assert given == [2, 2]


def test_a_framework_that_has_its_threads_already_is_refused(clean, study, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    with pytest.raises(StudyError) as caught:
        run_study(study, jobs=0)
    assert str(caught.value) == (
        "tensorflow is imported already, and its threads can no longer be set. Received: "
        "threads = 1, TF_NUM_INTRAOP_THREADS=None. Train in worker processes (jobs = 1 or more), "
        "or begin a new process."
    )
    assert len(run_study(study, jobs=1)) == 12


def test_a_framework_that_started_with_these_threads_is_fine(clean, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "2")
    with limited(2):
        assert os.environ["OMP_NUM_THREADS"] == "2"


def test_linear_algebra_that_is_loaded_already_is_limited_too(clean):
    from threadpoolctl import threadpool_info

    with limited(1):
        assert {library["num_threads"] for library in threadpool_info()} <= {1}


def test_the_option_is_part_of_what_to_write_for_this_very_study(study_path):
    assert load_study(study_path, threads=2).source == "small.toml --threads 2"
    assert load_study(study_path, threads=2).threads == 2


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "2000", '"two"'])
def test_a_wrong_number_of_threads_is_one_line(edit, number):
    path = edit("[trial.settings]", f"threads = {number}\n[trial.settings]")
    with pytest.raises(
        StudyError, match=r"small\.toml: 'trial\.threads' cannot be used: .*Received"
    ):
        load_study(path)
