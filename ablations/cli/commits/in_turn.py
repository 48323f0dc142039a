"""Trains a study at a commit and as it is now in turn, so that their speeds can be compared.

A machine is not equally fast at two hours. Trained in turn, a seed of each state at a time, both
meet it as it is. What was trained before is of another hour, and is trained again here; what an
interrupted comparison of the same two states has trained is used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.analyze.compare.regression import compare_with_past, past_of_records
from ablations.cli.terminal.printing import note
from ablations.commits import Commits, Options, Place, UnusableError, require_completed
from ablations.core.past import Past, PastArm
from ablations.entry import find_entry
from ablations.errors import StudyError
from ablations.plan import require_trains
from ablations.records.git import (
    find_commit,
    is_committed,
    path_commit,
    present_commit,
    worktrees,
)
from ablations.text.formatting import counted

if TYPE_CHECKING:
    from ablations.core.record import RunRecord
    from ablations.core.study import Study
    from ablations.session import Session

_THEN, _NOW = 0, 1
_PRESENT = "the present state"

UNTRACKED = (
    "Where 'ablations run' works here, git does not track a file that it needs: 'git add' it, or "
    "name the folder of the data with --data-dir"
)
"""What helps where the present state works in its own folder, and not in its checkout."""

ENOUGH = 3
"""From how many seeds on two states that alternate count as measured in turn."""


def trained_in_turn(
    session: Session, revision: str, given: Mapping[str, Any], *, despite: Sequence[str] = ()
) -> tuple[Session, Past]:
    """Trains a study's code of a commit and the present one, a seed of each at a time.

    Uncommitted changes belong to the present state. Where the study has no records yet, those of
    the present state become its own.

    Args:
        session: The present study.
        revision: The commit.
        given: The options of the command, by their names in Python.
        despite: What may differ between the two, as for `compare_with_past`.

    Returns:
        A session that reads the records of the present state, and the commit as its past.

    Raises:
        StoreError: if git does not know the commit, or records cannot be read or written.
        StudyError: if the study cannot be trained there or here, or the two cannot be compared.
    """
    require_trains(session.study)
    study = session.study
    if study.adaptive is not None:
        few = study.seeds[: study.adaptive.at_least]
        study = replace(study, seeds=few, adaptive=None)
    if kept := _has_no_records(session):
        session.claim()
    with _commits(session, revision, given) as commits:
        turns = _Turns(commits, session, study, revision)
        turns.train(despite)
    if kept:
        _keep(session, turns.records[_NOW])
    return turns.present, turns.past


@contextmanager
def _commits(session: Session, revision: str, given: Mapping[str, Any]) -> Iterator[Commits]:
    """Yields the two states with their checkouts, which are gone at the end."""
    file = session.study.file
    place = Place.of(session.study.slug if file is None else os.path.relpath(file))
    then, now = find_commit(revision, place.top), present_commit(place.top)
    if not is_committed(place.study, then, place.top):
        raise StudyError(
            f"{revision} has no file {place.study}",
            received=then.name[:12],
            cure="Name a commit that has the study file; without one there is nothing to compare "
            "with: ablations gate STUDY",
        )
    if then == now:
        note(f"{_PRESENT} is {revision} itself: this shows how equal two measurements are")
    folder = None if session.data_dir is None else str(Path(session.data_dir).resolve())
    options = Options(
        tuple(given["set_"] or ()), len(session.study.seeds), given["threads"], folder,
        str(session.runs_dir), given["jobs"] or session.best_jobs,
    )  # fmt: skip
    pair = f"in-turn/{then.name[:12]}-{now.name[:12]}"
    with worktrees(place.top) as trees, tempfile.TemporaryDirectory() as answers:
        yield Commits(
            place, (path_commit(then, place.top), path_commit(now, place.top)), options,
            trees=trees, answer=Path(answers) / "answer.json",
            kept=(f"{pair}/then", f"{pair}/now"),
        )  # fmt: skip


class _Turns:
    """Trains both states, and keeps what it reads of them."""

    def __init__(self, commits: Commits, session: Session, study: Study, revision: str) -> None:
        self.commits, self.study, self._session = commits, study, session
        self.names = revision, _PRESENT
        self._quiet = False
        self.records: tuple[list[RunRecord], list[RunRecord]] = ([], [])
        then = {frozenset(arm.levels): arm for arm in commits.described(_THEN, revision).arms}
        shared = tuple(arm for arm in study.arms if then.pop(frozenset(arm.levels), None))
        self.arms, self.gone = (shared, study.arms), tuple(then.values())
        if not shared:
            raise StudyError(
                f"{revision} has no arm of this study",
                received=f"arms {'; '.join(arm.name for arm in self.gone)}",
                cure="Name a commit at which its arms have the same levels",
            )

    @property
    def present(self) -> Session:
        """The study with the records of the present state so far."""
        store = self.commits.store(_NOW, self.study.slug)
        return replace(self._session, study=self.study, source=store.path)

    @property
    def past(self) -> Past:
        """What was measured at the commit so far."""
        commit = self.commits.path[_THEN].commit
        identify = find_entry(self.study.entry, self.study.folder).identity
        name = f"{self.names[_THEN]} ({commit.name[:12]})"
        found = past_of_records(self.records[_THEN], name, identify=identify)
        return replace(found, arms=(*found.arms, *(PastArm(arm, {}) for arm in self.gone)))

    def train(self, despite: Sequence[str]) -> None:
        """Trains a seed of each state after the other, and each is the first one in turn.

        After the first seed it stops if the two cannot be compared, or the present state fails.
        """
        self._announce()
        for number, seed in enumerate(self.study.seeds):
            for place in (_THEN, _NOW) if number % 2 == 0 else (_NOW, _THEN):
                self._train(place, seed)
            if number == 0 and not self._comparable(despite):
                return

    def _comparable(self, despite: Sequence[str]) -> bool:
        """Whether the present state trains; what forbids to compare the two is an error."""
        if not any(record.completed for record in self.records[_NOW]):
            note(f"all trials of {_PRESENT} failed. {UNTRACKED}")
            return False
        present = self.present
        compare_with_past(present.findings(present.records()), self.past, despite=despite)
        return True

    def _announce(self) -> None:
        seeds, slug = self.study.seeds, self.study.slug
        trials = sum(map(len, self.arms)) * len(seeds)
        left = trials - sum(self.commits.store(place, slug).total() for place in (_THEN, _NOW))
        self._quiet = left <= 0
        if not self._quiet:
            note(
                f"{self.names[_THEN]} and {_PRESENT} are trained in turn, a seed of each at a "
                f"time: {counted(trials, 'trial')}"
            )
        if len(seeds) < ENOUGH:
            note(
                f"{counted(len(seeds), 'seed')} of each cannot show a change of speed: for that "
                f"name more, as in --seeds {ENOUGH}"
            )

    def _train(self, place: int, seed: int) -> None:
        """Trains a seed of one state.

        Raises:
            StudyError: if it cannot be trained, or all trials of the commit fail.
        """
        trials = tuple((arm, seed) for arm in self.arms[place])
        if not self._quiet:
            note(f"seed {seed} of {self.names[place]}: {counted(len(trials), 'trial')}")
        try:
            found = self.commits.train(place, trials, self.study.seeds)
            own = [replace(record, arm=arm) for (arm, _), record in found.items()]
            if place == _THEN and not any(record.completed for record in own):
                require_completed(own[0])
        except UnusableError as error:
            name = self.names[place]
            if place == _THEN:
                raise self.commits.unusable(place, name, error) from error
            raise self.commits.unusable(place, name, error, cure=UNTRACKED) from error
        self.records[place].extend(own)


def _has_no_records(session: Session) -> bool:
    planned = {trial.key for trial in session.possible_trials}
    return all(outcome.key not in planned for outcome in session.planned_store.outcomes())


def _keep(session: Session, records: Sequence[RunRecord]) -> None:
    """Makes records those of the study, which has none yet: then 'run' need not train again."""
    store = session.planned_store
    with store.driving():
        for record in records:
            store.append(record)
