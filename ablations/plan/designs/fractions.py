"""Fractions of all arms: 2^(k-p) designs and Plackett-Burman screening, and what they confound.

Sources: Box and Hunter (1961), "The 2^(k-p) fractional factorial designs", Technometrics 3;
Plackett and Burman (1946), "The design of optimum multifactorial experiments", Biometrika 33. pyDOE
lays them out; signs are turned so that the baseline is one of the arms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from string import ascii_lowercase

import numpy as np

from ablations.core.design import Fraction
from ablations.core.study import Arm, Factor
from ablations.errors import meant
from ablations.plan.designs.aliases import Signs, alias_sets, confounded, resolution, total_share
from ablations.plan.designs.generators import LEAST_ABERRATION
from ablations.plan.limits import MOST_SCREENED, screened_arms
from ablations.plan.validation import require

_MOST_FACTORS = 16


def fractional(
    factors: Sequence[Factor],
    baseline: Arm,
    *,
    generators: Mapping[str, Sequence[str]] | None,
    halvings: int | None,
    fold_over: Sequence[str] | None,
) -> tuple[tuple[Arm, ...], Fraction]:
    """Returns the arms of a 2^(k-p) design, the baseline first, and what they confound.

    Args:
        factors: In the study's order, each of two levels.
        baseline: Its levels are coded -1.
        generators: Factors that follow the product of others; or else
        halvings: p, for the generators of least aberration.
        fold_over: Factors in which the mirror image of all arms is added.

    Raises:
        StudyError: if the generators name no factors, or confound a main effect with another one.
    """
    from pyDOE3 import fracfact

    names = _two_levels(factors, "fractional", most=_MOST_FACTORS)
    require(
        (generators is None) != (halvings is None),
        "a fractional design needs either generators or halvings",
        received=f"generators={generators}, halvings={halvings}",
        cure="Write for example halvings = 1",
    )
    words = _generated(names, generators) if generators else _best(names, halvings or 0)
    signs = np.asarray(fracfact(_expression(names, words)), dtype=np.int64)
    return _laid_out(factors, baseline, signs, generators=words, fold_over=fold_over)


def screening(
    factors: Sequence[Factor], baseline: Arm, *, fold_over: Sequence[str] | None
) -> tuple[tuple[Arm, ...], Fraction]:
    """Returns the arms of a Plackett-Burman design, the baseline first, and what they confound.

    Raises:
        StudyError: if a factor has more than two levels, or there are too few factors.
    """
    from pyDOE3 import pbdesign

    names = _two_levels(factors, "screening", most=MOST_SCREENED)
    whole = pbdesign(screened_arms(len(names)) - 1)
    signs = np.asarray(whole, dtype=np.int64)[:, : len(names)]
    return _laid_out(factors, baseline, -signs * signs[-1], generators={}, fold_over=fold_over)


def _two_levels(factors: Sequence[Factor], kind: str, *, most: int) -> list[str]:
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
        f"a {kind} design takes 3 to {most} factors",
        received=f"{len(factors)} factors",
        cure=f"Use kind = '{'full-factorial' if len(factors) < 3 else larger}'",
    )
    return [factor.name for factor in factors]


def _generated(
    names: Sequence[str], generators: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    base = [name for name in names if name not in generators]
    for name, word in generators.items():
        known = name in names and len(word) >= 2 and len(set(word)) == len(word)
        unknown = [factor for factor in (name, *word) if factor not in names]
        hint = meant(unknown[0], names) if unknown else ""
        require(
            known and set(word) <= set(base),
            f"design.generators: '{name}' must be a factor that follows two or more others",
            received=f"{name} = {list(word)}",
            cure=f"{hint}Take them from the factors without a generator: {', '.join(base)}",
        )
        twin = next(n for n, other in generators.items() if set(other) == set(word))
        require(
            twin == name,
            f"the design cannot tell factor '{twin}' from '{name}'",
            received=f"{twin} = {list(generators[twin])}, {name} = {list(word)}",
            cure="Give each its own generator",
        )
    return {name: tuple(word) for name, word in generators.items()}


def _best(names: Sequence[str], halvings: int) -> dict[str, tuple[str, ...]]:
    """Returns the generators of least aberration for the last factors."""
    base = len(names) - halvings
    words = LEAST_ABERRATION.get((len(names), halvings), "").split()
    require(
        bool(words),
        "design.halvings knows no fraction of this size",
        received=f"halvings={halvings}, {len(names)} factors",
        cure="Halve less often, name generators, or use kind = 'screening'",
    )
    letters = dict(zip(ascii_lowercase, names, strict=False))
    return {
        name: tuple(letters[letter] for letter in word)
        for name, word in zip(names[base:], words, strict=True)
    }


def _said(word: Sequence[str]) -> str:
    return ("minus " if len(word) % 2 == 0 else "") + " × ".join(word)


def _expression(names: Sequence[str], words: Mapping[str, Sequence[str]]) -> str:
    """Writes generators as pyDOE reads them; an even product is turned, so the baseline is in."""
    base = [name for name in names if name not in words]
    letter = dict(zip(base, ascii_lowercase, strict=False))
    parts = []
    for name in names:
        word = words.get(name, (name,))
        parts.append(("-" if len(word) % 2 == 0 else "") + "".join(letter[w] for w in word))
    return " ".join(parts)


def _laid_out(
    factors: Sequence[Factor],
    baseline: Arm,
    signs: Signs,
    *,
    generators: Mapping[str, Sequence[str]],
    fold_over: Sequence[str] | None,
) -> tuple[tuple[Arm, ...], Fraction]:
    names = [factor.name for factor in factors]
    if fold_over is not None:
        unknown = [name for name in fold_over if name not in names]
        require(
            bool(fold_over) and not unknown and len(set(fold_over)) == len(fold_over),
            "design.fold_over names factors to mirror, each once",
            received=str(list(fold_over)),
            cure=f"{meant(unknown[0], names) if unknown else ''}The factors are {', '.join(names)}",
        )
        signs = _folded(signs, names, fold_over)
    signs = np.unique(signs, axis=0)  # the baseline, all -1, sorts first
    _require_apart(names, signs)
    arms = tuple(
        Arm(
            tuple((f.name, _level(f, baseline, sign)) for f, sign in zip(factors, row, strict=True))
        )
        for row in signs.tolist()
    )
    return arms, _fraction(names, signs, _holding(names, signs, generators))


def _holding(
    names: Sequence[str], signs: Signs, generators: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Writes the generators that hold in the final arms; a fold-over breaks some."""
    column = {name: signs[:, i] for i, name in enumerate(names)}
    return tuple(
        f"{name} = {_said(word)}"
        for name, word in generators.items()
        if abs(int((column[name] * np.prod([column[w] for w in word], axis=0)).sum())) == len(signs)
    )


def _level(factor: Factor, baseline: Arm, sign: int) -> str:
    base = baseline.level(factor.name)
    return base if sign < 0 else next(lv.name for lv in factor.levels if lv.name != base)


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
