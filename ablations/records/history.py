"""The history of studies over commits: what each trial measured at each commit, in files for git.

A folder holds a folder for each study, with a file of JSON lines a month, a line a trial: its
commit, seed and metrics. ``environments.jsonl`` beside them holds each environment once, by the
digest that its lines name. Lines are only added, and their order means nothing, so that two
branches that add some can be merged line by line (``.gitattributes`` asks git to).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from ablations.core.metrics import METRICS, Better, Unit
from ablations.core.past import Commit
from ablations.core.record import MACHINE, Metric, RunRecord, known_metric, moment_of
from ablations.core.training import trained
from ablations.errors import StoreError
from ablations.files import replaced_file
from ablations.records.written import ATTRIBUTES, ENVIRONMENTS, MONTHS

SCHEMA_VERSION: Literal[1] = 1

LARGE_BYTES = 20_000_000
"""From here on a study's history takes git and readers noticeable time."""

_DIGITS = 12
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@cache  # many lines have the date of one commit
def _moment(text: str) -> str:
    """Returns a date as we write it, in UTC, as lines are sorted by their texts."""
    return moment_of(text).isoformat()


@dataclass(frozen=True, slots=True)
class Line:
    """What one trial measured at one commit.

    ``committed_at`` is the commit's date (ISO 8601), ``data`` the fingerprint of the data,
    ``environment`` the digest of packages and machine, ``machine`` that of the machine alone.
    ``trained`` is false for a network that ended as it began. ``units`` holds unit and better
    direction of the metrics that are not built in, or were logged with other ones.
    """

    schema_version: Literal[1]
    study: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]
    committed_at: Annotated[str, AfterValidator(_moment)]
    arm: dict[str, str]
    seed: int
    data: str
    machine: str
    environment: str
    metrics: dict[str, Annotated[float, Field(allow_inf_nan=False)]]
    trained: bool = True
    units: dict[str, tuple[Unit, Better]] = field(default_factory=dict)

    @property
    def trial(self) -> tuple[str, tuple[tuple[str, str], ...], int, str, str]:
        """What names the trial of a line: a second line of it is none."""
        return (self.commit, tuple(sorted(self.arm.items())), self.seed, self.data, self.machine)

    def metric(self, name: str) -> Metric | None:
        """Returns a metric with its unit and direction."""
        if name not in self.metrics:
            return None
        return Metric(name, self.metrics[name], *self.described(name))

    def described(self, name: str) -> tuple[Unit, Better]:
        """Returns unit and better direction of a metric."""
        if name in self.units:
            return self.units[name]
        known = METRICS.get(name)
        return (known.unit, known.better) if known else ("number", "neither")


_LINE = TypeAdapter(Line)


def line_of(record: RunRecord, metrics: Mapping[str, Metric], commit: Commit) -> Line:
    """Returns the line of a completed record.

    Args:
        record: What was measured.
        metrics: Its metrics by name, with those that follow from others.
        commit: What it was measured at.
    """
    facts = environment_of(record)
    finite = {name: own for name, own in metrics.items() if math.isfinite(own.value)}
    return Line(
        SCHEMA_VERSION,
        record.study,
        commit.name,
        commit.date,
        dict(record.arm.levels),
        record.seed,
        record.data,
        _digest({name: facts[name] for name in MACHINE if name in facts}),
        _digest(facts),
        {name: own.value for name, own in finite.items()},
        trained(record) is not False,
        {name: (own.unit, own.better) for name, own in finite.items() if own != _built_in(own)},
    )


def _built_in(own: Metric) -> Metric | None:
    """Returns a metric with the unit and direction of the built-in one of its name."""
    return known_metric(own.name, own.value) if own.name in METRICS else None


def environment_of(record: RunRecord) -> dict[str, str]:
    """Returns packages and machine of a record, without the commit."""
    return {name: value for name, value in record.environment.items() if name != "commit"}


def add_lines(
    folder: Path, study: str, lines: Sequence[Line], environments: Iterable[Mapping[str, str]]
) -> int:
    """Adds lines to a study's history and returns how many of them are new.

    A line whose trial, commit and machine are there already stays as it was.

    Args:
        folder: Of the history; it is made where it is missing.
        study: The study's name.
        lines: What to add.
        environments: Packages and machines that the lines name by their digest.

    Raises:
        StoreError: if the history cannot be read, or is that of another study.
    """
    own = folder / study
    own.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if not (attributes := folder / ".gitattributes").exists():
            attributes.write_text(ATTRIBUTES, encoding="utf-8")
        if not (ignored := folder / ".gitignore").exists():
            ignored.write_text(".lock\n", encoding="utf-8")
        before = read_lines(folder, study)
        _require_one_study([*before, *lines], own)
        there = {line.trial for line in before}
        new = {line.trial: line for line in lines if line.trial not in there}
        months: dict[str, list[str]] = {}
        for line in new.values():
            months.setdefault(line.committed_at[:7], []).append(_text_of(line))
        for month, texts in months.items():
            _append(own / f"{month}.jsonl", texts)
        known = set(_rows(own / ENVIRONMENTS))
        facts = {_to_text({"environment": _digest(e), "facts": dict(e)}) for e in environments}
        _append(own / ENVIRONMENTS, sorted(facts - known))
    return len(new)


