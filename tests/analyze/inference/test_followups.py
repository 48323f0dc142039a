from __future__ import annotations

from itertools import permutations, product
from math import prod

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablations.analyze.inference.effects import effects
from ablations.analyze.inference.followups import shares, simple_effects
from ablations.analyze.inference.intervals import summarize
from ablations.core.metrics import MetricInfo

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
CUBE = {"a": ("off", "on"), "b": ("off", "on"), "c": ("off", "on")}
WIDE = {"width": ("16", "32", "64"), "drop": ("no", "yes")}


def weights(contrast):
    return {tuple(level for _, level in arm.levels): weight for arm, weight in contrast.weights}


def named(found):
    """The weights by what is changed and where."""
    return {(c.changes[0].factor, c.changes[0].level, *c.given[0]): weights(c) for c in found}


def tabled(study, table):
    """The summary of each arm from its row of values, one a seed."""
    rows = zip(study.arms, np.asarray(table, dtype=float).tolist(), strict=True)
    return {arm: summarize(ACCURACY, list(enumerate(row))) for arm, row in rows}


def followed(study, table):
    """The declared effects of a table and the simple effects that it shows."""
    summaries = tabled(study, table)
    found = effects(study, ACCURACY, summaries=summaries)
    return found, simple_effects(study, ACCURACY, found, summaries)


def factors(k):
    return dict.fromkeys("abcde"[:k], ("off", "on"))


def test_simple_effects_of_two_by_two_by_hand(make):
    found = make.study().design.simple_contrasts
    assert {contrast.kind for contrast in found} == {"simple"}
    assert named(found) == {
        ("a", "on", "b", "off"): {("on", "off"): 1.0, ("off", "off"): -1.0},
        ("a", "on", "b", "on"): {("on", "on"): 1.0, ("off", "on"): -1.0},
        ("b", "on", "a", "off"): {("off", "on"): 1.0, ("off", "off"): -1.0},
        ("b", "on", "a", "on"): {("on", "on"): 1.0, ("on", "off"): -1.0},
    }


def test_simple_effects_of_a_cube_average_over_the_third_factor(make):
    found = named(make.study(factors=CUBE).design.simple_contrasts)
    assert len(found) == 3 * 2 * 2
    assert found["a", "on", "c", "on"] == {
        ("on", "off", "on"): 0.5, ("on", "on", "on"): 0.5,
        ("off", "off", "on"): -0.5, ("off", "on", "on"): -0.5,
    }  # fmt: skip
    assert found["c", "on", "b", "off"] == {
        ("off", "off", "on"): 0.5, ("on", "off", "on"): 0.5,
        ("off", "off", "off"): -0.5, ("on", "off", "off"): -0.5,
    }  # fmt: skip


def test_simple_effects_of_three_levels_by_hand(make):
    found = named(make.study(factors=WIDE).design.simple_contrasts)
    assert found == {
        ("width", "32", "drop", "no"): {("32", "no"): 1.0, ("16", "no"): -1.0},
        ("width", "32", "drop", "yes"): {("32", "yes"): 1.0, ("16", "yes"): -1.0},
        ("width", "64", "drop", "no"): {("64", "no"): 1.0, ("16", "no"): -1.0},
        ("width", "64", "drop", "yes"): {("64", "yes"): 1.0, ("16", "yes"): -1.0},
        ("drop", "yes", "width", "16"): {("16", "yes"): 1.0, ("16", "no"): -1.0},
        ("drop", "yes", "width", "32"): {("32", "yes"): 1.0, ("32", "no"): -1.0},
        ("drop", "yes", "width", "64"): {("64", "yes"): 1.0, ("64", "no"): -1.0},
    }


@pytest.mark.parametrize("design", ["one-factor-in", "one-factor-out", "arms"])
def test_only_crossed_factors_have_simple_effects_and_shares(make, design):
    study = make.study(design, factors=CUBE)
    assert study.design.simple_contrasts == study.design.attributions == ()


