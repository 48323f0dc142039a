"""Which effects of a two-level design cannot be told apart, from its signs alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ablations.design import Alias, AliasSet

Signs = NDArray[np.int64]
"""One row an arm and one column a factor: 1 where the factor is changed, -1 where it is not."""


def alias_sets(names: Sequence[str], signs: Signs) -> tuple[AliasSet, ...]:
    """Returns main effects and two-factor interactions, each with those that equal it.

    Effects that are partly aliased, as in Plackett-Burman designs, count as aliased too: their
    columns are neither equal nor orthogonal.
    """
    words = dict(_words(names, signs))
    taken: set[tuple[str, ...]] = set()
    found = []
    for word, column in words.items():
        if word in taken:
            continue
        aliases = [
            Alias(other, product / len(signs))
            for other, own in words.items()
            if other != word and (product := int(column @ own))
        ]
        taken.update(alias.factors for alias in aliases if len(alias.factors) > 1)
        found.append(AliasSet(word, tuple(aliases)))
    return tuple(found)


def _words(names: Sequence[str], signs: Signs) -> Iterator[tuple[tuple[str, ...], Signs]]:
    for order in (1, 2):
        for places in combinations(range(len(names)), order):
            word = tuple(names[place] for place in places)
            yield word, signs[:, list(places)].prod(axis=1)


def resolution(signs: Signs) -> int:
    """Returns the length of the shortest product of columns that is not balanced."""
    k = int(signs.shape[1])
    for order in range(1, k + 1):
        for places in combinations(range(k), order):
            if signs[:, list(places)].prod(axis=1).sum():
                return order
    return k + 1  # all arms: nothing is confounded
