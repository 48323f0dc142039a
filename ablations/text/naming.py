"""Names arms, levels and effects, the same in reports and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ablations.core.design import ONLY_ARM, AliasSet, Arm, Change, EffectKind
from ablations.core.study import Study
from ablations.text.formatting import UNKNOWN, counted, listing

if TYPE_CHECKING:
    from ablations.core.estimates import Effect
    from ablations.core.findings import Findings

ON = frozenset({"on", "yes", "true"})
OFF = frozenset({"off", "no", "false", "none"})
DEGREES = frozenset(
    {"low", "medium", "high", "small", "large", "short", "long", "narrow", "wide", "default"}
)
"""Levels that say how much, and not of what."""


def level_label(study: Study, factor: str, level: str) -> str:
    """Names a level as briefly as is clear: ``augmentation``, ``transfer``, ``lr 1e-3``."""
    if level.lower() in ON:
        return factor
    if level.lower() in OFF:
        return f"no {factor}"
    shared = sum(level in (own.name for own in other.levels) for other in study.factors) > 1
    return level if _reads_alone(level) and not shared else f"{factor} {level}"


def _reads_alone(level: str) -> bool:
    """Whether a level is a name, and neither a number (``1e-3``, ``64px``) nor a degree."""
    number = level.lstrip("+-.")[:1].isdigit()
    wordy = any(character.isalpha() for character in level)
    return wordy and not number and level.lower() not in DEGREES


def change_label(study: Study, factor: str, *, baseline: str, level: str) -> str:
    """Names a change in full: ``augmentation``, ``transfer instead of scratch``."""
    if level.lower() in ON and baseline.lower() in OFF:
        return factor
    if level.lower() in OFF and baseline.lower() in ON:
        return f"no {factor}"
    short = level_label(study, factor, level)
    return f"{short} instead of {baseline}"


def arm_label(study: Study, arm: Arm) -> str:
    """Names an arm by what sets it apart: ``baseline``, ``augmentation + transfer``.

    Where arms are compared with the full recipe, it says what is left out of that instead. A study
    of a single factor names its baseline as well: ``model1``.
    """
    if study.from_full:
        out = [
            level_label(study, f, old) for f, old in study.reference.levels if arm.level(f) != old
        ]
        return f"without {listing(out)}" if out else "full recipe"
    own = [level_label(study, f, lv) for f, lv in arm.levels if lv != study.baseline.level(f)]
    return " + ".join(own) or _baseline_label(study)


def _baseline_label(study: Study) -> str:
    """Calls the baseline by its own level where that is a name such as ``model1``."""
    if not study.factors:
        return ONLY_ARM
    factor, level = study.baseline.levels[0]
    switch = level.lower() in ON | OFF
    return "baseline" if len(study.factors) > 1 or switch else level_label(study, factor, level)


def named_arm(study: Study, arm: Arm) -> str:
    """Names an arm within a sentence: ``the baseline``, ``‘augmentation + transfer’``."""
    label = arm_label(study, arm)
    if label == ONLY_ARM:
        return label
    return f"the {label}" if label in ("baseline", "full recipe") else f"‘{label}’"


def effect_name(findings: Findings, effect: Effect) -> str:
    """Names an effect in running text: ``transfer instead of scratch``."""
    if effect.kind == "arm":
        arm = max(effect.weights, key=lambda pair: pair[1])[0]
        return f"‘{arm_label(findings.study, arm)}’"
    where = [f"{factor} is {level}" for factor, level in _within(effect)]
    return listed_changes(findings.study, effect.changes) + (
        f" where {listing(where)}" if where else ""
    )


def listed_changes(study: Study, changes: Sequence[Change]) -> str:
    """Names changes in full: ``augmentation and transfer instead of scratch``."""
    return listing(
        [change_label(study, c.factor, baseline=c.baseline, level=c.level) for c in changes]
    )


def crossed_changes(study: Study, changes: Sequence[Change]) -> str:
    """Names what changes do together: ``augmentation × transfer``."""
    return " × ".join(level_label(study, change.factor, change.level) for change in changes)


def contrast_label(
    study: Study, kind: EffectKind, changes: Sequence[Change], given: Sequence[tuple[str, str]]
) -> str:
    """Names what several studies have an effect of: ``augmentation × transfer``."""
    named = crossed_changes if kind == "interaction" else listed_changes
    return restricted(study, named(study, changes), given)


def restricted(study: Study, label: str, given: Sequence[tuple[str, str]]) -> str:
    """Adds the levels that an effect is restricted to: ``preprocessing (scratch)``."""
    where = listing([level_label(study, factor, level) for factor, level in given])
    return f"{label} ({where})" if where else label


def _within(effect: Effect) -> tuple[tuple[str, str], ...]:
    """Returns at which levels of other factors a declared effect exists at all."""
    return effect.given if effect.kind in ("main", "interaction") else ()


def effect_label(findings: Findings, effect: Effect) -> str:
    """Names an effect in a figure or table: ``augmentation × transfer``."""
    study, within = findings.study, _within(effect)
    if within:
        return restricted(study, effect_label(findings, replace(effect, given=())), within)
    if effect.kind == "interaction":
        return _or_rivals(effect, crossed_changes(study, effect.changes))
    return effect_name(findings, effect).strip("‘’")


def _or_rivals(effect: Effect, own: str) -> str:
    """Adds the interactions that a fraction cannot separate from this one, where they are few."""
    rivals = [" × ".join(alias.factors) for alias in effect.aliases]
    return f"{own} or {listing(rivals, 'or')}" if 0 < len(rivals) < 4 else own


def effect_factors(effect: Effect) -> str:
    """Names the factors that an effect moves: ``lr``, ``lr × augment``."""
    names = [change.factor for change in effect.changes]
    return (
        _or_rivals(effect, " × ".join(names)) if effect.kind == "interaction" else ", ".join(names)
    )


def effect_levels(effect: Effect) -> str:
    """Names the levels that an effect lies between, factor by factor: ``low → high, off → on``."""
    moves = ", ".join(f"{change.baseline} → {change.level}" for change in effect.changes)
    where = listing([f"{factor} is {level}" for factor, level in _within(effect)])
    return f"{moves} where {where}" if where else moves


def aliases(found: AliasSet) -> str:
    """Writes what else is in a number: ``c × d``, ``minus half of b × c``, or nothing.

    An interaction is a whole difference of differences, of which a main effect's number holds half.
    """
    if not found.aliases:
        return "nothing up to two factors"
    half = 0.5 if len(found.factors) == 1 else 1.0
    weights = [half * alias.weight for alias in found.aliases]
    if len(weights) > 3 and max(map(abs, weights)) < half:
        many = counted(len(weights), "two-factor interaction")
        return f"up to {max(map(abs, weights)):.0%} of each of {many}"
    parts = zip(weights, found.aliases, strict=True)
    return listing([f"{_weight(w)}{' × '.join(alias.factors)}" for w, alias in parts])


def _weight(weight: float) -> str:
    sizes = {1.0: "", 0.5: "half of "}
    part = sizes.get(abs(weight), f"{abs(weight):.0%} of ")
    return f"{'minus ' if weight < 0 else ''}{part}"


def seed_values(
    values: Iterable[tuple[int, float]], show: Callable[[float], str]
) -> tuple[str, ...]:
    """Writes what each seed gave.

    Example:
        >>> seed_values([(0, 0.5), (7, 0.25)], str)
        ('seed 0: 0.5', 'seed 7: 0.25')
    """
    return tuple(f"seed {seed}: {show(value)}" for seed, value in values)


def setting(value: Any) -> str:
    """Writes a setting as its study file does, such as ``"flip", 0.3, true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {setting(part)}' for key, part in value.items())}}}"
    return UNKNOWN if value is None else str(value)
