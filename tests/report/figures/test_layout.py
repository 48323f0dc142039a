"""Seeds that agree are drawn beside each other, at the places that seaborn gives them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ablations.report.figures.layout import apart, move_apart

SIZE = 5.5
ROWS = {
    "spread": np.random.default_rng(0).normal(300, 60, 50),
    "close": np.random.default_rng(1).normal(300, 4, 50),
    "coarse": np.round(np.random.default_rng(2).normal(300, 9, 50) / 4) * 4,
    "equal": np.full(12, 300.0),
    "one": np.array([300.0]),
}


def gaps(along: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the distances of all pairs of dots."""
    one, other = np.triu_indices(along.size, 1)
    return np.hypot(along[one] - along[other], up[one] - up[other])


@pytest.mark.parametrize("along", ROWS.values(), ids=ROWS)
def test_no_two_dots_overlap_and_the_order_of_seeds_is_irrelevant(
    along: NDArray[np.float64],
) -> None:
    up = apart(along, 40.0, SIZE)
    assert (gaps(along, up) >= SIZE - 1e-9).all()
    shuffled = np.random.default_rng(3).permutation(along.size)
    again = apart(along[shuffled], 40.0, SIZE)
    assert sorted(zip(along[shuffled], again, strict=True)) == sorted(zip(along, up, strict=True))


def test_dots_with_room_stay_in_the_middle_and_equal_ones_go_to_both_sides() -> None:
    np.testing.assert_array_equal(apart(np.array([0.0, 6.0, 30.0]), 40.0, SIZE), [40.0] * 3)
    three = apart(np.zeros(3), 0.0, 10.0)
    np.testing.assert_allclose(three, [0, -10.5, 10.5])


@pytest.mark.parametrize("along", ROWS.values(), ids=ROWS)
def test_places_are_those_of_seaborn(along: NDArray[np.float64]) -> None:
    categorical = pytest.importorskip("seaborn.categorical", reason="seaborn is not installed")
    row = np.c_[np.full(along.size, 40.0), np.sort(along), np.full(along.size, SIZE / 2)]
    theirs = categorical.Beeswarm().beeswarm(row)[:, 0]
    np.testing.assert_array_equal(apart(np.sort(along), 40.0, SIZE), theirs)


def test_dots_keep_their_numbers_and_do_not_reach_the_next_row() -> None:
    axes = Figure().add_subplot()
    axes.set_ylim(3, 0)
    values = np.full(200, 0.5)
    points = axes.scatter(values, np.full(200, 1.5), s=SIZE**2)
    move_apart(points)
    found = np.asarray(points.get_offsets())
    np.testing.assert_array_equal(found[:, 0], values)
    np.testing.assert_allclose([found[:, 1].min(), found[:, 1].max()], [1.1, 1.9])
