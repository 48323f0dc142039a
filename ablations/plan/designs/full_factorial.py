"""All combinations of levels.

Source: Box, Hunter and Hunter (2005), *Statistics for Experimenters*, 2nd ed., chapter 5. There an
interaction is half the difference of differences; here it is the whole one, which reads as "what
the first change gains once the second is made".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, product
from math import factorial, prod

import numpy as np

from ablations.core.design import Arm, Change, Contrast, Design, EffectKind, Factor
from ablations.plan.designs.kind import INTERACTIONS, Kind, Wanted, changes
from ablations.plan.designs.sizes import smaller


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Factors and all their arms, the last factor's levels changing fastest."""

    factors: Sequence[Factor]
    arms: tuple[Arm, ...]
    changes: Sequence[Change]

    @classmethod
    def of(cls, factors: Sequence[Factor], base: Arm) -> _Crossed:
        choices = product(*([(f.name, level.name) for level in f.levels] for f in factors))
        return cls(factors, tuple(map(Arm, choices)), changes(factors, base))

    def at(self, held: Mapping[str, str]) -> list[Arm]:
        """Returns the arms at some levels, in order; factors that are not named are free."""
        numbers = np.arange(len(self.arms)).reshape([len(f.levels) for f in self.factors])
        places = [
            [i for i, level in enumerate(f.levels) if held.get(f.name, level.name) == level.name]
            for f in self.factors
        ]
        return [self.arms[i] for i in numbers[np.ix_(*places)].flat]


def _lay_out(wanted: Wanted) -> Design:
    base = wanted.base
    crossed = _Crossed.of(wanted.factors, base)
    return Design(
        kind=wanted.kind,
        arms=crossed.arms,
        baseline=base,
        reference=base,
        phrase="averaged over the other factors",
        contrasts=_declared(crossed, wanted.interactions or INTERACTIONS),
        simple_contrasts=_simple(crossed),
        attributions=_attributions(crossed, base),
    )


def _declared(crossed: _Crossed, most: int) -> tuple[Contrast, ...]:
    """Returns main effects, then interactions of up to that many changes."""
    by_factor = [list(own) for _, own in groupby(crossed.changes, lambda c: c.factor)]
    return tuple(
        _contrast(crossed, changed)
        for order in range(1, min(most, len(by_factor)) + 1)
        for factors in combinations(by_factor, order)
        for changed in product(*factors)
    )


def _simple(crossed: _Crossed) -> tuple[Contrast, ...]:
    """Returns each change at each level of each one other factor, averaged over all the rest."""
    return tuple(
        _contrast(crossed, (change,), given=((other.name, level.name),))
        for change in crossed.changes
        for other in crossed.factors
        if other.name != change.factor
        for level in other.levels
    )


def _contrast(
    crossed: _Crossed, changed: tuple[Change, ...], *, given: tuple[tuple[str, str], ...] = ()
) -> Contrast:
    """Changes, or what they do together, averaged over all cells of the factors left free."""
    corners = []  # with and without each change; each change that is not made flips the sign
    for made in product((True, False), repeat=len(changed)):
        held = {
            c.factor: c.level if on else c.baseline for c, on in zip(changed, made, strict=True)
        }
        sign = (-1) ** made.count(False)
        corners.append([(arm, sign) for arm in crossed.at(held | dict(given))])
    cells = list(zip(*corners, strict=True))
    kind: EffectKind = "simple" if given else "main" if len(changed) == 1 else "interaction"
    weights = tuple((arm, sign / len(cells)) for cell in cells for arm, sign in cell)
    return Contrast(kind, changed, weights, given)


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
    keys=frozenset({"interactions"}),
    cure=smaller,
)
