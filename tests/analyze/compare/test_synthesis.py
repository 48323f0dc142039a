"""Several studies are combined where that means something, and refused where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from ablations.analyze.analysis import analyze
from ablations.analyze.compare.synthesis import synthesize
from ablations.analyze.describe.networks import share_of, without
from ablations.analyze.inference.intervals import summarize
from ablations.core.design import Change, Factor, Level
from ablations.core.estimates import Training
from ablations.core.findings import Findings
from ablations.core.record import Metric, RunRecord
from ablations.core.study import Study, Trial
from ablations.errors import StudyError
from ablations.plan.designs import Wanted, lay_out
from ablations.text.synthesis import mean_words, synthesis_caveats

GAINS = {"a": 0.10, "b": 0.02, "c": 0.05}


def made(slug: str, *, factors: str = "ab", seeds: tuple[int, ...] = tuple(range(5)),
         shift: float = 0.0, data: str = "photos", metric: Metric | None = None,
         same: bool = False, kind: str = "full-factorial",
         applies: dict[str, dict[str, str]] | None = None) -> Findings:  # fmt: skip
    """What a small study of some factors found, whose gains differ from others' by ``shift``."""
    levels = tuple(Factor(f, (Level("off", {}), Level("on", {f: slug}))) for f in factors)
    own = {} if same else {"slug": slug}
    design, shown = lay_out(Wanted(kind, levels, applies=applies)), metric or Metric(
        "test_accuracy", 0.0, "fraction", "higher")  # fmt: skip
    study = Study(slug, slug.title(), "q", "m:f", own, levels, design, seeds, metric=shown.name)
    rng, records, planned = np.random.default_rng(len(slug) + len(factors)), [], []
    for arm in study.arms:
        gain = sum(GAINS[f] + shift for f, level in arm.levels if level == "on")
        for seed in seeds:
            trial = Trial(slug, "m:f", arm, seed, {**own, "arm": arm.name}, data)
            value = replace(shown, value=0.5 + gain + 0.003 * rng.standard_normal())
            planned.append(trial)
            records.append(record(trial, value))
    return analyze(study, records, planned=planned)


def record(trial: Trial, metric: Metric) -> RunRecord:
    return RunRecord(
        key=trial.key, study=trial.study, entry=trial.entry, arm=trial.arm, seed=trial.seed,
        settings=trial.settings, data=trial.data, status="completed",
        started_at="2026-11-20T14:02:22+00:00", seconds=60.0, metrics=(metric,),
    )  # fmt: skip


def five() -> list[Findings]:
    shifts = (-0.01, 0.0, 0.005, 0.01, 0.02)
    return [made(f"s{i}", shift=shift) for i, shift in enumerate(shifts)]


def test_five_studies_give_each_effect_that_they_share():
    found = synthesize(five())
    assert [(e.kind, [c.factor for c in e.changes]) for e in found.effects] == [
        ("main", ["a"]), ("main", ["b"]), ("interaction", ["a", "b"])
    ]  # fmt: skip
    first = found.effects[0]
    assert first.pooled.n_studies == 5
    assert first.pooled.estimate == pytest.approx(0.105, abs=0.003)
    assert first.pooled.interval.low < 0.105 < first.pooled.interval.high
    assert first.side == 1
    assert first.pooled.tau == pytest.approx(np.std([-1, 0, 0.5, 1, 2], ddof=1) / 100, abs=0.003)
    assert [own.df for own in first.studies] == [4] * 5
    assert len(found.simple_effects) == 4


def test_a_studys_effect_and_standard_error_are_those_of_its_report():
    studies = five()
    own = synthesize(studies).effects[0].studies[2]
    shown = studies[2].effects[0]
    assert shown.sd is not None
    assert (own.study, own.estimate) == ("s2", shown.estimate)
    assert own.standard_error == pytest.approx(shown.sd / 5**0.5)
    assert own.interval == replace(shown.interval, method=own.interval.method)


def test_simple_effects_are_of_all_studies_also_of_those_whose_report_shows_none():
    studies = five()
    assert any(not own.simple_effects for own in studies)
    assert all(e.pooled.n_studies == 5 for e in synthesize(studies).simple_effects)


