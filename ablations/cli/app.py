"""The command line: its commands and its exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from ablations.cli.bundling import bundle, verify
from ablations.cli.checking import gate, power, repair, rerun
from ablations.cli.clusters import On, Spread, on_cluster
from ablations.cli.commits.bisect import bisect
from ablations.cli.commits.history import (
    HistoryAtEnd,
    add_at_end,
    history,
    require_measurable,
)
from ablations.cli.formats import require_both, write_named
from ablations.cli.importing import import_
from ablations.cli.options import (
    AsJson,
    Formats,
    FormatsDir,
    GoOn,
    Jobs,
    LogTo,
    Plain,
    ReportAtEnd,
    ReportsDir,
    Samples,
    Source,
    first_steps,
    with_session,
)
from ablations.cli.serving.command import serve
from ablations.cli.several import compare, site, synthesize
from ablations.cli.sharding import (
    ShardText,
    describes,
    export,
    merge,
    shard,
    shard_lines,
    shard_session,
    shard_states,
)
from ablations.cli.terminal.printing import (
    note,
    note_findings,
    note_threads,
    print_json,
    print_run,
    reading,
    say,
    show,
    stopping_cleanly,
    unforeseen_code,
)
from ablations.cli.terminal.signals import stopped_code, was_terminated
from ablations.cli.terminal.streams import close_streams, open_streams
from ablations.errors import AblationsError, EmptyReportError

if TYPE_CHECKING:
    from ablations.plan import Progress
    from ablations.session import Session

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 all well; 1 a gate failed or a rerun differs; 2 usage, study file or "
    "another file; 3 inconclusive; 4 trials missing or failed, or records lost; 70 a bug; "
    "75 a shard was stopped: start it again; 130, 138 and 143 stopped by Ctrl-C, SIGUSR1 and "
    "SIGTERM.",
)


_Usage = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
"""What Typer raises for a wrong command line; releases differ in the module that it is in."""


def main() -> NoReturn:
    """Runs the command line and exits with one of the documented codes."""
    open_streams()
    code = _run()
    if lost := close_streams():
        note(f"ablations: standard output is lost. Received: {lost}. Write it to another place.")
    sys.exit((2 if lost else 0) if code is None else code)


def _run() -> int | None:
    """Returns the exit code, which is ``None`` for a command that ended without giving one."""
    try:
        code: int | None = app(standalone_mode=False)
    except _Usage as error:
        error.show()
        if len(sys.argv) == 1:
            note(first_steps())
        return error.exit_code
    except AblationsError as error:
        note(f"ablations: {error}")
        return 2
    except OSError as error:  # a disk that is full, a folder that may not be written
        cure = "Check that the path exists, may be written, and that the disk is not full"
        note(f"ablations: a file cannot be read or written. Received: {error}. {cure}.")
        return 2
    except Exception:  # a bug, which must not end with the code of a failed gate
        return unforeseen_code()
    # Typer makes 130 of every interrupt, also of the one that a signal raises.
    return stopped_code() if code == 130 and was_terminated() else code


def _show_version(asked: bool) -> None:
    if asked:
        from ablations import __version__

        say(f"ablations {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Which parts of a training recipe help, by how much, and how sure are we?"""


