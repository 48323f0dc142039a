"""The commands on a study's history over commits: add to it, list it, judge it, thin it out."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.cli.formats import Asked, require_both, write_judged
from ablations.cli.options import AsJson, Formats, FormatsDir, Source, StudyName, with_session
from ablations.cli.terminal.printing import note, print_json, reading, say, show
from ablations.errors import StoreError

if TYPE_CHECKING:
    from ablations.analyze.history.simulation import Simulated
    from ablations.core.past import AllFailed, Commit, History
    from ablations.core.study import Study
    from ablations.history import Added
    from ablations.plan import Progress
    from ablations.records.history import Line
    from ablations.session import Session

history = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Keep what each commit measured, and judge the newest.",
    epilog="Example: ablations history check study.toml",
)

Folder = Annotated[Path, typer.Option("--history", help="Folder of the history.", file_okay=False)]
Revision = Annotated[
    str | None,
    typer.Option(
        "--commit",
        metavar="REVISION",
        help="The commit that was measured, whatever the records say; else the present one, if "
        "they say so.",
    ),
]
_FOLDER = Path("history")

HistoryAtEnd = Annotated[
    Path | None,
    typer.Option(
        "--history",
        help="Add what this commit measured to the history in this folder, once all has completed.",
        file_okay=False,
    ),
]


@history.callback()
def _bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@history.command(epilog="Example: ablations history add study.toml")
@with_session
def add(
    session: Session,
    source: Source = None,
    folder: Folder = _FOLDER,
    revision: Revision = None,
) -> None:
    """Add what the present commit measured, a line a trial.

    Exit code 4: all of its trials failed.
    """
    from ablations.history import add_records, find_failed

    study, records = session.study, reading(session, source).records()
    if lost := find_failed(records, revision=revision):
        raise typer.Exit(_print_failed(study, lost))
    added = add_records(study, records, folder, revision=revision)
    for line in _added_lines(study, folder, added):
        say(line)


def require_measurable(session: Session, folder: Path | None) -> None:
    """Makes sure, before a run, that what it trains can be added to a history, if one is named."""
    from ablations.history import require_commit

    if folder is None:
        return
    if session.part:
        raise typer.BadParameter("--history takes a whole study, and --shard trains a part of it")
    keys = {trial.key for trial in session.possible_trials}
    outcomes = [own for own in session.planned_store.outcomes() if own.key in keys]
    require_commit(session.study, outcomes)


def add_at_end(session: Session, folder: Path | None, progress: Progress) -> None:
    """Adds what a run has measured to a history, if one is named and nothing is missing."""
    from ablations.history import add_records
    from ablations.text.formatting import counted

    if folder is None:
        return
    if missing := progress.planned - progress.completed:
        note(f"nothing is added to {folder}: {counted(missing, 'trial')} missing or failed")
        return
    added = add_records(session.study, session.records(), folder)
    for line in _added_lines(session.study, folder, added):
        note(line)


def _added_lines(study: Study, folder: Path, added: Added) -> Iterator[str]:
    from ablations.records.history import LARGE_BYTES
    from ablations.text.formatting import number

    name = study.report_name
    if added.others:
        records = added.others + added.total
        yield f"{added.others} of {records} records are of other commits: not added"
    yield f"{added.new} of {added.total} lines are new in {folder / name}"
    if added.size_bytes > LARGE_BYTES:
        yield (
            f"this history has {number(added.size_bytes, 'bytes')}; to keep the newest 100 commits "
            f"and what shows the changes before: ablations history compact {name} --keep 100"
        )


@history.command("list", epilog="Example: ablations history list")
def list_(folder: Folder = _FOLDER, as_json: AsJson = False) -> None:
    """List the studies of a history, with their commits and sizes."""
    from ablations.cli.screens import make_table
    from ablations.records.history import read_lines, size_of, studies_in

    rows = []
    for name in studies_in(folder):
        lines = read_lines(folder, name)
        commits = list(dict.fromkeys(line.commit for line in lines))
        rows.append({
            "study": name, "commits": len(commits), "trials": len(lines),
            "first": lines[0].committed_at[:10], "last": lines[-1].committed_at[:10],
            "bytes": size_of(folder, name),
        })  # fmt: skip
    if as_json:
        print_json(rows)
    elif not rows:
        say(f"{folder} holds no history; 'ablations history add STUDY' begins one")
    else:
        table = make_table("study", "commits", "trials", "from", "to", "bytes")
        for row in rows:
            table.add_row(*map(str, row.values()))
        show(table)


@history.command(epilog="Example: ablations history check study.toml")
@with_session
def check(
    session: Session,
    folder: Folder = _FOLDER,
    *,
    source: Source = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Estimate how often this judgement is wrong.")
    ] = False,
    formats: Formats = None,
    out: FormatsDir = None,
    as_json: AsJson = False,
) -> None:
    """Judge the newest commit; the exit code is the verdict.

    1: it brought a regression to light. 3: inconclusive. 4: trials are missing that the commit
    before has; or the history lacks the present commit, as all of its trials failed.
    """
    if self_test and as_json:
        raise typer.BadParameter("--self-test prints a table, and excludes --json")
    asked = require_both(formats, out, judged=not self_test, checks=True)
    with _uncollected():
        from ablations.records.history import read_lines

        study = session.study
        lines = read_lines(folder, study.report_name)
        if not self_test and (lost := _failed_now(session, source, lines)):
            raise typer.Exit(_print_failed(study, lost, as_json=as_json, asked=asked))
        found = _judged(study, _require_any(lines, folder, study))
        if self_test:
            raise typer.Exit(_simulate(found))
        raise typer.Exit(_print(study, found, as_json=as_json, asked=asked))


def _failed_now(session: Session, source: Path | None, lines: tuple[Line, ...]) -> AllFailed | None:
    """Returns the trials of the present commit, if the history lacks it and all of them failed."""
    from ablations.history import find_failed

    now = _present_commit()
    if now is None or any(line.commit == now.name for line in lines):
        return None
    records = reading(session, source).records()
    return find_failed(records, revision="HEAD" if source else None)


def _print_failed(
    study: Study, lost: AllFailed, *, as_json: bool = False, asked: Asked | None = None
) -> int:
    """Says that all trials of a commit failed, and returns the exit code."""
    from ablations.cli.commits.documents import failed_document
    from ablations.text.commits.history import failed_line
    from ablations.text.judged import judged_failed

    if as_json:
        print_json(failed_document(study, lost))
    note(failed_line(lost))
    if asked:
        write_judged(judged_failed(study, lost), asked)
    return 4


@contextmanager
def _uncollected() -> Iterator[None]:
    """Has Python look for no cycles: a history is many objects without any, which takes long."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _judged(study: Study, lines: tuple[Line, ...]) -> History:
    from ablations.analyze.history.judgement import judge_history

    return judge_history(study, _up_to_now(lines))


