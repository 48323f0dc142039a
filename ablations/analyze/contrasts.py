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
from typing import Literal

from ablations.estimates import Change
from ablations.study import Arm, Factor, Study

Kind = Literal["main", "interaction", "arm"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A weighted sum of arms; the weights add up to 0, those above 0 of a main effect to 1."""

    kind: Kind
    changes: tuple[Change, ...]
    weights: tuple[tuple[Arm, float], ...]


def contrasts(study: Study) -> tuple[Contrast, ...]:
    """Returns the effects that the study's design declares, main effects first."""
    if study.design == "full-factorial":
        singles = [(change,) for factor in study.factors for change in _changes(study, factor)]
        pairs = [
            pair
            for one, other in combinations(study.factors, 2)
            for pair in product(_changes(study, one), _changes(study, other))
        ]
        return tuple(_crossed(study, changes) for changes in (*singles, *pairs))
    others = [arm for arm in study.arms if arm != study.reference]
    return tuple(_against_reference(study, arm) for arm in others)


def _changes(study: Study, factor: Factor) -> list[Change]:
    base = study.baseline.level(factor.name)
    return [Change(factor.name, base, level.name) for level in factor.levels if level.name != base]


def _crossed(study: Study, changes: tuple[Change, ...]) -> Contrast:
    """One change, or one change of another, averaged over all cells of the other factors."""
    cells = list(_cells(study, {change.factor for change in changes}))
    kind: Kind = "main" if len(changes) == 1 else "interaction"
    weights = (
        (arm, sign / len(cells)) for cell in cells for arm, sign in _signed_corners(cell, changes)
    )
    return Contrast(kind, changes, tuple(weights))


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


def minus(arm: Arm, other: Arm, *, kind: Kind) -> Contrast:
    """Returns the contrast ``arm`` minus ``other``; its changes lead from ``other`` to ``arm``."""
    changes = tuple(
        Change(factor, old, new)
        for (factor, old), (_, new) in zip(other.levels, arm.levels, strict=True)
        if old != new
    )
    return Contrast(kind, changes, ((arm, 1.0), (other, -1.0)))
