"""The public functions: what the command line does, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.plan import load_study, match_records, plan_trials
from ablations.records.agreement import distinct
from ablations.run import Observer
from ablations.session import Place, Session, findings_of

if TYPE_CHECKING:  # pandas and matplotlib are imported when they are needed
    from ablations.analyze import Frames
    from ablations.core.findings import Findings

__all__ = [
    "Session",
    "analyze_records",
    "load_study",
    "read_records",
    "render_report",
    "run_study",
    "to_frames",
]


def run_study(
    study: Study,
    *,
    data_dir: Place | None = None,
    runs_dir: Place = "runs",
    jobs: int | None = None,
    observer: Observer | None = None,
    go_on: bool = False,
) -> tuple[RunRecord, ...]:
    """Trains the trials that have no record yet and returns the records of all planned trials.

    Args:
        study: From `load_study`.
        data_dir: Where the data lie, for data sets that need to be told.
        runs_dir: Folder of the record files, one sub-folder a study.
        jobs: Worker processes, as many as train fastest here if left out; 0 trains in this
            process, which a debugger can follow.
        observer: Hears of trials and epochs as they come.
        go_on: Whether to train on where the first trial lacks a metric that the study names.

    Raises:
        StudyError: at the first trial that does not report what the study names; with 0 jobs, also
            if a framework was imported before and has other threads than the study's trials.
        DataError: if the data cannot be had.
        StoreError: if another process runs this study, or the records cannot be written.
    """
    session = Session.open(study, data_dir=data_dir, runs_dir=runs_dir)
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
        study: From `load_study`.
        data_dir: Where the data lie, for data sets that need to be told.
        runs_dir: Folder of the record files.
        source: What to read in their place, as ``--records`` takes it: a file of records, or
            ``REVISION:PATH`` of one in git.
    """
    session = Session.open(study, data_dir=data_dir, runs_dir=runs_dir)
    return session.reading(None if source is None else Path(source)).records()


def to_frames(records: Sequence[RunRecord]) -> Frames:
    """Returns tidy pandas data frames: ``trials``, ``epochs`` and ``steps``."""
    from ablations.analyze import to_frames as frames_of

    return frames_of(records)


def analyze_records(
    study: Study, records: Sequence[RunRecord], *, data_dir: Place | None = None
) -> Findings:
    """Returns what the records say: arms, effects, gates and failures.

    Raises:
        StoreError: if two completed records of a trial differ, or two records give a metric
            another unit or direction.
    """
    planned = plan_trials(study, data_dir=data_dir)
    matched = match_records(distinct(records), planned, study)
    return findings_of(study, matched, planned=planned)


def render_report(
    findings: Findings,
    reports_dir: Place = "reports",
    *,
    records: Sequence[RunRecord] = (),
    samples: bool = True,
) -> Path:
    """Writes the HTML page, the Markdown post and their data; returns the page's path.

    Args:
        findings: From `analyze_records`.
        reports_dir: Folder of all reports.
        records: The records behind the findings, for epoch logs and the table of trials.
        samples: Whether to show examples of the data, such as photographs.
    """
    from ablations.analyze import with_self_test
    from ablations.report import render_report as render

    if findings.gates:  # the report says with them how often such a gate errs
        findings = with_self_test(findings)
    return render(findings, Path(reports_dir), records=records, samples=samples)
