"""Which effects of a two-level design cannot be told apart, from its signs alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from ablations.design import Alias, AliasSet

Signs = NDArray[np.int64]
"""One row an arm and one column a factor: 1 where the factor is changed, -1 where it is not."""


def alias_sets(names: Sequence[str], signs: Signs) -> tuple[AliasSet, ...]:
    """Returns the numbers that a design gives, each with the effects up to two factors in it.

    Effects that are confounded in full share one number. Where some are confounded in part, as in
    Plackett-Burman designs of 12 arms, only the main effects have numbers of their own.
    """
    words = dict(_words(names, signs))
    found: list[AliasSet] = []
    taken: set[tuple[str, ...]] = set()
    for word, column in words.items():
        shares = [
            Alias(other, int(column @ own) / len(signs))
            for other, own in words.items()
            if other != word and int(column @ own) != 0
        ]
        if word not in taken:
            found.append(AliasSet(word, tuple(shares)))
            taken.update(alias.factors for alias in shares if abs(alias.weight) == 1)
    in_part = any(abs(alias.weight) < 1 for own in found for alias in own.aliases)
    return tuple(own for own in found if len(own.factors) == 1 or not in_part)


def confounded(sets: Sequence[AliasSet]) -> int:
    """Counts the effects up to two factors that share a number with another one."""
    shared = (own for own in sets if own.aliases)
    words = ((own.factors, *(alias.factors for alias in own.aliases)) for own in shared)
    return len(set(chain.from_iterable(words)))


def total_share(sets: Sequence[AliasSet]) -> float:
    """Adds up how much of other effects is in each number."""
    return sum(abs(alias.weight) for own in sets for alias in own.aliases)


def _words(names: Sequence[str], signs: Signs) -> Iterator[tuple[tuple[str, ...], Signs]]:
    for order in (1, 2):
        for places in combinations(range(len(names)), order):
            word = tuple(names[place] for place in places)
            yield word, signs[:, list(places)].prod(axis=1)


def resolution(signs: Signs) -> int | None:
    """Returns the length of the shortest product of columns that is not balanced.

    ``None`` where all arms are there, so that nothing is confounded.
    """
    k = int(signs.shape[1])
    for order in range(1, k + 1):
        for places in combinations(range(k), order):
            if int(signs[:, list(places)].prod(axis=1).sum()) != 0:
                return order
    return None
