"""Bisects the commits of a study: trains it where the search asks, and says what came out.

All records are kept, so that a second bisection trains only what is new.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from ablations.analyze.compare.reruns import results_digest
from ablations.analyze.derived import measured
from ablations.analyze.history.bisection import Answer, Seen, Wanted, bisection
from ablations.commits import (
    Commits,
    Described,
    Options,
    Place,
    UnusableError,
    require_completed,
)
from ablations.core.design import Arm
from ablations.core.metrics import depends_on_training
from ablations.core.past import Bisected
from ablations.core.record import Metric, RunRecord
from ablations.core.training import trained
from ablations.errors import StudyError
from ablations.records.git import (
    PathCommit,
    find_commit,
    is_committed,
    merge_base,
    path_between,
    worktrees,
)
from ablations.records.sqlite.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bisection found on a path of commits, and why commits were left out, by place.

    ``metric`` is one value of the study's metric, for its unit and direction. ``trained`` counts
    the trials that were trained now, ``used`` all that it rests on. ``alone`` are arms that only
    one of the ends has. ``branch`` spans what the named commit merged, where it did.
    """

    study: str
    path: tuple[PathCommit, ...]
    found: Bisected
    reasons: Mapping[int, str]
    metric: Metric
    margin: float
    trained: int
    used: int
    alone: tuple[Arm, ...] = ()
    branch: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a bisection is going to train: ``left`` commits it may be, ``trials`` for now.

    ``seconds`` is what a trial takes, by those that are recorded; ``None`` where none is.
    """

    commit: PathCommit
    left: int
    trials: int
    seconds: float | None


class Watcher:
    """Is told how a bisection goes; what it does not override does nothing."""

    def begins(self, path: Sequence[PathCommit], arms: Sequence[Arm]) -> None:
        """The arms are going to be trained at both ends of the path, and between."""

    def trains(self, expected: Expected) -> None:
        """Trials are going to be trained, unless they have records."""

    def skips(self, commit: PathCommit, reason: str) -> None:
        """A commit cannot be trained."""


def path_of(place: Place, good: str, bad: str) -> tuple[PathCommit, ...]:
    """Returns the commits from GOOD to BAD.

    Raises:
        StoreError: if one of them is not known.
        StudyError: if GOOD is no ancestor of BAD, or one of them lacks the study file.
    """
    ends = find_commit(good, place.top), find_commit(bad, place.top)
    path = path_between(*ends, place.top)
    for name, commit in zip(("GOOD", "BAD"), ends, strict=True):
        if not is_committed(place.study, commit, place.top):
            having = (
                own.commit for own in path if is_committed(place.study, own.commit, place.top)
            )
            first = next(having, None)
            later = f", from {first.name[:12]} on" if first and name == "GOOD" else ""
            raise StudyError(
                f"{name} has no file {place.study}",
                received=commit.name[:12],
                cure=f"Name a commit that has the study file{later}",
            )
    return path


def bisect(
    study: str,
    good: str,
    bad: str,
    options: Options,
    *,
    watcher: Watcher | None = None,
) -> Outcome:
    """Finds the commit with which a study's arms became worse.

    Args:
        study: Path of the study file.
        good: A revision at which they were not.
        bad: A later one at which they are.
        options: What all commits are trained with.
        watcher: Is told what is going to be trained, and what cannot be.

    Raises:
        StoreError: if a revision is not known, or records cannot be read or written.
        StudyError: if the study cannot be used at one of the ends.
    """
    place = Place.of(study)
    path = path_of(place, good, bad)
    with worktrees(place.top) as trees, tempfile.TemporaryDirectory() as answers:
        commits = Commits(
            place, path, options,
            trees=trees, answer=Path(answers) / "answer.json",
            kept=tuple(f"bisect/{own.commit.name[:12]}" for own in path),
        )  # fmt: skip
        ends = [commits.described(0, "GOOD"), commits.described(len(path) - 1, "BAD")]
        arms = _shared(ends, place.study)
        search = _Search(commits, ends[1], watcher or Watcher())
        found = search.run(arms)
    known = {frozenset(arm.levels): arm for end in ends for arm in end.arms}
    shared = {frozenset(arm.levels) for arm in arms}
    alone = tuple(arm for levels, arm in known.items() if levels not in shared)
    return replace(search.outcome(found), alone=alone, branch=_branch(path, found, place.top))


def _branch(path: Sequence[PathCommit], found: Bisected, top: Path) -> tuple[str, str] | None:
    """Returns where the branch that a named commit merged began, and where it ended."""
    before, named = path[found.good].commit.name, path[found.bad]
    if found.ending != "found" or len(named.parents) < 2:
        return None
    other = next(parent for parent in named.parents if parent != before)
    base = merge_base(before, other, top)
    return None if base is None else (base, other)


def _shared(ends: Sequence[Described], study: str) -> tuple[Arm, ...]:
    """Returns the arms that both ends have."""
    there = {frozenset(arm.levels) for arm in ends[0].arms}
    arms = tuple(arm for arm in ends[1].arms if frozenset(arm.levels) in there)
    if not arms:
        names = ["; ".join(arm.name for arm in end.arms) for end in ends]
        raise StudyError(
            f"GOOD and BAD have no arm of {study} in common",
            received=f"GOOD: {names[0]}. BAD: {names[1]}",
            cure="Name commits between which its arms have the same levels",
        )
    return arms


@dataclass
class _Search:
    """Answers what the search asks for, and keeps what it needs for that."""

    commits: Commits
    study: Described
    watcher: Watcher
    reasons: dict[int, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    used: int = 0
    trained: int = 0
    metric: Metric | None = None

    def run(self, arms: tuple[Arm, ...]) -> Bisected:
        search = bisection(
            arms, len(self.commits.path) - 1,
            margin=self.study.margin, seeds=self.study.seeds, own=self.study.own,
        )  # fmt: skip
        self._read_seconds()
        self.watcher.begins(self.commits.path, arms)
        answer: Answer = None
        while True:
            try:
                wanted = search.send(answer)  # the first is None, as a generator wants
            except StopIteration as end:
                found: Bisected = end.value
                return found
            answer = self._answered(wanted)

    def outcome(self, found: Bisected) -> Outcome:
        return Outcome(
            self.study.slug, self.commits.path, found, self.reasons,
            self.metric or Metric(self.study.metric, 0.0), self.study.margin,
            self.trained, self.used,
        )  # fmt: skip

    def _read_seconds(self) -> None:
        """Reads what trials took before, at the ends and in the study's own store."""
        last = len(self.commits.path) - 1
        own = Store(Path(self.commits.options.runs_dir) / self.study.slug / "records.sqlite")
        stores = [self.commits.store(place, self.study.slug) for place in (0, last)]
        for store in (*stores, own):
            done = [outcome.seconds for outcome in store.outcomes() if outcome.completed]
            self.seconds = self.seconds or done

    def _answered(self, wanted: Wanted) -> Answer:
        commit = self.commits.path[wanted.place]
        took = median(self.seconds) if self.seconds else None
        self.watcher.trains(Expected(commit, wanted.left, len(wanted.trials), took))
        before = self._count(wanted.place)
        try:
            records = self.commits.train(wanted.place, wanted.trials, self.study.seeds)
            seen = {trial: self._seen(record) for trial, record in records.items()}
        except UnusableError as error:
            self.reasons[wanted.place] = str(error)
            self.watcher.skips(commit, str(error))
            return None
        finally:
            self.trained += self._count(wanted.place) - before
        self.used += len(seen)
        self.seconds = [record.seconds for record in records.values()]
        return seen

    def _count(self, place: int) -> int:
        return self.commits.store(place, self.study.slug).total()

    def _seen(self, record: RunRecord) -> Seen:
        """Reads a record.

        Raises:
            UnusableError: if it failed, lacks the metric, or has another unit or direction for it.
            StudyError: if the metric has no better direction.
        """
        require_completed(record)
        name = self.study.metric
        own = measured(record).get(name)
        if own is None:
            raise UnusableError(f"its trials do not report {name}")
        if own.better == "neither":
            raise StudyError(
                f"metric '{name}' has no better direction, so that nothing can regress",
                received=f"{name}, better neither",
                cure=f"Log it with one: log.metric('{name}', value, better='higher')",
            )
        self.metric = self.metric or own
        if (own.unit, own.better) != (self.metric.unit, self.metric.better):
            raise UnusableError(f"it gives {name} in {own.unit}, better {own.better}")
        lost = depends_on_training(name, own.unit) and trained(record) is False
        return Seen(own, results_digest(record), trained=not lost)
