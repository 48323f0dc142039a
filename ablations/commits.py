"""Trains a study at other commits, each in a process of its own.

The process has the files of its commit in a folder of their own, and in place of each folder of the
repository on Python's path that commit's folder, so that it imports no code of the working tree.
Its records stay in a store for that commit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ablations.core.design import Arm
from ablations.core.record import RunRecord
from ablations.errors import StoreError, StudyError
from ablations.records.git import (
    PathCommit,
    Worktrees,
    is_committed,
    is_tracked,
    repository_of,
    without_hooks_variables,
)
from ablations.records.sqlite.store import Store

PROGRAM = "ablations.cli.commits.trainer"
"""The module that a process of a commit runs."""

FIXED = (
    "python", "system", "cpu", "instructions", "ablations", "keras", "tensorflow", "jax", "torch",
    "scikit-learn", "numpy",
)  # fmt: skip
"""Facts of an environment that no commit decides, and by which results differ."""

_STANDARD_ERROR = 2
"""What training functions print is no part of our answer."""

_STOP_SECONDS = 30.0

_ANOTHER = "Mend that, or name a commit at which 'ablations run' trains it"

Trials = tuple[tuple[Arm, int], ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What all commits are trained with: as for `Session`, and at most how many seeds an arm."""

    overrides: tuple[str, ...] = ()
    seeds: int = 20
    threads: int | None = None
    data_dir: str | None = None
    runs_dir: str = "runs"
    jobs: int | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a process of a commit is asked: to train these trials, or nothing but what there is.

    ``path`` is Python's path, ``study`` the study file's, ``top`` that of the working tree, and
    ``answer`` where its answer goes.
    """

    study: str
    top: str
    path: tuple[str, ...]
    answer: str
    options: Options
    trials: Trials = ()
    seeds: tuple[int, ...] = ()

    def to_json(self) -> str:
        """Returns the request as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Reads what `to_json` wrote."""
        found = json.loads(text)
        trials = tuple((_arm(arm["levels"]), seed) for arm, seed in found.pop("trials"))
        return cls(options=Options(**found.pop("options")), trials=trials, **found)


@dataclass(frozen=True, slots=True)
class Described:
    """The study as it is at a commit; ``own`` counts the seeds that it names itself."""

    slug: str
    metric: str
    margin: float
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    own: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study lies: the repository, its path there, and the present folder's path there."""

    top: Path
    study: str
    within: str

    @classmethod
    def of(cls, study: str) -> Place:
        """Finds the repository of a study file, which need not exist now.

        Raises:
            StudyError: if it lies in none, as the built-in ones.
        """
        folder = Path(study).parent.resolve()
        if not folder.is_dir():
            folder = Path.cwd()
        try:
            top = repository_of(folder).resolve()
        except StoreError as error:
            raise StudyError(
                f"{study} lies in no git repository, whose commits could be trained",
                received=str(folder),
                cure="Name a study file that is committed to git, by its path",
            ) from error
        path = Path(study).parent.resolve() / Path(study).name
        if not path.is_relative_to(top):
            raise StudyError(
                f"{study} lies outside of the repository",
                received=f"{path}, and the repository is {top}",
                cure="Name a study file of the repository that you are in",
            )
        here = Path.cwd().resolve()
        within = here.relative_to(top).as_posix() if here.is_relative_to(top) else "."
        return cls(top, path.relative_to(top).as_posix(), within)


class UnusableError(Exception):
    """The study cannot be trained at a commit."""


