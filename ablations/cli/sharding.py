"""A study on many machines: its shards are trained and shown, and records moved and merged."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablations.cli.options import RunsDir, Samples, Source, with_session
from ablations.cli.terminal.printing import note, reading, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

    from ablations.core.record import RunRecord
    from ablations.plan import Progress
    from ablations.plan.shard import Shard
    from ablations.session import Session

ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Train the K-th of N parts, each of whole seeds, into a store of its own.",
    ),
]


def shard_session(session: Session, text: str | None, *, report: bool | None) -> Session:
    """Returns the session of a shard: its seeds alone, with a store of its own; without one, all.

    Raises:
        StudyError: if the study decides seed by seed what is trained, or all of it would be trained
            while shards have records that wait to be merged.
    """
    from ablations.errors import StudyError
    from ablations.plan.shard import Shard
    from ablations.text.formatting import counted

    if text is None:
        _require_merged(session)
        return session
    shard, study = Shard.parse(text), session.study
    if report:
        raise typer.BadParameter("--shard excludes --report, which shows a whole study")
    if study.adaptive is not None:
        bounds = f"at_least = {study.adaptive.at_least}, at_most = {study.adaptive.at_most}"
        raise StudyError(
            f"{study.slug}: whether adaptive seeds go on depends on the records of all shards, "
            "which none of them has",
            received=f"--shard {shard}, design.seeds with {bounds}",
            cure=f"Write a fixed number into the file, such as seeds = {study.adaptive.at_most}, "
            "or leave out --shard",
        )
    if not (own := shard.seeds(study.seeds)):
        seeds = counted(len(study.seeds), "seed")
        note(f"shard {shard} has nothing to train: of {seeds}, each goes to one shard")
        raise typer.Exit(0)
    return replace(session, study=replace(study, seeds=own), part=shard.folder)


def _require_merged(session: Session) -> None:
    """Raises `StudyError` if a run would train what a shard has completed."""
    from ablations.errors import StudyError
    from ablations.text.formatting import counted, few

    if waiting := _waiting(session):
        trials = [f"{counted(own, 'trial')} in shard {shard}" for shard, own in waiting.items()]
        raise StudyError(
            f"{session.study.slug}: shards have completed what this would train again",
            received=few(trials),
            cure=f"Put their records into the store with '{_merge_command(session)}', or move the "
            "folders of these shards away",
        )


def note_waiting(session: Session) -> None:
    """Says that trials which the store lacks have been completed by shards, if they have."""
    from ablations.text.formatting import counted

    if number := sum(_waiting(session).values()):
        trials = counted(number, "trial")
        note(f"shards have completed {trials} that the store lacks: {_merge_command(session)}")


def _waiting(session: Session) -> dict[Shard, int]:
    """Returns how many trials each shard has completed that the store lacks."""
    if not (found := _shard_stores(session)):
        return {}
    to_do = {trial.key for trial in session.progress().to_do}
    if not to_do:
        return {}
    keys = {
        shard: {own.key for own in _outcomes(session, path) if own.completed}
        for shard, path in found.items()
    }
    return {shard: len(own & to_do) for shard, own in keys.items() if own & to_do}


def describes(session: Session) -> bool:
    """Whether a run shows its arms: of shards the first does it, as its trials come first."""
    from ablations.plan.shard import Shard

    shard = Shard.of_folder(session.part)
    return shard is not None and shard.number == 1


@dataclass(frozen=True, slots=True)
class ShardState:
    """How far a shard is: its trials, how many records the store lacks, and who runs it now."""

    shard: Shard
    progress: Progress
    unmerged: int
    driver: str | None

    @property
    def line(self) -> str:
        """All of it in one line."""
        from ablations.cli.screens import progress_line

        line = f"shard {self.shard}: {progress_line(self.progress).partition(';')[0]}"
        line += f"; {self.unmerged} of its records are not in the store" if self.unmerged else ""
        return f"{line}; it is being run now, by {self.driver}" if self.driver else line

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        counts = {name: getattr(self.progress, name) for name in ("planned", "completed", "failed")}
        return {
            "shard": str(self.shard),
            **counts,
            "unmerged": self.unmerged,
            "running": self.driver is not None,
        }


def shard_states(session: Session) -> list[ShardState]:
    """Returns how far each shard is that has a folder beside the study's store."""
    if not (found := _shard_stores(session)):
        return []
    stored = {_attempt(record) for record in session.planned_store.outcomes()}
    return [_state(session, shard, path, stored) for shard, path in found.items()]