def test_leaving_out_a_study_is_the_synthesis_of_the_others():
    studies = five()
    without = dict(synthesize(studies).effects[0].without)["s4"]
    assert without == synthesize(studies[:4]).effects[0].pooled


def test_the_order_of_the_studies_does_not_matter():
    one, other = synthesize(five()), synthesize(five()[::-1])
    assert one.effects[0].pooled.estimate == pytest.approx(other.effects[0].pooled.estimate)


def test_only_what_two_studies_have_is_combined():
    found = synthesize([made("s", factors="ab"), made("other", factors="bc")])
    assert [e.changes for e in found.effects] == [(Change("b", "off", "on"),)]
    assert found.effects[0].without == ()
    assert found.simple_effects == ()
    assert [(own.study, [c.factor for c in own.changes]) for own in found.left_out] == [
        ("s", ["a"]), ("s", ["a", "b"]), ("other", ["c"]), ("other", ["b", "c"])
    ]  # fmt: skip
    assert {own.reason for own in found.left_out} == {"alone"}
    assert not found.effects[0].same_arms


def test_an_effect_whose_seeds_are_too_few_is_named_with_that_reason():
    whole, part = made("s0"), made("s1")
    on = frozenset({("a", "on")})
    arms = tuple(
        replace(arm, summaries={name: summarize(s.metric, s.values[:1])
                                for name, s in arm.summaries.items()})
        if on <= frozenset(arm.arm.levels) else arm
        for arm in part.arms
    )  # fmt: skip
    found = synthesize([whole, replace(part, arms=arms)])
    assert {(own.study, own.reason) for own in found.left_out} == {
        ("s0", "alone"), ("s1", "unknown")
    }  # fmt: skip
    assert [e.kind for e in (*found.effects, *found.simple_effects)] == ["simple"]


def lost(own: Findings, seeds: tuple[int, ...]) -> Findings:
    """The same with networks that did not train wherever the factor a is on."""
    training = partial(Training, seeds, 5, share_of(len(seeds), 5))
    arms = tuple(
        replace(arm, training=training(without(arm.summaries, seeds)))
        if ("a", "on") in arm.arm.levels else arm
        for arm in own.arms
    )  # fmt: skip
    return replace(own, arms=arms)


def test_no_change_is_named_where_too_few_networks_trained_for_the_second_reading():
    plain = made("s0"), made("s1", shift=0.0005)
    (first, *_) = synthesize(plain).effects
    assert (first.side, first.has_lost, first.trained) == (1, False, None)
    (first, *_) = synthesize([plain[0], lost(plain[1], (4,))]).effects
    assert (first.side, first.has_lost) == (1, True)
    assert first.trained is not None
    assert [own.df for own in first.trained.studies] == [4, 3]
    (first, *_) = synthesize([plain[0], lost(plain[1], (1, 2, 3, 4))]).effects
    assert (first.side, first.has_lost, first.trained) == (0, True, None)


def test_what_is_a_main_effect_in_one_study_is_one_in_any_order():
    nested = [made(f"n{i}", applies={"a": {"b": "off"}}) for i in range(2)]
    for studies in ([made("crossed"), *nested], [*nested, made("crossed")]):
        found = synthesize(studies)
        (own,) = (e for e in found.effects if [c.factor for c in e.changes] == ["a"])
        assert (own.kind, own.given, own.pooled.n_studies) == ("main", (("b", "off"),), 3)


def test_effects_of_another_design_are_not_of_the_same_arms():
    assert all(effect.same_arms for effect in synthesize(five()).effects)
    found = synthesize([made("s0"), made("other", kind="one-factor-in")])
    assert [effect.same_arms for effect in found.effects] == [False, False]


def test_any_collection_of_findings_is_taken_and_nothing_else():
    one, other = made("s0"), made("s1")
    assert synthesize(own for own in (one, other)) == synthesize({"a": one, "b": other})
    with pytest.raises(StudyError) as error:
        synthesize(["s0", "s1"])
    assert str(error.value) == (
        "several studies are read by what each of them found. Received: str: s0. Write "
        "ablations.synthesize([findings_a, findings_b])."
    )


def test_it_says_which_studies_share_data_and_seeds():
    studies = [made("s0"), made("s1", seeds=(7, 8, 9)), made("s2", data="other")]
    found = synthesize(studies)
    assert found.same_data == (("s0", "s1"),)
    assert found.same_seeds == ()
    assert synthesize(five()).same_seeds == (("s0", "s1", "s2", "s3", "s4"),)


