"""The gate against itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.selftest import self_test, with_self_test
from ablations.core.metrics import MetricInfo

ACCURACY = MetricInfo("accuracy", "fraction", "higher")


def summaries(rng, arms=4, seeds=6, sd=0.01):
    return [
        summarize(ACCURACY, list(enumerate(rng.normal(0.9, sd, seeds).tolist())))
        for _ in range(arms)
    ]


def test_the_gate_held_against_itself_seldom_cries(make):
    rng = np.random.default_rng(0)
    rates = [self_test(ACCURACY, summaries(rng), margin=0.0).false_alarms for _ in range(60)]
    assert np.mean(rates) <= 0.05 + 3.5 * np.std(rates) / math.sqrt(len(rates))


def test_a_planted_loss_is_found_the_surer_the_larger_it_is():
    found = self_test(ACCURACY, summaries(np.random.default_rng(0), seeds=12), margin=0.02)
    assert found.planted == (0.04, 0.08)
    assert found.found[0] <= found.found[1]
    assert found.found[1] > 0.9
    assert found.interval.low <= found.false_alarms <= found.interval.high
    lower = replace(ACCURACY, better="lower")
    flipped = [
        replace(s, values=tuple((k, -v) for k, v in s.values))
        for s in summaries(np.random.default_rng(0), seeds=12)
    ]
    assert self_test(lower, flipped, margin=0.02).found == found.found


def test_halves_need_two_seeds_each():
    assert self_test(ACCURACY, summaries(np.random.default_rng(0), seeds=3), margin=0.0) is None


def test_a_seed_is_halved_alike_in_all_arms():
    rng = np.random.default_rng(3)
    moved = rng.normal(0, 0.02, 10)
    alike = [
        summarize(ACCURACY, list(enumerate((0.9 + moved + rng.normal(0, 1e-4, 10)).tolist())))
        for _ in range(8)
    ]
    found = self_test(ACCURACY, alike, margin=0.0)
    assert found.false_alarms < 0.02


def test_halves_without_spread_raise_no_alarm():
    coarse = [summarize(ACCURACY, list(enumerate([0.1, 0.1, 0.1, 0.7, 0.7, 0.7])))]
    assert self_test(ACCURACY, coarse, margin=0.0).false_alarms == 0.0
    assert (
        self_test(ACCURACY, [summarize(ACCURACY, [(s, 0.5) for s in range(6)])], margin=0.0) is None
    )


def test_findings_get_a_self_test_where_it_is_asked_for(make):
    study = make.study("arms", factors={"a": ("off", "on")}, seeds=6, margin=0.02)
    rng = np.random.default_rng(0)
    findings = make.findings(study, lambda arm, seed: rng.normal(0.9, 0.01))
    assert findings.self_test is None
    tested = with_self_test(findings)
    summaries = [arm.summaries["accuracy"] for arm in findings.arms]
    assert tested.self_test == self_test(findings.metric, summaries, margin=0.02)
    assert tested.self_test is not None
    assert replace(tested, self_test=None) == findings
    assert with_self_test(tested) == tested
