"""Shows many seeds by the quantiles of their distribution, since single dots would be a blot.

Source: Kay, Kola, Hullman and Munson (2016), "When (ish) is my bus?", CHI '16, quantile dot plots.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

MOST = 50
"""The most dots of a row, and the most curves of a panel."""

QUANTILES = (
    f"Where there are more than {MOST} seeds, each of {MOST} dots stands for an equal part of them "
    "(a quantile); the data file has every seed."
)
FIRST = (
    f"Where there are more than {MOST} seeds, the curves of the first {MOST} are drawn; the means "
    "are over all."
)


def crowded(rows: Iterable[Collection[object]]) -> bool:
    """Whether any row has more seeds than are drawn one by one."""
    return any(len(row) > MOST for row in rows)


def dots_of(values: tuple[float, ...]) -> tuple[float, ...]:
    """Returns the values themselves, or of more than ``MOST`` that many quantiles."""
    if len(values) <= MOST:
        return values
    # Whole numbers, since a level such as 0.07 times n would be rounded up or down.
    places = ((2 * np.arange(MOST) + 1) * len(values) - 1) // (2 * MOST)
    found: list[float] = np.sort(values)[places].tolist()
    return tuple(found)


def dots_by_place(runs: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """Does the same at each place of an axis: ``runs`` and the result have shape (seed, place)."""
    return tuple(zip(*map(dots_of, zip(*runs, strict=True)), strict=True))
