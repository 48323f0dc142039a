"""Finds the runs that are the trials of a study, and turns them into records.

What a study file does not decide is not guessed: a run that fits no trial is named, and so is each
reason; what could make a wrong answer is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ablations.core.design import Arm
from ablations.core.metrics import ACCURACIES
from ablations.core.record import IMPORTED, Metric, Reason, RunRecord
from ablations.core.study import Import, ImportedMetric, Study, trial_key
from ablations.core.trial_log import require_fraction, require_usable
from ablations.errors import ReportingError, StudyError
from ablations.imports.values import plain, same, shown
from ablations.records.tools.run import Series, SourceRun
from ablations.text.formatting import counted, few, listing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).isoformat()
"""The start of a run whose tool says none, and whose file neither."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A run that became no record, and why."""

    run: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of the runs of a source: records, what was left out, and what is worth a note."""

    records: tuple[RunRecord, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A run that belongs to an arm of the study, with all that is known of it."""

    run: SourceRun
    values: Mapping[str, Any]
    arm: Arm
    seed: int


def wanted_metrics(own: Import) -> frozenset[str]:
    """Returns the names of the recorded metrics whose points are needed."""
    return frozenset({*(metric.of for metric in own.metrics), *own.epochs.values()})


def import_runs(study: Study, runs: Iterable[SourceRun], tool: str) -> Imported:
    """Returns the records of the runs that are trials of a study.

    Args:
        study: A study with an ``[import]`` table.
        runs: All runs of a source.
        tool: What reports call their tool.

    Raises:
        StudyError: if two runs are of one trial, a parameter varies that the study does not name,
            or no run fits.
    """
    fitting, left_out = _sorted_out(study, tuple(runs))
    _require_named_variation(study, fitting)
    records, notes = [], dict[str, None]()
    for found in fitting:
        result = _record(study, found, tool)
        if isinstance(result, LeftOut):
            left_out.append(result)
            continue
        records.append(result)
        notes |= dict.fromkeys(_notes(study, found, result))
    _require_some(study, records, left_out)
    ended = {(own.arm, own.seed) for own in records if own.completed}
    _require_one_each(study, fitting, ended)
    if again := _run_again(fitting, ended):
        notes[again] = None
    records.sort(key=lambda own: (own.started_at, own.seed, own.arm))
    return Imported(tuple(records), tuple(left_out), tuple(notes))


def _sorted_out(study: Study, runs: Sequence[SourceRun]) -> tuple[list[_Fitting], list[LeftOut]]:
    """Returns the runs that belong to an arm and a seed, and the others with the reason."""
    own = _import_of(study)
    left_out, candidates = [], []
    for run in runs:
        values = _values(run, own.names)
        found = _arm(study, run, values)
        if isinstance(found, str):
            left_out.append(LeftOut(run.name, found))
        else:
            candidates.append((run, values, found))
    fitting = []
    for run, known, arm, seed in _seeded(own, candidates):
        if seed is None or seed not in study.seeds:
            left_out.append(LeftOut(run.name, _why_no_seed(own, known, seed)))
        else:
            fitting.append(_Fitting(run, known, arm, seed))
    _require_known(own.exclude, {run.name for run in runs})
    return fitting, left_out


def _import_of(study: Study) -> Import:
    assert study.imported is not None  # noqa: S101 - the command has checked it
    return study.imported


def _values(run: SourceRun, names: str) -> dict[str, Any]:
    """Returns all that is known of a run by name; parameters count before labels."""
    found = re.search(names, run.name) if names else None
    named = {k: v for k, v in found.groupdict().items() if v is not None} if found else {}
    return {**run.labels, **named, **run.params}


def _arm(study: Study, run: SourceRun, values: Mapping[str, Any]) -> Arm | str:
    """Returns the arm that a run is of, or why it is of none."""
    if run.name in _import_of(study).exclude:
        return "the study file excludes it"
    for key, value in study.settings.items():
        if key not in values or same(values[key]) != same(value):
            return f"{_setting(values, key)}, where the study has {shown(value)}"
    levels = []
    for factor in study.factors:
        keys = {key: None for level in factor.levels for key in level.settings}
        own = [level.name for level in factor.levels if _has(values, level.settings, keys)]
        if not own:
            what = listing([_setting(values, key) for key in keys])
            return f"{what}, which is no level of '{factor.name}'"
        levels.append((factor.name, own[0]))
    arm = study.arm_at(dict(levels))
    if arm not in study.arms:
        return f"{arm.name}, which is no arm of the study"
    if run.state == "running":
        return "it still runs, or ended without a word"
    return "it was pruned, so its last values are no results" if run.state == "pruned" else arm


def _has(values: Mapping[str, Any], settings: Mapping[str, Any], keys: Iterable[str]) -> bool:
    """Whether a run has the settings of a level, and none of what only other levels set."""
    return all(
        same(values[key]) == same(settings[key]) if key in values and key in settings
        else key not in values and key not in settings
        for key in keys
    )  # fmt: skip


