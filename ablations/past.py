"""Finds the past that a gate is held against: findings, records, a store, or a git revision."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from pathlib import Path

from ablations.drift import Past, PastArm
from ablations.errors import StoreError
from ablations.jsonl import MALFORMED, read_jsonl
from ablations.store import Store
from ablations.study import Arm

_CURE = (
    "Name a report.json, a .jsonl file of records, a records.sqlite or its folder, or "
    "REVISION:PATH of a committed .jsonl or report.json"
)


def read_past(name: str, *, slug: str, report: str | None = None) -> Past:
    """Reads the past of a study by what ``--against`` names.

    Args:
        name: A path, or ``REVISION:PATH`` of a file that is committed to git.
        slug: The study, to find its store in a folder of all runs.
        report: The name of its report, to find that in a folder of all reports.

    Raises:
        StoreError: if there is no such thing, or it cannot be read.
    """
    if not name or name.startswith("-"):
        raise StoreError("there is nothing to hold against", received=repr(name), cure=_CURE)
    path = Path(name)
    if path.is_dir():
        path = _inside(path, slug, report or slug)
    if path.is_file():
        return _read(path, name)
    if ":" in name:
        return _of_revision(name)
    raise StoreError("there is nothing to hold against", received=name, cure=_CURE)


def _inside(folder: Path, slug: str, report: str) -> Path:
    """Finds the study's store in a folder of runs, or the findings in that of a report."""
    names = (f"{slug}/records.sqlite", "records.sqlite", f"{report}/report.json", "report.json")
    return next((folder / name for name in names if (folder / name).is_file()), folder)


def _read(path: Path, source: str) -> Past:
    from ablations.analyze import past_of_records

    if path.suffix == ".json":
        return _of_findings(path, source)
    records = Store(path).records() if path.suffix == ".sqlite" else read_jsonl(path)
    return past_of_records(records, source)


def _of_findings(path: Path, source: str) -> Past:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["measured"]
        arms = tuple(
            PastArm(
                Arm(tuple(arm["levels"].items())),
                {
                    name: {int(seed): _finite(value) for seed, value in own.items()}
                    for name, own in arm["values"].items()
                },
            )
            for arm in found["arms"]
        )
        environments = tuple({k: str(v) for k, v in e.items()} for e in found["environments"])
        data = tuple(map(str, list(found["data"])))
        started = tuple(map(str, list(found.get("started", ()))))  # earlier reports lack it
        return Past(source, arms, data, environments, started)
    except MALFORMED as error:
        raise StoreError(
            f"{source} holds no findings",
            received=f"{type(error).__name__}: {error}",
            cure=_CURE,
        ) from error


def _finite(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number")
    return number


def _of_revision(name: str) -> Past:
    """Reads a committed file without touching the working tree."""
    command = ["git", "show", "--end-of-options", name]
    try:
        done = subprocess.run(  # noqa: S603 - git itself, and a name that it looks up
            command, capture_output=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        raise StoreError(
            "there is nothing to hold against",
            received=f"{name}: {said.decode(errors='replace').strip().splitlines()[0].rstrip('.')}",
            cure=_CURE,
        ) from error
    file = Path(name.partition(":")[2]).name
    if Path(file).suffix not in (".json", ".jsonl"):
        raise StoreError("this is no file of findings or records", received=name, cure=_CURE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_bytes(done.stdout)
        return _read(path, name)