@app.command(epilog="Example: ablations plan study.toml --seeds 10")
@with_session
def plan(
    session: Session,
    jobs: Jobs = "auto",
    measure: Annotated[
        bool, typer.Option("--measure", help="Time two epochs of each arm for the estimate.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List arms, seeds and trials, what is done, and the time left. Stores nothing."""
    from ablations.cli import screens

    progress = session.progress(jobs=jobs, measured=session.measure(jobs) if measure else {})
    notes = session.notes()
    note_threads(session)
    if as_json:
        document = screens.progress_json(session.study, progress)
        print_json({**document, "notes": list(notes)})
        return
    questions = screens.percent_questions(session.study)
    for line in (*screens.plan_head(session.study), *screens.note_lines((*notes, *questions))):
        say(line)
    if (confounded := screens.alias_table(session.study)) is not None:
        show(confounded)
        say("")
    show(screens.arms_table(session.study, session.trials, progress))
    trains = session.study.imported is None
    say(f"\n{screens.progress_text(progress, trains=trains)}")


@app.command(epilog="Example: ablations run quickstart --jobs 2")
@with_session
def run(  # noqa: PLR0913 - each is an option
    session: Session,
    *,
    reports_dir: ReportsDir = Path("reports"),
    jobs: Jobs = "auto",
    report: ReportAtEnd = None,
    samples: Samples = True,
    plain: Plain = False,
    go_on: GoOn = False,
    part: ShardText = None,
    on: On = None,
    spread: Spread = False,
    history: HistoryAtEnd = None,
    log_to: LogTo = None,
    as_json: AsJson = False,
) -> None:
    """Train the trials without a record, then render the report. Run again to resume."""
    session = replace(session, plain=plain, samples=samples)
    session = shard_session(session, part, report=report)
    report = part is None and report is not False
    _require_own_places(session, reports_dir if report else None, history)
    with stopping_cleanly():
        with on_cluster(session, on, jobs=jobs, spread=spread) as there:
            progress = _train(there, jobs, log_to or (), go_on=go_on, report=report)
        untrained = note_findings(session)
        page = _rendered(session, reports_dir) if report else None
    add_at_end(session, history, progress)
    if as_json:
        print_run(session, progress, untrained, page)
    _end_run(session, progress)


@app.command(epilog="Example: ablations status study.toml --json")
@with_session
def status(session: Session, as_json: AsJson = False) -> None:
    """Show what is done, failed, left and running. Checks no results, also during a run."""
    from ablations.cli import screens
    from ablations.cli.running import Now

    session.reported()  # refuses units that disagree
    now, untrained, shards = Now.of(session.store), session.untrained(), shard_states(session)
    progress = session.progress(jobs=now.jobs)
    note_threads(session)
    if as_json:
        document = screens.progress_json(session.study, progress, untrained)
        print_json({**document, **now.document, "shards": [own.document for own in shards]})
        return
    show(screens.arms_table(session.study, session.trials, progress))
    trains = session.study.imported is None
    say(f"\n{screens.progress_text(progress, trains=trains)}")
    for line in (*now.lines(progress), *shard_lines(session, shards)):
        say(line)
    if (running := now.table(session.study)) is not None:
        show(running)
    for line in screens.failure_lines(session.study, session.failures()):
        say(line)
    for line in screens.untrained_lines(session.study, untrained):
        say(line)
    if others := session.others():
        cure = "repeat the --set, --seeds and --threads of 'run'"
        say(f"{others} more records belong to other settings: {cure}")


@app.command(epilog="Example: ablations report study.toml --records records.jsonl")
@with_session
def report(
    session: Session,
    *,
    reports_dir: ReportsDir = Path("reports"),
    source: Source = None,
    samples: Samples = True,
    formats: Formats = None,
    out: FormatsDir = None,
) -> None:
    """Render the HTML page and the Markdown post from the records.

    With --format: write these formats instead.
    """
    asked = require_both(formats, out)
    session = reading(session, source, samples=samples)
    if asked is None:
        _render(session, reports_dir)
    else:
        from ablations.report.blocks import Extras

        records = session.records()
        write_named(session.findings(records), asked, Extras(records, session.samples))
    if source is None:
        progress = session.progress(jobs=1)
        if not progress.completed + progress.failed:
            cure = "'ablations run' trains them"
            if session.study.imported:
                cure = f"'ablations import SOURCE --map {session.study.source}' reads them"
            note(f"the report is empty: no trial has a record yet; {cure}")
            raise typer.Exit(4)


app.command(epilog="Example: ablations gate study.toml --against main:reports/study/report.json")(
    gate
)


app.command(epilog="Example: ablations power study.toml")(power)
app.command(epilog="Example: ablations rerun study.toml --trials 2")(rerun)


@app.command("list", epilog="Example: ablations list")
def list_(as_json: AsJson = False) -> None:
    """List the built-in studies."""
    from ablations.cli import screens
    from ablations.plan import builtin_titles

    titles = builtin_titles()
    if as_json:
        print_json(titles)
        return
    table = screens.make_table("study", "title", flexible=1)
    for study in titles.items():
        table.add_row(*study)
    show(table)


@app.command(epilog="Example: ablations init study.toml")
def init(
    path: Annotated[Path, typer.Argument(help="Where to write the study file.")] = Path(
        "study.toml"
    ),
) -> None:
    """Write a commented study file to start from."""
    from ablations.plan import write_example

    write_example(path)
    say(f"{path} is written; see what it would do with: ablations plan {path}")


@app.command(epilog="Example: ablations schema > study.schema.json")
def schema() -> None:
    """Print the JSON schema of study files, for editors."""
    from ablations.plan import study_schema

    print_json(study_schema())


app.command(epilog="Example: ablations export study.toml --to records.jsonl")(export)
app.command("import", epilog="Example: ablations import mlflow.db --suggest -o augmentation.toml")(
    import_
)
app.command(epilog="Example: ablations bundle study.toml -o study.zip")(bundle)
app.command(epilog="Example: ablations verify study.zip --rerun 2")(verify)
app.command(epilog="Example: ablations shard study.toml --slurm --shards 16")(shard)
app.command(epilog="Example: ablations merge runs/study/shard-*/records.sqlite")(merge)
app.command(epilog="Example: ablations repair study.toml")(repair)
app.command(epilog="Example: ablations synthesize a.toml b.toml c.toml")(synthesize)
app.command(epilog="Example: ablations compare a.toml b.toml")(compare)
app.add_typer(history, name="history")
app.command(epilog="Example: ablations bisect study.toml HEAD~20 HEAD")(bisect)


app.command(epilog="Example: ablations site reports history -o site")(site)
app.command(epilog="Example: ablations serve reports history")(serve)


def _require_own_places(session: Session, reports_dir: Path | None, history: Path | None) -> None:
    """Makes sure that what comes of a run can be kept, and not only after hours of training."""
    from ablations.records.origins import require_own_report
    from ablations.report.publish.summaries import require_report_folder

    if reports_dir is not None:
        require_own_report(session.study, reports_dir)
        require_report_folder(reports_dir / session.study.report_name)
    require_measurable(session, history)


def _train(
    session: Session, jobs: int | None, log_to: Sequence[str], *, go_on: bool, report: bool
) -> Progress:
    """Trains what is to do under a live display on standard error; returns what is done then.

    The tools of ``log_to`` follow it. For a ``report``, and for one of shards, it also stores what
    the entry shows of the arms.
    """
    from ablations.cli.screens import progress_text
    from ablations.progress.watching import watched
    from ablations.run.observer import several
    from ablations.run.sinks import following

    session.claim()
    note_threads(session)
    if to_do := session.progress().to_do:
        with (
            following(log_to, session.study, warn=note) as sinks,
            watched(session, to_do) as watcher,
        ):
            session.run(to_do, jobs=jobs, observer=several([watcher, *sinks]), go_on=go_on)
    progress = session.progress(jobs=jobs)
    note(progress_text(progress))
    if report or describes(session):
        session.describe(jobs)
    return progress


def _rendered(session: Session, reports_dir: Path) -> Path | None:
    """Renders the report at the end of a run; an empty one is noted, and is no error here."""
    try:
        return _render(session, reports_dir)
    except EmptyReportError as error:
        note(f"ablations: {error}")
        return None


def _render(session: Session, reports_dir: Path) -> Path:
    from ablations.records.origins import require_own_report
    from ablations.reporting import render_report

    require_own_report(session.study, reports_dir)  # not only after all has been analyzed
    records = session.records()
    findings = session.findings(records)
    if not session.study.chapters:  # only these show what a record has besides its findings
        records = ()
    page = render_report(findings, reports_dir, records=records, samples=session.samples)
    note(f"report: {page}")
    return page


def _end_run(session: Session, progress: Progress) -> None:
    """Ends with 4, and names the log, where a trial has not completed."""
    if progress.completed < progress.planned:
        note(f"the output of what failed is in {session.log_dir}")
        raise typer.Exit(4)
