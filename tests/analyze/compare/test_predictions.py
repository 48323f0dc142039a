from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ablations import load_study
from ablations.analyze.compare.predictions import is_inside, seed_groups
from ablations.analyze.describe.networks import share_of, without
from ablations.analyze.inference.gaps import with_gaps
from ablations.analyze.inference.intervals import prediction_interval, summarize
from ablations.core.estimates import Training
from ablations.core.metrics import MetricInfo
from ablations.session import Session

ACCURACY = MetricInfo("accuracy", "fraction", "higher")
TIME = MetricInfo("fit_seconds", "seconds", "lower")
HIGH = (0.70, 0.72, 0.71, 0.73)


def arm(make, values, lost=()):
    """An arm with these seeds, some of whose networks did not train."""
    study = make.study("one-factor-in", seeds=len(values))
    found = make.findings(study, lambda _, seed: values[seed]).arms[0]
    n = len(values)
    own = Training(lost, n, share_of(len(lost), n), without(found.summaries, lost))
    return replace(found, training=own, gaps=())


def summary(values, metric=ACCURACY):
    return summarize(metric, list(enumerate(values)))


def test_networks_that_did_not_train_have_an_interval_of_their_own(make):
    values = (0.50, *HIGH, 0.51)
    dead, alive = seed_groups(arm(make, values, lost=(0, 5)), summary(values))
    assert (dead.kind, dead.n, alive.kind, alive.n) == ("untrained", 2, "trained", 4)
    assert dead.prediction == prediction_interval(summarize(ACCURACY, [(0, 0.50), (5, 0.51)]))
    assert alive.prediction == prediction_interval(summarize(ACCURACY, list(enumerate(HIGH, 1))))
    assert (dead.share, alive.share) == (share_of(2, 6), share_of(4, 6))
    assert is_inside(0.505, (dead, alive)) is True
    assert is_inside(0.715, (dead, alive)) is True
    assert is_inside(0.95, (dead, alive)) is False


@pytest.mark.parametrize("values", [(0.50, *HIGH)])
def test_one_seed_of_a_kind_leaves_it_unknown(make, values):
    groups = seed_groups(arm(make, values, lost=(0,)), summary(values))
    assert groups[0].prediction is None
    assert is_inside(0.715, groups) is True
    assert is_inside(0.50, groups) is None


def test_a_kind_that_no_seed_is_of_is_unknown(make):
    values = (0.50, 0.51, 0.49)
    dead, alive = seed_groups(arm(make, values, lost=(0, 1, 2)), summary(values))
    assert (dead.n, alive.n, alive.prediction) == (3, 0, None)
    assert is_inside(0.64, (dead, alive)) is None


def test_seeds_of_one_kind_have_no_groups(make):
    found = arm(make, HIGH)
    assert seed_groups(found, summary(HIGH)) == ()
    lost = arm(make, HIGH, lost=(0,))
    assert seed_groups(lost, summary(HIGH, TIME)) == ()  # training takes as long either way
    assert seed_groups(lost, summarize(ACCURACY, ())) == ()


def test_the_sides_of_a_gap_are_groups(make):
    values = (0.500, 0.502, 0.501, 0.703, 0.700, 0.702, 0.701)
    (found,) = with_gaps([arm(make, values)], ["accuracy"])
    assert found.gaps
    low, high = seed_groups(found, summary(values))
    assert (low.kind, low.n, high.kind, high.n) == ("low", 3, "high", 4)
    assert is_inside(0.6, (low, high)) is False


def test_one_more_run_lies_in_either_interval_at_least_as_often_as_promised(make):
    """Six of ten seeds train; the next run is of either kind."""
    rng, lost = np.random.default_rng(1), (0, 1, 2, 3)
    inside, n = 0, 400
    bare = arm(make, (0.5,) * 4 + (0.7,) * 6, lost=lost)
    for _ in range(n):
        values = np.where(np.arange(10) < 4, 0.5, 0.7) + 0.02 * rng.normal(size=10)
        new = (0.5 if rng.random() < 0.4 else 0.7) + 0.02 * rng.normal()
        inside += bool(is_inside(new, seed_groups(bare, summary(values.tolist()))))
    assert inside / n > 0.93


def test_only_models_with_untrained_networks_or_gaps_have_groups_in_post_b():
    session = Session(load_study("post-b"), source="reports/posts/records/post-b.jsonl")
    findings = session.findings(session.records())
    arms = {arm.arm: arm for arm in findings.arms}
    lost = [found for found in findings.reproductions if arms[found.arm].untrained]
    assert lost
    for found in lost:
        for compared in found.comparisons:
            dead, alive = compared.groups
            assert (dead.kind, alive.kind) == ("untrained", "trained")
            assert (dead.n, dead.n + alive.n) == (len(arms[found.arm].untrained), compared.ours.n)
            assert compared.inside is is_inside(compared.published, compared.groups)
    for found in findings.reproductions:
        if not arms[found.arm].untrained and not arms[found.arm].gaps:
            assert not any(compared.groups for compared in found.comparisons)
