"""The places of words follow the numbers that were written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.text.formatting import day, estimate, interval, low_to_high, number, operations
from ablations.text.ordering import place

FINITE = st.floats(-1e15, 1e15, allow_nan=False)
UNITS = ("fraction", "seconds", "bytes", "count", "per second", "number")


def own(cell: str) -> float:
    """Reads a cell as the script of a page does."""
    words = place(cell, numeric=True) or re.sub(r"\u202f(?=\d)", "", cell.replace("−", "-"))
    found = re.match(r"-?\d*\.?\d+(e[-+]?\d+)?", re.sub(r"^[^\d-]+", "", words))
    assert found, cell
    return float(found[0])


def near(a: float, b: float) -> bool:
    """Whether two numbers may have the same words; the order of those is left to their rounding."""
    return abs(a - b) <= 0.02 * max(abs(a), abs(b)) + 1e-3


@pytest.mark.parametrize("unit", UNITS)
@given(first=FINITE, second=FINITE)
def test_numbers_keep_their_order(unit, first, second) -> None:
    low, high = sorted((first, second))
    if not near(low, high):
        assert own(number(low, unit)) <= own(number(high, unit))


@given(first=st.floats(1e-9, 1e9), second=st.floats(1e-9, 1e9))
def test_estimates_and_intervals_of_times_keep_their_order(first, second) -> None:
    low, high = sorted((first, second))
    if high > 1.02 * low:
        for write in (
            lambda x: estimate(x, (x, 1.1 * x), "seconds"),
            lambda x: interval(x, 1.1 * x, "seconds"),
            lambda x: low_to_high(x, 1.1 * x, "seconds"),
            lambda x: operations(x * 1e6, "FLOP"),
            lambda x: number(x, "bytes") if x > 100 else "0",
        ):
            assert own(write(low)) <= own(write(high)), (write(low), write(high))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("–", ""), ("", ""), ("95.4% [93.1, 96.8]", ""), ("+3.2\u202fpp", ""), ("1\u202f234/s", ""),
        ("×0.97", ""), ("p < 0.001", ""), ("1\u202fmin 23\u202fs", "83"), ("−2\u202fh 5\u202fmin", "-7500"),
        ("[3.9, 4.3]\u202fms", "0.0039"), ("23.5 GiB", f"{23.5 * 2**30:.6g}"), ("1.50×10⁻⁷", "1.5e-07"),
        ("1.50×10¹²\u202fs", "1.5e+12"), ("152\u202fMFLOP", "1.52e+08"), ("3 seeds", ""),
    ],
)  # fmt: skip
def test_known_places(cell: str, expected: str) -> None:
    assert place(cell, numeric=True) == expected


def test_days_are_ordered_as_days_and_other_words_as_words() -> None:
    days = [place(day(f"2026-{month:02}-{n:02}T00:00:00"), numeric=False) for month, n in ((2, 10), (11, 3))]  # fmt: skip
    assert int(days[0]) < int(days[1])
    assert place("31 Nonember 2026", numeric=False) == place("conv 16", numeric=False) == ""
