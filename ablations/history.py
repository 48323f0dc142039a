"""Keeps in a history what a commit measured: for ``history add``, and at the end of ``run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.analyze.derived import measured
from ablations.core.past import AllFailed, Commit
from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.errors import StoreError
from ablations.records.git import changed_files, find_commit
from ablations.records.history import add_lines, environment_of, line_of, size_of
from ablations.text.formatting import few


@dataclass(frozen=True, slots=True)
class Added:
    """What was added: ``new`` of ``total`` lines; ``others`` are records of other commits.

    ``size_bytes`` is what the study's history has now.
    """

    new: int
    total: int
    others: int
    size_bytes: int


def add_records(
    study: Study, records: Sequence[RunRecord], folder: Path, *, revision: str | None = None
) -> Added:
    """Adds what a commit measured to a history.

    Args:
        study: Whose records they are.
        records: Those that failed are left out.
        folder: Of the history.
        revision: The commit that was measured, whatever the records say; else it is the present
            one, and only its records count.

    Raises:
        StoreError: if there is no such commit, or no record of it.
    """
    completed = [record for record in records if record.completed]
    commit = find_commit(revision or "HEAD", Path())
    chosen = completed if revision and completed else _of_commit(completed, commit, study)
    lines = [line_of(record, measured(record), commit) for record in chosen]
    new = add_lines(folder, study.report_name, lines, map(environment_of, chosen))
    size = size_of(folder, study.report_name)
    return Added(new, len(lines), len(completed) - len(chosen), size)


def find_failed(records: Sequence[RunRecord], *, revision: str | None = None) -> AllFailed | None:
    """Returns the trials of a commit where all of them failed; ``None`` where one completed.

    Args:
        records: Of any commits.
        revision: As for `add_records`.

    Raises:
        StoreError: if there is no such commit.
    """
    commit = find_commit(revision or "HEAD", Path())
    own = [record for record in records if revision or _is_of(record, commit)]
    if not own or any(record.completed for record in own):
        return None
    trials = {(record.arm, record.seed) for record in own}
    return AllFailed(commit, len(trials), own[0].message or own[0].reason or "")


def require_commit(study: Study, outcomes: Sequence[RunRecord]) -> None:
    """Makes sure, before anything is trained, that what is trained can be added.

    Args:
        study: What is going to be trained.
        outcomes: How its trials ended that are recorded.

    Raises:
        StoreError: if files differ from the present commit, or trials have records of another one.
    """
    commit = find_commit("HEAD", Path())
    if changed := changed_files(Path()):
        raise StoreError(
            f"files differ from commit {commit.name[:12]}, so that nothing would be its result",
            received=few(changed),
            cure="Commit them first, or have git ignore what is no part of the study, or leave out "
            "--history",
        )
    done = [outcome for outcome in outcomes if outcome.completed]
    if others := [own for own in done if not _is_of(own, commit)]:
        raise StoreError(
            f"{len(others)} trials of {study.slug} have records of other commits, and a history "
            "takes those of the present one",
            received=f"commit {few(sorted({_name(own) for own in others}))}",
            cure="Train into a fresh folder: --runs-dir "
            f"runs-{commit.name[:7]}; or leave out --history",
        )


def _of_commit(records: Sequence[RunRecord], commit: Commit, study: Study) -> Sequence[RunRecord]:
    """Returns the records that were trained at a commit.

    Raises:
        StoreError: if none was.
    """
    if own := [record for record in records if _is_of(record, commit)]:
        return own
    named = sorted({_name(record) for record in records})
    raise StoreError(
        f"no record of {study.slug} was trained at the present commit, {commit.name[:12]}",
        received=f"commit {few(named)}" if records else "no completed record",
        cure="Commit all changes and train into a fresh folder (--runs-dir), or name the "
        "commit that they belong to with --commit",
    )


def _is_of(record: RunRecord, commit: Commit) -> bool:
    name = _name(record)
    return bool(name) and commit.name.startswith(name)


def _name(record: RunRecord) -> str:
    """Returns the commit that a record names; one with changes has no other's name."""
    return record.environment.get("commit", "")
