from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ablations.analyze.inference import followups
from ablations.analyze.inference.power import seed_plans
from ablations.core.estimates import (
    Effect,
    ExampleDifference,
    ExampleNoise,
    Interval,
    MixedEstimate,
    NonparametricResults,
)
from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Fold, Prose, Section, Table
from ablations.report.sections.effects import dependence
from ablations.report.sections.noise import noise
from ablations.report.sections.robustness import opinions
from ablations.report.sections.seeds import seeds as seeds_section
from ablations.report.sections.shares import draw_shares, shares_frame
from ablations.report.tables import between
from ablations.text.formatting import THIN

Make = Callable[..., Findings]

SHARED = "All seeds were tested on the same images"
OWN = "Each seed draws its own test images"
CHURN = "Churn is the share of test images on which two seeds of one arm disagree"


def followed(findings: Findings) -> Findings:
    """The findings with what follows their effects."""
    study, metric = findings.study, findings.metric
    summaries = {arm.arm: arm.summaries[metric.name] for arm in findings.arms}
    return replace(
        findings,
        simple_effects=followups.simple_effects(study, metric, findings.effects, summaries),
        shares=followups.shares(study, metric, summaries=summaries),
        plans=seed_plans(study, findings.effects, trial_seconds=dict.fromkeys(study.arms, 60.0)),
    )


def plain(text: str) -> str:
    return text.replace(THIN, " ").replace("\u00a0", " ")


def said(passage: Section | Fold | None) -> str:
    assert passage is not None
    return plain(" ".join(b.text for b in passage.blocks if isinstance(b, Prose)))


def seeds(findings: Findings) -> Section | None:
    return seeds_section(findings, Extras())


def tables(passage: Section | Fold) -> list[Table]:
    return [block for block in passage.blocks if isinstance(block, Table)]


def columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def rows(table: Table) -> list[list[str]]:
    assert {len(row) for row in table.rows} == {len(table.columns)}
    return [[plain(cell) for cell in row] for row in table.rows]


def test_the_warning_names_the_change_whose_average_hides_more(findings: Findings) -> None:
    passage = dependence(followed(findings))
    assert said(passage).startswith(
        "The average effect of augmentation misleads: the effect is +6.0 pp [+5.6, +6.4] where "
        "initialization is scratch and −2.5 pp [−3.5, −1.4] where initialization is transfer "
        "(unadjusted intervals). "
        "These effects are shown because the 95% interval of their interaction excludes zero."
    )
    assert "count all 12 simple effects of this design" in said(passage)
    assert passage is not None
    assert [[*row[:2], row[3]] for row in rows(tables(passage)[0])] == [
        ["Augmentation", "initialization is scratch", "+6.0 pp"],
        ["Augmentation", "initialization is transfer", "−2.5 pp"],
        ["Transfer instead of scratch", "augmentation is off", "+31.6 pp"],
        ["Transfer instead of scratch", "augmentation is on", "+23.1 pp"],
    ]
    assert rows(tables(passage)[0])[0][2] == "▲ improved"


def test_an_undecided_interaction_may_mislead(make: Make) -> None:
    found = followed(make(noise=0.03, interaction=-0.1))
    assert {e.verdict for e in found.effects if e.kind == "interaction"} == {"inconclusive"}
    assert said(dependence(found)).startswith(
        "The average effect of augmentation may mislead: the effect is +6.0 pp"
    )


def test_equal_seeds_are_written_as_exact(findings: Findings) -> None:
    def evened(effect: Effect) -> Effect:
        if effect.given != (("initialization", "transfer"),):
            return effect
        values = tuple((seed, -0.025) for seed, _ in effect.per_seed)
        return replace(effect, per_seed=values, estimate=-0.025, sd=None, interval=None)

    found = followed(findings)
    found = replace(found, simple_effects=tuple(map(evened, found.simple_effects)))
    assert (
        "and exactly −2.5 pp at every seed where initialization is transfer (unadjusted intervals)." in
        said(dependence(found))
    )  # fmt: skip


def test_without_simple_effects_nothing_depends(findings: Findings) -> None:
    assert dependence(findings) is None
    assert dependence(followed(replace(findings, effects=findings.effects[:3]))) is None


