from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from ablations import load_study
from ablations.analyze.analysis import analyze
from ablations.analyze.describe.test_set import Answers
from ablations.analyze.describe.variance import images_held_out, parts_of
from ablations.core.design import Arm
from ablations.core.record import Metric, Predictions
from ablations.session import Session
from ablations.text import images

A, B = (Arm((("a", level),)) for level in ("off", "on"))
ALONE = ((A, 1.0),)
STEP = ((A, -1.0), (B, 1.0))


def answered(table, *, digests, labels=None):
    """The answers of an arm: a row of right (1) and wrong (0) for each seed."""
    rows = [np.asarray(row, bool) for row in table]
    truth = [np.ones(len(row), np.int64) for row in rows] if labels is None else labels
    return tuple(
        Answers(seed, truth[seed], row.astype(np.int64), row, digests[seed])
        for seed, row in enumerate(rows)
    )


def drawn(rng, *, seeds, images, shared, spread=0.1):
    """Both arms' answers: an image is right where the arm, the seed, the image and noise say so."""
    shape = (1 if shared else seeds, images)
    image, seed = rng.normal(size=shape), spread * rng.normal(size=(2, seeds, 1))
    digests = ["all"] * seeds if shared else [str(s) for s in range(seeds)]
    return {
        arm: answered(
            0.5 + 0.3 * place + image + seed[place] + rng.normal(size=(seeds, images)) > 0,
            digests=digests,
        )
        for place, arm in enumerate((A, B))
    }


def committed(name):
    """The findings of a study whose records are in the repository."""
    session = Session(load_study(name), source=f"reports/posts/records/{name}.jsonl")
    return session.findings(session.records())