def _shard_stores(session: Session) -> dict[Shard, Path]:
    """Returns the record file of each shard that has a folder beside the study's store."""
    from ablations.plan.shard import Shard

    folders = session.store.path.parent.glob("shard-*-of-*")
    named = ((Shard.of_folder(path.name), path) for path in folders)
    found = [(shard, path / "records.sqlite") for shard, path in named if shard is not None]
    return dict(sorted(found, key=lambda pair: (pair[0].count, pair[0].number)))


def shard_lines(session: Session, states: list[ShardState]) -> list[str]:
    """Returns a line for each shard, and how to merge them where records are not merged."""
    lines = [state.line for state in states]
    if any(state.unmerged for state in states):
        lines.append(f"to put their records into the store: {_merge_command(session)}")
    return lines


def _merge_command(session: Session) -> str:
    folder, runs = session.store.path.parent, str(session.runs_dir)
    option = "" if runs == "runs" else f" --runs-dir {quote(runs)}"
    return f"ablations merge {quote(str(folder))}/shard-*/records.sqlite{option}"


def _outcomes(session: Session, path: Path) -> tuple[RunRecord, ...]:
    """Returns how the trials of a shard's record file ended, under the keys of the plan."""
    from ablations.plan import match_records
    from ablations.records.sqlite.store import outcomes_aside

    return match_records(outcomes_aside(path), session.possible_trials, session.study)


def _attempt(record: RunRecord) -> tuple[str, str]:
    """Returns what tells records apart; a trial completes once, whichever record says so."""
    return record.key, "" if record.completed else record.started_at


def _state(session: Session, shard: Shard, path: Path, stored: set[tuple[str, str]]) -> ShardState:
    from ablations.cli.running import Now
    from ablations.plan import progress_of
    from ablations.records.sqlite.store import Store

    outcomes = _outcomes(session, path)
    seeds = set(shard.seeds(session.study.seeds))
    own = [trial for trial in session.possible_trials if trial.seed in seeds]
    unmerged = sum(_attempt(record) not in stored for record in outcomes)
    return ShardState(shard, progress_of(own, outcomes), unmerged, Now.of(Store(path)).who)


@with_session
def export(
    session: Session,
    to: Annotated[
        Path, typer.Option(help="The file to write: .jsonl, .csv or .parquet.", dir_okay=False)
    ],
    source: Source = None,
    samples: Samples = True,
) -> None:
    """Write the records as JSON lines, CSV or Parquet. JSON lines hold all of a record."""
    from ablations.records.exports import export_records

    session = reading(session, source, samples=samples)
    number = export_records(session.stream(), to, table=_table)
    note(f"{number} records are in {to}")


def _table(records: Iterable[RunRecord]) -> DataFrame:
    from ablations.analyze.frames import trials_frame  # pandas takes longer than a small export

    return trials_frame(records)


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="Record files to put together: records.sqlite of shards or of other machines, "
            "and .jsonl.",
        ),
    ],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Put the records of shards together in the study's store. Merging again changes nothing.

    The records name their study, and its store is in --runs-dir. Failed trials stay recorded
    beside the completed ones. Two completed records of a trial with other results are refused.
    """
    from ablations.records.merging import merge as merged

    found = merged(sources, runs_dir, differ=_first_difference)
    for line in found.notes:
        note(line)
    say(found.line)


def _first_difference(one: RunRecord, other: RunRecord) -> tuple[str, str, str] | None:
    from ablations.analyze.compare.reruns import compare_rerun
    from ablations.cli.rerun import in_full, place_of

    found = next(iter(compare_rerun(one, other).mismatches), None)
    if found is None:
        return None
    return place_of(found), in_full(found.before), in_full(found.again)


@with_session
def shard(
    session: Session,
    *,
    shards: Annotated[
        int | None, typer.Option(min=1, help="Number of shards; one for each seed if left out.")
    ] = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="An array job of SLURM.")] = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="An indexed job of Kubernetes.")
    ] = False,
    skypilot: Annotated[bool, typer.Option("--skypilot", help="Managed jobs of SkyPilot.")] = False,
) -> None:
    """Print a job file that trains the study in shards. Read it, change it, submit it."""
    from ablations.cli.job_files import job_file
    from ablations.text.formatting import counted

    asked = {"slurm": slurm, "kubernetes": kubernetes, "skypilot": skypilot}
    chosen = [name for name, wanted in asked.items() if wanted]
    if len(chosen) != 1:
        raise typer.BadParameter("name one of --slurm, --kubernetes and --skypilot")
    count = shards or len(session.study.seeds)
    shard_session(session, f"1/{count}", report=None)  # refuses what cannot be divided
    if count > (seeds := len(session.study.seeds)):
        idle = f"{count - seeds} of the {count} shards have nothing to train"
        note(f"{idle}: the study has {counted(seeds, 'seed')}")
    sys.stdout.write(job_file(session, chosen[0], count))
