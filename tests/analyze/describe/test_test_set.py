from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels

from ablations.analyze.analysis import analyze
from ablations.analyze.describe.test_set import (
    Answers,
    answers,
    churn,
    example_difference,
    example_noise,
    mcnemar,
)
from ablations.core.record import Metric, Predictions

Z = float(stats.norm.isf(0.025))
COUNTS = st.integers(0, 60)


def answered(seed, classes, labels, examples=""):
    classes, labels = np.asarray(classes), np.asarray(labels)
    return Answers(seed, labels, classes, classes == labels, examples)


def guessed(rng, labels, *, right=0.8, n_classes=3):
    """Classes that are the true ones that often."""
    wrong = (labels + rng.integers(1, n_classes, size=len(labels))) % n_classes
    return np.where(rng.random(len(labels)) < right, labels, wrong)


def several(seed, *, n=40, n_seeds=4, examples=("x",) * 4, right=0.8):
    """Some seeds' answers to the images of these digests, whose labels are the same in all arms."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(0)
    truth = {name: fixed.integers(0, 3, size=n) for name in sorted(set(examples))}
    return tuple(
        answered(i, guessed(rng, truth[name], right=right), truth[name], name)
        for i, name in enumerate(examples[:n_seeds])
    )


def wilson(accuracy, n):
    """Where |p - accuracy| = z sqrt(p (1 - p) / n), solved for p."""
    a, b, c = 1 + Z**2 / n, -(2 * accuracy + Z**2 / n), accuracy**2
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_wilsons_interval_solves_its_equation(right):
    found = example_noise([answered(0, np.array(right, dtype=int), np.ones(len(right)))])
    low, high = wilson(np.mean(right), len(right))
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-9)
    assert found.accuracy == pytest.approx(np.mean(right))
    assert (found.interval.level, found.n_examples) == (0.95, len(right))


def test_several_seeds_count_as_one_model_on_the_fewest_images():
    found = (*several(1, n=40, n_seeds=2), answered(2, [0] * 30, [0] * 20 + [1] * 10, "y"))
    accuracy = np.mean([one.correct.mean() for one in found])
    noise = example_noise(found)
    assert (noise.accuracy, noise.n_examples) == (pytest.approx(accuracy), 30)
    assert (noise.interval.low, noise.interval.high) == pytest.approx(wilson(accuracy, 30))


def test_no_answers_no_noise():
    assert example_noise([]) is None
    assert example_difference([], several(1)) is None


@given(COUNTS, COUNTS)
def test_mcnemar_of_single_images_is_the_exact_test_of_statsmodels(gained, lost):
    clusters = np.array([1.0] * gained + [0.0] * 7 + [-1.0] * lost)
    known = mcnemar_of_statsmodels([[5, gained], [lost, 2]], exact=True).pvalue
    assert mcnemar(clusters) == pytest.approx(min(1.0, known))


def test_mcnemar_p_is_one_where_nothing_differs():
    assert mcnemar(np.zeros(10)) == mcnemar(np.array([1.0, -1.0])) == 1.0


@given(st.integers(1, 60), COUNTS, st.integers(2, 5))
def test_the_test_of_clusters_is_mcnemars_where_all_seeds_of_an_image_agree(b, c, n_seeds):
    clusters = np.array([1.0] * b + [-1.0] * c) * n_seeds
    chi2 = (b - c) ** 2 / (b + c)
    assert mcnemar(clusters) == pytest.approx(float(stats.chi2.sf(chi2, df=1)))


def test_the_test_of_clusters_sums_over_images():
    # Durkalski: (2 - 1 + 1)^2 / (4 + 1 + 1) on one degree of freedom.
    assert mcnemar(np.array([2.0, -1.0, 1.0, 0.0])) == pytest.approx(stats.chi2.sf(4 / 6, df=1))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("examples", [("x",) * 4, ("x", "y", "x", "y"), ("x", "x", "x", "y")])
def test_churn_is_the_share_that_differs_over_all_pairs_with_equal_images(seed, examples):
    found = several(seed, examples=examples)
    pairs = [(a, b) for a, b in combinations(found, 2) if a.examples == b.examples]
    assert churn(found) == pytest.approx(
        np.mean([(a.classes != b.classes).mean() for a, b in pairs])
    )


def test_without_two_seeds_on_equal_images_churn_is_unknown():
    assert churn(several(1, n_seeds=1)) is None
    assert churn(several(1, examples=("x", "y", "z", "w"))) is None
    assert churn(several(1, examples=("",) * 4)) is None
    assert churn([]) is None


@pytest.mark.parametrize(
    ("examples", "shared"),
    [
        (("x", "x", "x"), True),
        (("x", "y", "x"), False),
        (("", "", ""), None),
        (("x", "", "x"), None),
    ],
)
def test_seeds_share_images_where_their_digests_are_equal(examples, shared):
    labels = [0, 1, 1, 2]
    found = [answered(i, labels, labels, name) for i, name in enumerate(examples)]
    assert example_noise(found).shared is shared


@pytest.mark.parametrize("examples", ["", "x"])
def test_other_labels_mean_other_images(examples):
    found = [answered(0, [0, 1], [0, 1], examples), answered(1, [0, 1], [1, 0], examples)]
    assert example_noise(found).shared is False


def test_difference_by_hand():
    labels = [0, 0, 1, 1, 1]
    reference = [
        answered(0, [0, 1, 0, 0, 1], labels, "x"),
        answered(1, [0, 0, 0, 0, 1], labels, "y"),
    ]
    arm = [answered(0, [0, 0, 1, 0, 0], labels, "x"), answered(1, [0, 0, 1, 0, 1], labels, "y")]
    found = example_difference(arm, reference)
    assert (found.gained, found.lost) == (3, 1)
    assert found.difference == pytest.approx(0.2)
    assert found.p == pytest.approx(stats.binomtest(3, 4).pvalue)
    assert (found.n_examples, found.n_seeds) == (10, 2)


def test_an_image_that_seeds_share_counts_once():
    shared, own, unknown = (
        example_difference(several(1, examples=names), several(2, examples=names))
        for names in (("x",) * 4, ("x", "y", "z", "w"), ("",) * 4)
    )
    assert [found.n_examples for found in (shared, own, unknown)] == [
        40,
        160,
        40,
    ]  # unknown ones may be shared
    assert {found.n_seeds for found in (shared, own, unknown)} == {4}


@pytest.mark.parametrize("names", [("x",) * 4, ("x", "y", "z", "w")])
def test_a_computed_bootstrap_is_what_draws_come_near(names):
    arm, reference = several(1, examples=names), several(2, examples=names)
    drawn = example_difference(arm, reference)
    computed = example_difference(arm, reference, exact=True)
    assert replace(computed, interval=None) == replace(drawn, interval=None)
    for end in ("low", "high"):
        # The sums move in steps of one answer; 9,999 draws miss a quantile by a few of them.
        near = pytest.approx(getattr(drawn.interval, end), abs=3 / 160)
        assert getattr(computed.interval, end) == near


def test_a_computed_bootstrap_has_the_quantiles_of_the_binomial_distribution():
    labels = [0] * 60
    gains = [answered(0, [0] * 60, labels, "x")]
    reference = [answered(0, [1] * 18 + [0] * 42, labels, "x")]
    found = example_difference(gains, reference, exact=True).interval
    assert (found.low, found.high) == tuple(stats.binom(60, 0.3).ppf([0.025, 0.975]) / 60)


def test_only_seeds_that_both_arms_have_on_equal_images_are_paired():
    arm, reference = several(1), several(2)
    assert example_difference(arm[:2], reference[1:]).n_seeds == 1
    assert example_difference(arm[:2], reference[2:]) is None
    others = [replace(one, examples="z") for one in reference]
    assert example_difference(arm, others) is None
    assert example_difference(arm, several(2, n=39)) is None
    assert example_difference(arm, [*others[:3], reference[3]]).n_seeds == 1


@pytest.mark.parametrize("examples", [("x",) * 4, ("x", "x", "y", "z"), ("",) * 4])
def test_interval_is_that_of_a_plain_bootstrap_of_images(examples):
    arm = several(1, n=120, examples=examples, right=0.9)
    reference = several(2, n=120, examples=examples, right=0.7)
    signs = [a.correct.astype(float) - b.correct for a, b in zip(arm, reference, strict=True)]
    names = examples  # unknown images of equal labels are taken to be shared
    sums = np.concatenate(
        [sum(s for s, own in zip(signs, names, strict=True) if own == name) for name in set(names)]
    )
    draws = np.random.default_rng(0).choice(sums, size=(9_999, len(sums))).sum(axis=1) / 480
    found = example_difference(arm, reference).interval
    # The 2.5% quantile of 9,999 normal draws errs by 0.027 of their standard deviation; two of them
    # differ by more than 0.15 in one of ten thousand.
    error = 0.15 * float(draws.std())
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(draws, [0.025, 0.975])), abs=error
    )
    assert found == example_difference(arm, reference).interval


@pytest.mark.parametrize("examples", [("x",) * 4, ("x", "y", "z", "w"), ("",) * 4])
def test_swapping_the_arms_turns_the_sign(examples):
    arm, reference = several(1, examples=examples, right=0.9), several(2, examples=examples)
    one, other = example_difference(arm, reference), example_difference(reference, arm)
    assert other.difference == pytest.approx(-one.difference)
    assert (other.gained, other.lost, other.p) == (one.lost, one.gained, one.p)
    width = one.interval.high - one.interval.low
    assert (other.interval.low, other.interval.high) == pytest.approx(
        (-one.interval.high, -one.interval.low), abs=0.05 * width
    )


def recorded(make, trial, classes, labels, *, reported=None, examples="x"):
    """A record whose likeliest classes are these."""
    said = np.eye(3, dtype=np.float32)[classes]
    accuracy = float(np.mean(np.equal(classes, labels))) if reported is None else reported
    record = make.record(trial, Metric("test_accuracy", accuracy, "fraction", "higher"))
    return replace(record, predictions=(Predictions("test", np.array(labels), said, examples),))


def test_answers_are_the_likeliest_classes(make):
    trial = make.planned(make.study())[0]
    (one,) = answers([recorded(make, trial, [0, 1, 2, 2], [0, 1, 1, 2])])
    assert (one.seed, one.classes.tolist(), one.correct.tolist()) == (
        0, [0, 1, 2, 2], [True, True, False, True]
    )  # fmt: skip
    assert one.examples.startswith("data-1 x ")
    (unknown,) = answers([recorded(make, trial, [0], [0], examples="")])
    assert unknown.examples == ""


def test_answers_that_do_not_give_the_reported_accuracy_are_none(make):
    trial = make.planned(make.study())[0]
    classes, labels = [0, 1, 2, 2], [0, 1, 1, 2]
    for reported in (0.5, 1.0, 0.6):
        assert answers([recorded(make, trial, classes, labels, reported=reported)]) == ()
    assert len(answers([recorded(make, trial, classes, labels, reported=0.75 + 1e-7)])) == 1


def test_records_without_answers_or_accuracy_have_none(make):
    trial = make.planned(make.study())[0]
    whole = recorded(make, trial, [0, 1], [0, 1])
    (said,) = whole.predictions
    assert answers([replace(whole, predictions=())]) == ()
    assert answers([replace(whole, metrics=())]) == ()
    assert answers([replace(whole, predictions=(replace(said, split="validation"),))]) == ()
    nothing = Predictions("test", np.zeros(0, np.int64), np.zeros((0, 3), np.float32))
    assert answers([replace(whole, predictions=(nothing,))]) == ()


def test_findings_have_the_noise_of_the_arms_with_predictions(make):
    study = make.study("one-factor-in", seeds=2)
    rng, labels = np.random.default_rng(3), np.random.default_rng(4).integers(0, 3, size=50)
    reference, other, silent = study.arms
    records = [
        recorded(
            make, trial, guessed(rng, labels), labels, reported=0.0 if trial.arm == silent else None
        )
        for trial in make.planned(study)
    ]
    findings = analyze(study, records, planned=make.planned(study))
    said = {arm: answers([r for r in records if r.arm == arm]) for arm in study.arms}
    assert findings.arm(reference).noise == example_noise(said[reference])
    assert findings.arm(reference).examples is None
    assert findings.arm(other).noise == example_noise(said[other])
    assert findings.arm(other).examples == example_difference(said[other], said[reference])
    assert findings.arm(other).noise.shared is True
    assert (findings.arm(silent).noise, findings.arm(silent).examples) == (None, None)


def test_images_of_other_labels_are_other_images_whatever_their_digest(make):
    trial = make.planned(make.study())[0]
    one, other = (
        answers([recorded(make, trial, classes, labels)])
        for classes, labels in (([0, 1, 1], [0, 1, 0]), ([0, 1], [0, 1]))
    )
    assert example_difference(one, other) is None
    assert churn((*one, *other)) is None