def test_a_simple_effect_is_the_paired_t_test_at_bonferronis_level(make):
    study = make.study(seeds=5)
    table = [[0.5], [0.5], [0.5], [0.9]] + 0.01 * np.random.default_rng(1).normal(size=(4, 5))
    _, found = followed(study, table)
    row = dict(zip(study.arms, table, strict=True))
    assert [effect.family_size for effect in found] == [4] * 4
    for effect in found:
        (arm, _), (other, _) = effect.weights
        known = stats.ttest_rel(row[arm], row[other])
        bounds = known.confidence_interval(1 - 0.05 / 4)
        assert effect.p == pytest.approx(known.pvalue)
        assert effect.p_adjusted == pytest.approx(min(1.0, 4 * known.pvalue))
        assert (effect.adjusted.low, effect.adjusted.high) == pytest.approx(tuple(bounds))
        assert effect.adjusted.level == pytest.approx(1 - 0.05 / 4)
        assert (effect.verdict == "improved") == (bounds[0] > 0)


def test_without_an_interaction_no_simple_effect_is_shown(make):
    means = np.array([[0.5], [0.6], [0.7], [0.8]])
    noise = [[0.01, -0.01, 0.0], [0.0, 0.01, -0.01], [-0.01, 0.0, 0.01], [0.01, 0.0, -0.01]]
    found, shown = followed(make.study(), means + noise)
    assert found[2].interval.low < 0 < found[2].interval.high
    assert shown == ()


def test_one_of_three_levels_may_have_a_simple_effect(make):
    # 64 with dropout is much better; 32 depends on nothing but noise that is the same at each level
    means = {"16": (0.5, 0.5), "32": (0.6, 0.6), "64": (0.6, 0.9)}
    rng, study = np.random.default_rng(3), make.study(factors=WIDE, seeds=4)
    table = [
        means[arm.level("width")][arm.level("drop") == "yes"] + 0.01 * rng.normal(size=4)
        for arm in study.arms
    ]
    _, found = followed(study, table)
    assert {(e.changes[0].level, e.given[0][1]) for e in found} == {
        ("64", "no"), ("64", "yes"), ("yes", "16"), ("yes", "64")
    }  # fmt: skip
    assert {effect.family_size for effect in found} == {7}


@settings(deadline=None, max_examples=25)  # shared machines stall
@given(st.integers(0, 10**6), st.sampled_from([CUBE, WIDE]))
def test_simple_effects_are_those_of_the_pairs_whose_own_interval_excludes_zero(
    make, seed, crossed
):
    study = make.study(factors=crossed)
    table = np.random.default_rng(seed).normal(size=(len(study.arms), 3))
    found, shown = followed(study, table)
    expected = set()
    for effect in found:
        if effect.kind == "interaction" and not effect.interval.low <= 0 <= effect.interval.high:
            one, other = effect.changes
            for moved, held in ((one, other), (other, one)):
                expected |= {(moved, held.factor, held.baseline), (moved, held.factor, held.level)}
    assert {(effect.changes[0], *effect.given[0]) for effect in shown} == expected
    assert len(shown) == len(expected)
    assert {effect.family_size for effect in shown} <= {len(study.design.simple_contrasts)}


@settings(deadline=None, max_examples=25)  # shared machines stall
@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_simple_effects_average_to_the_main_effect_and_differ_by_the_interaction(make, cells):
    study = make.study(factors=CUBE)
    cell = dict(zip(study.arms, cells, strict=True))

    def value(contrast):
        return sum(weight * cell[arm] for arm, weight in contrast.weights)

    declared = {tuple(c.factor for c in one.changes): value(one) for one in study.design.contrasts}
    simple = {(c.changes[0].factor, *c.given[0]): value(c) for c in study.design.simple_contrasts}
    for one, other in permutations("abc", 2):
        low, high = simple[one, other, "off"], simple[one, other, "on"]
        assert (low + high) / 2 == pytest.approx(declared[(one,)])
        assert high - low == pytest.approx(declared[tuple(sorted((one, other)))])


