"""Halves, quarters and smaller fractions of all arms of two-level factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import numpy as np

from ablations.core.design import Design
from ablations.errors import meant
from ablations.plan.designs.fractions import fraction_of, two_levels
from ablations.plan.designs.kind import Kind, Wanted
from ablations.plan.designs.sizes import smaller
from ablations.plan.validation import require

_MOST_FACTORS = 16

_LEAST_ABERRATION = {
    (3, 1): "ab",
    (4, 1): "abc",
    (5, 1): "abcd",
    (5, 2): "ab ac",
    (6, 1): "abcde",
    (6, 2): "abc bcd",
    (6, 3): "ab ac bc",
    (7, 1): "abcdef",
    (7, 2): "abcd abde",
    (7, 3): "abc bcd acd",
    (7, 4): "ab ac bc abc",
    (8, 2): "abcd abef",
    (8, 3): "abc abd bcde",
    (8, 4): "bcd acd abc abd",
    (9, 2): "acdfg bcefg",
    (9, 3): "abcd acef cdef",
    (9, 4): "bcde acde abde abce",
    (9, 5): "abc bcd acd abd abcd",
    (10, 3): "abcd abef aceg",
    (10, 4): "bcdf acdf abde abce",
    (10, 5): "abcd abce abde acde bcde",
    (10, 6): "abc bcd acd abd abcd ab",
    (11, 5): "cde abcd abf bdef adef",
    (11, 6): "abc bcd cde acd ade bde",
    (11, 7): "abc bcd acd abd abcd ab ac",
}
"""The generators that confound least, by (factors, halvings). Source: Montgomery (2017), "Design
and Analysis of Experiments", 9th ed., table 8.14, after Box, Hunter and Hunter."""


def _lay_out(wanted: Wanted) -> Design:
    from pyDOE3 import fracfact

    names = two_levels(wanted, most=_MOST_FACTORS)
    generators, halvings = wanted.generators, wanted.halvings
    require(
        (generators is None) != (halvings is None),
        "a fractional design needs either generators or halvings",
        received=f"generators={generators}, halvings={halvings}",
        cure="Write for example halvings = 1",
    )
    words = _generated(names, generators) if generators else _best(names, halvings or 0)
    signs = np.asarray(fracfact(_expression(names, words)), dtype=np.int64)
    phrase = "averaged over the arms of the fraction"
    return fraction_of(wanted, signs, phrase=phrase, generators=words)


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
            f"the design confounds factor '{twin}' with '{name}'",
            received=f"{twin} = {list(generators[twin])}, {name} = {list(word)}",
            cure="Give each its own generator",
        )
    return {name: tuple(word) for name, word in generators.items()}


def _best(names: Sequence[str], halvings: int) -> dict[str, tuple[str, ...]]:
    """Returns the generators of least aberration for the last factors."""
    base = len(names) - halvings
    words = _LEAST_ABERRATION.get((len(names), halvings), "").split()
    require(
        bool(words),
        "there is no fraction of this size for design.halvings",
        received=f"halvings={halvings}, {len(names)} factors",
        cure="Halve less often, name generators, or use kind = 'screening'",
    )
    letters = dict(zip(ascii_lowercase, names, strict=False))
    return {
        name: tuple(letters[letter] for letter in word)
        for name, word in zip(names[base:], words, strict=True)
    }


def _expression(names: Sequence[str], words: Mapping[str, Sequence[str]]) -> str:
    """Writes generators as pyDOE reads them; an even product is turned, so the baseline is in."""
    base = [name for name in names if name not in words]
    letter = dict(zip(base, ascii_lowercase, strict=False))
    parts = []
    for name in names:
        word = words.get(name, (name,))
        parts.append(("-" if len(word) % 2 == 0 else "") + "".join(letter[w] for w in word))
    return " ".join(parts)


def _count(wanted: Wanted) -> int:
    halved = wanted.halvings or len(wanted.generators or ())
    return int(2 ** max(0, len(wanted.factors) - halved + bool(wanted.fold_over)))


FRACTIONAL = Kind(
    "fractional",
    count=_count,
    lay_out=_lay_out,
    keys=frozenset({"generators", "halvings", "fold_over"}),
    cure=smaller,
)
