"""Several studies, or states of one, read for one page: each becomes findings with a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ablations.core.design import Arm
from ablations.core.findings import ArmFinding, Findings
from ablations.core.identity import threads_of
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.errors import StoreError, StudyError
from ablations.plan import builtin_names, identify_of, load_study
from ablations.records.agreement import agreed_infos, require_one_recipe, require_usable_metrics
from ablations.records.readers import read_records_of
from ablations.session import Session

Levels = frozenset[tuple[str, str]]


def read_study(name: str, *, source: Path | None = None, runs_dir: Path = Path("runs")) -> Findings:
    """Returns what one study found in its store, or in the records that are named.

    Args:
        name: Path of a study file, or the name of a built-in study.
        source: What to read records from in place of the store, as ``--records`` takes it.
        runs_dir: Folder of the record files.

    Raises:
        StoreError: if it has no records.
    """
    session = Session(load_study(name), runs_dir=runs_dir, source=source)
    if not (records := session.records()):
        raise StoreError(
            f"{name} has no records",
            received=str(session.store.path),
            cure=f"Train it first: ablations run {name}; or name its records with --records",
        )
    return session.findings(records)


def read_states(
    names: Sequence[str], *, source: Path | None = None, runs_dir: Path = Path("runs")
) -> dict[str, Findings]:
    """Returns what each study, or state of one, found, by a name that tells it from the others.

    Args:
        names: Study files and built-in names, each read as `read_study` does. Anything else is
            where records lie, and is read as another state of the study named before it, or of the
            first one where none is.
        source: Where the records of the studies lie, in place of their stores.
        runs_dir: Folder of the record files.

    Raises:
        StudyError: if no study is named, or two have one name.
        StoreError: if records are missing or cannot be read.
    """
    study = next((name for name in names if is_study(name)), None)
    if study is None:
        raise StudyError(
            "none of these is a study, and records are read as those of a study",
            received=", ".join(names) or "nothing",
            cure="Name the study file or built-in study as well: ablations compare STUDY "
            + " ".join(names),
        )
    found: dict[str, Findings] = {}
    for name in names:
        if is_study(name):
            study, own = name, read_study(name, source=source, runs_dir=runs_dir)
            _add(found, own.study.report_name, own)
        else:
            _add(found, _short(name), read_state(load_study(study), name))
    return found


def is_study(name: str) -> bool:
    """Whether a name is that of a study, and not of records; what is neither counts as a study."""
    path = Path(name)
    known = path.suffix == ".toml" or name in builtin_names()
    return known or not (path.exists() or ":" in name)


def _add(found: dict[str, Findings], name: str, own: Findings) -> None:
    if name in found:
        raise StudyError(
            "two of the studies or states have one name, so that no page can tell them apart",
            received=f"{name} twice",
            cure="Name each once, and rename one of the files where two have the same name",
        )
    found[name] = own


def _short(source: str) -> str:
    """Returns how a page calls a source: by a path that names no folder outside of this one."""
    path = Path(source)
    if not path.exists() or not (path.is_absolute() or ".." in path.parts):
        return source
    return path.resolve().name


def read_state(study: Study, source: str) -> Findings:
    """Returns what a study found in records of another time, place or commit.

    The arms are found by their levels, as of a past that a gate is held against: their settings are
    those that the records hold, which may differ from those of the study file. Of several records
    of one arm and seed the latest counts, a completed one before one that failed.

    Args:
        study: Whose arms, effects and metric are meant.
        source: What to read, as ``--records`` takes it.

    Raises:
        StoreError: if it cannot be read, holds no arm of the study, or seeds of one arm that were
            trained with different settings.
    """
    records = read_records_of(source, study)
    arms = {frozenset(arm.levels): arm for arm in study.arms}
    own = [replace(r, arm=arms[key]) for r in records if (key := frozenset(r.arm.levels)) in arms]
    if not own:
        raise _no_arm(source, records, study)
    latest = {
        (record.arm, record.seed): record
        for record in sorted(own, key=lambda record: (record.completed, record.started_at))
    }.values()
    try:
        require_one_recipe(latest, identify_of(study))
        agreed_infos((record, record.metrics) for record in latest if record.completed)
    except StoreError as error:
        raise error.at(source) from error
    return _analyzed(study, tuple(latest))


def _no_arm(source: str, records: Iterable[RunRecord], study: Study) -> StoreError:
    names = sorted({f"{record.study}: {record.arm.name}" for record in records})
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return StoreError(
        f"{source} has no record of an arm of {study.slug}",
        received=f"{names[0]}{more}" if names else "no record",
        cure="Name the study of these records before them, or other records; the arms of "
        f"{study.slug} are such as {study.reference.name}",
    )


def _analyzed(study: Study, records: Sequence[RunRecord]) -> Findings:
    """Analyses records as a study of the seeds, arms and settings that they have."""
    from ablations.analyze.analysis import analyze

    require_usable_metrics(records)
    trials = {(record.arm, record.seed): _trial(record) for record in records}
    seeds = tuple(sorted({record.seed for record in records}))
    keyed = [replace(r, key=trials[r.arm, r.seed].key) for r in records]
    (entry, *_) = sorted({record.entry for record in records})
    found = analyze(replace(study, seeds=seeds, entry=entry), keyed, planned=tuple(trials.values()))
    settings = {record.arm: record.settings for record in records}
    return replace(found, arms=tuple(_recorded(arm, settings) for arm in found.arms))


def _trial(record: RunRecord) -> Trial:
    """Returns the trial that a record is of, whatever rule named it."""
    return Trial(
        record.study,
        record.entry,
        record.arm,
        record.seed,
        record.settings,
        record.data,
        threads=threads_of(record.environment),
    )


def _recorded(arm: ArmFinding, settings: Mapping[Arm, Mapping[str, object]]) -> ArmFinding:
    return replace(arm, settings=settings.get(arm.arm, arm.settings))
