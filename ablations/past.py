"""Finds the past that a gate is held against: findings, records, a store, or a git revision."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ablations.core.drift import Past, PastArm
from ablations.core.estimates import MetricInfo
from ablations.core.study import Arm, Study
from ablations.errors import StoreError
from ablations.plan import identify_of
from ablations.records.agreement import distinct
from ablations.records.jsonl import read_jsonl
from ablations.records.sqlite.checksums import of_document
from ablations.records.sqlite.store import Store
from ablations.records.validation import StoredFindings, StoredMeasured, checked, parsed

_CURE = (
    "Name a report.json, a .jsonl file of records, a records.sqlite or its folder, or "
    "REVISION:PATH of a committed .jsonl or report.json"
)


def read_past(name: str, study: Study) -> Past:
    """Reads the past of a study by what ``--against`` names.

    Args:
        name: A path, or ``REVISION:PATH`` of a file that is committed to git.
        study: The study, to find its store in a folder of all runs, its report in one of all
            reports, and what of recorded settings decides results.

    Raises:
        StoreError: if there is no such thing, or it cannot be read.
    """
    if not name or name.startswith("-"):
        raise StoreError("there is nothing to hold against", received=repr(name), cure=_CURE)
    path = Path(name)
    if path.is_dir():
        path = _inside(path, study.slug, study.report_name)
    if path.is_file():
        return _read(path, name, study)
    if ":" in name:
        return _of_revision(name, study)
    raise StoreError("there is nothing to hold against", received=name, cure=_CURE)


def _inside(folder: Path, slug: str, report: str) -> Path:
    """Finds the study's store in a folder of runs, or the findings in that of a report."""
    names = (f"{slug}/records.sqlite", "records.sqlite", f"{report}/report.json", "report.json")
    return next((folder / name for name in names if (folder / name).is_file()), folder)


def _read(path: Path, source: str, study: Study) -> Past:
    from ablations.analyze import past_of_records

    if path.suffix == ".json":
        return _of_findings(path, source)
    records = Store(path).records() if path.suffix == ".sqlite" else read_jsonl(path)
    try:
        return past_of_records(distinct(records), source, identify=identify_of(study))
    except StoreError as error:
        raise error.at(source) from error


def _of_findings(path: Path, source: str) -> Past:
    try:
        found = _measured(parsed(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{source} holds no findings that a gate can be held against",
            received=str(error),
            cure=_CURE,
        ) from error
    return Past(
        source,
        tuple(
            PastArm(Arm(tuple(arm.levels.items())), arm.by_seed(), tuple(arm.untrained))
            for arm in found.arms
        ),
        tuple(found.data),
        tuple(found.environments),
        tuple(found.started),
        {name: MetricInfo(name, own.unit, own.better) for name, own in found.metrics.items()},
    )


def _measured(document: Any) -> StoredMeasured:
    """Reads the part of a report's summary that gates can be held against.

    Raises:
        ValueError: if it is none, or was changed since it was written.
    """
    found = checked(StoredFindings, document).measured
    values = {k: value for k, value in document["measured"].items() if k != "checksum"}
    if found.checksum is not None and found.checksum != of_document(values):
        raise ValueError("measured: its checksum is that of other values")
    return found


def _of_revision(name: str, study: Study) -> Past:
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
        return _read(path, name, study)
