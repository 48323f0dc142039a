"""Which arms a design trains, and which of them the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ablations.core.design import Fraction
from ablations.core.study import Arm, DesignKind, Factor
from ablations.errors import StudyError, meant
from ablations.plan.designs.fractions import fractional, screening
from ablations.plan.limits import require_few_arms
from ablations.plan.schema import DesignTable, StudyFile
from ablations.plan.validation import require


@dataclass(frozen=True, slots=True)
class Design:
    """The arms in their order of reading, the baseline, and the arm of comparison."""

    arms: tuple[Arm, ...]
    baseline: Arm
    reference: Arm
    fraction: Fraction | None = None


def design_of(file: StudyFile, factors: Sequence[Factor]) -> Design:
    """Lays out the design that a study file asks for.

    Raises:
        StudyError: if its parts do not fit each other or the factors.
    """
    table = file.design
    _require_belonging(table)
    require_few_arms(table, factors)
    require(
        table.kind == "full-factorial" or "interactions" not in file.analysis.model_fields_set,
        "analysis.interactions belongs to a full factorial",
        received=f"kind='{table.kind}', interactions={file.analysis.interactions}",
        cure="Remove it: which effects another design can tell follows from its arms",
    )
    if table.kind not in ("fractional", "screening"):
        return make_design(table.kind, factors, baseline=table.baseline, arms=table.arms)
    base = _baseline(factors, table.baseline)
    if table.kind == "screening":
        arms, fraction = screening(factors, base, fold_over=table.fold_over)
    else:
        arms, fraction = fractional(
            factors,
            base,
            generators=table.generators,
            halvings=table.halvings,
            fold_over=table.fold_over,
        )
    return Design(arms, base, base, fraction)


def _require_belonging(table: DesignTable) -> None:
    """Keys of one kind of design may not stand in another."""
    is_fraction, is_screening = table.kind == "fractional", table.kind == "screening"
    for name, given, belongs in (
        ("generators", table.generators, is_fraction),
        ("halvings", table.halvings, is_fraction),
        ("fold_over", table.fold_over, is_fraction or is_screening),
    ):
        require(
            given is None or belongs,
            f"design.{name} belongs to a fraction of all arms",
            received=f"kind='{table.kind}'",
            cure="Remove it, or use kind = 'fractional'",
        )
    require(
        table.arms is None or not (is_fraction or is_screening),
        "design.arms belongs to kind = 'arms' and to no other",
        received=f"kind='{table.kind}', arms=given",
        cure="Remove it",
    )


def make_design(
    kind: DesignKind,
    factors: Sequence[Factor],
    *,
    baseline: Mapping[str, str],
    arms: Sequence[Mapping[str, str]] | None,
) -> Design:
    """Lays out the arms of a design.

    Args:
        kind: ``full-factorial`` crosses all levels; ``one-factor-in`` starts from the baseline and
            changes one factor at a time; ``one-factor-out`` starts from the full recipe (each of
            the two-level factors away from its baseline) and takes one factor back at a time;
            ``arms`` takes the arms as given.
        factors: In the study's order.
        baseline: Baseline level per factor; a factor that is left out starts at its first level.
        arms: The arms of kind ``arms``; ``None`` for the others.

    Raises:
        StudyError: if a level is unknown, or ``arms`` is missing, superfluous or incomplete.
    """
    if (kind == "arms") != (arms is not None):
        raise StudyError(
            "design.arms belongs to kind = 'arms' and to no other",
            received=f"kind='{kind}', arms={'given' if arms is not None else 'missing'}",
            cure="Give both or neither",
        )
    base = _baseline(factors, baseline)
    if kind == "full-factorial":
        return Design(_crossed(factors), base, base)
    if kind == "one-factor-in":
        return Design((base, *_changed_one_by_one(base, factors)), base, base)
    if kind == "one-factor-out":
        _require_two_levels(factors)
        full = _full_recipe(base, factors)
        taken_out = tuple(full.replace(factor, level) for factor, level in base.levels)
        return Design((full, *taken_out), base, full)
    return _listed(arms or (), factors, base)


def _baseline(factors: Sequence[Factor], named: Mapping[str, str]) -> Arm:
    """Returns the arm of all baseline levels: those named, and else each factor's first."""
    first = {factor.name: factor.levels[0].name for factor in factors}
    return _arm("design.baseline", factors, first | dict(named))


def _arm(place: str, factors: Sequence[Factor], levels: Mapping[str, str]) -> Arm:
    names = [factor.name for factor in factors]
    unknown = [name for name in levels if name not in names]
    require(
        not unknown,
        f"{place} must name each factor once",
        received=str(dict(levels)),
        cure=f"{meant(unknown[0], names) if unknown else ''}The factors are {', '.join(names)}",
    )
    for factor in factors:
        known, level = [level.name for level in factor.levels], levels[factor.name]
        require(
            level in known,
            f"{place} names no level of factor '{factor.name}'",
            received=repr(level),
            cure=f"{meant(level, known)}Its levels are {', '.join(known)}",
        )
    return Arm(tuple((name, levels[name]) for name in names))


def _crossed(factors: Sequence[Factor]) -> tuple[Arm, ...]:
    names = [factor.name for factor in factors]
    choices = product(*([level.name for level in factor.levels] for factor in factors))
    return tuple(Arm(tuple(zip(names, choice, strict=True))) for choice in choices)


def _changed_one_by_one(base: Arm, factors: Sequence[Factor]) -> tuple[Arm, ...]:
    return tuple(
        base.replace(factor.name, level.name)
        for factor in factors
        for level in factor.levels
        if level.name != base.level(factor.name)
    )


def _require_two_levels(factors: Sequence[Factor]) -> None:
    for factor in factors:
        if len(factor.levels) > 2:
            raise StudyError(
                f"one-factor-out switches factors on and off, so '{factor.name}' needs two levels",
                received=f"levels={[level.name for level in factor.levels]}",
                cure="Remove levels, or use kind = 'arms'",
            )


def _full_recipe(base: Arm, factors: Sequence[Factor]) -> Arm:
    def other(factor: Factor) -> str:
        return next(lv.name for lv in factor.levels if lv.name != base.level(factor.name))

    return Arm(tuple((factor.name, other(factor)) for factor in factors))


def _listed(arms: Sequence[Mapping[str, str]], factors: Sequence[Factor], base: Arm) -> Design:
    listed = tuple(
        _arm(f"design.arms[{i}]", factors, dict(base.levels) | dict(levels))
        for i, levels in enumerate(arms)
    )
    for i, arm in enumerate(listed):
        if arm in listed[:i]:
            raise StudyError(
                f"design.arms[{i}] repeats an earlier arm",
                received=arm.name,
                cure="List each arm once; repeat with seeds",
            )
    if len(listed) < 2 or base not in listed:
        raise StudyError(
            "design.arms needs the baseline and at least one other arm",
            received="; ".join(arm.name for arm in listed) or "an empty list",
            cure=f"Add the baseline ({base.name}), or name another one in design.baseline",
        )
    return Design(listed, base, base)
