"""Which arms an effect weighs, and how: effects as weighted sums of arms.

In every design a positive contrast means that the response is higher with the change than without.

Source: Box, Hunter and Hunter (2005), *Statistics for Experimenters*, 2nd ed., chapter 5. There an
interaction is half the difference of differences; here it is the whole one, which reads as "what
the first change gains once the second is made".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import factorial, prod

from ablations.core.design import Alias, AliasSet
from ablations.core.estimates import Change, EffectKind
from ablations.core.study import Arm, Factor, Study


@dataclass(frozen=True, slots=True)
class Contrast:
    """A weighted sum of arms; the weights add up to 0, those above 0 of a main effect to 1."""

    kind: EffectKind
    changes: tuple[Change, ...]
    weights: tuple[tuple[Arm, float], ...]
    given: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()


def contrasts(study: Study) -> tuple[Contrast, ...]:
    """Returns the effects that the study's design declares, main effects first."""
    if study.design == "full-factorial":
        return tuple(
            _crossed(study, changes)
            for order in range(1, min(study.interactions, len(study.factors)) + 1)
            for factors in combinations(study.factors, order)
            for changes in product(*(_changes(study, factor) for factor in factors))
        )
    if study.fraction:
        return tuple(_confounded(study, found) for found in study.fraction.sets)
    others = [arm for arm in study.arms if arm != study.reference]
    return tuple(_against_reference(study, arm) for arm in others)


def _confounded(study: Study, found: AliasSet) -> Contrast:
    """An effect of a fraction: the arms where its product of signs is 1 against those where not.

    A main effect is half the size of the interaction's difference of differences, as in `_crossed`.
    """
    changes = tuple(
        change for name in found.factors for change in _changes(study, study.factor(name))
    )
    signs = [
        prod(1 if arm.level(c.factor) == c.level else -1 for c in changes) for arm in study.arms
    ]
    scale = 2 ** len(changes) / len(study.arms)
    weights = tuple((arm, sign * scale) for arm, sign in zip(study.arms, signs, strict=True))
    kind: EffectKind = "main" if len(changes) == 1 else "interaction"
    return Contrast(kind, changes, weights, aliases=found.aliases)


def _changes(study: Study, factor: Factor) -> list[Change]:
    base = study.baseline.level(factor.name)
    return [Change(factor.name, base, level.name) for level in factor.levels if level.name != base]


def simple_contrasts(study: Study) -> tuple[Contrast, ...]:
    """Returns each change at each level of each one other factor, averaged over all the rest.

    These are all simple effects that a full factorial has; other designs have none.
    """
    if study.design != "full-factorial":
        return ()
    return tuple(
        _crossed(study, (change,), given=((other.name, level.name),))
        for factor in study.factors
        for change in _changes(study, factor)
        for other in study.factors
        if other is not factor
        for level in other.levels
    )


def attributions(study: Study) -> tuple[Contrast, ...]:
    """Returns each factor's Shapley value in the gain from the baseline to the full recipe.

    It is what the factor adds, averaged over all orders in which the factors can be added; the
    values add up to the whole gain. Only full factorials of two-level factors have one full recipe
    and all arms on the way to it.

    Source: Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II.
    """
    two_levels = all(len(factor.levels) == 2 for factor in study.factors)
    if study.design != "full-factorial" or not two_levels or len(study.factors) < 2:
        return ()
    changes = [change for factor in study.factors for change in _changes(study, factor)]
    return tuple(_attribution(study, change) for change in changes)


def _attribution(study: Study, change: Change) -> Contrast:
    k = len(study.factors)
    weights = []
    for cell in _cells(study, {change.factor}):
        made = sum(level != study.baseline.level(factor) for factor, level in cell.levels)
        share = factorial(made) * factorial(k - made - 1) / factorial(k)
        weights += [(arm, sign * share) for arm, sign in _signed_corners(cell, (change,))]
    return Contrast("attribution", (change,), tuple(weights))


def _crossed(
    study: Study, changes: tuple[Change, ...], *, given: tuple[tuple[str, str], ...] = ()
) -> Contrast:
    """Changes, or what they do together, averaged over all cells of the factors left free."""
    cells = [
        cell for cell in _cells(study, {c.factor for c in changes}) if cell.matches(dict(given))
    ]
    kind: EffectKind = "simple" if given else "main" if len(changes) == 1 else "interaction"
    weights = (
        (arm, sign / len(cells)) for cell in cells for arm, sign in _signed_corners(cell, changes)
    )
    return Contrast(kind, changes, tuple(weights), given)


def _cells(study: Study, moved: set[str]) -> Iterator[Arm]:
    """Yields every combination of the factors that stay, with those that move at baseline."""
    choices = [
        [(factor.name, study.baseline.level(factor.name))]
        if factor.name in moved
        else [(factor.name, level.name) for level in factor.levels]
        for factor in study.factors
    ]
    return (Arm(levels) for levels in product(*choices))


def _signed_corners(cell: Arm, changes: tuple[Change, ...]) -> Iterator[tuple[Arm, int]]:
    """Yields the arms with and without each change; each change that is not made flips the sign."""
    for made in product((True, False), repeat=len(changes)):
        arm, sign = cell, 1
        for change, is_made in zip(changes, made, strict=True):
            arm = arm.replace(change.factor, change.level) if is_made else arm
            sign = sign if is_made else -sign
        yield arm, sign


def _against_reference(study: Study, arm: Arm) -> Contrast:
    """One arm and the reference; one-factor-out turns it round, so that it shows switching on."""
    if study.design == "one-factor-out":
        return minus(study.reference, arm, kind="main")
    return minus(arm, study.reference, kind="arm" if study.design == "arms" else "main")


def minus(arm: Arm, other: Arm, *, kind: EffectKind) -> Contrast:
    """Returns the contrast ``arm`` minus ``other``; its changes lead from ``other`` to ``arm``."""
    changes = tuple(
        Change(factor, old, new)
        for (factor, old), (_, new) in zip(other.levels, arm.levels, strict=True)
        if old != new
    )
    return Contrast(kind, changes, ((arm, 1.0), (other, -1.0)))
