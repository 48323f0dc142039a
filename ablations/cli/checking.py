"""The commands that check records: are they good enough, do they repeat, are they sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablations.cli.formats import Asked, require_both, write_named
from ablations.cli.options import (
    AgainstCommit,
    AsJson,
    Baseline,
    Despite,
    Formats,
    FormatsDir,
    Jobs,
    Plain,
    RequireGates,
    RunsDir,
    SelfTest,
    Source,
    Trials,
    with_session,
)
from ablations.cli.terminal.printing import (
    note,
    note_other_code,
    note_threads,
    print_json,
    reading,
    say,
    show,
    show_gates,
    stopping_cleanly,
)

if TYPE_CHECKING:
    from ablations.core.findings import Findings
    from ablations.core.past import ComparisonWithPast, Past
    from ablations.core.record import RunRecord
    from ablations.core.study import Trial
    from ablations.session import Session


@dataclass(frozen=True, slots=True)
class _Question:
    """What 'gate' is asked: to judge these records, by themselves, by a past or by a commit."""

    source: Path | None
    past: str | None
    commit: str | None
    despite: tuple[str, ...]
    self_test: bool
    jobs: int | None

    def __post_init__(self) -> None:
        """Refuses options that exclude each other, or lack the one that they belong to."""
        compared = self.past is not None or self.commit is not None
        if self.self_test and compared:
            raise typer.BadParameter("--self-test excludes --against and --against-commit")
        if self.despite and not compared:
            raise typer.BadParameter("--despite belongs to --against or --against-commit")
        for other, option in ((self.past, "--against"), (self.source, "--records")):
            if self.commit is not None and other is not None:
                raise typer.BadParameter(f"--against-commit trains anew, and excludes {option}")
        if self.jobs is not None and self.commit is None:
            raise typer.BadParameter("--jobs belongs to --against-commit; else nothing is trained")

    def sides(self, session: Session, given: Mapping[str, Any]) -> tuple[Session, Past | None]:
        """Returns what reads the present records, and the past that is asked for, if any."""
        from ablations.analyze.compare.regression import read_past

        if self.commit is None:
            past = None if self.past is None else read_past(self.past, session.study)
            return reading(session, self.source), past
        from ablations.cli.commits.in_turn import trained_in_turn

        with stopping_cleanly():
            return trained_in_turn(session, self.commit, given, despite=self.despite)


@with_session
def gate(  # noqa: PLR0913 - each is an option
    session: Session,
    called: typer.Context,
    *,
    source: Source = None,
    past: Baseline = None,
    commit: AgainstCommit = None,
    despite: Despite = None,
    self_test: SelfTest = False,
    require_gates: RequireGates = False,
    jobs: Jobs = "auto",
    formats: Formats = None,
    out: FormatsDir = None,
    as_json: AsJson = False,
) -> None:
    """Judge the records by gates; the exit code is the verdict. With --against, by the past.

    With --against-commit, a commit and the present code are trained first, so that speeds count.
    """
    from ablations.cli import gate as gating

    question = _Question(source, past, commit, (*(despite or ()),), self_test, jobs)
    asked = require_both(formats, out, judged=not self_test)
    session, then = question.sides(session, called.params)
    records = session.records() if self_test or then or asked else session.gate_records()
    findings = session.findings(records)
    note_other_code(findings)
    found = gating.compared(findings, then, despite=question.despite)
    shown = gating.judged(findings, found, self_test=self_test, required=require_gates)
    _write(findings, asked, found, records=records, samples=session.samples)
    show_gates(shown, as_json=as_json)
    raise typer.Exit(shown.exit_code)


def _write(
    findings: Findings,
    asked: Asked | None,
    found: ComparisonWithPast | None,
    *,
    records: tuple[RunRecord, ...],
    samples: bool,
) -> None:
    """Writes the formats that are asked for, if any."""
    if asked:
        from ablations.report.blocks import Extras

        write_named(findings, asked, Extras(records, samples), found)


@with_session
def rerun(
    session: Session,
    *,
    trials: Trials = "4",
    jobs: Jobs = "auto",
    source: Source = None,
    plain: Plain = False,
    as_json: AsJson = False,
) -> None:
    """Train recorded trials again and compare every result. Stores nothing."""
    session = replace(session, source=source, plain=plain)
    raise typer.Exit(train_again(session, trials, jobs, as_json=as_json))


def train_again(session: Session, trials: int | None, jobs: int | None, *, as_json: bool) -> int:
    """Trains recorded trials again and says which are equal; returns the exit code."""
    from ablations.cli import rerun as rerunning

    note_threads(session)
    found = []
    with stopping_cleanly("stopped; nothing was stored"):
        for trial, before, again in _train_again(session, trials, jobs):
            found.append(rerunning.rerun_of(trial, before, again))
            if not as_json:
                for line in rerunning.trial_lines(session.study, found[-1]):
                    say(line)
    if as_json:
        print_json(rerunning.reruns_json(session.study, found))
    note(rerunning.summary_line(found))
    return rerunning.exit_code(found)


def _train_again(
    session: Session, count: int | None, jobs: int | None
) -> Iterator[tuple[Trial, RunRecord, RunRecord]]:
    """Yields recorded trials with their record and a new one, under a live display."""
    from ablations.progress.watching import watched

    recorded = session.recorded()[:count]
    before = {trial.key: record for trial, record in recorded}
    again = [trial for trial, _ in recorded]
    if not again:
        return
    with (
        watched(session, again) as watcher,
        closing(session.rerun(again, jobs=jobs, observer=watcher)) as ended,
    ):
        for trial, record in ended:
            watcher.finished(trial, record)
            yield trial, before[trial.key], record


def repair(
    what: Annotated[str, typer.Argument(metavar="STUDY", help="A study, or a file of records.")],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Keep the sound records of a damaged file. Names what is lost; the old file stays too."""
    from ablations.plan import load_study
    from ablations.records.sqlite import repair as repairing
    from ablations.session import Session

    records = Path(what).suffix in (".sqlite", ".jsonl")
    is_file = records or (Path(what).is_file() and Path(what).suffix != ".toml")
    path = Path(what) if is_file else Session(load_study(what), runs_dir=runs_dir).store.path
    found = repairing.repair(path)
    for lost in found.lost:
        say(f"lost: {lost}")
    say(repairing.repair_message(path, found))
    raise typer.Exit(4 if found.lost else 0)


@with_session
def power(session: Session, source: Source = None, as_json: AsJson = False) -> None:
    """Show which effects the seeds detect, and how many to add."""
    from ablations.cli import screens

    session = reading(session, source)
    findings = session.findings(session.records())
    if as_json:
        print_json(screens.power_json(findings))
        return
    for line in screens.power_head(findings):
        say(line)
    if any(plan.effect.sd for plan in findings.plans):
        show(screens.power_table(findings))
    if lines := screens.image_lines(findings):
        for line in lines:
            say(line)
        show(screens.image_table(findings))