def _simulate(found: History) -> int:
    """Prints how often such a judgement errs."""
    from ablations.analyze.history.judgement import with_simulation

    _show_simulated(with_simulation(found))
    return 0


def _print(study: Study, found: History, *, as_json: bool, asked: Asked | None) -> int:
    """Prints the judgement, writes it where that is asked for, and returns the exit code."""
    from ablations.analyze.history.judgement import history_exit_code
    from ablations.cli.commits.documents import history_document
    from ablations.text.commits.history import history_lines, level_lines
    from ablations.text.judged import judged_history

    code = history_exit_code(found)
    if as_json:
        print_json(history_document(found, code))
    else:
        _show(study, found)
    for line in (*history_lines(study, found), *level_lines(found)):
        note(line)
    if asked:
        write_judged(judged_history(study, found, code), asked)
    return code


@history.command(epilog="Example: ablations history compact study.toml --keep 100")
def compact(
    study: StudyName,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest commits to keep.")],
    folder: Folder = _FOLDER,
) -> None:
    """Keep the newest commits, and those beside a change.

    What goes must be committed to git before.
    """
    from ablations.analyze.history.judgement import commits_to_keep
    from ablations.plan import load_study
    from ablations.records.history import keep_commits, read_lines, require_committed

    loaded = load_study(study)
    name = loaded.report_name
    lines = _require_any(read_lines(folder, name), folder, loaded)
    require_committed(folder, name)
    kept = commits_to_keep(loaded, lines, keep)
    gone = keep_commits(folder, name, kept)
    say(f"{gone} lines removed from {folder / name}; git still has them")


