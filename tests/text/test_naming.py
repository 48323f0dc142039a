"""A level is named without its factor only where its name says of what it is."""

from __future__ import annotations

import pytest

from ablations.core.design import Factor, Level
from ablations.core.study import Study
from ablations.plan.designs import Wanted, lay_out
from ablations.text.naming import arm_label, change_label, setting


def study(name: str, *levels: str) -> Study:
    factors = (Factor(name, tuple(Level(level, {}) for level in levels)),)
    design = lay_out(Wanted("full-factorial", factors))
    return Study("s", "S", "", "m:f", {}, factors, design, (0,))


@pytest.mark.parametrize(
    ("factor", "levels", "words"),
    [
        ("lr", ("1e-3", "1e-2"), "lr 1e-2 instead of 1e-3"),
        ("lr", ("low", "high"), "lr high instead of low"),
        ("size", ("64px", "128px"), "size 128px instead of 64px"),
        ("width", ("16", "32"), "width 32 instead of 16"),
        ("optimizer", ("adam", "sgd"), "sgd instead of adam"),
        ("augment", ("off", "on"), "augment"),
    ],
)
def test_numbers_and_degrees_stand_with_their_factor(factor, levels, words):
    own = study(factor, *levels)
    assert change_label(own, factor, baseline=levels[0], level=levels[1]) == words
    assert words.startswith(arm_label(own, own.arms[1]))


def test_settings_read_as_in_the_study_file() -> None:
    assert setting({"a": [1, True, "x"]}) == "{a = [1, true, x]}"
    assert setting(None) == "–"
