from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablations.analyze.analysis import analyze
from ablations.analyze.inference.effects import holm, holm_alphas, judge
from ablations.core.estimates import Interval
from ablations.core.record import Metric, Predictions

FRACTIONS = st.floats(0, 1).map(lambda value: round(value, 4))


def noisy(seed=0, **gains):
    """A response of 0.5 plus each switched-on factor's gain plus noise of its own per trial."""

    def response(arm, replicate):
        rng = np.random.default_rng([seed, replicate, *(ord(one[-1]) for _, one in arm.levels)])
        gain = sum(gains.get(factor, 0.0) for factor, level in arm.levels if level == "on")
        return 0.5 + gain + 0.01 * float(rng.normal())

    return response


def values(findings, arm):
    return [value for _, value in findings.arm(arm).summaries["accuracy"].values]


def test_arm_minus_reference_is_the_paired_t_test_of_scipy(make):
    study = make.study("one-factor-in", seeds=5)
    findings = make.findings(study, noisy(a=0.02))
    for effect in findings.effects:
        known = stats.ttest_rel(*(values(findings, arm) for arm, _ in effect.weights))
        bounds = known.confidence_interval(0.95)
        assert effect.p == pytest.approx(known.pvalue)
        assert effect.interval is not None
        assert (effect.interval.low, effect.interval.high) == pytest.approx(tuple(bounds))
        assert effect.interval.method == "paired Student t over seeds"
        assert effect.n == 5
        assert effect.family_size == 2


def test_interaction_is_one_sample_t_over_seeds(make):
    study = make.study(seeds=4)
    findings = make.findings(study, noisy(a=0.1))
    low, b, a, both = (np.array(values(findings, arm)) for arm in study.arms)
    main, _, interaction = findings.effects
    expected = (both - b) - (a - low)
    assert [value for _, value in interaction.per_seed] == pytest.approx(expected.tolist())
    assert interaction.p == pytest.approx(stats.ttest_1samp(expected, 0).pvalue)
    assert main.estimate == pytest.approx(((both + a - b - low) / 2).mean())
    assert main.sd == pytest.approx(((both + a - b - low) / 2).std(ddof=1))


def test_each_arm_has_its_paired_difference_from_the_reference(make):
    findings = make.findings(make.study("one-factor-out", seeds=4), noisy(a=0.1))
    reference = findings.arm(findings.study.reference)
    assert reference.difference is None
    for arm in findings.arms:
        if arm is not reference:
            known = stats.ttest_rel(values(findings, arm.arm), values(findings, reference.arm))
            assert arm.difference.kind == "arm"
            assert arm.difference.p == pytest.approx(known.pvalue)
            assert arm.difference.interval is not None
            assert (arm.difference.adjusted, arm.difference.p_adjusted) == (None, None)
            assert (arm.difference.family_size, arm.difference.verdict) == (0, "inconclusive")
    without_a = findings.arms[0].difference
    assert [(c.factor, c.baseline, c.level) for c in without_a.changes] == [("a", "on", "off")]
    assert without_a.estimate < 0


def test_helping_factor_is_positive_and_improves_in_every_design(make):
    for design in ("full-factorial", "one-factor-in", "one-factor-out", "arms"):
        findings = make.findings(make.study(design, seeds=5), noisy(a=0.2))
        effect = next(e for e in findings.effects if [c.factor for c in e.changes] == ["a"])
        assert effect.estimate == pytest.approx(0.2, abs=0.02)
        assert effect.verdict == "improved"


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2, None, 0.01]) == pytest.approx([0.4, None, 0.03])
    assert holm([]) == []


@pytest.mark.parametrize("m", [1, 2, 7, 40])
def test_holm_is_that_of_statsmodels_to_the_last_bit(m):
    p_values = np.random.default_rng(m).uniform(0, 0.2, size=m).round(2).tolist()
    assert holm(p_values) == multipletests(p_values, method="holm")[1].tolist()


def test_step_down_levels_by_hand():
    # 0.005 < 0.05/4 and 0.01 < 0.05/3 are rejected; 0.03 is not below 0.05/2 and ends the steps.
    alphas = holm_alphas([0.01, 0.04, 0.03, 0.005])
    assert alphas == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert holm_alphas([0.9, None]) == pytest.approx([0.025, 0.025])
    assert holm_alphas([]) == []


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_levels_reject_just_what_the_adjusted_p_rejects(p_values):
    adjusted = holm(p_values)
    assume(all(abs(q - 0.05) > 1e-12 for q in adjusted))  # there rounding decides
    rejected = [p < alpha for p, alpha in zip(p_values, holm_alphas(p_values), strict=True)]
    assert rejected == [q < 0.05 for q in adjusted]


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(st.integers(0, 10**6), st.floats(0, 0.03), st.floats(-0.03, 0))
def test_without_a_margin_the_verdict_is_the_adjusted_p(make, seed, gain, loss):
    findings = make.findings(make.study(seeds=3), noisy(seed, a=gain, b=loss))
    for effect in findings.effects:
        assert (effect.verdict != "inconclusive") == (effect.p_adjusted < 0.05)
        assert effect.adjusted.method == "paired Student t over seeds, Holm step-down"


