"""Time to a target accuracy, which some runs never reach."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from ablations.analyze.describe.time_to_target import log_rank, target_time


def spans(seconds, reached):
    return np.array(seconds, dtype=float), np.array(reached)


def test_runs_that_never_arrive_are_not_left_out():
    some = target_time(spans([10, 20, 90, 90, 90], [1, 1, 0, 0, 0]), None)
    assert (some.n, some.reached, some.median, some.p) == (5, 2, None, None)
    most = target_time(spans([10, 20, 30, 40, 90], [1, 1, 1, 1, 0]), None)
    assert most.median == 30
    none = target_time(spans([90, 90], [0, 0]), None)
    assert (none.reached, none.median, none.low, none.high) == (0, None, None, None)
    assert target_time(spans([], []), None) is None


def test_medians_agree_with_an_independent_kaplan_meier():
    rng = np.random.default_rng(1)
    for _ in range(30):
        seconds, reached = rng.exponential(10, 12), (rng.random(12) < 0.8).astype(int)
        order = np.argsort(seconds)
        alive, left = 1.0, 12
        median = None
        for i in order:
            alive *= 1 - reached[i] / left
            left -= 1
            if alive <= 0.5 + 1e-12 and median is None and reached[i]:
                median = seconds[i]
        found = target_time(spans(seconds, reached), None)
        assert found.median == pytest.approx(median) if median else found.median is None
        assert SurvfuncRight(seconds, reached).surv_prob[-1] == pytest.approx(alive, abs=1e-12)


def test_log_rank_agrees_with_scipy():
    rng = np.random.default_rng(2)
    for _ in range(10):
        one = spans(rng.exponential(10, 8), (rng.random(8) < 0.8).astype(int))
        other = spans(rng.exponential(20, 9), (rng.random(9) < 0.8).astype(int))
        censored = [
            stats.CensoredData(uncensored=s[r == 1], right=s[r == 0]) for s, r in (one, other)
        ]
        assert log_rank(one, other) == pytest.approx(stats.logrank(*censored).pvalue, abs=1e-9)
    assert log_rank(spans([5.0], [0]), spans([6.0], [0])) is None


def test_log_rank_of_runs_that_all_arrive_at_one_moment_is_unknown():
    assert log_rank(spans([5.0, 5.0], [1, 1]), spans([5.0, 5.0], [1, 1])) is None


def test_few_arrivals_have_a_median_and_no_interval():
    two = target_time(spans([1, 2], [1, 1]), None)
    assert (two.median, two.low, two.high) == (1, None, None)
    assert target_time(spans([1, 2, 3, 4], [1, 1, 0, 0]), None).median == 2


def test_arms_of_fewer_than_ten_runs_have_no_interval_and_are_not_compared():
    few, enough = (spans(range(1, n + 1), [1] * n) for n in (9, 10))
    assert target_time(few, few) == target_time(few, None)
    assert target_time(few, enough).p is target_time(enough, few).p is None
    found = target_time(enough, enough)
    assert found.p == log_rank(enough, enough) == pytest.approx(1.0)
    assert (found.low is None, target_time(few, None).low) == (False, None)
