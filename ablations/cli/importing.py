"""The command ``import``: runs of other tools become the trials of a study."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.cli.options import AsJson
from ablations.cli.terminal.printing import note, print_json, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ablations.core.study import Study
    from ablations.imports.matching import Imported, LeftOut
    from ablations.plan import Progress

RunsSource = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="Runs of MLflow, TensorBoard, W&B, Keras, Lightning, Hugging Face or Optuna, or a CSV "
        "table: a file, a folder, or the address of an MLflow server.",
    ),
]
MapFile = Annotated[
    Path | None,
    typer.Option(
        "--map", metavar="STUDY", help="Study file that says which runs are its trials.",
        dir_okay=False,
    ),
]  # fmt: skip
Suggest = Annotated[
    bool, typer.Option("--suggest", help="Propose such a study file, from what varies.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="KEY=VALUE", help="With --suggest: only runs with this; may be repeated."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="File to write: records (.jsonl; STUDY.jsonl beside the study file if left out), or "
        "with --suggest the study file (standard output if left out).",
        dir_okay=False,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option("--from", metavar="KIND", help="Whose runs to read, if a folder has several."),
]
_MOST = 5


def import_(
    source: RunsSource,
    *,
    map_: MapFile = None,
    suggest: Suggest = False,
    where: Where = None,
    out: Out = None,
    kind: Kind = None,
    as_json: AsJson = False,
) -> None:
    """Take runs that another tool recorded as the trials of a study. Trains nothing.

    First --suggest a study file; when it says what you mean, name it with --map.
    """
    if (map_ is None) != suggest or (where and not suggest):
        raise typer.BadParameter(
            "give --suggest for a study file, then --map STUDY to read its runs; --where is for "
            "--suggest"
        )
    if map_ is None:
        _suggest(source, where or (), out, kind=kind)
    else:
        _import(source, map_, out, kind=kind, as_json=as_json)


def _suggest(source: str, where: Sequence[str], out: Path | None, *, kind: str | None) -> None:
    from ablations.imports.suggesting import suggestion

    found = suggestion(source, where, kind=kind)
    for line in found.notes:
        note(line)
    if out is None:
        sys.stdout.write(found.text)
        return
    from ablations.plan import write_new

    write_new(out, found.text)
    say(f"{out} is written; read it, change it, then: ablations import {quote(source)} "
        f"--map {quote(str(out))}")  # fmt: skip


def _import(source: str, map_: Path, out: Path | None, *, kind: str | None, as_json: bool) -> None:
    from ablations.imports.matching import import_runs, wanted_metrics
    from ablations.imports.writing import write_records
    from ablations.plan import load_study, records_path, require_imports
    from ablations.records.tools import read_runs, reader_of

    study = load_study(map_)
    own, path = require_imports(study), out or records_path(study)
    reader = reader_of(source, kind)
    found = import_runs(study, read_runs(source, wanted_metrics(own), kind), reader.title)
    write_records(found.records, study, path)
    _show(study, found, path, as_json=as_json)


def _show(study: Study, found: Imported, path: Path, *, as_json: bool) -> None:
    """Shows which trials have a run, what was left out, and what to do next."""
    from ablations.cli import screens
    from ablations.plan import progress_of, records_path, trials_of_records

    trials = trials_of_records(study, found.records)
    progress = progress_of(trials, found.records)
    if as_json:
        print_json({
            **screens.progress_json(study, progress),
            "records": str(path),
            "left_out": [{"run": own.run, "why": own.why} for own in found.left_out],
            "notes": [*found.notes],
        })  # fmt: skip
    else:
        show(screens.arms_table(study, trials, progress))
        say(f"\n{screens.progress_line(progress, trains=False)}")
    for line in (*_missing_lines(progress), *_left_out_lines(found.left_out), *found.notes):
        note(line)
    note(f"records: {path}")
    where = "" if path == records_path(study) else f" --records {quote(str(path))}"
    named = os.path.relpath(study.file) if study.file else study.source
    note(f"next: ablations report {quote(named)}{where}")
    if progress.completed < progress.planned:
        raise typer.Exit(4)


def _missing_lines(progress: Progress) -> list[str]:
    """Names the trials that no run is of."""
    from ablations.text.formatting import few

    missing = sorted((trial.arm, trial.seed) for trial in progress.to_do)
    names = [f"{arm.name}, seed {seed}" for arm, seed in missing]
    return [f"without a completed run: {few(names, _MOST)}"] if names else []


def _left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Returns a line for each reason, with the runs that it is the reason for."""
    from ablations.text.formatting import counted, few

    by_reason = defaultdict(list)
    for own in left_out:
        by_reason[own.why].append(own.run)
    ordered = sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
    lines = [
        f"left out: {counted(len(runs), 'run')} ({few(runs)}): {why}"
        for why, runs in ordered[:_MOST]
    ]
    rest = sum(len(runs) for _, runs in ordered[_MOST:])
    more = "for other reasons; --json has all of them"
    return [*lines, f"left out: {counted(rest, 'further run')} {more}"] if rest else lines
