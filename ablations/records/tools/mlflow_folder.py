"""Reads the ``mlruns`` folders in which MLflow kept runs, and which its later versions refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ablations.records.tools import mlflow
from ablations.records.tools.encodings.yaml import values_of
from ablations.records.tools.paths import files_in
from ablations.records.tools.run import (
    Reader,
    Series,
    SourceRun,
    Wanted,
    between,
    chosen,
    damaged,
    moment,
    ordered,
)

META = "meta.yaml"
_URI = "file:"


def _path(source: str) -> Path:
    return Path(source.removeprefix(_URI).replace("///", "/", 1))


def _experiments(source: str) -> list[Path]:
    """Returns the folders of the experiments: below the source, or the source itself."""
    path = _path(source)
    if not path.is_dir():
        return []
    found = (
        [path] if (path / META).is_file() else sorted(own.parent for own in path.glob(f"*/{META}"))
    )
    return [own for own in found if _is_experiment(own)]


def _is_experiment(folder: Path) -> bool:
    found = _meta(folder)
    return "experiment_id" in found and "run_id" not in found and not folder.name.startswith(".")


def _meta(folder: Path) -> dict[str, str]:
    try:
        return values_of((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a run that is just begun, or was left half-written


def _takes(source: str) -> bool:
    return bool(_experiments(source))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    for folder in _experiments(source):
        experiment = _meta(folder).get("name", folder.name)
        data = {own.parent.name: values_of(own.read_text(encoding="utf-8")).get("digest", "")
                for own in sorted(folder.glob(f"datasets/*/{META}"))}  # fmt: skip
        for run in sorted(own.parent for own in folder.glob(f"*/{META}")):
            meta = _meta(run)
            if "run_id" in meta and meta.get("lifecycle_stage", "active") == "active":
                yield _run(run, meta, experiment, data=data, wanted=wanted)


def _run(
    folder: Path, meta: dict[str, str], experiment: str, *, data: dict[str, str], wanted: Wanted
) -> SourceRun:
    tags = _texts(folder / "tags")
    start, end = (mlflow.seconds(_whole(meta.get(name))) for name in ("start_time", "end_time"))
    status = _whole(meta.get("status"))
    inputs = (_meta(own.parent) for own in folder.glob(f"inputs/*/{META}"))
    ids = {value for own in inputs for value in (own.get("source_id"), own.get("destination_id"))}
    return SourceRun(
        name=meta["run_id"],
        params=_texts(folder / "params"),
        series=_series(folder / "metrics", wanted),
        labels=mlflow.labels_of(tags, experiment),
        state=mlflow.state_of(meta.get("status") if status is None else status),
        started_at=moment(start),
        seconds=between(start, end),
        data=mlflow.one_data([digest for own, digest in data.items() if own in ids and digest]),
        facts=mlflow.facts_of(tags),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _texts(folder: Path) -> dict[str, str]:
    """Returns the text of each file below a folder by its path, which is its name in MLflow."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in files_in(str(folder), "*")
    }


def _series(folder: Path, wanted: Wanted) -> dict[str, Series]:
    paths = {path.relative_to(folder).as_posix(): path for path in files_in(str(folder), "*")}
    found = {name: _points(path) for name, path in paths.items() if chosen(name, wanted)}
    return {name: points for name, points in found.items() if points}


def _points(path: Path) -> Series:
    """Returns the points of a metric, a line each; a line without an end was cut short."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    try:
        rows = sorted((_point(line) for line in lines if line.strip()), key=lambda row: row[:2])
    except ValueError as error:
        raise damaged(path, error, "Move the folder of this run away") from error
    return ordered((step, value) for step, _, value in rows)


def _point(line: str) -> tuple[int, int, float]:
    """Returns step, time and value, of which the oldest versions wrote no step."""
    time, value, *step = line.split()
    return int(step[0]) if step else 0, int(time), mlflow.number(float(value))


READER = Reader("mlflow", mlflow.TITLE, _takes, _read)