class Commits:
    """Trains the study at the commits of a path.

    Args:
        place: Where the study lies.
        path: The commits, in any order; their places in it name them.
        options: What all are trained with.
        trees: Their checkouts.
        answer: A file for the answers of their processes.
        kept: The folder of each commit's records, below that of all records.
    """

    def __init__(
        self,
        place: Place,
        path: tuple[PathCommit, ...],
        options: Options,
        *,
        trees: Worktrees,
        answer: Path,
        kept: tuple[str, ...],
    ) -> None:
        self.place, self.path, self.options = place, path, options
        self._trees, self._answer, self._kept = trees, answer, kept
        self._known: dict[int, tuple[str, dict[tuple[Arm, int], str]]] = {}
        self._facts: dict[str, str] = {}

    def described(self, place: int, name: str) -> Described:
        """Returns the study as it is at a commit, which has a name for messages.

        Raises:
            StudyError: if it cannot be used there.
        """
        try:
            found = self._asked(place)
        except UnusableError as error:
            raise self.unusable(place, name, error) from error
        own = found["study"]
        arms = tuple(map(_arm, own.pop("arms")))
        return Described(arms=arms, seeds=tuple(own.pop("seeds")), **own)

    def unusable(
        self, place: int, name: str, error: UnusableError, *, cure: str = _ANOTHER
    ) -> StudyError:
        """Returns the error that says why the study cannot be used at a commit."""
        return StudyError(
            f"{self.place.study} cannot be used at {name} ({self.path[place].commit.name[:12]})",
            received=str(error),
            cure=cure,
        )

    def store(self, place: int, slug: str) -> Store:
        """Returns the store of a commit, which need not exist yet."""
        return Store(Path(self._runs_dir(place)) / slug / "records.sqlite")

    def train(
        self, place: int, trials: Trials, seeds: tuple[int, ...]
    ) -> dict[tuple[Arm, int], RunRecord]:
        """Trains those of some trials that have no record, and returns the records of all.

        Args:
            place: Which of the commits.
            trials: What to train; some may fail.
            seeds: All seeds that may be asked for.

        Raises:
            UnusableError: if the commit cannot be trained.
            StoreError: if some were made with other packages or on another machine.
        """
        own = self._recorded(place, trials)
        if len(own) < len(trials) or not all(record.completed for record in own.values()):
            found = self._asked(place, trials, seeds)
            keys = {(_arm(levels), seed): key for levels, seed, key in found["keys"]}
            self._known[place] = found["study"]["slug"], keys
            own = self._recorded(place, trials)
        for record in own.values():
            self._require_same_facts(record)
        return own

    def _require_same_facts(self, record: RunRecord) -> None:
        for fact in FIXED:
            value = record.environment.get(fact)
            if value is not None and self._facts.setdefault(fact, value) != value:
                where = Path(self.options.runs_dir) / Path(self._kept[0]).parent
                raise StoreError(
                    "commits were trained with other packages or on other machines, and results "
                    "may differ by these",
                    received=f"{fact} {self._facts[fact]} and {value}",
                    cure=f"Move the records of earlier trainings away: {os.path.relpath(where)}",
                )

    def _recorded(self, place: int, trials: Trials) -> dict[tuple[Arm, int], RunRecord]:
        """Returns the records of those trials that have one, where their keys are known."""
        slug, keys = self._known.get(place, ("", {}))
        if not keys:
            return {}
        by_key = {keys[trial]: trial for trial in trials}
        records = self.store(place, slug).records()
        return {by_key[record.key]: record for record in records if record.key in by_key}

    def _asked(
        self, place: int, trials: Trials = (), seeds: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        commit = self.path[place].commit
        if not is_committed(self.place.study, commit, self.place.top):
            raise UnusableError(f"there is no {self.place.study}")
        tree = self._trees.at(commit)
        options = replace(self.options, runs_dir=self._runs_dir(place))
        path = tuple(_paths(self.place.top, tree))
        study = str(tree / self.place.study)
        top = str(self.place.top)
        request = Request(study, top, path, str(self._answer), options, trials, seeds)
        within = tree / self.place.within
        return _answer(request, within if within.is_dir() else tree)

    def _runs_dir(self, place: int) -> str:
        """Two studies of one name in two folders have stores of their own."""
        runs = Path(self.options.runs_dir).resolve() / self._kept[place]
        return str(runs / Path(self.place.study).parent)


def require_completed(record: RunRecord) -> None:
    """Raises `UnusableError` for a trial that failed, with its first error."""
    if not record.completed:
        raise UnusableError(
            f"{record.arm.name}, seed {record.seed} failed ({record.reason}): {record.message}"
        )


def _arm(levels: Iterable[tuple[str, str]]) -> Arm:
    """Returns an arm that JSON has carried."""
    return Arm(tuple((factor, level) for factor, level in levels))


def _paths(top: Path, tree: Path) -> list[str]:
    """Returns Python's path with the folders of a checkout in place of the repository's.

    A folder of the repository that git does not track, such as a virtual environment, stays.
    """
    found = []
    for entry in sys.path:
        path = Path(entry or ".").resolve()
        if not path.is_relative_to(top):
            found.append(str(path))
        elif (own := tree / path.relative_to(top)).exists():
            found.append(str(own))
        elif not is_tracked(path, top):
            found.append(str(path))
    return found


def _answer(request: Request, folder: Path) -> dict[str, Any]:
    """Starts a process for a request, waits for it, and returns its answer.

    The end of its standard input stops it, so that it ends with this one however this one ends.

    Raises:
        UnusableError: if the study cannot be trained there.
        StoreError: if its records cannot be read or written.
    """
    answer = Path(request.answer)
    answer.unlink(missing_ok=True)
    environment = {**without_hooks_variables(), "PYTHONSAFEPATH": "1"}
    process = subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", PROGRAM], stdin=subprocess.PIPE, stdout=_STANDARD_ERROR,
        cwd=folder, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        _send(request, process)
        process.wait()
    finally:
        _stop(process)
    if not answer.is_file():
        raise UnusableError(f"its process ended with code {process.returncode}")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "store" in found:
        problem, received, cure = found["store"]
        raise StoreError(problem, received=received, cure=cure)
    if "error" in found:
        raise UnusableError(found["error"])
    return found


def _send(request: Request, process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended, which its code says
            process.stdin.write(f"{request.to_json()}\n".encode())
            process.stdin.flush()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Closes standard input, by which the process stops its workers and ends, and waits for it."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
