"""The options that most commands share, and the session that they open."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

FIRST_STEPS = (
    "There is no study file in this folder. To write one: ablations init. To train a small study "
    "that is built in, in about a minute: ablations run quickstart"
)
"""What to do in a folder without a study file."""


def _studies(incomplete: str) -> list[str]:
    """Returns the study files beside us and the built-in studies, for the shell to complete."""
    from ablations.plan import builtin_names

    known = [*sorted(map(str, Path().glob("*.toml"))), *builtin_names()]
    return [name for name in known if name.startswith(incomplete)]


StudyName = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="Study file or built-in name.", autocompletion=_studies),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a shared setting.")
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Number of seeds.")]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Threads of each trial.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data set.", exists=True, file_okay=False)
]
RunsDir = Annotated[Path, typer.Option(help="Folder of the record files.", file_okay=False)]

ReportsDir = Annotated[Path, typer.Option(help="Folder of the reports.", file_okay=False)]


def _workers(text: str) -> int | None:
    """Reads a number of workers; ``auto`` leaves it to the machine."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"'{text}' is neither 'auto' nor a whole number from 1.")
    return int(text)


def _trials(text: str) -> int | None:
    """Reads how many trials; ``all`` is no limit."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"'{text}' is neither 'all' nor a whole number from 1.")
    return int(text)


Trials = Annotated[
    Any,
    typer.Option(
        parser=_trials, metavar="N", help="How many, each arm once before any twice; or 'all'."
    ),
]
Jobs = Annotated[
    Any,
    typer.Option(
        parser=_workers, metavar="N", help="Worker processes; no result depends on how many."
    ),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain", help="Train without shortcuts. ABLATIONS_WITHOUT names single ones to leave out."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Samples = Annotated[
    bool,
    typer.Option("--samples/--no-samples", help="Show examples of the data, such as photographs."),
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--records",
        metavar="SOURCE",
        help="Read records from a .jsonl, a records.sqlite, its folder, or REVISION:PATH.",
    ),
]


class Difference(StrEnum):
    """What may differ between two states that are held against each other all the same."""

    DATA = "data"
    DEVICE = "device"
    PRECISION = "precision"


GoOn = Annotated[
    bool, typer.Option("--go-on", help="Even if the first trial lacks a metric of the study.")
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="BASELINE",
        help="Hold against an earlier state: report.json, .jsonl, records.sqlite, its folder, or "
        "REVISION:PATH.",
    ),
]
Despite = Annotated[list[Difference] | None, typer.Option(help="What may differ from that state.")]
SelfTest = Annotated[
    bool, typer.Option("--self-test", help="How often does --against err on these records?")
]
RequireGates = Annotated[
    bool, typer.Option("--require-gates", help="A study without gates is an error.")
]


def _open_session(
    study: StudyName,
    *,
    set_: Overrides = None,
    seeds: Seeds = None,
    threads: Threads = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
) -> object:
    from ablations.plan import load_study
    from ablations.session import Session

    loaded = load_study(study, overrides=set_ or (), seeds=seeds, threads=threads)
    return Session(loaded, data_dir=data_dir, runs_dir=runs_dir)


def with_session(command: Callable[..., None]) -> Callable[..., None]:
    """Turns ``command(session, ...)`` into one that takes STUDY and the shared options instead.

    Typer reads a command's parameters from its signature, so the result is given one that holds the
    parameters of both. Without this, five options would stand in every command.
    """
    shared = _parameters(_open_session)
    own = _parameters(command)[1:]

    def wrapper(**values: Any) -> None:
        session = _open_session(**{p.name: values.pop(p.name) for p in shared})
        command(session, **values)

    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    wrapper.__annotations__ = {p.name: p.annotation for p in (*shared, *own)}
    wrapper.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
    return wrapper


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Returns a function's parameters by keyword, with their annotations evaluated."""
    hints = get_type_hints(function, localns={"Session": object}, include_extras=True)
    return [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
    ]
