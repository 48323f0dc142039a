"""All combinations of levels.

Source: Box, Hunter and Hunter (2005), *Statistics for Experimenters*, 2nd ed., chapter 5. There an
interaction is half the difference of differences; here it is the whole one, which reads as "what
the first change gains once the second is made".

A factor may exist only at one level of another (it is *nested* in that level). An arm elsewhere
then has the weight of all of its levels in averages over it. The factor's own effects are those
where it exists, and it has no interaction with the factor that it is nested in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, product
from math import factorial, prod

import numpy as np

from ablations.core.design import (
    Arm,
    Change,
    Contrast,
    Design,
    EffectKind,
    Factor,
    Nesting,
    without_nested,
)
from ablations.plan.designs.kind import INTERACTIONS, Kind, Wanted, changes
from ablations.plan.designs.nesting import nestings_of
from ablations.plan.designs.sizes import smaller


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Factors and the arm of each combination of levels, the last factor's changing fastest.

    Combinations that differ only in a factor which does not exist there have the same arm.
    """

    factors: Sequence[Factor]
    arms: tuple[Arm, ...]
    changes: Sequence[Change]
    nestings: tuple[Nesting, ...] = ()

    @classmethod
    def of(cls, wanted: Wanted) -> _Crossed:
        factors, nestings = wanted.factors, nestings_of(wanted)
        choices = product(*([(f.name, level.name) for level in f.levels] for f in factors))
        arms = tuple(without_nested(dict(choice), nestings) for choice in choices)
        return cls(factors, arms, changes(factors, wanted.base), nestings)

    @property
    def trained(self) -> tuple[Arm, ...]:
        """The different arms; those that a nested factor sets apart stay together."""
        inner = {own.factor for own in self.nestings}
        outer_first = sorted(self.factors, key=lambda factor: factor.name in inner)
        places = {f.name: [level.name for level in f.levels] for f in self.factors}

        def order(arm: Arm) -> list[int]:
            own = dict(arm.levels)
            return [places[f.name].index(own[f.name]) for f in outer_first if f.name in own]

        return tuple(sorted(dict.fromkeys(self.arms), key=order))

    def within(self, factors: Iterable[str]) -> dict[str, str]:
        """Returns the levels at which all of these factors exist."""
        named = set(factors)
        return {own.outer: own.level for own in self.nestings if own.factor in named}

    def at(self, held: Mapping[str, str]) -> list[Arm]:
        """Returns the arms at some levels, in order; factors that are not named are free."""
        numbers = np.arange(len(self.arms)).reshape([len(f.levels) for f in self.factors])
        places = [
            [i for i, level in enumerate(f.levels) if held.get(f.name, level.name) == level.name]
            for f in self.factors
        ]
        return [self.arms[i] for i in numbers[np.ix_(*places)].flat]


def _lay_out(wanted: Wanted) -> Design:
    base, crossed = wanted.base, _Crossed.of(wanted)
    return Design(
        kind=wanted.kind,
        arms=crossed.trained,
        baseline=base,
        reference=without_nested(dict(base.levels), crossed.nestings),
        phrase="averaged over the other factors",
        contrasts=_declared(crossed, wanted.interactions or INTERACTIONS),
        simple_contrasts=_simple(crossed),
        attributions=() if crossed.nestings else _attributions(crossed, base),
        nestings=crossed.nestings,
    )


def _declared(crossed: _Crossed, most: int) -> tuple[Contrast, ...]:
    """Returns main effects, then interactions of up to that many changes."""
    by_factor = [list(own) for _, own in groupby(crossed.changes, lambda c: c.factor)]
    return tuple(
        _contrast(crossed, changed, given=tuple(crossed.within(c.factor for c in changed).items()))
        for order in range(1, min(most, len(by_factor)) + 1)
        for factors in combinations(by_factor, order)
        for changed in product(*factors)
        if _together(crossed, [c.factor for c in changed])
    )


def _together(crossed: _Crossed, factors: Sequence[str]) -> bool:
    """Whether factors can be changed independently: where all exist, none nested in another."""
    places = {(own.outer, own.level) for own in crossed.nestings if own.factor in factors}
    outer = {name for name, _ in places}
    return outer.isdisjoint(factors) and len(outer) == len(places)


def _simple(crossed: _Crossed) -> tuple[Contrast, ...]:
    """Returns each change at each level of each one other factor, averaged over all the rest."""
    return tuple(
        _contrast(crossed, (change,), given=((other.name, level.name),), kind="simple")
        for change in crossed.changes
        for other in crossed.factors
        if other.name != change.factor and _together(crossed, [change.factor, other.name])
        for level in other.levels
    )


def _contrast(
    crossed: _Crossed,
    changed: tuple[Change, ...],
    *,
    given: tuple[tuple[str, str], ...],
    kind: EffectKind | None = None,
) -> Contrast:
    """Changes, or what they do together, averaged over all cells of the factors left free."""
    fixed = dict(given) | crossed.within([*(c.factor for c in changed), *dict(given)])
    corners = []  # with and without each change; each change that is not made flips the sign
    for made in product((True, False), repeat=len(changed)):
        held = {
            c.factor: c.level if on else c.baseline for c, on in zip(changed, made, strict=True)
        }
        sign = (-1) ** made.count(False)
        corners.append([(arm, sign) for arm in crossed.at(held | fixed)])
    cells = list(zip(*corners, strict=True))
    weights: dict[Arm, float] = {}
    for arm, sign in (pair for cell in cells for pair in cell):
        weights[arm] = weights.get(arm, 0.0) + sign / len(cells)
    declared: EffectKind = "main" if len(changed) == 1 else "interaction"
    return Contrast(kind or declared, changed, tuple(weights.items()), given)


def _attributions(crossed: _Crossed, base: Arm) -> tuple[Contrast, ...]:
    """Returns each factor's Shapley value in the gain from the baseline to the full recipe.

    It is what the factor adds, averaged over all orders in which the factors can be added; the
    values add up to the whole gain. Only factors of two levels have one full recipe.

    Source: Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II.
    """
    k = len(crossed.factors)
    if k < 2 or len(crossed.changes) != k:
        return ()
    found = []
    for change in crossed.changes:
        weights = []
        without = crossed.at({change.factor: change.baseline})
        for arm, other in zip(crossed.at({change.factor: change.level}), without, strict=True):
            made = sum(level != old for level, old in zip(other.levels, base.levels, strict=True))
            share = factorial(made) * factorial(k - made - 1) / factorial(k)
            weights += [(arm, share), (other, -share)]
        found.append(Contrast("attribution", (change,), tuple(weights)))
    return tuple(found)


FULL_FACTORIAL = Kind(
    "full-factorial",
    count=lambda wanted: prod(len(factor.levels) for factor in wanted.factors),
    lay_out=_lay_out,
    keys=frozenset({"interactions", "applies"}),
    cure=smaller,
)
