"""Studies side by side: known differences, matched by levels, and refused where they share nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.analysis import analyze
from ablations.analyze.compare.side_by_side import compare
from ablations.core.design import Factor, Level
from ablations.core.findings import Findings
from ablations.core.record import Metric, RunRecord
from ablations.core.several import EffectDifference
from ablations.core.study import Study, Trial
from ablations.errors import StudyError
from ablations.plan.designs import Wanted, lay_out

GAINS = {"a": 0.10, "b": 0.02, "c": 0.05}


def made(slug: str, *, factors: str = "ab", seeds: range = range(6), shift: float = 0.0,
         data: str = "photos", draw: int = 0, noise: float = 0.004, margin: float = 0.02,
         metric: str = "test_loss", cpu: str = "one", **settings: object) -> Findings:  # fmt: skip
    """What a study of some factors found; ``shift`` is added to the gain of each."""
    levels = tuple(Factor(f, (Level("off", {}), Level("on", {f: True}))) for f in factors)
    design = lay_out(Wanted("full-factorial", levels))
    study = Study(slug, slug, "q", "m:f", settings, levels, design, tuple(seeds), metric=metric,
                  smallest_effect_that_matters=margin)  # fmt: skip
    rng, records, planned = np.random.default_rng(draw), [], []
    for arm in study.arms:
        gain = sum(GAINS[f] + shift for f, level in arm.levels if level == "on")
        for seed in seeds:
            trial = Trial(
                slug, "m:f", arm, seed, {**study.arm_settings(arm), "arm": arm.name}, data
            )
            value = Metric(metric, 0.5 + gain + noise * rng.standard_normal(), "number", "higher")
            speed = Metric("median_step_seconds", 0.1 + 0.001 * rng.random(), "seconds", "lower")
            planned.append(trial)
            records.append(RunRecord(
                key=trial.key, study=slug, entry="m:f", arm=arm, seed=seed, settings=trial.settings,
                data=data, status="completed", started_at="2026-11-20T14:02:22+00:00", seconds=60.0,
                environment={"cpu": cpu}, metrics=(value, speed)))  # fmt: skip
    return analyze(study, records, planned=planned)


def of(found: Findings, other: Findings, place: int = 0) -> EffectDifference:
    ((_, own),) = compare({"one": found, "other": other}).effects[place].differences
    return own


def test_with_equal_seeds_and_data_the_difference_is_that_of_pairs():
    one, other = made("one"), made("other", draw=1)
    own = of(one, other)
    now, then = (np.array([v for _, v in f.effects[0].per_seed]) for f in (other, one))
    known = stats.ttest_rel(now, then).confidence_interval(1 - 0.05 / 3)
    assert own.paired
    assert own.family_size == 3
    assert own.change == pytest.approx((now - then).mean())
    assert (own.interval.low, own.interval.high) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize("changes", [{"data": "others"}, {"seeds": range(10, 17)}])
def test_with_other_data_or_seeds_they_are_independent_samples(changes):
    one, other = made("one"), made("other", draw=1, **changes)
    own = of(one, other)
    now, then = ([v for _, v in f.effects[0].per_seed] for f in (other, one))
    known = stats.ttest_ind(now, then, equal_var=False).confidence_interval(1 - 0.05 / 3)
    assert not own.paired
    assert (own.interval.low, own.interval.high) == pytest.approx((known.low, known.high))


def test_a_difference_is_decided_equivalent_or_inconclusive():
    one = made("one", noise=0.001)
    assert of(one, made("other", draw=1, shift=0.1, noise=0.001)).verdict == "differs"
    assert of(one, made("other", draw=1, noise=0.001)).verdict == "equivalent"
    assert of(one, made("other", draw=1, noise=0.2)).verdict == "inconclusive"


def test_families_keep_false_verdicts_below_five_in_a_hundred():
    """400 comparisons of equal studies, all differences of effects; 99% bound of a binomial."""
    false = 0
    for i in range(400):
        effects = compare({
            "one": made("one", seeds=range(4), margin=0.0, draw=2 * i),
            "other": made("other", seeds=range(4), margin=0.0, draw=2 * i + 1),
        }).effects  # fmt: skip
        false += any(own.verdict == "differs" for e in effects for _, own in e.differences)
    assert false <= stats.binom.ppf(0.99, 400, 0.05)


def test_the_order_of_the_two_turns_the_sign():
    one, other = made("one"), made("other", draw=1, shift=0.05)
    assert of(one, other).change == pytest.approx(-of(other, one).change)


def test_the_order_of_factors_does_not_matter():
    found = compare(
        {"one": made("one", factors="ab"), "other": made("other", factors="ba", draw=1)}
    )
    assert len(found.effects) == 3
    assert len(found.arms) == 4
    assert all(e.same_arms for e in found.effects)
    assert not any(found.alone.values())


def test_with_other_factors_only_shared_effects_are_compared_and_the_rest_is_named():
    found = compare({"one": made("one", factors="ab"), "other": made("other", factors="bc")})
    (effect,) = found.effects
    assert [c.factor for c in effect.changes] == ["b"]
    assert not effect.same_arms
    assert found.arms == ()
    assert {name: len(arms) for name, arms in found.alone.items()} == {"one": 4, "other": 4}
    assert len(found.lone_effects) == 4


def test_equal_results_are_the_same_and_equivalent_without_a_margin():
    found = compare({"one": made("one", margin=0.0), "again": made("one", margin=0.0)})
    every = [own for item in (*found.effects, *found.arms) for _, own in item.differences]
    assert all((own.alike, own.verdict, own.change) == (True, "equivalent", 0.0) for own in every)


def test_settings_that_differ_are_listed_by_arms_and_equal_ones_counted():
    one, other = made("one", epochs=3, rate=0.1), made("other", epochs=5, rate=0.1)
    on = replace(other.arms[-1], settings={**other.arms[-1].settings, "b": 2})
    found = compare({"one": one, "other": replace(other, arms=(*other.arms[:-1], on))})
    assert [(row.name, row.values, len(row.arms)) for row in found.settings] == [
        ("epochs", (3, 5), 0), ("b", (True, 2), 1)
    ]  # fmt: skip
    assert found.n_equal_settings == 5  # rate, a, function, seeds, margin


def test_speeds_of_different_machines_are_never_compared():
    one = made("one")
    (arm, *_) = compare({"one": one, "other": made("other", draw=1)}).arms
    assert arm.speeds[0][1].change is not None
    found = compare({"one": one, "other": made("other", draw=1, cpu="two")})
    assert found.one_machine == ()
    assert all(arm.speeds == () for arm in found.arms)
    assert [(row.name, row.values) for row in found.machine] == [("cpu", ("one", "two"))]


def test_of_three_each_is_compared_with_the_first_in_one_family():
    found = compare({n: made(n, draw=i) for i, n in enumerate(("x", "y", "z"))})
    assert [name for name, _ in found.effects[0].differences] == ["y", "z"]
    assert {own.family_size for e in found.effects for _, own in e.differences} == {6}
    assert {own.family_size for a in found.arms for _, own in a.differences} == {16}


def test_one_seed_decides_nothing():
    own = of(made("one", seeds=range(1)), made("other", seeds=range(1), draw=1))
    assert (own.interval, own.verdict) == (None, "inconclusive")


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (lambda: made("other", factors="c"),
         "one and other have neither an effect nor a trained arm in common. Received: "
         "one: a (off, on), b (off, on); other: c (off, on). Compare studies with a factor of the "
         "same name, whose levels have the same names."),
        (lambda: made("other", metric="other_loss"),
         "studies are read together in one metric, of one unit and better direction. Received: "
         "one: test_loss (number, better higher); other: other_loss (number, better higher). Give "
         "both study files the same 'metric' under [analysis], and log it alike."),
        (lambda: made("other", seeds=range(0)),
         "other has no value of its metric, 'test_loss'. Received: 0 of 0 trials completed. Train "
         "it first, or name the records that have the metric."),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(other, line):
    with pytest.raises(StudyError) as error:
        compare({"one": made("one"), "other": other()})
    assert str(error.value) == line


@pytest.mark.parametrize("given", [[1, 2], {"a": "one", "b": "two"}, {1: 2}, "one"])
def test_what_is_no_findings_by_name_is_refused_with_an_example(given):
    with pytest.raises(
        StudyError, match=r'Write ablations.compare\(\{"a": findings_a, "b": findings_b'
    ):
        compare(given)