def _up_to_now(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Leaves out commits that are dated after the present one, if the history has that."""
    now = _present_commit()
    if now is None:
        return lines
    if lines and all(line.commit != now.name for line in lines):
        note(f"the history lacks the present commit, {now.name[:12]}: its newest one is judged")
        return lines
    kept = tuple(line for line in lines if line.committed_at <= now.date)
    if later := len({line.commit for line in lines} - {line.commit for line in kept}):
        note(f"{later} of the commits left out: dated after the present one, {now.name[:12]}")
    return kept


def _present_commit() -> Commit | None:
    """Returns the present commit; ``None`` where only the history is at hand."""
    from ablations.records.git import find_commit

    try:
        return find_commit("HEAD", Path())
    except StoreError:
        return None


def _require_any(lines: tuple[Line, ...], folder: Path, study: Study) -> tuple[Line, ...]:
    """Returns the lines of a study's history.

    Raises:
        StoreError: if there are none.
    """
    from ablations.records.history import studies_in

    if lines:
        return lines
    raise StoreError(
        f"{folder} holds no history of {study.report_name}",
        received=", ".join(studies_in(folder)) or "no study",
        cure=f"Begin one: ablations history add {study.source}; or name its folder with --history",
    )


def _show(study: Study, found: History) -> None:
    from rich.text import Text

    from ablations.cli.screens import STYLES, make_table
    from ablations.text.commits.history import change_cells, commit_label
    from ablations.text.formatting import counted, metric_name
    from ablations.text.naming import arm_label

    say(f"{study.slug} at {commit_label(found.commits[-1])}, over "
        f"{counted(len(found.commits), 'commit')}:")  # fmt: skip
    for name in dict.fromkeys(own.metric.name for own in found.series):
        table = make_table("arm", "before", "now", "change", "interval", "states", "verdict")
        for own in found.series:
            if own.metric.name == name:
                *cells, verdict = change_cells(own)
                style = STYLES.get(own.verdict, "")
                table.add_row(
                    Text(arm_label(study, own.arm)), *map(Text, cells), Text(verdict, style)
                )
        say(f"{metric_name(name)}:")
        show(table)


def _show_simulated(simulated: tuple[float, Simulated] | None) -> None:
    from ablations.analyze.history.simulation import SOON, STEPS
    from ablations.cli.screens import make_table
    from ablations.core.past import HORIZON
    from ablations.text.formatting import interval, number

    if simulated is None:
        note(
            "unknown: two commits with different results are needed, and a margin in the study file"
        )
        raise typer.Exit(3)
    spread, found = simulated
    say(
        f"{found.histories} simulated histories of {HORIZON} commits each, with the spread within "
        f"seeds of this one ({number(spread, 'number')} margins); an arm gets worse after "
        f"{HORIZON // 2} commits, and with fewer before it less is found:"
    )
    table = make_table(
        "what happened", "found at that commit", f"within {SOON} commits", "95% interval"
    )
    alarms = interval(found.interval.low, found.interval.high, "fraction")
    table.add_row("nothing, in all commits", "", number(found.false_alarms, "fraction"), alarms)
    for step, once, share in zip(STEPS, found.at_once, found.found, strict=True):
        shares = (number(own, "fraction") for own in (once, share))
        table.add_row(f"one arm worse by {number(step, 'number')} margins", *shares, "")
    show(table)
