"""The command ``bisect``: with which commit did an arm become worse?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ablations.cli.options import (
    AsJson,
    DataDir,
    Jobs,
    Overrides,
    Plain,
    RunsDir,
    StudyName,
    Threads,
)
from ablations.cli.terminal.printing import print_json, stopping_cleanly

_CODES = {"found": 0, "left": 3, "same": 3, "no-regression": 3, "untrainable": 4}

MostSeeds = Annotated[
    int, typer.Option("--seeds", min=2, help="At most so many seeds of an arm at a commit.")
]


def bisect(  # noqa: PLR0913 - each is an option
    study: StudyName,
    good: Annotated[str, typer.Argument(metavar="GOOD", help="A commit at which all was well.")],
    bad: Annotated[str, typer.Argument(metavar="BAD", help="A later one that is worse.")],
    *,
    set_: Overrides = None,
    seeds: MostSeeds = 20,
    threads: Threads = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    jobs: Jobs = "auto",
    plain: Plain = False,
    as_json: AsJson = False,
) -> None:
    """Find the commit that made an arm worse.

    Trains the study at GOOD, at BAD and at a few commits between, with as few seeds as verdicts
    need. The working tree is not touched. Run it again to resume.
    """
    from ablations import bisecting
    from ablations.cli.commits.bisection import Notes, document, show_outcome
    from ablations.commits import Options

    folder = None if data_dir is None else str(data_dir.resolve())
    options = Options(tuple(set_ or ()), seeds, threads, folder, str(runs_dir), jobs, plain=plain)
    with stopping_cleanly():
        found = bisecting.bisect(study, good, bad, options, watcher=Notes())
    code = _CODES[found.found.ending]
    if as_json:
        print_json(document(found, code))
    show_outcome(found, quiet=as_json)
    raise typer.Exit(code)