def by_all_orders(study, cell):
    """Each factor's gain when it is added, averaged over every order of adding the factors."""
    names = [factor.name for factor in study.factors]
    full = {f.name: next(lv.name for lv in f.levels if lv.name != study.baseline.level(f.name))
            for f in study.factors}  # fmt: skip
    gains = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        arm = study.baseline
        for factor in order:
            after = arm.replace(factor, full[factor])
            gains[factor] += (cell[after] - cell[arm]) / len(orders)
            arm = after
    return gains


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_shares_are_the_average_over_all_orders_of_adding(make, k):
    corner = make.study(factors=factors(k)).arms[k]  # any corner may be the one to start from
    study = make.study(factors=factors(k), baseline=dict(corner.levels))
    response = np.random.default_rng(k).normal(size=len(study.arms))
    cell = dict(zip(study.arms, response, strict=True))
    found = study.design.attributions
    assert {contrast.kind for contrast in found} == {"attribution"}
    shown = {c.changes[0].factor: sum(w * cell[arm] for arm, w in c.weights) for c in found}
    assert shown == pytest.approx(by_all_orders(study, cell))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_shares_add_up_to_the_whole_gain_at_each_seed(make, k):
    study = make.study(factors=factors(k), seeds=4)
    table = np.random.default_rng(k).normal(size=(2**k, 4))
    found = shares(study, ACCURACY, summaries=tabled(study, table))
    total = np.sum([[value for _, value in effect.per_seed] for effect in found], axis=0)
    assert total == pytest.approx(table[-1] - table[0])
    for effect in found:
        values = [value for _, value in effect.per_seed]
        assert effect.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
        assert (effect.family_size, effect.verdict, effect.adjusted) == (0, "inconclusive", None)


def test_a_seed_without_one_arm_has_no_shares(make):
    study = make.study()
    summaries = tabled(study, np.random.default_rng(0).normal(size=(4, 3)))
    summaries[study.arms[1]] = summarize(ACCURACY, [(0, 0.5), (2, 0.6)])
    for effect in shares(study, ACCURACY, summaries=summaries):
        assert [seed for seed, _ in effect.per_seed] == [0, 2]


def test_factors_of_three_levels_and_single_ones_have_no_shares(make):
    assert make.study(factors=WIDE).design.attributions == ()
    assert make.study(factors={"a": ("off", "on")}).design.attributions == ()


@pytest.mark.parametrize("k", [3, 4])
def test_three_way_interactions_agree_with_least_squares(make, k):
    # With levels coded -1/2 and +1/2 the coefficient of a product is the whole difference.
    study = make.study(factors=factors(k), interactions=3)
    found = study.design.contrasts
    names = "abcd"[:k]
    half = {arm: {f: 0.5 if level == "on" else -0.5 for f, level in arm.levels}
            for arm in study.arms}  # fmt: skip
    moved = [[change.factor for change in contrast.changes] for contrast in found]
    design = [[prod(half[arm][f] for f in group) for group in moved] for arm in study.arms]
    response = np.random.default_rng(k).normal(size=2**k)
    fit = sm.OLS(response, sm.add_constant(np.array(design))).fit()
    cell = dict(zip(study.arms, response, strict=True))
    shown = [sum(w * cell[arm] for arm, w in contrast.weights) for contrast in found]
    assert shown == pytest.approx(fit.params[1:])
    assert [len(group) for group in moved] == sorted(map(len, moved))
    assert len(moved) == {3: 7, 4: 14}[k]
    assert [g for g in moved if len(g) == 3] == [
        list(group) for group in product(names, repeat=3) if list(group) == sorted(set(group))
    ]


def test_interactions_have_up_to_as_many_changes_as_the_study_sets(make):
    def moved(n):
        contrasts = make.study(factors=CUBE, interactions=n).design.contrasts
        return [len(contrast.changes) for contrast in contrasts]

    sizes = {n: moved(n) for n in (1, 2, 3, 4)}
    assert sizes[1] == [1] * 3
    assert sizes[2] == [1] * 3 + [2] * 3
    assert sizes[3] == sizes[4] == [1] * 3 + [2] * 3 + [3]


def test_only_a_three_way_interaction_shows_no_simple_effect(make):
    study = make.study(factors=CUBE, seeds=4, interactions=3)
    sign = [prod(1 if level == "on" else -1 for _, level in arm.levels) for arm in study.arms]
    table = 0.2 * np.reshape(sign, (-1, 1)) + 0.01 * np.random.default_rng(2).normal(size=(8, 4))
    found, _ = followed(study, table)
    assert (found[-1].kind, found[-1].verdict) == ("interaction", "improved")
    assert len(found[-1].changes) == 3
    assert found[-1].estimate == pytest.approx(1.6, abs=0.1)
    assert simple_effects(study, ACCURACY, found[-1:], tabled(study, table)) == ()