def test_times_of_several_machines_are_said_to_be_that():
    one, other = speed(), replace(speed(), environments=(({"cpu": "other"}, 20),))
    other = replace(other, study=replace(other.study, slug="slow"),
                    trials=tuple(replace(t, key=f"s{t.key}") for t in other.trials))  # fmt: skip
    found = synthesize([one, other])
    assert found.n_machines == 2
    assert any("ran on 2 kinds of machines" in line for line in synthesis_caveats(found))


def test_a_mean_is_written_in_the_scale_of_its_interval():
    pooled = synthesize(five()).effects[0].pooled
    found = replace(pooled, estimate=-0.26, interval=replace(pooled.interval, low=-1.0, high=0.5))
    assert mean_words(found, "seconds") == "−0.3\u202fs"
    assert mean_words(found, "fraction") == "−26.0\u202fpp"


def test_studies_of_accuracies_say_nothing_of_machines():
    assert synthesize([made("s0"), made("s1")]).n_machines == 1


def test_it_names_the_levels_that_set_something_else():
    found = synthesize([made("s0"), made("s1")])
    assert [(own.factor, own.level) for own in found.unlike] == [("a", "on"), ("b", "on")]
    assert found.unlike[0].settings == {"s0": {"a": "s0"}, "s1": {"a": "s1"}}


def speed() -> Findings:
    return made("fast", metric=Metric("images_per_second", 0.0, "per second", "higher"))


def down() -> Findings:
    return made("down", metric=Metric("test_accuracy", 0.0, "fraction", "lower"))


@pytest.mark.parametrize(
    ("studies", "line"),
    [
        (
            lambda: [made("s0")],
            "a synthesis needs at least two studies, each named once. Received: s0. "
            "Name two or more studies, each once.",
        ),
        (
            lambda: [made("s0"), made("s0")],
            "a synthesis needs at least two studies, each named once. Received: s0 twice. "
            "Name two or more studies, each once; where two files have one name, rename one.",
        ),
        (
            lambda: [made("s0"), speed()],
            "studies are read together in one metric, of one unit and better direction. Received: "
            "s0: test_accuracy (fraction, better higher); fast: images_per_second (per second, "
            "better higher). Give both study files the same 'metric' under [analysis], and log it "
            "alike.",
        ),
        (
            lambda: [made("s0"), down()],
            "studies are read together in one metric, of one unit and better direction. Received: "
            "s0: test_accuracy (fraction, better higher); down: test_accuracy (fraction, better "
            "lower). Give both study files the same 'metric' under [analysis], and log it alike.",
        ),
        (
            lambda: [made("s0", same=True), made("s1", same=True)],
            "the same records would count twice. Received: 20 trials that both s0 and s1 have. "
            "Leave out s1 or s0.",
        ),
        (
            lambda: [made("s0", factors="a"), made("s1", factors="b")],
            "no two studies have an effect in common whose standard error is known. Received: "
            "s0: a (off, on), 5 seeds; s1: b (off, on), 5 seeds. Name studies with a factor of the "
            "same name whose levels and baseline have the same names, each with two seeds or more "
            "that differ.",
        ),
        (
            lambda: [made("s0"), made("s1", seeds=(0,))],
            "no two studies have an effect in common whose standard error is known. Received: "
            "s0: a (off, on), b (off, on), 5 seeds; s1: a (off, on), b (off, on), 1 seed. Name "
            "studies with a factor of the same name whose levels and baseline have the same names, "
            "each with two seeds or more that differ.",
        ),
        (
            lambda: [made("s0"), made("s1"), made("s2", seeds=(0,))],
            "no effect of s2 is one that another study has, with a known standard error. Received: "
            "s0: a (off, on), b (off, on), 5 seeds; s1: a (off, on), b (off, on), 5 seeds; s2: a "
            "(off, on), b (off, on), 1 seed. Leave out s2: combined are effects between levels of "
            "the same names, without aliases, over two seeds or more that differ.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_combined_is_refused(studies: Callable[[], list[Findings]], line: str):
    with pytest.raises(StudyError) as error:
        synthesize(studies())
    assert str(error.value) == line
