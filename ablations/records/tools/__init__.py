"""The tools whose runs can be read: one registry for ``ablations import``.

To read another tool's runs, write a module with a ``READER`` and add it to ``READERS``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ablations.errors import StudyError, meant
from ablations.records.tools import (
    keras_csv,
    lightning_csv,
    mlflow_database,
    mlflow_folder,
    mlflow_server,
    optuna,
    plain_csv,
    tensorboard,
    trainer_state,
    wandb,
)
from ablations.records.tools.run import Reader, SourceRun, Wanted

READERS: tuple[Reader, ...] = (
    mlflow_database.READER,
    mlflow_folder.READER,
    mlflow_server.READER,
    optuna.READER,
    wandb.READER,
    tensorboard.READER,
    lightning_csv.READER,
    keras_csv.READER,
    trainer_state.READER,
    plain_csv.READER,
)
"""All kinds of sources; several may take one folder, and then ``--from`` says which."""

_CURE = (
    "Name an mlflow.db, an mlruns folder, the address of an MLflow server, a folder of TensorBoard "
    "or W&B runs, of CSVLogger files or of trainer_state.json files, an Optuna database, or a .csv "
    "file with a row for each run"
)


def reader_of(source: str, kind: str | None = None) -> Reader:
    """Returns what reads a source.

    Args:
        source: A path or an address.
        kind: What ``--from`` names, where a folder holds runs of several tools.

    Raises:
        StudyError: if nothing does, or several do and none is named.
    """
    kinds = list(dict.fromkeys(reader.kind for reader in READERS))
    if kind is not None and kind not in kinds:
        raise StudyError(
            "--from names no kind of runs",
            received=kind,
            cure=f"{meant(kind, kinds)}There are {', '.join(kinds)}",
        )
    if ":" not in source and not Path(source).exists():
        raise StudyError("there are no runs to import", received=source, cure=_CURE)
    found = [own for own in READERS if kind in (None, own.kind) and own.takes(source)]
    if not found:
        what = source if kind is None else f"{source}, --from {kind}"
        raise StudyError("this holds no runs that can be imported", received=what, cure=_CURE)
    if len(several := dict.fromkeys(reader.kind for reader in found)) > 1:
        raise StudyError(
            f"{source} holds runs of several tools",
            received=", ".join(own.title for own in found),
            cure=f"Name one of them: {' or '.join(f'--from {kind}' for kind in several)}",
        )
    return found[0]


def read_runs(source: str, wanted: Wanted, kind: str | None = None) -> tuple[SourceRun, ...]:
    """Returns the runs of a source, with every point of the metrics that are wanted.

    Raises:
        StudyError: as `reader_of` does.
        StoreError: if the source cannot be read.
    """
    return tuple(_once(reader_of(source, kind).read(source, wanted)))


def _once(runs: Iterable[SourceRun]) -> Iterator[SourceRun]:
    """Yields runs, each under a name of its own, also where a folder was copied with its runs."""
    number: Counter[str] = Counter()
    for run in runs:
        number[run.name] += 1
        copy = number[run.name]
        yield run if copy == 1 else replace(run, name=f"{run.name} ({copy})")
