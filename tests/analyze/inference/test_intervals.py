from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablations.analyze.inference.intervals import (
    estimate,
    mean_intervals,
    prediction_interval,
    summarize,
)
from ablations.analyze.inference.resolution import common_step
from ablations.core.metrics import MetricInfo, Step

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
VALUES = [0.81, 0.86, 0.79, 0.9]


def test_interval_and_p_are_those_of_scipy():
    one = estimate(VALUES)
    known = stats.ttest_1samp(VALUES, 0.0)
    interval = one.interval(level=0.9, method="t")
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(tuple(known.confidence_interval(0.9)))
    assert (interval.level, interval.method) == (0.9, "t")
    assert one.p() == pytest.approx(known.pvalue)


def test_summary_of_some_seeds():
    summary = summarize(ACCURACY, list(zip([3, 1, 2, 0], VALUES, strict=True)))
    assert summary.values == ((0, 0.9), (1, 0.86), (2, 0.79), (3, 0.81))
    assert summary.n == 4
    assert summary.mean == pytest.approx(0.84)
    assert summary.sd == pytest.approx(np.std(VALUES, ddof=1))
    assert summary.median == pytest.approx(0.835)
    assert (summary.minimum, summary.maximum) == (0.79, 0.9)
    assert summary.interval is not None
    assert (summary.interval.level, summary.interval.method) == (0.95, "Student t over seeds")


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.97, 1.0, 1.2, -0.1, -0.3]), max_size=9),
        max_size=9,
    ),
    st.sampled_from([ACCURACY, MetricInfo("loss", "number", "lower")]),
)
def test_means_of_many_groups_are_those_of_each(groups, metric):
    each = [summarize(metric, list(enumerate(group))) for group in groups]
    assert mean_intervals(metric, groups) == [(own.mean, own.interval) for own in each]


def test_one_seed_has_a_mean_but_no_spread():
    summary = summarize(ACCURACY, [(0, 0.5)])
    assert (summary.mean, summary.median, summary.minimum, summary.maximum) == (0.5,) * 4
    assert summary.sd is None
    assert summary.interval is None
    assert estimate([0.5]).p() is None


def test_no_seed_has_nothing():
    summary = summarize(ACCURACY, [])
    assert summary.n == 0
    assert {summary.mean, summary.sd, summary.median, summary.minimum, summary.maximum} == {None}
    assert summary.interval is None
    assert estimate([]).p() is None


def test_equal_values_have_no_spread_whatever_the_rounding():
    summary = summarize(ACCURACY, [(seed, 0.1) for seed in range(3)])
    assert (summary.mean, summary.sd) == (0.1, 0.0)
    assert summary.interval is not None
    assert (summary.interval.low, summary.interval.high) == (0.1, 0.1)


def test_without_spread_p_is_unknown():
    assert estimate([0.1, 0.1]).p() is None
    assert estimate([0.1, 0.1]).floored(None).interval(level=0.95, method="t") is None


def test_a_known_step_is_the_least_spread_and_a_guessed_one_replaces_none():
    known, guessed = Step(0.01, known=True), Step(0.01, known=False)
    assert (
        estimate([0.1, 0.1]).floored(known).sd == estimate([0.1, 0.1]).floored(guessed).sd == 0.01
    )
    near = estimate([0.1, 0.101])
    assert near.floored(known).sd == 0.01
    assert near.floored(guessed) == near.floored(None) == near
    assert estimate([0.1, 0.2]).floored(known) == estimate([0.1, 0.2])
    assert estimate([0.1]).floored(known).sd is None


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9), st.floats(0.5, 0.999))
def test_interval_excludes_zero_exactly_when_p_is_small(values, level):
    one = estimate(values)
    interval, p = one.interval(level=level, method="t"), one.p()
    assert interval is not None
    assert (p is None) == (one.sd == 0)
    if p is not None and abs(p - (1 - level)) > 1e-9:
        assert (interval.low > 0 or interval.high < 0) == (p < 1 - level)


def test_an_interval_of_shares_holds_nothing_that_no_share_can_be():
    high = summarize(MetricInfo("accuracy", "fraction", "higher"), [(0, 0.99), (1, 1.0), (2, 0.97)])
    assert high.interval is not None
    assert high.interval.high == 1.0
    assert high.interval.low < 0.97
    predicted = prediction_interval(high)
    assert predicted is not None
    assert predicted.high == 1.0
    low = summarize(MetricInfo("error_rate", "fraction", "lower"), [(0, 0.01), (1, 0.0)])
    assert low.interval is not None
    assert low.interval.low == 0.0


@pytest.mark.parametrize(
    ("name", "unit", "values"),
    [
        ("overfit_gap", "fraction", [0.01, 0.0]),  # a difference of two shares
        ("gain", "fraction", [0.01, -0.02]),  # no share: one is negative
        ("test_loss", "number", [0.01, 0.0]),
    ],
)
def test_other_intervals_reach_as_far_as_they_do(name, unit, values):
    found = summarize(MetricInfo(name, unit, "lower"), list(enumerate(values))).interval
    assert found is not None
    assert found.low < min(values)
    assert found.low < 0


def test_a_mean_of_differences_that_cancel_is_nothing():
    assert estimate([0.1, 0.2, -0.3]).mean == 0.0
    assert estimate([1e-12, 2e-12]).mean == pytest.approx(1.5e-12)


def test_shares_that_are_all_none_or_all_show_no_step():
    assert common_step(ACCURACY, [1.0, 1.0]) is None
    assert common_step(ACCURACY, [0.0, 1.0]) is None
    assert common_step(ACCURACY, [0.5, 1.0]) == Step(0.5, known=False)
    assert common_step(MetricInfo("errors", "count", "lower"), [3.0, 4.0]) == Step(1, known=False)