def test_shares_add_up_in_headline_and_table(findings: Findings) -> None:
    drawing = draw_shares(followed(findings))
    assert drawing is not None
    view = drawing
    assert plain(view.headline) == (
        "From baseline to full recipe +36.0 pp: transfer instead of scratch +27.2 pp, "
        "preprocessing +7.1 pp and augmentation +1.7 pp"
    )
    first, *_, last = (arm.summaries["test_accuracy"].mean for arm in findings.arms)
    shares = followed(findings).shares
    assert sum(effect.estimate or 0.0 for effect in shares) == pytest.approx(last - first)
    assert last - first == pytest.approx(0.360, abs=5e-4)
    assert view.table.caption == "Shares over 3 seeds"
    assert [row[:2] for row in rows(view.table)] == [
        ["Augmentation", "+1.7 pp"],
        ["Preprocessing", "+7.1 pp"],
        ["Transfer instead of scratch", "+27.2 pp"],
    ]


def test_shares_are_drawn_for_page_phone_and_file(findings: Findings) -> None:
    drawing = draw_shares(followed(findings))
    assert drawing is not None
    for svg in (drawing.wide, drawing.narrow, drawing.svg):
        assert "<svg" in svg
        assert "Preprocessing" in svg
    assert drawing.alt.startswith("Dot plot of shares: 3 rows")
    assert (drawing.path, drawing.data.path) == ("figures/shares.svg", "data/shares.csv")


def test_the_numbers_behind_the_shares_have_each_seed(findings: Findings) -> None:
    frame = shares_frame(followed(findings))
    by_seed = frame[["seed_0", "seed_1", "seed_2"]]
    assert list(frame["factor"]) == ["augmentation", "preprocessing", "initialization"]
    assert np.allclose(by_seed.mean(axis=1), frame["share"])
    first, last = findings.arms[0], findings.arms[-1]
    gains = [
        after - before
        for (_, after), (_, before) in zip(
            last.summaries["test_accuracy"].values,
            first.summaries["test_accuracy"].values,
            strict=True,
        )
    ]
    assert by_seed.sum(axis=0).tolist() == pytest.approx(gains)


def test_without_shares_nothing_is_drawn(findings: Findings) -> None:
    assert draw_shares(findings) is None
    unknown = [replace(effect, estimate=None) for effect in followed(findings).shares]
    assert draw_shares(replace(findings, shares=tuple(unknown))) is None


def noisy(findings: Findings, shared: bool | None, churn: float | None) -> Findings:
    """The findings with answers to 200 test images in every arm."""
    around = Interval(0.5, 0.7, 0.95, "Wilson over test images")
    own = ExampleNoise(0.612, 200, around, churn, shared)
    against = ExampleDifference(
        0.055, Interval(0.01, 0.1, 0.95, "bootstrap"), 40, 18, 0.0123, 200, 3
    )
    return replace(
        findings,
        arms=tuple(
            replace(arm, noise=own, examples=None if arm.is_reference else against)
            for arm in findings.arms
        ),
    )


@pytest.mark.parametrize(
    ("shared", "churn", "sentences"),
    [
        (True, 0.21, [SHARED, CHURN]),
        (True, None, [SHARED]),
        (False, None, [OWN]),
        (None, None, []),
    ],
)
def test_noise_depends_on_whether_seeds_share_their_images(
    findings: Findings, shared: bool | None, churn: float | None, sentences: list[str]
) -> None:
    text = said(noise(noisy(findings, shared, churn)))
    assert "The interval over seeds is for the mean accuracy of this recipe over many runs" in text
    assert [one for one in (SHARED, OWN, CHURN) if one in text] == sentences


def test_one_seed_shares_nothing(make: Make) -> None:
    text = said(noise(noisy(make(seeds=(0,)), True, None)))
    assert not any(one in text for one in (SHARED, OWN, CHURN))


def test_noise_has_a_row_for_each_arm_and_each_difference(findings: Findings) -> None:
    passage = noise(noisy(findings, True, 0.21))
    assert passage is not None
    arms, differences = tables(passage)
    over_seeds = plain(between(findings.arms[0].summaries["test_accuracy"].interval, "fraction"))
    assert rows(arms)[0][-4:] == [over_seeds, "[50.0, 70.0]%", "200", "21.0%"]
    assert len(rows(arms)) == 8
    assert columns(differences)[4:6] == [
        "only this arm right, over 3 seeds",
        "only baseline right, over 3 seeds",
    ]
    assert rows(differences)[0][0] == "transfer"
    assert rows(differences)[0][1] == "+5.5 pp"
    assert rows(differences)[0][-5:] == ["[+1.0, +10.0] pp", "40", "18", "0.012", "200"]
    assert differences.caption == (
        "Each arm against baseline, image by image, not adjusted; counted are answers, one for each "
        "image and seed"
    )


