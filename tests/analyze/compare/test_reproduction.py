from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.analysis import analyze
from ablations.analyze.derived import measured
from ablations.analyze.inference.intervals import prediction_interval, summarize
from ablations.analyze.inference.power import equivalence_power
from ablations.core.design import Adaptive
from ablations.core.findings import Unlike
from ablations.core.metrics import MetricInfo
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.study import Claim, PublishedRun
from ablations.plan import load_study, plan_trials
from ablations.plan.designs import Wanted, lay_out

ACCURACY = MetricInfo("val_accuracy", "fraction", "higher")


def test_a_prediction_interval_is_as_wide_as_a_new_run_needs():
    values = [0.60, 0.62, 0.67]
    interval = prediction_interval(summarize(ACCURACY, list(enumerate(values))))
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(1 + 1 / 3)
    assert (interval.low, interval.high) == pytest.approx((0.63 - half, 0.63 + half))
    assert prediction_interval(summarize(ACCURACY, [(0, 0.6)])) is None


def test_a_prediction_interval_covers_the_next_run_as_often_as_its_level():
    rng = np.random.default_rng(0)
    runs = rng.normal(0.6, 0.02, (4000, 4))
    hits = 0
    for *seen, new in runs.tolist():
        interval = prediction_interval(summarize(ACCURACY, list(enumerate(seen))))
        hits += interval.low <= new <= interval.high
    assert hits / len(runs) == pytest.approx(0.95, abs=0.012)


def record(trial, epochs):
    metrics = (
        Metric("val_accuracy", epochs[-1], "fraction", "higher"),
        Metric("best_val_accuracy", max(epochs), "fraction", "higher"),
        Metric("test_accuracy", epochs[-1], "fraction", "higher"),
    )
    return RunRecord(
        key=trial.key,
        study=trial.study,
        entry=trial.entry,
        arm=trial.arm,
        seed=trial.seed,
        settings=trial.settings,
        data=trial.data,
        status="completed",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        metrics=metrics,
        epochs=tuple({"accuracy": 1.0, "val_accuracy": value} for value in epochs),
        steps=(np.array([0.5, 0.5]), np.array([0.1, 0.3])),
    )


def found(seeds, overrides=()):
    study = load_study("post-a", seeds=seeds, overrides=overrides)
    planned = plan_trials(study)
    records = [record(t, [0.5, 0.60 + 0.01 * t.seed, 0.58 + 0.01 * t.seed]) for t in planned]
    return analyze(study, records, planned=planned)


def test_published_runs_are_compared_with_ours():
    first = found(seeds=3).reproductions[0]
    assert first.published.source == "000_c3b9b93e19210ce7.txt"
    assert first.arm.name == "model=model1"
    assert first.published_range == (0.5495, 0.6188)
    assert first.our_range == (0.5, 0.62)
    best, last = first.comparisons
    assert (best.metric.name, best.published) == ("best_val_accuracy", 0.6188)
    assert (last.published, last.ours.mean) == (0.604, pytest.approx(0.59))
    assert last.inside is True
    assert first.published_step_seconds == pytest.approx(0.074)
    assert first.our_step_seconds == pytest.approx(0.2)
    fourth = found(seeds=3).reproductions[3]
    assert fourth.outside
    assert [c.metric.name for c in fourth.comparisons][-1] == "test_accuracy"
    assert fourth.comparisons[-1].published == 0.9792


def test_one_seed_gives_neither_inside_nor_outside():
    reproduction = found(seeds=1).reproductions[3]
    assert {comparison.inside for comparison in reproduction.comparisons} == {None}
    assert not reproduction.outside


def only_from_scratch(arm):
    """A response in which a pretrained base brings its own preprocessing."""
    levels = dict(arm.levels)
    scratch = levels["initialization"] == "scratch"
    gain = 0.05 * (levels["augmentation"] == "on") if scratch else 0.3
    return 0.5 + gain + 0.064 * (scratch and levels["preprocessing"] == "on")


def clean(*, seeds=3, overrides=(), analyze=analyze, **changes):
    study = replace(load_study("post-a-clean", seeds=seeds, overrides=overrides), **changes)
    planned = plan_trials(study)
    noise = {0: -0.001, 1: 0.0, 2: 0.0013}
    records = [
        record(
            t,
            [
                only_from_scratch(t.arm)
                + noise[t.seed] * (1 + t.arm.matches({"preprocessing": "on"}))
            ]
            * 3,
        )
        for t in planned
    ]
    return analyze(study, records, planned=planned)


def test_a_claim_is_compared_with_the_effect_in_the_same_cells():
    survivals = clean().reproduced_claims
    found = {s.claim.factor: s.effect.estimate for s in survivals}
    # On average over initialization preprocessing would seem to do half, and transfer more.
    assert found == pytest.approx(
        {"augmentation": 0.05, "preprocessing": 0.064, "initialization": 0.186}, abs=2e-3
    )
    preprocessing = survivals[1].effect
    assert [(arm.name, weight) for arm, weight in preprocessing.weights] == [
        ("augmentation=on, preprocessing=on, initialization=scratch", 1.0),
        ("augmentation=on, preprocessing=off, initialization=scratch", -1.0),
    ]
    assert preprocessing.family_size == 3
    assert preprocessing.verdict == "improved"
    assert all(s.plan.effect is s.effect for s in survivals)
    assert survivals[1].plan.no_effect.seeds == (None, None)  # decided


