"""Differences within seeds against ordinary least squares; changes against known truth."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from ablations.analyze.history.changes import (
    ALPHA,
    ENOUGH,
    LENGTHS,
    Series,
    find_changes,
    residual_sd,
)
from ablations.core.past import HORIZON


def history(rng, *, commits=60, seeds=5, sd=0.3):
    """Seeds differ far more than commits do."""
    return 10 * rng.standard_normal(seeds) + sd * rng.standard_normal((commits, seeds))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_difference_is_that_of_least_squares_with_a_level_for_each_seed(missing):
    rng = np.random.default_rng(1)
    values = history(rng, commits=9)
    values[rng.random(values.shape) < missing] = np.nan
    found = Series(values).differences(2, 6, 9)
    used = values[2:9]
    commit, seed = np.nonzero(~np.isnan(used))
    design = np.column_stack([commit >= 4, np.eye(5)[seed][:, np.unique(seed)]]).astype(float)
    fit = sm.OLS(used[commit, seed], design).fit()
    assert found.change == pytest.approx(fit.params[0])
    assert found.error == pytest.approx(fit.bse[0])
    assert (found.df, found.misfit) == (fit.df_resid, pytest.approx(fit.ssr))
    low, high = fit.conf_int(alpha=0.01)[0]
    interval = found.interval(0.01)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_seeds_that_no_two_commits_share_say_nothing_of_a_change():
    values = np.full((4, 8), np.nan)
    values[:2, :4], values[2:, 4:] = 1.0, 5.0
    assert np.isnan(Series(values).differences(0, 2, 4).change)
    assert find_changes(Series(values), margin=0.1, family=1) == ()
    assert find_changes(Series(np.full((4, 2), np.nan)), margin=0.1, family=1) == ()


def test_ties_have_the_least_spread_that_the_metric_can_have():
    values = np.repeat([[0.5], [0.5], [0.6]], 5, axis=1)
    assert len(find_changes(Series(values), margin=0.01, family=1)) == 1
    assert find_changes(Series(values, least_sd=0.1), margin=0.01, family=1) == ()


@pytest.mark.parametrize("place", [1, 7, 30, 59])
def test_a_step_is_found_at_its_place_and_by_its_size(place):
    rng = np.random.default_rng(place)
    values = history(rng, sd=0.2)
    values[place:] -= 4
    (change,) = find_changes(Series(values), margin=1.0, family=4)
    assert change.first == place
    assert change.earliest <= place <= change.latest
    assert change.found == place  # by the first commit that shows it
    assert change.interval.high < -1 < 0
    assert abs(change.change + 4) < 0.5


def test_what_came_before_a_commit_was_found_without_it():
    """So equal verdicts never alert twice, and none is taken back."""
    rng = np.random.default_rng(3)
    values = history(rng, commits=80)
    values[20:35] += 3
    values[60:] -= 2
    whole = find_changes(Series(values), margin=1.0, family=2)
    assert [change.first for change in whole] == [20, 35, 60]
    for end in range(1, 81):
        before = find_changes(Series(values[:end]), margin=1.0, family=2)
        assert before == tuple(change for change in whole if change.found < end)


def test_a_small_change_is_found_once_enough_commits_show_it():
    rng = np.random.default_rng(5)
    values = history(rng, sd=1.0)
    values[30:] -= 2
    (change,) = find_changes(Series(values), margin=1.0, family=1)
    assert 30 < change.found <= 40
    assert change.earliest <= 30 <= change.latest
    few = history(rng, commits=ENOUGH - 1, sd=1.0)  # only the newest commit is compared then
    few[4:] -= 2
    assert find_changes(Series(few), margin=1.0, family=1) == ()


def test_places_agree_with_a_published_search():
    ruptures = pytest.importorskip("ruptures", reason="the oracle is not installed")
    rng = np.random.default_rng(7)
    for _ in range(10):
        values = history(rng, commits=100)
        for place in (25, 50, 75):
            values[place:] += 2.5 * rng.choice([-1, 1])
        found = find_changes(Series(values), margin=1.0, family=1)
        centred = values - values.mean(axis=0)
        oracle = ruptures.Dynp(model="l2", jump=1, min_size=1).fit(centred).predict(n_bkps=3)
        assert [change.first for change in found] == oracle[:-1]


def test_the_level_holds_over_a_whole_history_of_many_series():
    """At no margin, where every alarm is a false one; seeds tied to their neighbours by chance."""
    rng, alarms, family = np.random.default_rng(9), 0, 4
    for _ in range(60):
        alarms += any(
            find_changes(Series(history(rng, commits=HORIZON)), margin=0.0, family=family)
            for _ in range(family)
        )
    assert alarms <= 8  # 60 histories at 5%: more than 8 has a chance of 1%
    assert ALPHA / (HORIZON * family * len(LENGTHS)) < 1e-5


def test_the_interval_of_the_place_covers_it():
    rng, hits, n = np.random.default_rng(11), 0, 0
    for _ in range(150):
        values = history(rng, sd=1.0)
        values[40:] -= 2.2
        if found := find_changes(Series(values), margin=1.0, family=1):
            hits += found[0].earliest <= 40 <= found[0].latest
            n += 1
    assert n > 120
    assert hits / n > 0.88  # 95%, less three standard errors


def test_the_spread_is_that_around_the_means_of_seeds():
    rng = np.random.default_rng(13)
    assert residual_sd(Series(history(rng, commits=200)), 0) == pytest.approx(0.3, rel=0.1)
    assert residual_sd(Series(history(rng, commits=1)), 0) is None
