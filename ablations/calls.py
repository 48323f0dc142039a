"""What notebooks and scripts call: trains a study, and reads its records."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.plan import load_study
from ablations.run.executors import Executor
from ablations.run.observer import Observer
from ablations.session import Place, Session
from ablations.text.formatting import sentence
from ablations.text.sentences import seedless_sentence

if TYPE_CHECKING:
    from ablations.core.findings import Findings


def run(
    study: Study | str | Path,
    *,
    data_dir: Place | None = None,
    runs_dir: Place = "runs",
    jobs: int | None = None,
    executor: Executor | None = None,
    go_on: bool = False,
) -> Findings:
    """Trains the trials that have no record yet, shows how far it is, and returns what was found.

    When it is stopped, the records of all trials that have ended stay; called again, it goes on.
    `read_records` returns them, for `to_frames` and `render_report`. A training function that never
    asks for its seed is warned of.

    Args:
        study: From `make_study` or `load_study`, or what `load_study` takes.
        data_dir: Where the data lie, for data sets that need it.
        runs_dir: Folder of the record files, one sub-folder a study.
        jobs: Worker processes, as many as train fastest here if left out; 0 trains in this
            process, which a debugger can follow.
        executor: Trains the trials in place of these workers; ``jobs`` is then ignored.
        go_on: Whether to train on where the first trial lacks a metric that the study names.

    Raises:
        StudyError: at the first trial that does not report what the study names; if the training
            function has changed since the study was made; with 0 jobs, also if a framework was
            imported before and has other threads than the study's trials.
        DataError: if the data cannot be had.
        StoreError: if another process runs this study, or the records cannot be written.

    Example:
        ``findings = ablations.run(study)``, and in the next cell ``findings``.
    """
    from ablations.progress.watching import watched

    asked = study if isinstance(study, Study) else load_study(study)
    session = Session(asked, data_dir, runs_dir, executor=executor)
    session.claim()
    if to_do := session.progress().to_do:
        with watched(session, to_do) as observer:
            session.run(to_do, jobs=jobs, observer=observer, go_on=go_on)
    if seedless := session.progress().seedless:
        warnings.warn(sentence(seedless_sentence(seedless)), stacklevel=2)
    session.describe(jobs)
    return session.findings(session.records())


def run_study(
    study: Study,
    *,
    data_dir: Place | None = None,
    runs_dir: Place = "runs",
    jobs: int | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    go_on: bool = False,
) -> tuple[RunRecord, ...]:
    """Trains the trials that have no record yet and returns the records of all planned trials.

    Args:
        study: From `load_study` or `make_study`.
        data_dir: Where the data lie, for data sets that need it.
        runs_dir: Folder of the record files, one sub-folder a study.
        jobs: Worker processes, as many as train fastest here if left out; 0 trains in this
            process, which a debugger can follow.
        executor: Trains the trials in place of these workers; ``jobs`` is then ignored.
        observer: Is called for trials and epochs as they come.
        go_on: Whether to train on where the first trial lacks a metric that the study names.

    Raises:
        StudyError: at the first trial that does not report what the study names; with 0 jobs, also
            if a framework was imported before and has other threads than the study's trials.
        DataError: if the data cannot be had.
        StoreError: if another process runs this study, or the records cannot be written.
    """
    session = Session(study, data_dir, runs_dir, executor=executor)
    session.claim()
    to_do = session.progress().to_do
    if to_do:
        session.prepare(to_do)
        session.run(to_do, jobs=jobs, observer=observer, go_on=go_on)
    return session.records()


def read_records(
    study: Study,
    *,
    data_dir: Place | None = None,
    runs_dir: Place = "runs",
    source: Place | None = None,
) -> tuple[RunRecord, ...]:
    """Returns the records of the study's planned trials, oldest first.

    Args:
        study: From `load_study` or `make_study`.
        data_dir: Where the data lie, for data sets that need it.
        runs_dir: Folder of the record files.
        source: What to read in their place, as ``--records`` takes it: a file of records, or
            ``REVISION:PATH`` of one in git.
    """
    where = None if source is None else Path(source)
    return Session(study, data_dir, runs_dir, source=where).records()