def read_lines(folder: Path, study: str) -> tuple[Line, ...]:
    """Returns the lines of a study's history, by the date of their commits.

    Commits of one second, as a rebase makes them, are in the order in which they were added.
    Of two lines of one trial, as a merge may bring them, the first counts.

    Raises:
        StoreError: if a line is none, with its file and number, or of another study than the rest.
    """
    found: dict[object, Line] = {}
    for path in files_of(folder, study):
        for number, text in enumerate(_rows(path), start=1):
            if text:
                line = _line_from(text, f"{path}:{number}")
                found.setdefault(line.trial, line)
    _require_one_study(found.values(), folder / study)
    return tuple(sorted(found.values(), key=lambda line: line.committed_at))


def _require_one_study(lines: Iterable[Line], place: Path) -> None:
    """Makes sure that no lines of another study with the same arms count as this one's."""
    if len(names := sorted({line.study for line in lines})) > 1:
        raise StoreError(
            f"{place}: lines of different studies",
            received=", ".join(names),
            cure="Keep those of the others in folders of their own, or, where the study was "
            'renamed, write its new name as "study" into its old lines',
        )


def studies_in(folder: Path) -> tuple[str, ...]:
    """Returns the names of the studies that have a history, sorted."""
    return tuple(sorted({path.parent.name for path in folder.glob(f"*/{MONTHS}")}))


def size_of(folder: Path, study: str) -> int:
    """Returns the bytes of a study's history."""
    return sum(path.stat().st_size for path in files_of(folder, study))


def require_committed(folder: Path, study: str) -> None:
    """Makes sure that git has a study's history as it is, before lines are removed.

    Raises:
        StoreError: if it has not.
    """
    names = [str(path.relative_to(folder)) for path in files_of(folder, study)]
    for command in (["ls-files", "--error-unmatch"], ["diff", "--quiet", "HEAD"]):
        words = ["git", "-C", str(folder), *command, "--", *names]
        done = subprocess.run(words, capture_output=True, check=False)  # noqa: S603 - git itself
        if done.returncode:
            raise StoreError(
                f"the history of {study} is not committed, and lines would be lost",
                received=str(folder / study),
                cure=f"Commit it first: git add {shlex.quote(str(folder))} && git commit",
            )


def keep_commits(folder: Path, study: str, commits: Iterable[str]) -> int:
    """Removes all lines but those of some commits, and returns how many lines went."""
    kept, gone = set(commits), 0
    with _locked(folder):
        for path in files_of(folder, study):
            rows = [(f"{path}:{n}", text) for n, text in enumerate(_rows(path), start=1) if text]
            own = [text for place, text in rows if _line_from(text, place).commit in kept]
            gone += len(rows) - len(own)
            if not own:
                path.unlink()
            elif len(own) < len(rows):
                with replaced_file(path) as file:
                    file.write("".join(f"{text}\n" for text in own).encode())
    return gone


def _locked(folder: Path) -> AbstractContextManager[object]:
    from filelock import FileLock  # here, as readers need no lock

    return FileLock(folder / ".lock")


def files_of(folder: Path, study: str) -> list[Path]:
    """Returns the files that hold a study's lines, a file a month."""
    return sorted((folder / study).glob(MONTHS))


def _rows(path: Path) -> list[str]:
    """Returns the lines of a file, none where it is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise StoreError(
            f"{path} is no text",
            received=str(error),
            cure=f"Take it out of git again: git checkout -- {shlex.quote(str(path))}",
        ) from error
    return text.removesuffix("\n").split("\n") if text else []


def _append(path: Path, texts: Sequence[str]) -> None:
    """Adds lines in one write, after a line that was cut short if there is one."""
    if not texts:
        return
    cut = path.exists() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n"
    with path.open("ab") as file:
        file.write(("\n" * cut + "".join(f"{text}\n" for text in texts)).encode())
        file.flush()
        os.fsync(file.fileno())


def _line_from(text: str, place: str) -> Line:
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        path = shlex.quote(place.rpartition(":")[0])
        cure = (
            "Delete the lines that mark the conflict, and keep those of both sides"
            if text.startswith(_CONFLICT)
            else f"Delete the line, or take the file out of git again: git checkout -- {path}"
        )
        raise StoreError(
            f"{place} is no line of a history", received=f"{where}: {first['msg']}", cure=cure
        ) from error


def _text_of(line: Line) -> str:
    return _LINE.dump_json(line, exclude_defaults=True).decode()


def _to_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _digest(facts: Mapping[str, str]) -> str:
    return hashlib.sha256(_to_text(dict(facts)).encode()).hexdigest()[:_DIGITS]