def test_with_a_margin_intervals_hold_together(make):
    study = make.study(seeds=4, margin=0.05)
    findings = make.findings(study, noisy(a=0.2))
    a, b, _ = findings.effects
    assert (a.verdict, b.verdict) == ("improved", "equivalent")
    for effect in findings.effects:
        assert effect.adjusted.level == pytest.approx(1 - 0.05 / 3)
        assert effect.adjusted.method == "paired Student t over seeds, Bonferroni"
        low, high = effect.adjusted.low, effect.adjusted.high
        assert low < effect.interval.low < effect.interval.high < high


@pytest.mark.parametrize(
    ("low", "high", "better", "verdict"),
    [
        (0.02, 0.03, "higher", "improved"),
        (0.02, 0.03, "lower", "regressed"),
        (-0.03, -0.02, "higher", "regressed"),
        (-0.03, -0.02, "lower", "improved"),
        (0.01, 0.03, "higher", "inconclusive"),
        (0.0, 0.03, "higher", "inconclusive"),
        (-0.005, 0.005, "higher", "equivalent"),
        (-0.01, 0.005, "higher", "inconclusive"),
        (-0.03, 0.03, "higher", "inconclusive"),
        (0.02, 0.03, "neither", "inconclusive"),
        (-0.005, 0.005, "neither", "equivalent"),
    ],
)
def test_verdict_by_interval_and_margin(low, high, better, verdict):
    assert judge(Interval(low, high, 0.95, "t"), margin=0.01, better=better) == verdict


def test_no_interval_is_inconclusive():
    assert judge(None, margin=0.0, better="higher") == "inconclusive"


def test_without_spread_and_without_a_step_there_is_no_interval_and_no_claim(make):
    # Losses have no step; and a tie that rounding hides must not look like an effect.
    low, high = math.pi / 10, math.pi / 5
    levels = {("off", "off"): low, ("off", "on"): low + 1e-17, ("on", "off"): high}
    levels["on", "on"] = high
    findings = make.findings(
        make.study(), lambda arm, seed: levels[tuple(dict(arm.levels).values())]
    )
    a, b, interaction = findings.effects
    assert a.estimate == pytest.approx(high - low)
    assert (b.estimate, interaction.estimate) == (0.0, 0.0)
    for effect in findings.effects:
        assert (effect.p, effect.interval, effect.adjusted) == (None, None, None)
        assert effect.verdict == "inconclusive"


def test_differences_that_vary_only_by_rounding_have_no_spread(make):
    findings = make.findings(
        make.study(), lambda arm, seed: math.pi * seed + 0.3 * (arm.levels[0][1] == "on")
    )
    assert findings.effects[0].sd is None


IMAGES = 192


def shares(gain, *, common=0):
    """Accuracies on 192 images that differ by ``gain`` images at every seed."""

    def response(arm, seed):
        return (common or 150 + seed**2 + gain * (arm.levels[0][1] == "on")) / IMAGES

    return response


@pytest.mark.parametrize("predicted", [True, False])
def test_a_drop_of_48_of_192_images_at_every_seed_is_a_regression(make, predicted):
    study = make.study("one-factor-in", seeds=5, margin=0.01)
    effect = tied(make, study, shares(-48), predicted=predicted)
    assert (effect.estimate, effect.verdict) == (-0.25, "regressed")
    assert effect.sd == pytest.approx(1 / IMAGES)


@pytest.mark.parametrize("predicted", [True, False])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_tie_of_few_images_claims_nothing(make, seeds, predicted):
    study = make.study("one-factor-in", seeds=seeds)
    effect = tied(make, study, shares(1), predicted=predicted)
    assert effect.estimate == pytest.approx(1 / IMAGES)
    assert effect.verdict == "inconclusive"


def test_arms_that_tie_on_every_image_are_equivalent_within_a_margin(make):
    study = make.study("one-factor-in", seeds=5, margin=0.03)
    effect = tied(make, study, shares(0), predicted=True)
    assert (effect.estimate, effect.verdict) == (0.0, "equivalent")


def test_the_step_is_one_image_even_where_all_values_are_quarters(make):
    study = make.study("one-factor-in", seeds=5, margin=0.01)

    def response(arm, seed):
        return 0.5 if arm.levels[0][1] == "on" else 0.75

    assert tied(make, study, response, predicted=True).verdict == "regressed"
    assert tied(make, study, response, predicted=False).verdict == "inconclusive"


def test_a_known_image_is_the_least_spread_of_seeds_that_nearly_tie(make):
    study = make.study("one-factor-in", seeds=5)
    gains = (1, 1, 1, 1, 2)

    def response(arm, seed):
        return (150 + seed**2 + gains[seed] * (arm.levels[0][1] == "on")) / IMAGES

    assert tied(make, study, response, predicted=True).verdict == "inconclusive"


