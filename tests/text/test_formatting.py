from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.design import Arm, Factor, Level
from ablations.core.metrics import Unit
from ablations.core.study import Study
from ablations.plan.designs import Wanted, lay_out
from ablations.text import formatting as f
from ablations.text import naming

THIN = f.THIN
UNITS: list[Unit] = ["fraction", "seconds", "bytes", "count", "per second", "number"]
FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


def _study(kind: str = "full-factorial", **levels: list[str]) -> Study:
    factors = tuple(
        Factor(name, tuple(Level(level, {}) for level in names)) for name, names in levels.items()
    )
    return Study(
        slug="s",
        title="",
        question="",
        entry="m:f",
        settings={},
        factors=factors,
        design=lay_out(Wanted(kind, factors)),
        seeds=(0,),
    )


RECIPE = _study(augmentation=["off", "on"], initialization=["scratch", "transfer"])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.954, "fraction", "95.4%"),
        (1.0, "fraction", "100.0%"),
        (None, "fraction", "–"),
        (math.nan, "number", "–"),
        (math.inf, "seconds", "–"),
        (0.0041, "seconds", f"4.1{THIN}ms"),
        (0.000052, "seconds", f"52.0{THIN}µs"),
        (12.34, "seconds", f"12.3{THIN}s"),
        (59.97, "seconds", f"1{THIN}min 0{THIN}s"),
        (83.0, "seconds", f"1{THIN}min 23{THIN}s"),
        (7500.0, "seconds", f"2{THIN}h 5{THIN}min"),
        (7199.0, "seconds", f"2{THIN}h 0{THIN}min"),
        (9899.0, "seconds", f"2{THIN}h 45{THIN}min"),
        (3599.7, "seconds", f"1{THIN}h 0{THIN}min"),
        (3.21e-9, "number", "3.21×10⁻⁹"),
        (-4e-12, "number", "−4.00×10⁻¹²"),
        (512, "bytes", f"512{THIN}B"),
        (3.2e9, "bytes", f"3.2{THIN}GB"),
        (2_260_546, "count", f"2{THIN}260{THIN}546"),
        (2.5, "count", "2.50"),
        (1234.4, "per second", f"1{THIN}234/s"),
        (0.69312, "number", "0.693"),
        (-0.5, "number", "−0.500"),
        (0.0, "number", "0"),
    ],
)
def test_numbers_by_their_unit(value: float | None, unit: Unit, text: str) -> None:
    assert f.number(value, unit) == text


def test_differences_have_signs_and_fractions_become_points() -> None:
    assert f.difference(0.032, "fraction") == f"+3.2{THIN}pp"
    assert f.difference(-0.032, "fraction") == f"−3.2{THIN}pp"
    assert f.difference(0.0, "fraction") == f"0.0{THIN}pp"
    assert f.difference(-1e-9, "fraction") == f"0.0{THIN}pp", "no sign before a rounded zero"
    assert f.difference(None, "fraction") == "–"


def test_numbers_side_by_side_share_one_scale() -> None:
    assert f.estimate(0.95, (0.85, 1.05), "seconds") == f"0.9{THIN}s [0.8, 1.1]"
    assert f.estimate(0.954, None, "fraction") == "95.4%"
    assert f.interval(0.931, 0.968, "fraction") == "[93.1, 96.8]%"
    assert f.interval(0.931, 0.968, "fraction", suffix=False) == "[93.1, 96.8]"
    assert f.interval(None, None, "fraction") == "–"
    assert f.low_to_high(-0.01, 0.02, "fraction", signed=True) == f"−1.0 to +2.0{THIN}pp"


@given(FINITE, st.sampled_from(UNITS))
def test_a_number_and_its_negative_differ_only_by_the_sign(value: float, unit: Unit) -> None:
    positive, negative = f.difference(abs(value), unit), f.difference(-abs(value), unit)
    assert positive.lstrip("+") == negative.lstrip("−")


@given(FINITE, st.sampled_from(UNITS))
def test_every_finite_number_is_written(value: float, unit: Unit) -> None:
    assert any(character.isdigit() for character in f.number(value, unit))


@given(st.floats(0, 1))
def test_p_values_are_never_written_as_zero(p: float) -> None:
    assert f.p_value(p) == "p < 0.001" or float(f.p_value(p).removeprefix("p = ")) > 0