def test_without_churn_or_differences_their_columns_and_table_are_missing(
    findings: Findings,
) -> None:
    found = noisy(findings, None, None)
    alone = replace(found, arms=tuple(replace(arm, examples=None) for arm in found.arms))
    passage = noise(alone)
    assert passage is not None
    assert len(tables(passage)) == 1
    assert "churn" not in columns(tables(passage)[0])
    assert len(rows(tables(passage)[0])) == 8
    assert noise(findings) is None


def test_below_six_seeds_no_test_can_reach(findings: Findings) -> None:
    passage = opinions(findings)
    assert said(passage).endswith(
        "Wilcoxon’s and the sign-flip test need 6 seeds to reach p < 0.05. With 3 seeds the smallest "
        "possible p is 0.250."
    )
    assert passage is not None
    assert columns(tables(passage)[0]) == ["effect", "standardized", "P(better)"]
    assert rows(tables(passage)[0])[0] == ["augmentation", "11.5", "3 of 3"]


def test_from_six_seeds_on_both_tests_have_a_column(make: Make) -> None:
    found = make(seeds=range(6))
    second = NonparametricResults(0.031, 0.24, None)
    passage = opinions(
        replace(found, effects=tuple(replace(e, nonparametric=second) for e in found.effects))
    )
    assert "need 6 seeds" not in said(passage)
    assert said(passage).endswith("a bootstrap interval is much too narrow, so none is given.")
    assert passage is not None
    assert columns(tables(passage)[0])[3:] == ["sign-flip p", "Wilcoxon p"]
    assert rows(tables(passage)[0])[0][3:] == ["0.031", "0.24"]


def test_a_bootstrap_interval_and_a_mixed_model_have_columns_where_they_are(make: Make) -> None:
    found = make(seeds=range(20))
    second = NonparametricResults(0.5, 0.25, Interval(0.01, 0.02, 0.95, "BCa bootstrap over seeds"))
    mixed = MixedEstimate(0.015, Interval(0.01, 0.02, 0.95, "mixed model, seed as block"), 20)
    first, *others = (replace(effect, nonparametric=second) for effect in found.effects)
    passage = opinions(replace(found, effects=(replace(first, mixed=mixed), *others)))
    assert "Some seeds lack an arm. The mixed model uses their other arms too" in said(passage)
    assert "20 seeds" not in said(passage)
    assert passage is not None
    assert columns(tables(passage)[0])[5:] == ["BCa 95% interval", "mixed model", "its seeds"]
    shown = [row[5:] for row in rows(tables(passage)[0])]
    assert shown[0] == ["[+1.0, +2.0] pp", "+1.5 pp [+1.0, +2.0]", "20"]
    assert shown[1] == ["[+1.0, +2.0] pp", "–", "–"]


def test_without_spread_there_is_no_opinion_and_no_plan(make: Make) -> None:
    once = followed(make(seeds=(0,)))
    assert opinions(once) is None
    assert len(once.plans) == 6
    assert seeds(once) is None


def test_without_a_margin_seeds_have_no_answer(findings: Findings) -> None:
    passage = seeds(followed(findings))
    assert "has no answer without a margin" in said(passage)
    assert passage is not None
    assert columns(tables(passage)[0]) == [
        "effect", "seeds", "detectable", "seeds, as measured", "time, as measured"
    ]  # fmt: skip
    assert rows(tables(passage)[0])[0] == ["augmentation", "3", "1.2 pp", "decided", "none"]


def test_a_decided_effect_is_called_decided_in_the_plan_of_seeds(make: Make) -> None:
    passage = seeds(followed(make(margin=0.02)))
    assert passage is not None
    assert {row[0]: row[4:] for row in rows(tables(passage)[0])}["transfer instead of scratch"] == [
        "none", "decided", "none"
    ]  # fmt: skip


def test_with_a_margin_seeds_and_time_are_given(make: Make) -> None:
    passage = seeds(followed(make(margin=0.02)))
    assert "a change of twice the margin improved (the margin is 2.0 pp test accuracy)" in said(
        passage
    )
    assert passage is not None
    assert columns(tables(passage)[0])[4:] == [
        "time, as measured", "seeds, no effect", "time, no effect"
    ]  # fmt: skip
    assert rows(tables(passage)[0])[0] == [
        "augmentation", "3", "3.2 pp", "9", "48 min 0 s", "3", "none"
    ]  # fmt: skip