def tied(make, study, response, *, predicted):
    """Returns the effect of factor a."""
    records = make.records(study, response)
    if predicted:
        labels = np.zeros(IMAGES, np.int64)
        said = Predictions("test", labels, np.zeros((IMAGES, 2), np.float32))
        records = [replace(record, predictions=(said,)) for record in records]
    findings = analyze(study, records, planned=make.planned(study))
    return next(e for e in findings.effects if e.changes[0].factor == "a")


def test_one_seed_estimates_but_decides_nothing(make):
    findings = make.findings(make.study(seeds=1), noisy(a=0.2))
    for effect in findings.effects:
        assert effect.estimate is not None
        assert {effect.sd, effect.interval, effect.p, effect.p_adjusted, effect.adjusted} == {None}
        assert effect.verdict == "inconclusive"


def test_a_seed_counts_only_where_every_arm_of_the_contrast_has_it(make):
    study = make.study("one-factor-in", seeds=3)
    records, planned = make.records(study, noisy()), make.planned(study)
    reference, _, a_on = study.arms
    kept = [r for r in records if (r.arm, r.seed) != (a_on, 1)]
    b, a = analyze(study, kept, planned=planned).effects
    assert [seed for seed, _ in b.per_seed] == [0, 1, 2]
    assert [seed for seed, _ in a.per_seed] == [0, 2]
    gone = [r for r in records if r.arm != reference]
    for effect in analyze(study, gone, planned=planned).effects:
        assert (effect.n, effect.estimate, effect.verdict) == (0, None, "inconclusive")


def test_a_missing_cell_drops_its_seed_from_the_factorial(make):
    study = make.study(seeds=3)
    records = [r for r in make.records(study, noisy()) if (r.arm, r.seed) != (study.arms[3], 0)]
    findings = analyze(study, records, planned=make.planned(study))
    assert [effect.n for effect in findings.effects] == [2, 2, 2]


def test_a_metric_that_no_record_has_leaves_effects_open(make):
    study = replace(make.study(), metric="recall")
    findings = make.findings(study, noisy())
    assert findings.metric.name == "recall"
    for effect in findings.effects:
        assert {effect.estimate, effect.p, effect.p_adjusted} == {None}
        assert effect.verdict == "inconclusive"


def test_lower_is_better_turns_the_verdict_not_the_sign(make):
    study = replace(make.study("one-factor-in", seeds=5), metric="loss")
    response = noisy(a=0.2)
    records = [
        make.record(trial, Metric("loss", response(trial.arm, trial.seed), "number", "lower"))
        for trial in make.planned(study)
    ]
    effect = analyze(study, records, planned=make.planned(study)).effects[1]
    assert effect.estimate > 0
    assert effect.verdict == "regressed"


TABLE = st.lists(FRACTIONS, min_size=12, max_size=12)


def from_table(study, table):
    return lambda arm, seed: table[study.arms.index(arm) * 3 + seed]


def close(effects, others, *, factor=1.0):
    for one, other in zip(effects, others, strict=True):
        assert one.estimate == pytest.approx(factor * other.estimate, abs=1e-9)
        if all(np.ptp([v for _, v in e.per_seed]) > 1e-6 for e in (one, other)):  # no ties
            assert one.sd == pytest.approx(abs(factor) * other.sd, abs=1e-9)


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(TABLE)
def test_swapping_the_baseline_flips_the_sign(make, table):
    study = make.study()
    swapped = make.study(baseline={"a": "on"})
    response = from_table(study, table)
    a, b, ab = make.findings(study, response).effects
    a_swapped, b_swapped, ab_swapped = make.findings(swapped, response).effects
    close([a_swapped, ab_swapped], [a, ab], factor=-1)
    close([b_swapped], [b])
    assert (a_swapped.changes[0].baseline, a_swapped.changes[0].level) == ("on", "off")


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(TABLE, FRACTIONS)
def test_adding_a_constant_changes_no_effect(make, table, constant):
    study = make.study()
    moved = from_table(study, [value + constant for value in table])
    close(
        make.findings(study, moved).effects,
        make.findings(study, from_table(study, table)).effects,
    )


@settings(deadline=None, max_examples=50)  # shared machines stall
@given(TABLE, st.floats(0.5, 100))
def test_scaling_scales_effects_and_keeps_p(make, table, factor):
    study = make.study()
    scaled = from_table(study, [value * factor for value in table])
    before, after = (
        make.findings(study, response).effects for response in (from_table(study, table), scaled)
    )
    close(after, before, factor=factor)
    for one, other in zip(after, before, strict=True):
        if all(np.ptp([v for _, v in e.per_seed]) > 1e-6 for e in (one, other)):
            assert one.p == pytest.approx(other.p, abs=1e-6)