def test_lists_and_counts_read_as_sentences() -> None:
    assert f.listing([]) == ""
    assert f.listing(["a", "b", "c"]) == "a, b and c"
    assert f.counted(1, "seed") == "1 seed"
    assert f.counted(3, "seed") == "3 seeds"
    assert f.counted(0, "box", "boxes") == "0 boxes"
    assert f.day("2026-11-20T14:03:22+00:00") == "20 November 2026"
    assert f.day(None) == "–"
    assert f.metric_name("time_to_accuracy_seconds") == "time to accuracy"


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        (("off", "scratch"), "baseline"),
        (("on", "scratch"), "augmentation"),
        (("off", "transfer"), "transfer"),
        (("on", "transfer"), "augmentation + transfer"),
    ],
)
def test_arms_are_named_by_what_sets_them_apart(levels: tuple[str, str], text: str) -> None:
    arm = Arm((("augmentation", levels[0]), ("initialization", levels[1])))
    assert naming.arm_label(RECIPE, arm) == text


def test_one_factor_out_names_what_is_left_out() -> None:
    full = Arm((("augmentation", "on"), ("initialization", "transfer")))
    study = _study(
        "one-factor-out", augmentation=["off", "on"], initialization=["scratch", "transfer"]
    )
    assert naming.arm_label(study, full) == "full recipe"
    assert naming.named_arm(study, full) == "the full recipe"
    assert naming.arm_label(study, full.replace("augmentation", "off")) == "without augmentation"
    assert naming.arm_label(study, full.replace("initialization", "scratch")) == "without transfer"


def test_levels_that_would_be_unclear_keep_their_factor() -> None:
    study = _study(width=["32", "64"], depth=["small", "big"], head=["small", "big"])
    assert naming.level_label(study, "width", "64") == "width 64"
    assert naming.level_label(study, "depth", "big") == "depth big"
    assert (
        naming.change_label(study, "width", baseline="32", level="64") == "width 64 instead of 32"
    )
    assert naming.change_label(study, "x", baseline="on", level="off") == "no x"


def test_verdicts_in_words() -> None:
    assert f.verdict("regressed") == "▼\u00a0regressed"


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [
        (1.79, 1.85, "seconds", f"[1.79, 1.85]{THIN}s"),
        (0.97, 1.09, "seconds", f"[0.97, 1.09]{THIN}s"),
        (0.76119, 0.76135, "fraction", "[76.119, 76.135]%"),
        (0.931, 0.968, "fraction", "[93.1, 96.8]%"),
        (1.0, 1.0, "fraction", "[100.0, 100.0]%"),
        (0.9, 0.9 + 1e-16, "fraction", "[90.0, 90.0]%"),
        (100.2, 100.4, "number", "[100.2, 100.4]"),
    ],
)
def test_an_interval_of_some_width_shows_its_width(low, high, unit, shown):
    assert f.interval(low, high, unit) == shown
    assert f.low_to_high(low, high, unit) == shown.translate({91: None, 93: None}).replace(
        ", ", " to "
    )
    assert f.estimate(low, (low, high), unit).endswith(shown.partition("]")[0] + "]")


def test_a_small_difference_is_as_fine_as_the_interval_that_decides_it():
    assert f.difference(0.0004, "fraction", (0.00037, 0.00044)) == f"+0.040{THIN}pp"
    assert f.difference(0.0004, "fraction", (-0.01, 0.01)) == f"0.0{THIN}pp"
    assert f.magnitude(0.0004, "fraction", (0.00037, 0.00044)) == f"0.040{THIN}pp"
    assert f.spread(0.00007, "fraction") == f"0.007{THIN}pp"
    assert f.spread(None, "fraction") == "–"


def test_chosen_numbers_keep_all_of_their_digits():
    assert f.exact(0.0002, "fraction", signed=True) == f"0.02{THIN}pp"
    assert f.exact(90.0, "seconds") == f"1{THIN}min 30{THIN}s"
    assert f.exact(0.00025, "number") == "0.000250"
    assert f.exact(1234.5, "number") == f"1{THIN}234.5"


@given(st.floats(min_value=1e-7, max_value=1e11))
def test_nothing_is_rounded_up_to_a_number_of_the_next_unit(value):
    limits = {"µs": 1000, "ms": 1000, "s": 300, "min": 60, "B": 1000, "kB": 1000, "MB": 1000}
    shown = [f.scale_for(unit, [value]).show(value) for unit in ("seconds", "bytes")]
    if value < 59.95:
        shown.append(f.duration(value))
    for text in shown:
        digits, _, unit = text.rpartition(THIN)
        assert float(digits.replace(THIN, "")) < limits.get(unit, math.inf), text
    digits, _, prefix = f.operations(value, "FLOP").rpartition(THIN)
    assert float(digits.replace(THIN, "")) < 1000 or prefix == "PFLOP"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9996, "1.0 s"), (0.00099996, "1.0 ms"), (59.96, "1 min 0 s"), (3599.6, "1 h 0 min")],
)
def test_a_duration_carries_into_the_next_unit(seconds, text):
    assert f.duration(seconds).replace(THIN, " ") == text
