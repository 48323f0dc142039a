"""Fractions of all arms: 2^(k-p) designs and Plackett-Burman screening, and what they confound.

Sources: Box and Hunter (1961), "The 2^(k-p) fractional factorial designs", Technometrics 3;
Plackett and Burman (1946), "The design of optimum multifactorial experiments", Biometrika 33. pyDOE
lays them out; signs are turned so that the baseline is one of the arms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod

import numpy as np

from ablations.core.design import (
    AliasSet,
    Arm,
    Change,
    Contrast,
    Design,
    EffectKind,
    Factor,
    Fraction,
)
from ablations.errors import meant
from ablations.plan.designs.aliases import Signs, alias_sets, confounded, resolution, total_share
from ablations.plan.designs.kind import Wanted, changes
from ablations.plan.designs.sizes import MOST_SCREENED
from ablations.plan.validation import require


def two_levels(wanted: Wanted, *, most: int) -> list[str]:
    """Returns the names of factors that a fraction can be laid out for.

    Raises:
        StudyError: if a factor has more than two levels, or there are too few or too many factors.
    """
    factors = wanted.factors
    wide = [factor.name for factor in factors if len(factor.levels) != 2]
    require(
        not wide,
        "a fraction is laid out for factors of two levels",
        received=f"more levels in {', '.join(wide)}",
        cure="Remove levels, or use kind = 'full-factorial'",
    )
    larger = "screening" if len(factors) <= MOST_SCREENED else "one-factor-in"
    require(
        3 <= len(factors) <= most,
        f"a {wanted.kind} design takes 3 to {most} factors",
        received=f"{len(factors)} factors",
        cure=f"Use kind = '{'full-factorial' if len(factors) < 3 else larger}'",
    )
    return [factor.name for factor in factors]


def fraction_of(
    wanted: Wanted, signs: Signs, *, phrase: str, generators: Mapping[str, Sequence[str]]
) -> Design:
    """Lays out a fraction, the baseline first.

    Args:
        wanted: What the study file asks for.
        signs: One row an arm and one column a factor, the baseline among the rows.
        phrase: What an effect is relative to.
        generators: Factors that follow the product of others.

    Raises:
        StudyError: if two factors cannot be told apart.
    """
    names, base = [factor.name for factor in wanted.factors], wanted.base
    if wanted.fold_over is not None:
        _require_factors(wanted.fold_over, names)
        signs = _folded(signs, names, wanted.fold_over)
    signs = np.unique(signs, axis=0)  # the baseline, all -1, sorts first
    _require_apart(names, signs)
    arms = tuple(_arm(wanted.factors, base, row) for row in signs.tolist())
    fraction = _fraction(names, signs, _holding(names, signs, generators))
    by_factor = {change.factor: change for change in changes(wanted.factors, base)}
    return Design(
        kind=wanted.kind,
        arms=arms,
        baseline=base,
        reference=base,
        phrase=phrase,
        contrasts=tuple(_confounded(arms, found, by_factor) for found in fraction.sets),
        fraction=fraction,
    )


def _confounded(arms: Sequence[Arm], found: AliasSet, by_factor: Mapping[str, Change]) -> Contrast:
    """The arms where the product of an effect's signs is 1, against those where it is not.

    A main effect is half the size of the interaction's difference of differences, as it is where
    all factors are crossed.
    """
    moved = tuple(by_factor[name] for name in found.factors)
    signs = [prod(1 if arm.level(c.factor) == c.level else -1 for c in moved) for arm in arms]
    scale = 2 ** len(moved) / len(arms)
    weights = tuple((arm, sign * scale) for arm, sign in zip(arms, signs, strict=True))
    kind: EffectKind = "main" if len(moved) == 1 else "interaction"
    return Contrast(kind, moved, weights, aliases=found.aliases)


def _require_factors(fold_over: Sequence[str], names: Sequence[str]) -> None:
    unknown = [name for name in fold_over if name not in names]
    require(
        bool(fold_over) and not unknown and len(set(fold_over)) == len(fold_over),
        "design.fold_over names factors to mirror, each once",
        received=str(list(fold_over)),
        cure=f"{meant(unknown[0], names) if unknown else ''}The factors are {', '.join(names)}",
    )


def _arm(factors: Sequence[Factor], base: Arm, signs: Sequence[int]) -> Arm:
    pairs = zip(factors, signs, strict=True)
    return Arm(tuple((factor.name, _level(factor, base, sign)) for factor, sign in pairs))


def _level(factor: Factor, baseline: Arm, sign: int) -> str:
    base = baseline.level(factor.name)
    return base if sign < 0 else next(lv.name for lv in factor.levels if lv.name != base)


def _holding(
    names: Sequence[str], signs: Signs, generators: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Writes the generators that hold in the final arms; a fold-over breaks some."""
    column = {name: signs[:, i] for i, name in enumerate(names)}
    return tuple(
        f"{name} = {_product(word)}"
        for name, word in generators.items()
        if abs(int((column[name] * np.prod([column[w] for w in word], axis=0)).sum())) == len(signs)
    )


def _product(word: Sequence[str]) -> str:
    return ("minus " if len(word) % 2 == 0 else "") + " × ".join(word)


def _folded(signs: Signs, names: Sequence[str], mirrored: Sequence[str]) -> Signs:
    turn = np.array([-1 if name in mirrored else 1 for name in names])
    return np.concatenate([signs, signs * turn])


def _require_apart(names: Sequence[str], signs: Signs) -> None:
    for (i, one), (j, other) in combinations(enumerate(names), 2):
        require(
            abs(int(signs[:, i] @ signs[:, j])) < len(signs),
            f"the design cannot tell factor '{one}' from '{other}'",
            received=f"{len(signs)} arms for {len(names)} factors",
            cure="Halve less often, or choose other generators",
        )


def _fraction(names: Sequence[str], signs: Signs, generators: tuple[str, ...]) -> Fraction:
    sets = alias_sets(names, signs)
    choices = [tuple(names), *((name,) for name in names)]
    folded = {choice: _fold(signs, names, choice) for choice in choices}
    shares = {choice: total_share(own) for choice, own in folded.items()}
    chosen = min(choices, key=lambda choice: (shares[choice], len(choice) == 1))
    helps = shares[chosen] < total_share(signs)
    rest = alias_sets(names, folded[chosen]) if helps else sets
    return Fraction(
        full=2 ** len(names),
        generators=generators,
        resolution=resolution(signs),
        sets=sets,
        confounded=confounded(sets),
        fold_over=chosen if helps else (),
        more_arms=len(folded[chosen]) - len(signs) if helps else 0,
        left=confounded(rest),
    )


def _fold(signs: Signs, names: Sequence[str], mirrored: Sequence[str]) -> Signs:
    return np.unique(_folded(signs, names, mirrored), axis=0)
