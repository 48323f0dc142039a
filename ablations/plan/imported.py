"""Studies whose trials were recorded by another tool: their table, and where their records lie."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ablations.core import checks
from ablations.core.study import Import, ImportedMetric, Study
from ablations.errors import StudyError
from ablations.plan.schema import AdaptiveSeeds, ImportedMetricTable, ImportTable, StudyFile
from ablations.plan.validation import require

ENTRY = "ablations.imports:train"
"""What stands for the training function of such a study."""


def import_of(file: StudyFile) -> Import | None:
    """Returns how runs become the trials of a study; ``None`` where it trains them itself.

    Raises:
        StudyError: if the table does not fit the rest of the file.
    """
    table, entry = file.import_, file.trial.run
    require(
        (table is None) == (entry != ENTRY),
        f"[import] and trial.run = '{ENTRY}' belong together",
        received=f"trial.run = '{entry}', {'no' if table is None else 'and'} [import]",
        cure="Let 'ablations import SOURCE --suggest' write the file, or leave out the other one",
    )
    if table is None:
        return None
    _require_one_seed(table)
    _require_pattern(table.names)
    require(
        not isinstance(file.design.seeds, AdaptiveSeeds) and file.trial.threads == 1,
        "trials that another tool recorded have fixed seeds, and threads that are not known",
        received=f"design.seeds = {file.design.seeds}, trial.threads = {file.trial.threads}",
        cure="Write seeds as a number or a list, and leave threads out",
    )
    metrics = tuple(_metric(name, own) for name, own in table.metrics.items())
    ignore, exclude = tuple(table.ignore), tuple(table.exclude)
    return Import(table.seed or "", metrics, table.epochs, table.names, ignore, exclude)


def _metric(name: str, own: ImportedMetricTable) -> ImportedMetric:
    try:
        found = ImportedMetric(name=checks.name("the name", name), **own.model_dump())
    except ValueError as error:
        raise StudyError(
            "import.metrics has a name that cannot be used",
            received=str(error),
            cure="Write a short name of one line",
        ) from error
    require(
        not found.percent or found.unit == "fraction",
        f"import.metrics.{name}: percent is for a fraction",
        received=f"unit = '{found.unit}'",
        cure="Write unit = 'fraction', or leave percent out",
    )
    return found


def _require_one_seed(table: ImportTable) -> None:
    require(
        (table.seed is None) == table.number_runs,
        "[import] needs exactly one of seed and number_runs",
        received=f"seed = {table.seed or 'none'}, number_runs = {str(table.number_runs).lower()}",
        cure="Write seed = 'NAME' of the parameter that holds it, or number_runs = true where the "
        "runs have no seed",
    )


def _require_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, RecursionError) as error:
        groups, problem = {}, str(error)
    else:
        problem = "no named group"
    require(
        not pattern or bool(groups),
        "import.names is no regular expression with named groups",
        received=f"{pattern} ({problem})",
        cure=r"Write for example '(?P<augment>on|off)-(?P<seed>\d+)'",
    )


def records_path(study: Study) -> Path:
    """Returns where 'import' writes the records of a study: beside its file, under its name."""
    return Path(os.path.relpath(study.file or study.slug)).with_suffix(".jsonl")


def imported_records(study: Study) -> Path | None:
    """Returns the file of a study's imported records, if it has such a file."""
    if study.imported is None or not (path := records_path(study)).is_file():
        return None
    return path


def require_trains(study: Study) -> None:
    """Raises `StudyError` for a study whose trials cannot be trained here."""
    require(
        study.imported is None,
        f"{study.slug}: its trials were recorded by another tool and cannot be trained here",
        received=f"trial.run = '{ENTRY}'",
        cure="Train where the others were trained, and read all runs again with 'ablations import "
        f"SOURCE --map {study.source}'",
    )


def require_imports(study: Study) -> Import:
    """Returns how runs become the trials of a study.

    Raises:
        StudyError: if the study trains its trials itself.
    """
    if study.imported is None:
        raise StudyError(
            f"{study.source} says of no run which trial it is",
            received=f"trial.run = '{study.entry}', no [import]",
            cure="Let 'ablations import SOURCE --suggest' propose a study file",
        )
    return study.imported
