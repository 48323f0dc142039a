from __future__ import annotations

from itertools import count, product

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.inference import robustness as opinions
from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.robustness import nonparametric_results
from ablations.core.estimates import TESTS_FROM


def drawn(n, seed=0, *, shift=0.4, digits=12):
    return np.random.default_rng(seed).normal(shift, 1, size=n).round(digits).tolist()


def flipped(values, statistic):
    """The share of all sign flips whose statistic is as far from 0 as the one seen."""
    x = np.array(values)
    signs = np.array(list(product((-1, 1), repeat=len(x))))
    found = np.array([abs(statistic(x * own)) for own in signs])
    return np.mean(found >= abs(statistic(x)) - 1e-12)


def rank_sum(values):
    return np.sum(np.sign(values) * stats.rankdata(np.abs(values)))


@pytest.mark.parametrize("n", [6, 8])
@pytest.mark.parametrize("digits", [12, 0])
def test_sign_flip_is_the_share_of_all_flips(n, digits):
    # Rounded values tie, and some are 0.
    for seed in range(6):
        values = drawn(n, seed, digits=digits)
        expected = flipped(values, np.mean)
        assert nonparametric_results(values).sign_flip_p == pytest.approx(expected), values


@pytest.mark.parametrize("n", [6, 8])
def test_wilcoxon_is_the_share_of_all_flips_of_the_ranks(n):
    for seed in range(6):
        values = drawn(n, seed)
        assert nonparametric_results(values).wilcoxon_p == pytest.approx(flipped(values, rank_sum))


@pytest.mark.parametrize("n", [6, 9, 15, 25])
@pytest.mark.parametrize("digits", [12, 1])
def test_wilcoxon_is_that_of_scipy(n, digits):
    values = drawn(n, n, digits=digits)
    assert nonparametric_results(values).wilcoxon_p == pytest.approx(stats.wilcoxon(values).pvalue)


def test_unanimous_seeds_give_the_smallest_p():
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    for signed in (values, [-value for value in values]):
        found = nonparametric_results(signed)
        assert found.sign_flip_p == found.wilcoxon_p == pytest.approx(2 / 2**6)


def test_beyond_what_can_be_counted_flips_are_drawn_and_stay_the_same():
    values = drawn(16, 3)
    first, again = nonparametric_results(values), nonparametric_results(values)
    assert first == again
    error = np.sqrt(first.sign_flip_p / 10_000)
    assert first.sign_flip_p == pytest.approx(flipped(values, np.mean), abs=3.5 * error)


def test_too_few_seeds_or_no_spread_give_no_result():
    assert nonparametric_results(drawn(5)) is None
    assert nonparametric_results([]) is None
    assert nonparametric_results([0.1] * 8) is None
    assert nonparametric_results(drawn(6)) is not None


def test_of_very_many_seeds_nothing_is_drawn_and_p_is_nearly_the_same(monkeypatch):
    values = drawn(200, 1, shift=0.15)
    flips = nonparametric_results(values)
    monkeypatch.setattr(opinions, "_MOST", 199)
    found = nonparametric_results(values)
    assert flips.bca is not None
    assert found.bca is None
    assert found.wilcoxon_p == flips.wilcoxon_p
    assert found.sign_flip_p == pytest.approx(flips.sign_flip_p, abs=0.01)
    assert 0.001 < found.sign_flip_p < 0.9


@pytest.mark.parametrize("n", [20, 30])
def test_bootstrap_is_bca_of_scipy_with_the_same_generator(n):
    values = drawn(n, n)
    known = stats.bootstrap(
        (np.array(values),),
        np.mean,
        confidence_level=0.95,
        n_resamples=9_999,
        method="BCa",
        rng=np.random.default_rng(opinions._SEED),
    ).confidence_interval
    found = nonparametric_results(values).bca
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert (found.level, found.method) == (0.95, "BCa bootstrap over seeds")
    assert nonparametric_results(values).bca == found


def test_bootstrap_waits_for_twenty_seeds():
    assert nonparametric_results(drawn(19)).bca is None
    assert nonparametric_results(drawn(20)).bca is not None


def test_the_tests_wait_until_unanimous_seeds_could_reach_five_percent():
    assert next(n for n in count(1) if 2 / 2**n < 1 - LEVEL) == TESTS_FROM
    assert nonparametric_results(drawn(TESTS_FROM - 1)) is None
    assert nonparametric_results(drawn(TESTS_FROM)) is not None


def test_each_effect_has_its_robustness_checks(make):
    def response(arm, seed):
        return float(np.random.default_rng([seed, len(arm.name)]).normal())

    few, enough = (make.findings(make.study(seeds=n), response) for n in (5, 6))
    assert {effect.nonparametric for effect in few.effects} == {None}
    for effect in enough.effects:
        assert effect.nonparametric == nonparametric_results(
            [value for _, value in effect.per_seed]
        )


def test_ties_of_fractions_are_ties():
    a, b = np.array([181, 177, 170, 188, 184, 176]), np.array([177, 172, 175, 178, 189, 187])
    exact = nonparametric_results((a - b).tolist())
    rounded = nonparametric_results((a / 192 - b / 192).tolist())
    assert rounded.wilcoxon_p == exact.wilcoxon_p == 0.875
    assert rounded.sign_flip_p == exact.sign_flip_p


@pytest.mark.parametrize(
    "values",
    [[0.1, 0.2, -0.3, 0.1, 0.2, -0.3], [-1 / 192, 6 / 192, -1 / 192, 0, -5 / 192, 1 / 192]],
)
def test_a_sum_of_zero_is_reached_by_every_flip(values):
    assert nonparametric_results(values).sign_flip_p == 1.0
