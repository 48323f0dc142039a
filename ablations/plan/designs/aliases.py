"""Which effects of a two-level design are confounded, from the signs of its arms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from ablations.core.design import Alias, AliasSet

Signs = NDArray[np.int64]
"""One row an arm and one column a factor: 1 where the factor is changed, -1 where it is not."""


def alias_sets(names: Sequence[str], signs: Signs) -> tuple[AliasSet, ...]:
    """Returns the numbers that a design gives, each with the effects up to two factors in it.

    Effects that are confounded in full share one number. Where some are confounded in part, as in
    Plackett-Burman designs of 12 arms, only the main effects have numbers of their own.
    """
    words = [tuple(names[place] for place in places) for places in _words(len(names))]
    products = _products(signs)
    return tuple(
        AliasSet(
            words[number],
            tuple(
                Alias(words[other], int(products[number, other]) / len(signs))
                for other in np.flatnonzero(products[number])
                if other != number
            ),
        )
        for number in _numbers(products, signs)
    )


def total_share(signs: Signs) -> Fraction:
    """Adds up how much of other effects is in each number that a design gives."""
    products = _products(signs)
    rows = np.abs(products[_numbers(products, signs)]).sum()
    return Fraction(int(rows), len(signs)) - len(_numbers(products, signs))


def _numbers(products: Signs, signs: Signs) -> list[int]:
    """Returns the places of the effects that bear the numbers of a design."""
    arms, factors = signs.shape
    firsts = np.argmax(np.abs(products) == arms, axis=1)  # of those confounded in full
    own = np.flatnonzero(firsts == np.arange(len(products)))
    in_part = ((products[own] != 0) & (np.abs(products[own]) < arms)).any()
    return [int(place) for place in own if place < factors or not in_part]


def _products(signs: Signs) -> Signs:
    """Returns the inner products of all effects up to two factors, shape (effect, effect)."""
    columns = np.stack([signs[:, places].prod(axis=1) for places in _words(signs.shape[1])])
    inner = columns.astype(np.float64) @ columns.T.astype(np.float64)  # exact, and quick
    return inner.astype(np.int64)


def confounded(sets: Sequence[AliasSet]) -> int:
    """Counts the effects up to two factors that share a number with another one."""
    shared = (own for own in sets if own.aliases)
    words = ((own.factors, *(alias.factors for alias in own.aliases)) for own in shared)
    return len(set(chain.from_iterable(words)))


def _words(factors: int) -> list[list[int]]:
    """Returns the places of the factors in each effect, main effects first."""
    return [list(places) for order in (1, 2) for places in combinations(range(factors), order)]


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
