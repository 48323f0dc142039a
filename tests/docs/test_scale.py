"""The exponents that bench/scale.py prints, which docs/scale.md shows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXPONENT = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "scale.py"))["exponent"]


@pytest.mark.parametrize(
    ("sizes", "seconds", "shown"),
    [
        ([10, 100, 1000], [1.5, 3.0, 21.0], "1.00"),  # between the two largest alone
        ([1000, 100, 10], [21.0, 3.0, 1.5], "1.00"),
        ([10, 100], [2.0, 101.0], "2.00"),
        ([100], [3.0], "–"),
        ([10, 100], [1.01, 1.02], "–"),  # what is above the start is noise
    ],
)
def test_the_exponent_is_the_slope_between_the_two_largest_sizes(sizes, seconds, shown):
    assert EXPONENT(sizes, seconds, 1.0) == shown