def test_the_images_of_a_seed_make_the_sampling_variance_of_their_mean():
    table = [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    parts = parts_of(ALONE, {A: answered(table, digests="abc")}, n=3)
    assert parts.total == pytest.approx(np.var([0.75, 0.25, 0.5], ddof=1))
    # p (1 - p) / (n - 1), the unbiased estimate of p (1 - p) / n, averaged over seeds
    assert parts.images == pytest.approx(np.mean([0.1875, 0.1875, 0.25]) / 3)
    assert (parts.n_seeds, parts.n_images, parts.shared, parts.whole) == (3, 4, False, None)
    assert parts.exceeds
    assert parts.share == 1.0


def test_a_difference_is_paired_within_each_image():
    """Two arms with the same answers but for one image leave just that image's variance."""
    rows = np.array([[1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 1]])
    changed = rows.copy()
    changed[0, 2] = 1
    found = {A: answered(rows, digests="ab"), B: answered(changed, digests="ab")}
    parts = parts_of(STEP, found, n=2)
    assert parts.images == pytest.approx(np.var([0, 0, 1, 0, 0, 0], ddof=1) / 6 / 2)
    assert parts.total == pytest.approx((1 / 6) ** 2 / 2)


def test_shared_images_are_a_two_way_layout_as_in_statsmodels():
    found = drawn(np.random.default_rng(1), seeds=4, images=30, shared=True)
    parts = parts_of(ALONE, found, n=4)
    table = np.array([one.correct * 1.0 for one in found[A]])
    frame = pd.DataFrame(
        [(s, i, table[s, i]) for s in range(4) for i in range(30)], columns=["seed", "image", "y"]
    )
    squares = anova_lm(ols("y ~ C(seed) + C(image)", frame).fit())["mean_sq"]
    seed, image, rest = squares["C(seed)"], squares["C(image)"], squares["Residual"]
    assert parts.shared
    assert parts.total == pytest.approx(seed / 30)
    assert parts.images == pytest.approx(rest / 30)
    assert parts.common == pytest.approx(max(0.0, (image - rest) / 4 / 30))
    spread = (seed + image - rest) / 120
    df = spread**2 / sum(
        (square / 120) ** 2 / d for square, d in ((seed, 3), (image, 29), (rest, 87))
    )
    half = stats.t.isf(0.025, max(3, df)) * np.sqrt(spread)
    half = max(half, stats.t.isf(0.025, 3) * np.sqrt(seed / 120))
    assert (parts.whole.low, parts.whole.high) == pytest.approx(
        (table.mean() - half, table.mean() + half)
    )


def test_the_interval_of_the_share_is_that_of_a_variance():
    parts = parts_of(STEP, drawn(np.random.default_rng(2), seeds=5, images=90, shared=False), n=5)
    low, high = (parts.images / parts.total * stats.chi2.isf(t, 4) / 4 for t in (0.975, 0.025))
    assert (parts.bounds.low, parts.bounds.high) == pytest.approx((min(1, low), min(1, high)))


def test_what_is_promised_for_more_images_is_kept():
    """The variance over seeds with four times the images, on average over studies."""
    rng = np.random.default_rng(3)
    for shared in (False, True):
        few = [drawn(rng, seeds=30, images=60, shared=shared, spread=0.25) for _ in range(60)]
        many = [drawn(rng, seeds=30, images=240, shared=shared, spread=0.25) for _ in range(60)]
        before = [parts_of(STEP, one, n=30) for one in few]
        after = [parts_of(STEP, one, n=30).total for one in many]
        promised = [parts.total * parts.of(240) for parts in before]
        assert np.mean(promised) == pytest.approx(np.mean(after), rel=0.1)
        assert np.mean(after) < 0.85 * np.mean([parts.total for parts in before])


def test_intervals_cover_what_they_are_for():
    """For the share and, with shared images, for other images: 1,000 studies would give 95%."""
    rng, n = np.random.default_rng(4), 300
    mean = np.mean([_mean(drawn(rng, seeds=50, images=500, shared=False)) for _ in range(40)])
    found = [drawn(rng, seeds=5, images=100, shared=True) for _ in range(n)]
    wholes = [parts_of(STEP, one, n=5).whole for one in found]
    assert 0.91 < np.mean([one.low <= mean <= one.high for one in wholes]) < 0.985
    own = [drawn(rng, seeds=5, images=100, shared=False) for _ in range(n)]
    parts = [parts_of(STEP, one, n=5) for one in own]
    share = np.mean([one.images for one in parts]) / np.mean([one.total for one in parts])
    assert 0.91 < np.mean([one.bounds.low <= share <= one.bounds.high for one in parts]) < 0.985


def _mean(found):
    return np.mean([one.correct.mean() for one in found[B]]) - np.mean(
        [one.correct.mean() for one in found[A]]
    )


def test_unknown_images_and_answers_give_no_parts():
    found = drawn(np.random.default_rng(5), seeds=3, images=20, shared=False)
    other = {A: found[A], B: tuple(replace(one, examples="other") for one in found[B])}
    assert parts_of(STEP, found, n=3) is not None
    assert parts_of(STEP, other, n=3) is None  # the arms have other images within a seed
    assert parts_of(STEP, {A: found[A]}, n=3) is None
    assert parts_of(STEP, found, n=4) is None  # a seed without answers
    assert parts_of(ALONE, {A: found[A][:1]}, n=1) is None
    nameless = {A: tuple(replace(one, examples="") for one in found[A])}
    assert parts_of(ALONE, nameless, n=3) is None  # equal labels: the same images, or not
    mixed = {A: (found[A][0], replace(found[A][1], examples="0"), found[A][2])}
    assert parts_of(ALONE, mixed, n=3) is None
    same = {A: answered(np.ones((3, 4)), digests="abc")}
    assert parts_of(ALONE, same, n=3) is None  # neither an image nor a seed makes a difference


def test_seeds_of_equal_accuracy_leave_all_to_the_images():
    found = {A: answered([[1, 0], [0, 1], [1, 0]], digests="abc")}
    parts = parts_of(ALONE, found, n=3)
    assert (parts.total, parts.share, parts.bounds.low, parts.exceeds) == (0.0, 1.0, 1.0, True)


@pytest.mark.parametrize("name", ["post-a-clean", "post-c-clean", "post-a"])
def test_the_parts_of_committed_studies_add_up_to_the_spreads_that_are_shown(name):
    findings = committed(name)
    found, metric = findings.variances, findings.metric.name
    sums = [np.var([v for _, v in effect.per_seed], ddof=1) for effect in findings.effects]
    assert found.over_effects.total == pytest.approx(sum(sums))
    spreads = [arm.summaries[metric].sd ** 2 for arm in findings.arms]
    assert found.over_arms.total == pytest.approx(sum(spreads))
    accuracies = [arm.noise.accuracy for arm in findings.arms]
    # of independent images, on average p (1 - p) / n; seeds that share them have less of it
    most = sum(p * (1 - p) for p in accuracies) / found.over_arms.n_images
    assert 0 < found.over_arms.images < 1.05 * most
    assert 0 < found.over_effects.bounds.low < found.over_effects.share


def test_test_images_that_are_validation_images_too_are_not_more_images():
    assert committed("post-a").variances.held_out is None


def test_more_images_are_those_held_out_or_new_ones():
    """Post b's clean study tests on all 1,000, so that twice as many would have to be found."""
    findings = committed("post-b-clean")
    assert findings.variances.held_out == 1000
    assert images.sizes(findings) == [2000]
    assert "All that is held out from training is tested on" in images.advice(findings)
    (one,) = findings.plans[0].more_images
    assert (one.n_images, one.all_held_out) == (2000, False)
    assert all(
        fewer <= now
        for fewer, now in zip(one.seeds, findings.plans[0].no_effect.seeds, strict=True)
    )
    assert "they must be new ones" in images.advice(committed("post-a-clean"))


def test_held_out_images_are_those_of_test_and_validation(make):
    trial = make.planned(make.study())[0]

    def record(*parts, seen=0.0):
        metric = Metric("test_in_any_validation", seen, "fraction")
        predictions = tuple(
            Predictions(split, np.arange(n), np.zeros((n, 2), np.float32), digest)
            for split, n, digest in parts
        )
        return replace(make.record(trial, metric), predictions=predictions)

    both = record(("test", 20, "x"), ("validation", 30, "y"))
    assert images_held_out([both, both]) == 50
    assert images_held_out([both, record(("test", 20, "x"))]) is None
    assert images_held_out([record(("test", 20, "x"), ("validation", 20, "x"))]) is None
    assert images_held_out([record(("test", 20, "x"), ("validation", 20, "x"), seen=1.0)]) == 20
    assert images_held_out([record(("test", 20, "x"), seen=1.0)]) == 20
    assert images_held_out([record(("test", 20, "x"), seen=0.8)]) is None
    assert images_held_out([record(("test", 20, "x"), ("validation", 30, "y"), seen=0.1)]) is None
    assert images_held_out([]) is None


def test_another_metric_has_no_parts(make):
    study = make.study(seeds=2)
    assert make.findings(study, lambda arm, seed: seed / 10).variances is None
    assert analyze(study, [], planned=make.planned(study)).variances is None