def _setting(values: Mapping[str, Any], key: str) -> str:
    return f"{key} = {shown(values[key])}" if key in values else f"no {key}"


_Candidate = tuple[SourceRun, Mapping[str, Any], Arm]


def _seeded(
    own: Import, candidates: Sequence[_Candidate]
) -> list[tuple[SourceRun, Mapping[str, Any], Arm, int | None]]:
    """Returns the runs with their seeds: as recorded, or numbered within each arm by start.

    Those that failed have the last numbers, so that they take no place of others.
    """
    if own.seed:
        return [(*one, _whole(one[1].get(own.seed))) for one in candidates]
    numbers: dict[Arm, Iterator[int]] = {}
    ordered = sorted(
        candidates, key=lambda one: (one[0].state != "finished", one[0].started_at, one[0].name)
    )
    return [(*one, next(numbers.setdefault(one[2], count()))) for one in ordered]


def _whole(value: object) -> int | None:
    """Returns a seed; ``None`` for what is no whole number from 0 on."""
    found = plain(value)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return int(found) if 0 <= found < 2**63 and found == math.floor(found) else None


def _why_no_seed(own: Import, values: Mapping[str, Any], seed: int | None) -> str:
    if not own.seed:
        return "its arm has more runs than the study has seeds"
    if seed is None:
        return f"{_setting(values, own.seed)}, which is no seed"
    return f"seed {seed} is none of the study's"


def _require_known(excluded: Sequence[str], names: set[str]) -> None:
    if unknown := [name for name in excluded if name not in names]:
        raise StudyError(
            "import.exclude names runs that are not there",
            received=few(unknown),
            cure=f"Runs are called for example {few(sorted(names))}",
        )


def _require_named_variation(study: Study, fitting: Sequence[_Fitting]) -> None:
    """Raises `StudyError` where runs differ in a parameter that the study file does not name.

    One that has the same value at each seed, in several runs, may vary: it is a part of the seed.
    """
    own = _import_of(study)
    levels = (level for factor in study.factors for level in factor.levels)
    known = {own.seed, *own.ignore, *study.settings, *(k for lv in levels for k in lv.settings)}
    known |= {metric.of for metric in own.metrics}
    keys = dict.fromkeys(key for one in fitting for key in one.run.params if key not in known)
    varying = []
    for key in keys:
        by_seed: dict[int, list[object]] = {}
        for one in fitting:
            value = same(one.run.params[key]) if key in one.run.params else None
            by_seed.setdefault(one.seed, []).append(value)
        alike = own.seed and all(len({*v}) == 1 < len(v) for v in by_seed.values())
        if not alike and len({value for found in by_seed.values() for value in found}) > 1:
            varying.append(key)
    if varying:
        some = {key: sorted({_setting(one.values, key) for one in fitting}) for key in varying}
        raise StudyError(
            f"{study.slug}: the runs differ in what the study file does not name",
            received="; ".join(few(found) for found in some.values()),
            cure="Make each a factor, or fix it in [trial.settings]; or, where it changes nothing "
            f"that matters, write under [import]: ignore = {[*own.ignore, *varying]}",
        )


def _record(study: Study, found: _Fitting, tool: str) -> RunRecord | LeftOut:
    """Returns the record of a run, or why it cannot be one."""
    run, settings = found.run, study.arm_settings(found.arm)
    metrics = [m for own in _import_of(study).metrics if (m := _metric(own, run.series))]
    reason, message = _failure(run, metrics)
    lacking = _lacking(study, found.arm, {metric.name for metric in metrics})
    if reason is None and lacking:
        names = {own.name: own.of for own in _import_of(study).metrics}
        return LeftOut(run.name, f"it has no {listing([names.get(n, n) for n in lacking])}")
    return RunRecord(
        key=trial_key(study.entry, settings, seed=found.seed, data=run.data),
        study=study.slug,
        entry=study.entry,
        arm=found.arm,
        seed=found.seed,
        settings=settings,
        data=run.data,
        status="failed" if reason else "completed",
        started_at=run.started_at or EPOCH,
        seconds=run.seconds,
        reason=reason,
        message=message,
        metrics=tuple(m for m in metrics if math.isfinite(m.value)),
        epochs=_epochs(_import_of(study), run.series),
        environment={IMPORTED: tool, **run.facts},
    )


def _failure(run: SourceRun, metrics: Iterable[Metric]) -> tuple[Reason | None, str]:
    if run.state in ("failed", "killed"):
        return ("raised" if run.state == "failed" else "died"), run.message or f"it {run.state}"
    wrong = next((metric for metric in metrics if not math.isfinite(metric.value)), None)
    if wrong is not None:
        return "diverged", f"metric '{wrong.name}' is not finite"
    return None, ""


