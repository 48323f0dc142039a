"""Turns the tables of a study file into factors, design, seeds, chapters and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablations.core.checks import plain
from ablations.core.design import Adaptive, Arm, Design, Factor, Level, Resources
from ablations.core.metrics import TARGET_SECONDS
from ablations.core.study import Chapter, Gate, Study
from ablations.plan.designs import Wanted, lay_out
from ablations.plan.schema import (
    AdaptiveSeeds,
    GateTable,
    ResourcesTable,
    StudyFile,
    TrialTable,
)
from ablations.plan.validation import require, require_known

MOST_TRIALS = 100_000
_MOST_SEEDS = 10_000

SeedsTable = int | Sequence[int] | AdaptiveSeeds


def factors_of(file: StudyFile) -> tuple[Factor, ...]:
    """Returns the factors of a study file; raises `StudyError` if two levels are alike."""
    owner: dict[str, str] = {}
    factors = []
    for name, levels in file.factors.items():
        require(
            len(levels) >= 2,
            f"factor '{name}' needs at least two levels",
            received=f"levels={list(levels)}",
            cure="Add a level, or move it to [trial.settings]",
        )
        _require_different(name, levels)
        for key in {key for settings in levels.values() for key in settings}:
            require(
                owner.setdefault(key, name) == name,
                f"setting '{key}' is set by two factors",
                received=f"factors '{owner[key]}' and '{name}'",
                cure="Set it in one factor only",
            )
        factors.append(Factor(name, tuple(Level(n, settings) for n, settings in levels.items())))
    return tuple(factors)


def design_of(file: StudyFile, factors: Sequence[Factor]) -> Design:
    """Lays out the design of a study file; raises `StudyError` if its parts do not fit."""
    table, named = file.design, "interactions" in file.analysis.model_fields_set
    return lay_out(
        Wanted(
            kind=table.kind,
            factors=factors,
            baseline=table.baseline,
            applies=table.applies,
            arms=table.arms,
            generators=table.generators,
            halvings=table.halvings,
            fold_over=table.fold_over,
            interactions=file.analysis.interactions if named else None,
        )
    )


def _require_different(factor: str, levels: Mapping[str, Mapping[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for level, settings in levels.items():
        twin = seen.setdefault(repr(sorted(settings.items())), level)
        require(
            twin == level,
            f"factor '{factor}' has two levels with the same settings",
            received=f"'{twin}' and '{level}' = {dict(settings)}",
            cure="Change one of them or remove it",
        )


def chapters_of(file: StudyFile, arms: Sequence[Arm]) -> tuple[Chapter, ...]:
    """Returns the chapters of a study file; raises `StudyError` if one has no arm."""
    for index, table in enumerate(file.chapters):
        _require_match(f"chapters[{index}].where", table.where, arms)
    return tuple(Chapter(table.title, table.where) for table in file.chapters)


def _require_match(place: str, where: Mapping[str, str], arms: Sequence[Arm]) -> None:
    for factor, level in where.items():
        require(
            bool(arms[0].levels),
            f"{place} names a factor, and the study has none",
            received=factor,
            cure="Leave 'where' out: there is one arm",
        )
        factors = dict.fromkeys(name for arm in arms for name, _ in arm.levels)
        require_known(f"{place} names no factor", factor, factors)
        levels = dict.fromkeys(
            level for arm in arms for name, level in arm.levels if name == factor
        )
        require_known(f"{place} names no trained level of '{factor}'", level, levels)
    require(
        any(arm.matches(where) for arm in arms),
        f"{place} matches no arm",
        received=str(dict(where)),
        cure=f"An arm is for example {arms[0].name}",
    )


def gates_of(file: StudyFile, arms: Sequence[Arm]) -> tuple[Gate, ...]:
    """Returns the gates of a study file; raises `StudyError` if one has no arm or threshold."""
    return tuple(_gate(i, gate, arms) for i, gate in enumerate(file.gates))


def _gate(index: int, table: GateTable, arms: Sequence[Arm]) -> Gate:
    require(
        (table.at_least is None) != (table.at_most is None),
        f"gates[{index}] needs exactly one of at_least and at_most",
        received=f"at_least={table.at_least}, at_most={table.at_most}",
        cure="Write two gates for two thresholds",
    )
    _require_match(f"gates[{index}].where", table.where, arms)
    return Gate(table.metric, table.where, table.at_least, table.at_most, table.judge)


def resources_of(file: StudyFile, arms: Sequence[Arm]) -> dict[Arm, Resources]:
    """Returns what a cluster keeps free for a trial of each arm.

    Raises:
        StudyError: if a table matches no arm, or gives less than a trial takes.
    """
    table, trial = file.resources, file.trial
    for index, own in enumerate(table.arms):
        _require_match(f"resources.arms[{index}].where", own.where, arms)
    shared = {"cpus": trial.threads, "memory_gib": trial.memory_gib, **_given(table)}
    found = {}
    for arm in arms:
        given = [_given(own) for own in table.arms if arm.matches(own.where)]
        merged = {name: amount for one in (shared, *given) for name, amount in one.items()}
        found[arm] = Resources(**merged)
        _require_enough(found[arm], arm, trial)
    return found


def _given(table: ResourcesTable) -> dict[str, Any]:
    return table.model_dump(exclude={"arms", "where"}, exclude_none=True)


def _require_enough(resources: Resources, arm: Arm, trial: TrialTable) -> None:
    require(
        resources.cpus >= trial.threads,
        f"resources.cpus is less than the threads of a trial ({arm.name})",
        received=f"cpus = {plain(resources.cpus)}, threads = {trial.threads}",
        cure="Give each thread a core, or leave cpus out",
    )
    require(
        resources.gpus <= 1 or resources.gpus == int(resources.gpus),
        f"resources.gpus is a part of one GPU, or a whole number ({arm.name})",
        received=f"gpus = {plain(resources.gpus)}",
        cure="Write for example 0.5 for half of a GPU, or 2",
    )
    require(
        resources.accelerator is None or resources.gpus > 0,
        f"resources.accelerator needs resources.gpus ({arm.name})",
        received=f"accelerator = '{resources.accelerator}', gpus = 0",
        cure="Add gpus = 1, or leave accelerator out",
    )


def adaptive_seeds(seeds: SeedsTable) -> Adaptive | None:
    """Returns the bounds of seeds that are added one by one; ``None`` where they are fixed."""
    if not isinstance(seeds, AdaptiveSeeds):
        return None
    require(
        seeds.at_least < seeds.at_most,
        "design.seeds needs at_least below at_most",
        received=f"at_least={seeds.at_least}, at_most={seeds.at_most}",
        cure="Raise at_most, or write a fixed number of seeds",
    )
    return Adaptive(seeds.at_least, seeds.at_most)


def listed_seeds(seeds: SeedsTable) -> tuple[int, ...]:
    """Returns all seeds that a study may use, in their order.

    Raises:
        StudyError: if there are none or too many, or one is named twice.
    """
    if isinstance(seeds, AdaptiveSeeds):
        return tuple(range(seeds.at_most))
    listed = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    require(bool(listed), "design.seeds is empty", received="[]", cure="Name at least one seed")
    require(
        len(listed) <= _MOST_SEEDS,
        f"design.seeds takes up to {_MOST_SEEDS} seeds",
        received=f"{len(listed)} seeds",
        cure="Remove some",
    )
    require(
        len(set(listed)) == len(listed),
        "design.seeds names a seed twice",
        received=str(list(listed)),
        cure="Each seed is one replicate; name each once",
    )
    return listed


def require_few_trials(arms: Sequence[Arm], seeds: int) -> None:
    """Raises `StudyError` where arms and seeds make more trials than can be planned."""
    require(
        len(arms) * seeds <= MOST_TRIALS,
        f"a study takes up to {MOST_TRIALS} trials",
        received=f"{len(arms)} arms at {seeds} seeds",
        cure=f"Use at most {MOST_TRIALS // len(arms)} seeds",
    )


def require_fixed_seeds(seeds: object, *, override: int) -> None:
    """Raises `StudyError` where ``--seeds`` would replace the seeds of an adaptive study."""
    require(
        not isinstance(seeds, dict),
        "--seeds would drop the allowance for an interim analysis after each seed",
        received=f"--seeds {override}, design.seeds = {seeds}",
        cure="Change at_most before the first analysis, or write a fixed number into the file",
    )


def require_effects(study: Study) -> None:
    """Raises `StudyError` where seeds wait for effects, and a study without factors has none."""
    require(
        study.adaptive is None or bool(study.factors),
        "design.seeds waits for effects, and a study without [factors] has none",
        received="until = 'decided'",
        cure="Write a number of seeds, such as seeds = 5",
    )


def require_fixed_target(study: Study) -> None:
    """Raises `StudyError` where each new seed would change the earlier interim analyses."""
    require(
        not study.adaptive or study.metric != TARGET_SECONDS or study.target_accuracy is not None,
        "adaptive seeds on target_seconds need analysis.target_accuracy",
        received="no target_accuracy",
        cure="Name it: a target taken from the seeds so far would change with each of them",
    )
