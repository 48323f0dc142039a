"""The options that several commands share, and the session that they open."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, get_type_hints

import typer


def first_steps() -> str:
    """Returns what to do first in this folder."""
    if files := sorted(str(path) for path in Path().glob("*.toml") if _is_study(path)):
        return f"To see what a study here would train: ablations plan {quote(files[0])}"
    return (
        "There is no study file in this folder. To write one: ablations init. To train a small "
        "study that is built in, in about a minute: ablations run quickstart"
    )


def _is_study(path: Path) -> bool:
    try:
        return "[trial]" in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def complete_studies(incomplete: str) -> list[str]:
    """Returns the study files beside us and the built-in studies, for the shell to complete."""
    from ablations.plan import builtin_names

    known = [*sorted(map(str, Path().glob("*.toml"))), *builtin_names()]
    return [name for name in known if name.startswith(incomplete)]


def complete_formats(incomplete: str) -> list[str]:
    """Returns the names of the formats, for the shell to complete."""
    from ablations.report.formats.named import names

    return [name for name in names() if name.startswith(incomplete)]


StudyName = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Study file or built-in name.", autocompletion=complete_studies
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting that all arms share."),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Number of seeds of each arm.")]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Threads of each trial.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data set.", exists=True, file_okay=False)
]
RunsDir = Annotated[Path, typer.Option(help="Folder of the record files.", file_okay=False)]

ReportsDir = Annotated[Path, typer.Option(help="Folder of the reports.", file_okay=False)]


def _number_or(word: str) -> Callable[[str], int | None]:
    """Returns a reader of whole numbers from 1, and of a word that stands for no number."""

    def read(text: str) -> int | None:
        if text == word:
            return None
        if not text.isdecimal() or int(text) < 1:
            raise typer.BadParameter(f"'{text}' is neither '{word}' nor a whole number from 1.")
        return int(text)

    return read


Trials = Annotated[
    Any,
    typer.Option(
        parser=_number_or("all"),
        metavar="N",
        help="How many trials, or 'all'; each arm once before any arm twice.",
    ),
]
Jobs = Annotated[
    Any,
    typer.Option(
        parser=_number_or("auto"),
        metavar="N",
        help="Worker processes, or 'auto'; the results do not depend on it.",
    ),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="Train without shortcuts; to leave out only some, list them in ABLATIONS_WITHOUT.",
    ),
]
ReportAtEnd = Annotated[
    bool | None,
    typer.Option("--report/--no-report", help="Render the report at the end; a shard has none."),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Write this format into the folder of -o; may be repeated. The names are in "
        "docs/formats.md, and an unknown name lists them.",
        autocompletion=complete_formats,
    ),
]
FormatsDir = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder of what --format writes.", file_okay=False),
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
        help="Read records from here instead: a .jsonl file, a records.sqlite, its folder, or "
        "REVISION:PATH in git.",
    ),
]


class Difference(StrEnum):
    """What may differ between two states of a study that are compared all the same."""

    DATA = "data"
    DEVICE = "device"
    PRECISION = "precision"


GoOn = Annotated[
    bool,
    typer.Option(
        "--go-on", help="Train on if the first trial lacks a metric that the study names."
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        "--log-to",
        metavar="TOOL:PLACE",
        help="Hand trials on to tensorboard:FOLDER, mlflow:ADDRESS or wandb:FOLDER as they train; "
        "may be repeated.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="BASELINE",
        help="Compare with an earlier state: a report.json, a .jsonl file, a records.sqlite, its "
        "folder, or REVISION:PATH in git.",
    ),
]
AgainstCommit = Annotated[
    str | None,
    typer.Option(
        "--against-commit",
        metavar="REVISION",
        help="Train the code of this commit and the present one in turn, and compare both.",
    ),
]
Despite = Annotated[
    list[Difference] | None,
    typer.Option(help="With --against or --against-commit: what may differ from the other state."),
]
SelfTest = Annotated[
    bool,
    typer.Option("--self-test", help="Estimate how often --against is wrong, from these records."),
]
RequireGates = Annotated[
    bool, typer.Option("--require-gates", help="Fail if the study has no gates.")
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
    parameters of both; the shared options need not be repeated in every command.
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
