from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from ablations.core.design import Arm, Change

CUBE = {"a": ("off", "on"), "b": ("off", "on"), "c": ("off", "on")}


def weights(contrast):
    return {tuple(level for _, level in arm.levels): weight for arm, weight in contrast.weights}


def test_two_by_two_by_hand(make):
    a, b, ab = make.study().design.contrasts
    assert (a.kind, a.changes) == ("main", (Change("a", "off", "on"),))
    assert weights(a) == {
        ("on", "off"): 0.5, ("on", "on"): 0.5, ("off", "off"): -0.5, ("off", "on"): -0.5
    }  # fmt: skip
    assert (b.kind, b.changes) == ("main", (Change("b", "off", "on"),))
    assert (ab.kind, ab.changes) == ("interaction", (*a.changes, *b.changes))
    assert weights(ab) == {
        ("on", "on"): 1.0, ("on", "off"): -1.0, ("off", "on"): -1.0, ("off", "off"): 1.0
    }  # fmt: skip


def test_three_levels_give_one_contrast_each_against_the_baseline(make):
    study = make.study(factors={"width": ("16", "32", "64"), "drop": ("no", "yes")})
    found = [
        (c.kind, [(one.factor, one.level) for one in c.changes]) for c in study.design.contrasts
    ]
    assert found == [
        ("main", [("width", "32")]),
        ("main", [("width", "64")]),
        ("main", [("drop", "yes")]),
        ("interaction", [("width", "32"), ("drop", "yes")]),
        ("interaction", [("width", "64"), ("drop", "yes")]),
    ]
    assert weights(study.design.contrasts[4]) == {
        ("64", "yes"): 1.0, ("64", "no"): -1.0, ("16", "yes"): -1.0, ("16", "no"): 1.0
    }  # fmt: skip
    assert len(study.design.contrasts[2].weights) == 6


def test_a_single_factor_has_no_interaction(make):
    (only,) = make.study(factors={"a": ("off", "on")}).design.contrasts
    assert weights(only) == {("on",): 1.0, ("off",): -1.0}


def test_cube_agrees_with_least_squares(make):
    # With levels coded -1/2 and +1/2 the coefficients are these effects; a product's coefficient is
    # the whole difference of differences.
    study = make.study(factors=CUBE)
    response = np.random.default_rng(7).normal(size=8)
    cell = dict(zip(study.arms, response, strict=True))
    half = np.array([[0.5 if level == "on" else -0.5 for _, level in a.levels] for a in study.arms])
    pairs = np.stack([half[:, i] * half[:, j] for i, j in ((0, 1), (0, 2), (1, 2))], axis=1)
    fit = sm.OLS(response, sm.add_constant(np.hstack([half, pairs]))).fit()
    found = [sum(weight * cell[arm] for arm, weight in c.weights) for c in study.design.contrasts]
    assert found == pytest.approx(fit.params[1:])


@pytest.mark.parametrize("design", ["full-factorial", "one-factor-in", "one-factor-out", "arms"])
def test_weights_add_up_to_nothing(make, design):
    for contrast in make.study(design, factors=CUBE).design.contrasts:
        assert sum(weight for _, weight in contrast.weights) == pytest.approx(0)
        if contrast.kind != "interaction":
            assert sum(weight for _, weight in contrast.weights if weight > 0) == pytest.approx(1)


def test_one_factor_in_adds_each_factor_to_the_baseline(make):
    first, second = make.study("one-factor-in").design.contrasts
    assert (first.kind, second.kind) == ("main", "main")
    assert first.changes == (Change("b", "off", "on"),)
    assert weights(first) == {("off", "on"): 1.0, ("off", "off"): -1.0}
    assert second.changes == (Change("a", "off", "on"),)


def test_one_factor_out_shows_switching_the_factor_on(make):
    study = make.study("one-factor-out")
    assert study.reference == Arm((("a", "on"), ("b", "on")))
    first, second = study.design.contrasts
    assert first.changes == (Change("a", "off", "on"),)
    assert weights(first) == {("on", "on"): 1.0, ("off", "on"): -1.0}
    assert second.changes == (Change("b", "off", "on"),)


def test_arms_are_compared_with_the_reference(make):
    found = make.study("arms").design.contrasts
    assert [contrast.kind for contrast in found] == ["arm"] * 3
    assert found[2].changes == (Change("a", "off", "on"), Change("b", "off", "on"))
    assert weights(found[2]) == {("on", "on"): 1.0, ("off", "off"): -1.0}