def test_an_undecided_claim_says_how_many_seeds_would_decide_it():
    augmentation, *_ = clean(smallest_effect_that_matters=0.05).reproduced_claims
    assert augmentation.effect.verdict == "inconclusive"
    level = 0.05 / 3  # adjusted for all three claims
    for power, n in zip(augmentation.plan.powers, augmentation.plan.no_effect.seeds, strict=True):
        ratio = 0.05 / augmentation.effect.sd
        assert equivalence_power(ratio, n, alpha=level) >= power
        assert n == 2 or equivalence_power(ratio, n - 1, alpha=level) < power
    adaptive = Adaptive(at_least=2, at_most=3)
    assert [s.plan for s in clean(adaptive=adaptive).reproduced_claims] == [None] * 3


def test_a_claim_has_a_verdict_only_with_and_without_networks_that_did_not_train():
    def lost(study, records, *, planned):
        flat = Predictions("test", np.array([0, 1]), np.full((2, 2), 0.5, dtype=np.float32))
        guessed = (Metric("test_accuracy", 0.2, "fraction", "higher"),)
        made = [
            replace(r, predictions=(flat,), metrics=guessed)
            if r.seed == 0 and r.arm == study.baseline
            else r
            for r in records
        ]
        return analyze(study, made, planned=planned)

    augmentation, *others = clean(analyze=lost).reproduced_claims
    assert augmentation.effect.trained.n == 2
    assert (augmentation.effect.verdict, augmentation.effect.trained.verdict) == (
        "inconclusive", "improved"
    )  # fmt: skip
    assert [s.effect.trained for s in others] == [None, None]


def test_a_study_without_the_cells_of_a_claim_gives_no_verdict():
    study = load_study("post-a-clean", seeds=3)
    lacking = tuple(
        arm
        for arm in study.arms
        if arm.levels[:2] != (("augmentation", "on"), ("preprocessing", "on"))
    )
    listed = [dict(arm.levels) for arm in lacking]
    design = lay_out(Wanted("arms", study.factors, dict(study.baseline.levels), arms=listed))
    without = clean(design=design)
    assert [s.effect is None for s in without.reproduced_claims] == [False, True, True]
    assert all(not s.unlike for s in without.reproduced_claims)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("epochs=2", Unlike("epochs", 20, 2)),
        ("image_size=96", Unlike("image_size", 160, 96)),
        ("batch_size=8", Unlike("batch_size", 32, 8)),
        ("train_size=100", Unlike("train_size", None, 100)),
    ],
)
def test_a_study_of_other_settings_is_not_compared_and_names_them(override, expected):
    survivals = clean(overrides=(override,)).reproduced_claims
    assert [(s.effect, s.unlike) for s in survivals] == [(None, (expected,))] * 3
    reproductions = found(seeds=3, overrides=(override,)).reproductions
    assert all(r.unlike == (expected,) and not r.outside for r in reproductions)
    assert {c.inside for r in reproductions for c in r.comparisons} == {None}


def test_other_layers_are_not_compared_with_a_published_run():
    study = load_study("post-a", seeds=3)
    planned = plan_trials(study)
    records = [record(t, [0.5, 0.60 + 0.01 * t.seed, 0.58]) for t in planned]
    levels = (replace(lv, settings={**lv.settings, "layers": ["flatten", "dense:2"]})
              if lv.name == "model2" else lv for lv in study.factors[0].levels)  # fmt: skip
    changed = replace(study, factors=(replace(study.factors[0], levels=tuple(levels)),))
    first, second, *_ = analyze(changed, records, planned=planned).reproductions
    assert first.unlike == ()
    assert [one.name for one in second.unlike] == ["layers"]


def test_a_run_without_known_settings_is_compared_by_its_epochs():
    study = load_study("post-a", seeds=3)
    bare = replace(study, published=tuple(replace(run, settings={}) for run in study.published))
    planned = plan_trials(study)
    short = [record(t, [0.5, 0.6 + 0.01 * t.seed]) for t in planned]
    assert analyze(bare, short, planned=planned).reproductions[0].unlike == (
        Unlike("epochs", 20, 2),
    )
    whole = [record(t, [0.5, 0.6 + 0.01 * t.seed] * 10) for t in planned]
    assert analyze(bare, whole, planned=planned).reproductions[0].unlike == ()


def test_a_claim_is_the_published_difference_of_the_last_epochs():
    survivals = clean().reproduced_claims
    assert [s.claim.factor for s in survivals] == [
        "augmentation",
        "preprocessing",
        "initialization",
    ]
    model1, model2 = (run.epochs["val_accuracy"] for run in load_study("post-a").published[:2])
    assert survivals[0].published == pytest.approx(np.mean(model2[-10:]) - np.mean(model1[-10:]))


def test_a_claim_that_the_study_has_no_effect_for_is_left_out():
    study = load_study("post-a", seeds=1)
    run = PublishedRun("x", {}, {"val_accuracy": (0.5,)})
    claimed = replace(study, claims=(Claim("augmentation", "on", run, run),))
    assert analyze(claimed, [], planned=plan_trials(claimed)).reproduced_claims == ()


def test_the_overfit_gap_is_taken_over_the_last_ten_epochs():
    trial = plan_trials(load_study("post-a", seeds=1))[0]
    values = [0.1] * 5 + [0.6, 0.8] * 5
    assert measured(record(trial, values))["overfit_gap"].value == pytest.approx(0.3)
