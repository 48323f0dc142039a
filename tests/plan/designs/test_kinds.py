from __future__ import annotations

import pytest

from ablations.core.study import Factor, Level
from ablations.errors import StudyError
from ablations.plan.designs import Wanted, lay_out


def factor(name: str, *levels: str) -> Factor:
    return Factor(name, tuple(Level(level, {name: level}) for level in levels))


A, B, C = factor("a", "off", "on"), factor("b", "off", "on"), factor("c", "x", "y", "z")


def names(kind, factors, *, baseline=None, arms=None):
    design = lay_out(Wanted(kind, factors, baseline or {}, arms=arms))
    short = ["".join(level[1] for level in arm.levels) for arm in design.arms]
    reference = "".join(level[1] for level in design.reference.levels)
    return short, "".join(level[1] for level in design.baseline.levels), reference


def test_full_factorial_crosses_all_levels():
    arms, baseline, reference = names("full-factorial", (A, C))
    assert arms == ["offx", "offy", "offz", "onx", "ony", "onz"]
    assert baseline == reference == "offx"


def test_one_factor_in_changes_one_at_a_time_from_the_baseline():
    arms, baseline, reference = names("one-factor-in", (A, B, C), baseline={"c": "y"})
    assert arms == ["offoffy", "onoffy", "offony", "offoffx", "offoffz"]
    assert baseline == reference == "offoffy"


def test_one_factor_out_takes_one_back_at_a_time_from_the_full_recipe():
    arms, baseline, reference = names("one-factor-out", (A, B), baseline={"b": "on"})
    assert arms == ["onoff", "offoff", "onon"]
    assert (baseline, reference) == ("offon", "onoff")


def test_one_factor_out_is_for_two_levels():
    with pytest.raises(StudyError) as caught:
        names("one-factor-out", (A, C))
    assert str(caught.value) == (
        "one-factor-out switches factors on and off, so 'c' needs two levels. Received: "
        "levels=['x', 'y', 'z']. Remove levels, or use kind = 'arms'."
    )


def test_arms_are_taken_as_listed_and_filled_up_from_the_baseline():
    listed = [{}, {"a": "on"}, {"a": "on", "b": "on"}]
    assert names("arms", (A, B), arms=listed)[0] == ["offoff", "onoff", "onon"]


@pytest.mark.parametrize(
    ("kind", "baseline", "arms", "text"),
    [
        (
            "full-factorial",
            {"a": "of"},
            None,
            "design.baseline names no level of factor 'a'. Received: 'of'. Did you mean 'off'? Its levels are off, on.",
        ),
        (
            "full-factorial",
            {"d": "off"},
            None,
            "design.baseline must name each factor once. Received: "
            "{'a': 'off', 'b': 'off', 'd': 'off'}. The factors are a, b.",
        ),
        (
            "arms",
            {},
            [{}, {"a": "on"}, {"b": "off", "a": "on"}],
            "design.arms[2] repeats an earlier arm. Received: a=on, b=off. "
            "List each arm once; repeat with seeds.",
        ),
        (
            "arms",
            {},
            [{"a": "on"}],
            "design.arms needs the baseline and at least one other arm. Received: a=on, b=off. "
            "Add the baseline (a=off, b=off), or name another one in design.baseline.",
        ),
        (
            "arms",
            {},
            None,
            "design.arms belongs to kind = 'arms' and to no other. Received: kind='arms', "
            "arms=missing. Give both or neither.",
        ),
    ],
)
def test_what_cannot_be_laid_out_is_one_line(kind, baseline, arms, text):
    with pytest.raises(StudyError) as caught:
        lay_out(Wanted(kind, (A, B), baseline, arms=arms))
    assert str(caught.value) == text
