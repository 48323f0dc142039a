"""Fractions of all arms: 2^(k-p) designs and Plackett-Burman screening, and what they confound.

Sources: Box and Hunter (1961), "The 2^(k-p) fractional factorial designs", Technometrics 3;
Plackett and Burman (1946), "The design of optimum multifactorial experiments", Biometrika 33. pyDOE
lays them out; signs are turned so that the baseline is one of the arms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from ablations.core.design import (
    AliasSet,
    Arm,
    Change,
    Contrast,
    Design,
    EffectKind,
    Fraction,
)
from ablations.errors import meant
from ablations.plan.designs.aliases import Signs, alias_sets, confounded, resolution, total_share
from ablations.plan.designs.kind import Wanted, changes
from ablations.plan.designs.sizes import MOST_SCREENED
from ablations.plan.validation import require


def two_levels(wanted: Wanted, *, most: int) -> list[str]:
    """Returns the names of the factors, which a fraction needs to have two levels each.

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
        StudyError: if two factors are confounded.
    """
    names, base = [factor.name for factor in wanted.factors], wanted.base
    if wanted.fold_over is not None:
        _require_factors(wanted.fold_over, names)
        signs = _folded(signs, names, wanted.fold_over)
    signs = np.unique(signs, axis=0)  # the baseline, all -1, sorts first
    _require_apart(names, signs)
    moved = changes(wanted.factors, base)
    levels = [{1: (c.factor, c.level), -1: (c.factor, c.baseline)} for c in moved]
    arms = tuple(
        Arm(tuple(pair[sign] for pair, sign in zip(levels, row, strict=True)))
        for row in signs.tolist()
    )
    fraction = _fraction(names, signs, _holding(names, signs, generators))
    column = dict(zip(names, signs.T, strict=True))
    return Design(
        kind=wanted.kind,
        arms=arms,
        baseline=base,
        reference=base,
        phrase=phrase,
        contrasts=tuple(_confounded(arms, moved, found, column) for found in fraction.sets),
        fraction=fraction,
    )


def _confounded(
    arms: Sequence[Arm], moved: Sequence[Change], found: AliasSet, column: Mapping[str, Signs]
) -> Contrast:
    """The arms where the product of an effect's signs is 1, against those where it is not.

    A main effect is half the size of the interaction's difference of differences, as it is where
    all factors are crossed.
    """
    own = tuple(change for name in found.factors for change in moved if change.factor == name)
    signs = np.prod([column[name] for name in found.factors], axis=0)
    weights = signs * (2 ** len(own) / len(arms))
    kind: EffectKind = "main" if len(own) == 1 else "interaction"
    pairs = tuple(zip(arms, weights.tolist(), strict=True))
    return Contrast(kind, own, pairs, aliases=found.aliases)


def _require_factors(fold_over: Sequence[str], names: Sequence[str]) -> None:
    unknown = [name for name in fold_over if name not in names]
    require(
        bool(fold_over) and not unknown and len(set(fold_over)) == len(fold_over),
        "design.fold_over names factors to mirror, each once",
        received=str(list(fold_over)),
        cure=f"{meant(unknown[0], names) if unknown else ''}The factors are {', '.join(names)}",
    )


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
            f"the design confounds factor '{one}' with '{other}'",
            received=f"{len(signs)} arms for {len(names)} factors",
            cure="Halve less often, or choose other generators",
        )


def _fraction(names: Sequence[str], signs: Signs, generators: tuple[str, ...]) -> Fraction:
    sets = alias_sets(names, signs)
    choices = [tuple(names), *((name,) for name in names)]
    folded = {own: np.unique(_folded(signs, names, own), axis=0) for own in choices}
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