def _lacking(study: Study, arm: Arm, reported: set[str]) -> list[str]:
    """Returns what a study judges and a run does not report."""
    judged = [study.metric, *(gate.metric for gate in study.gates if arm.matches(gate.where))]
    mapped = {own.name for own in _import_of(study).metrics}
    return [name for name in dict.fromkeys(judged) if name in mapped and name not in reported]


def _metric(own: ImportedMetric, series: Mapping[str, Series]) -> Metric | None:
    """Returns the value of a run that counts; ``None`` where it has none.

    Raises:
        ReportingError: if it is a percentage where the study file says that it is a fraction.
    """
    if not (points := series.get(own.of)):
        return None
    values = [value for _, value in points]
    finite = [value for value in values if math.isfinite(value)]
    if own.take == "last" or not finite:
        value = values[-1]
    else:
        value = max(finite) if own.take == "max" else min(finite)
    metric = Metric(own.name, value / 100 if own.percent else value, own.unit, own.better)
    try:
        require_fraction(metric, f"import.metrics.{own.name}")
    except ReportingError as error:
        problem, received, _ = error.parts
        cure = "Write percent = true beside its unit"
        raise ReportingError(problem, received=received, cure=cure) from error
    if math.isfinite(metric.value):
        require_usable(metric, f"import.metrics.{own.name}")
    return metric


def _epochs(own: Import, series: Mapping[str, Series]) -> tuple[dict[str, float], ...]:
    """Returns the steps at which all metrics of epochs were recorded, as far as a run has them."""
    percent = {metric.of for metric in own.metrics if metric.percent}
    points = {name: dict(series[of]) for name, of in own.epochs.items() if series.get(of)}
    if not points:
        return ()
    steps = set.intersection(*(set(one) for one in points.values()))
    scale = {name: 100 if own.epochs[name] in percent else 1 for name in points}
    return tuple(
        {name: one[step] / scale[name] for name, one in points.items()} for step in sorted(steps)
    )


def _notes(study: Study, found: _Fitting, record: RunRecord) -> list[str]:
    """Returns what a user should know of how a run became a record."""
    own, series, notes = _import_of(study), found.run.series, []
    points = {of: len(series[of]) for of in own.epochs.values() if series.get(of)}
    if points and max(points.values()) > len(record.epochs):
        most = max(points, key=lambda name: points[name])
        notes.append(
            f"curves have only the steps that all their metrics have; {most} has others besides"
        )
    high = {n for n in ACCURACIES for e in record.epochs if abs(e.get(n, 0)) > 2}
    if high:
        notes.append(
            f"epochs: {listing(sorted(high))} seems to be in percent; a metric of the same name "
            "with percent = true makes fractions of it"
        )
    return notes


def _require_some(study: Study, records: Sequence[object], left_out: Sequence[LeftOut]) -> None:
    if not records:
        raise StudyError(
            f"{study.slug}: none of the runs is a trial of the study",
            received=few([f"{own.run}: {own.why}" for own in left_out]) or "a source without runs",
            cure="Correct the study file, or see with 'ablations import SOURCE --suggest' what the "
            "runs have",
        )


def _run_again(fitting: Sequence[_Fitting], ended: Collection[tuple[Arm, int]]) -> str:
    """Names failed runs of trials that another run completed, as one arm may have needed more."""
    found = [
        f"{one.arm.name}, seed {one.seed} ({one.run.name})"
        for one in fitting
        if (one.arm, one.seed) in ended and one.run.state != "finished"
    ]
    if not found:
        return ""
    was = "was" if len(found) == 1 else "were"
    return (
        f"{counted(len(found), 'trial')} failed first and {was} run again: {few(found)}. Reports "
        "count the run that completed; an arm whose failed runs are repeated until one does looks "
        "more reliable than it is"
    )


def _require_one_each(
    study: Study, fitting: Sequence[_Fitting], ended: Collection[tuple[Arm, int]]
) -> None:
    """Raises `StudyError` where two runs that completed have one arm and seed."""
    runs: dict[tuple[Arm, int], list[str]] = {}
    for one in fitting:
        if (one.arm, one.seed) in ended and one.run.state == "finished":
            runs.setdefault((one.arm, one.seed), []).append(one.run.name)
    twice = {key: names for key, names in runs.items() if len(names) > 1}
    if twice:
        each = [f"{arm.name}, seed {seed}: {few(names)}" for (arm, seed), names in twice.items()]
        raise StudyError(
            f"{study.slug}: {counted(len(twice), 'trial')} of the study "
            f"{'has' if len(twice) == 1 else 'have'} several runs, and one cannot be preferred",
            received="; ".join(each),
            cure="Name those that do not count under [import]: exclude = [...], by a rule that "
            "does not look at results, such as keeping the first; or, where the seed is held by "
            "another parameter, name that one",
        )
