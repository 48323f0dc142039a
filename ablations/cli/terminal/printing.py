"""What commands print: results on standard output, notes and errors on standard error."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from ablations.cli.terminal.signals import Terminated, stopped_code, was_terminated
from ablations.cli.terminal.streams import knows_unicode
from ablations.text.escaping import harmless

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from ablations.cli.gate import GateOutput
    from ablations.core.findings import Findings
    from ablations.core.record import RunRecord
    from ablations.plan import Progress
    from ablations.session import Session

_SECOND_CONTROLS = re.compile(r"[\x7f-\x9f]")
"""Control characters that JSON leaves as they are."""


def say(line: str) -> None:
    """Prints a line that belongs to the result."""
    _print(Console(), line)


def note(line: str) -> None:
    """Prints a line beside the result, on standard error."""
    _print(error_console(), line)


def _print(console: Console, line: str) -> None:
    console.print(harmless(line), markup=False, highlight=False, emoji=False, soft_wrap=True)


def error_console() -> Console:
    """Returns the console that writes to standard error."""
    return Console(stderr=True)


def show(table: Table) -> None:
    """Prints a table, as wide as the terminal or, into a pipe, as wide as its cells."""
    from ablations.cli import screens

    console = Console()
    # A pipe has no width: there, each row is a line that can be searched.
    bounded = console.is_terminal or "COLUMNS" in os.environ
    console.width = console.width if bounded else screens.natural_width(table)
    console.print(screens.fitted(table, console.width), crop=False)


def print_json(document: object) -> None:
    """Prints one JSON document, without a character that a terminal obeys."""
    ascii_only = not knows_unicode(sys.stdout)
    text = json.dumps(document, indent=2, ensure_ascii=ascii_only, allow_nan=False)
    shown = _SECOND_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.write(f"{shown}\n")


def print_run(
    session: Session, progress: Progress, untrained: Sequence[RunRecord], page: Path | None
) -> None:
    """Prints how far a study is after a run, and where its report is, as one JSON document."""
    from ablations.cli.screens import progress_json

    document = progress_json(session.study, progress, untrained)
    print_json({**document, "report": None if page is None else str(page)})


def note_threads(session: Session) -> None:
    """Says which trials have records only with other numbers of threads."""
    from ablations.cli import screens

    for line in screens.thread_lines(session.study, session.other_threads):
        note(line)


def reading(session: Session, source: Path | None, *, samples: bool = True) -> Session:
    """Reads records from a file, if one is named, and says how many of them are left out.

    Where none is named, it says of shards whose records are not merged yet.
    """
    session = replace(session, source=source, samples=samples)
    if session.source is None:
        from ablations.cli.sharding import note_waiting

        note_waiting(session)
    if others := session.left_out():
        note(f"{source}: {others} of its records are of other trials and are left out")
    note_threads(session)
    return session


def note_other_code(findings: Findings) -> None:
    """Says of how many trials the training function has other code now."""
    from ablations.reporting import n_of_other_code
    from ablations.text.sentences import other_code_sentence

    if number := n_of_other_code(findings):
        note(other_code_sentence(number))


def note_findings(session: Session) -> tuple[RunRecord, ...]:
    """Warns of metrics that are missing and of networks that did not train; returns the latter."""
    from ablations.cli import screens

    reported, untrained = session.reported(), session.untrained()
    names = {metric.name for metric in reported}
    for line in (
        *screens.metric_lines(session.study, names),
        *screens.untrained_lines(session.study, untrained),
    ):
        note(line)
    return untrained


def show_gates(shown: GateOutput, *, as_json: bool) -> None:
    """Prints the document or the tables, and the other lines on standard error."""
    if as_json:
        print_json(shown.document)
    else:
        for title, table in shown.tables.items():
            say(f"{title}:")
            show(table)
    for line in shown.lines:
        note(line)


def unforeseen_code() -> int:
    """Prints the error that is being handled as a bug, and returns the exit code of one.

    Not where a signal ends the process: a library may make an error of its own of the interrupt, as
    pydantic does while it builds a schema.
    """
    if was_terminated():
        note("stopped; the same command resumes")
        return stopped_code()
    traceback.print_exc()
    note("ablations: this is a bug; please report it with the lines above")
    return 70


@contextmanager
def stopping_cleanly(
    message: str = "stopped; what has ended is recorded, and the same command resumes",
) -> Iterator[None]:
    """Turns Ctrl-C and signals into one line and the exit codes that shells, or jobs, expect."""
    try:
        yield
    except KeyboardInterrupt as stop:
        note(message)
        code = stopped_code() if isinstance(stop, Terminated) else 128 + signal.SIGINT
        raise typer.Exit(code) from None
