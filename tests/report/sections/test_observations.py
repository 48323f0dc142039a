from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.estimates import Effect, Interval
from ablations.core.findings import ArmFinding, Findings, Unlike
from ablations.report.sections import chapters, claims, published
from ablations.report.words import observations


def texts(findings: Findings, place: int) -> list[str]:
    return [o.text for o in observations.observe(findings, findings.arms[place])]


def changed(findings: Findings, low: float, high: float) -> Findings:
    """Moves the adjusted interval of the first effect: model2 against model1."""
    first = findings.effects[0]
    middle = (low + high) / 2
    adjusted = Interval(low, high, 0.98, "Holm")
    moved = replace(first, estimate=middle, adjusted=adjusted, family_size=3)
    return replace(findings, effects=(moved, *findings.effects[1:]))


def with_margin(findings: Findings, margin: float) -> Findings:
    return replace(findings, study=replace(findings.study, smallest_effect_that_matters=margin))


def test_the_range_is_that_of_the_last_ten_epochs_of_all_seeds(post: Findings) -> None:
    arm = post.arms[0]
    runs = [c.values[-10:] for c in arm.curves if c.metric == "val_accuracy"]
    low, high = min(map(min, runs)), max(map(max, runs))
    found = observations.ranged(post, arm)
    assert found is not None
    assert found.text == (
        f"The validation accuracy ranged from {low:.1%} to {high:.1%} (last 10 epochs, 3 seeds)."
    )
    assert found.links[0].address == "#last-epochs-1-table"


def test_a_shorter_training_gives_the_range_of_its_epochs(post: Findings) -> None:
    arm = post.arms[0]
    short = tuple(replace(c, values=c.values[:4]) for c in arm.curves)
    findings = replace(post, arms=(replace(arm, curves=short), *post.arms[1:]))
    assert " ranged from " in texts(findings, 0)[0]
    assert "(last 4 epochs, 3 seeds)" in texts(findings, 0)[0]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            0,
            "It overfits: training accuracy is 33.0\u202fpp above validation accuracy "
            "(gap +33.0\u202fpp [+28.0, +38.0] in the last epochs, 95% interval, 3 seeds).",
        ),
        (
            1,
            "It does not overfit by as much as 5.0\u202fpp: training accuracy is 1.0\u202fpp "
            "above validation accuracy (gap +1.0\u202fpp [−1.5, +3.5] in the last epochs, 95% interval, 3 seeds).",
        ),
        (
            2,
            "It is inconclusive whether it overfits by more than 5.0\u202fpp: training accuracy is "
            "6.0\u202fpp above validation accuracy (gap +6.0\u202fpp [−1.5, +13.5] in the last epochs, 95% interval, "
            "3 seeds).",
        ),
        (
            3,
            "It does not overfit by as much as 5.0\u202fpp: training accuracy is 4.0\u202fpp "
            "below validation accuracy (gap −4.0\u202fpp [−6.5, −1.5] in the last epochs, 95% interval, 3 seeds).",
        ),
    ],
)
def test_overfitting_is_decided_by_the_interval(post: Findings, place: int, text: str) -> None:
    assert texts(post, place)[1] == text


def test_one_seed_cannot_tell_whether_a_model_overfits(post_once: Findings) -> None:
    assert texts(post_once, 0)[1] == (
        "In the only seed, training accuracy is 33.0\u202fpp above validation accuracy; one seed "
        "cannot show whether the model overfits."
    )


@pytest.mark.parametrize(
    ("low", "high", "margin", "text"),
    [
        (0.04, 0.10, 0.0, "Model2 is better than model1 by 7.0\u202fpp [4.0, 10.0] in test accuracy "),
        (-0.10, -0.04, 0.0, "Model2 is worse than model1 by 7.0\u202fpp [4.0, 10.0] in test accuracy "),
        (-0.02, 0.04, 0.0, "Model2 is not distinguishable from model1 in test accuracy: +1.0\u202fpp [−2.0, +4.0] "),
        (0.005, 0.10, 0.01, "Model2 is better than model1 by 5.3\u202fpp [0.5, 10.0] in test accuracy "),
        (0.002, 0.006, 0.01, "Model2 is better than model1 by 0.4\u202fpp [0.2, 0.6] in test accuracy "),
    ],
)  # fmt: skip
def test_a_comparison_says_what_its_interval_carries(
    post: Findings, low: float, high: float, margin: float, text: str
) -> None:
    ends = {0.005: ", but not shown to be more than the margin of 1.0\u202fpp",
            0.002: ", which is less than the margin of 1.0\u202fpp"}  # fmt: skip
    basis = "(95% interval adjusted for 3 comparisons, 3 seeds)"
    said = texts(with_margin(changed(post, low, high), margin), 1)[2]
    assert said == f"{text}{basis}{ends.get(low, '')}."


def test_a_comparison_links_to_the_row_of_its_effect(post: Findings) -> None:
    found = observations.compared(post, post.arms[2])
    assert found is not None
    assert found.links[0].address == "#effect-2"
    alone = observations.compared(replace(post, effects=()), post.arms[2])
    assert alone is not None
    assert alone.links[0].address == "#arm-3"
    assert "(95% interval, 3 seeds)" in alone.text


def test_one_seed_gives_a_difference_without_an_interval(post_once: Findings) -> None:
    said = texts(post_once, 1)[2]
    assert said.startswith("Model2 is ")
    assert said.endswith("one seed gives no interval, so this could be chance.")


def test_the_reference_is_compared_with_guessing(post: Findings, post_once: Findings) -> None:
    assert texts(post, 0)[2].startswith(
        "Model1 is better than guessing the most frequent class, 50.0%: test accuracy "
    )
    assert (
        " in one seed, compared with guessing the most frequent class, 50.0%."
        in texts(post_once, 0)[2]
    )


@given(low=st.floats(-0.5, 0.5), width=st.floats(0, 0.5), margin=st.floats(0, 0.1))
def test_no_claim_of_a_direction_across_zero(
    post: Findings, low: float, width: float, margin: float
) -> None:
    said = texts(with_margin(changed(post, low, low + width), margin), 1)[2]
    across = low <= 0 <= low + width
    assert ("not distinguishable" in said) == across
    assert ("better than" in said or "worse than" in said) == (not across)


def test_an_arm_without_numbers_gives_no_observation(nothing: Findings) -> None:
    assert observations.observe(nothing, nothing.arms[1]) == ()
    assert chapters.tail_table(nothing.arms[1], 2) is None
    assert observations.majority(nothing) is None


def test_the_rows_of_the_last_epochs_hold_the_numbers_of_the_sentences(post: Findings) -> None:
    table = chapters.tail_table(post.arms[0], 1)
    assert table is not None
    assert [row[0] for row in table.rows] == ["seed 0", "seed 1", "seed 2", "all seeds"]
    assert [row[-1] for row in table.rows] == [
        "+33.0\u202fpp", "+35.0\u202fpp", "+31.0\u202fpp", "+33.0\u202fpp [+28.0, +38.0]"
    ]  # fmt: skip
    low, high = table.rows[-1][1:3]
    assert f"from {low} to {high} " in texts(post, 0)[0]


def effect_of(findings: Findings, low: float, high: float) -> Effect:
    moved = changed(findings, low, high).effects[0]
    return replace(moved, interval=moved.adjusted)


@pytest.mark.parametrize(
    ("published", "low", "high", "text"),
    [
        (0.24, 0.01, 0.05, "the published gain is 24.0\u202fpp; our effect is +3.0\u202fpp [+1.0, +5.0], which is smaller than the published gain."),
        (0.24, -0.01, 0.05, "the published gain is 24.0\u202fpp; our effect is +2.0\u202fpp [−1.0, +5.0], which is compatible with a part of it and with no effect."),
        (0.02, -0.01, 0.05, "the published gain is 2.0\u202fpp; our effect is +2.0\u202fpp [−1.0, +5.0], which is compatible with the whole gain and with no effect."),
        (0.24, -0.05, -0.01, "the published gain is 24.0\u202fpp; our effect is −3.0\u202fpp [−5.0, −1.0], which has the opposite direction."),
        (0.24, 0.20, 0.30, "the published gain is 24.0\u202fpp; our effect is +25.0\u202fpp [+20.0, +30.0], which is compatible with the whole gain."),
        (0.02, 0.20, 0.30, "the published gain is 2.0\u202fpp; our effect is +25.0\u202fpp [+20.0, +30.0], which is larger than the published gain."),
        (-0.24, -0.05, -0.01, "the published loss is 24.0\u202fpp; our effect is −3.0\u202fpp [−5.0, −1.0], which is smaller than the published loss."),
        (0.004, 0.20, 0.30, "the published change is close to zero (+0.4\u202fpp); our effect is +25.0\u202fpp [+20.0, +30.0]."),
    ],
)  # fmt: skip
def test_what_remains_of_a_published_gain(
    claimed: Findings, published: float, low: float, high: float, text: str
) -> None:
    found = replace(
        claimed.reproduced_claims[0], published=published, effect=effect_of(claimed, low, high)
    )
    assert claims.remains(found) == text


def test_a_gain_that_rests_on_networks_that_did_not_train_is_not_shown_to_remain(
    claimed: Findings,
) -> None:
    trained = effect_of(claimed, -0.02, 0.04)
    trained = replace(trained, per_seed=trained.per_seed[:2])
    both = replace(effect_of(claimed, 0.01, 0.05), trained=trained)
    found = replace(claimed.reproduced_claims[0], published=0.24, effect=both)
    assert claims.remains(found) == (
        "the published gain is 24.0\u202fpp; our effect is +3.0\u202fpp [+1.0, +5.0] over all seeds, but "
        "+1.0\u202fpp [−2.0, +4.0] over the 2 seeds in which both networks trained: nothing can be "
        "shown to remain."
    )
    only = replace(claimed, reproduced_claims=(found,))
    assert claims.headline(only).startswith("Of 1 published change, none could be shown")


def test_what_cannot_be_compared_has_its_reason(claimed: Findings) -> None:
    unlike = (Unlike("epochs", 20, 2), Unlike("layers", ["conv:8"], ["conv:16"]))
    shorter = replace(claimed.reproduced_claims[0], effect=None, unlike=unlike)
    assert claims.remains(shorter) == "not compared: epochs 2 instead of 20 and other layers."
    nowhere = replace(claimed.reproduced_claims[0], effect=None)
    assert claims.remains(nowhere) == (
        "not compared: the study has no arms with the levels of the two published runs."
    )
    none = replace(claimed, reproduced_claims=(shorter, nowhere))
    assert claims.headline(none) == "No published gain can be compared with these runs"
    assert claims.draw_claims(none) is None
    assert [row[5:] for row in claims.claims_table(none).rows] == [("–", "–", "–")] * 2
    some = replace(claimed, reproduced_claims=(shorter, *claimed.reproduced_claims[1:]))
    assert claims.headline(some).startswith("Of 1 published change,")


def test_published_runs_made_otherwise_are_neither_inside_nor_outside(post: Findings) -> None:
    found = tuple(
        replace(r, unlike=(Unlike("epochs", 20, 2),),
                comparisons=tuple(replace(c, inside=None) for c in r.comparisons))
        for r in post.reproductions
    )  # fmt: skip
    short = replace(post, reproductions=found)
    assert published.headline(short) == (
        "None of 4 published numbers is compared: our runs had other settings"
    )
    places = {row[1] for row in published.published_table(short).rows}
    assert places == {"– not compared: epochs 2 instead of 20"}
    mixed = replace(post, reproductions=(found[0], *post.reproductions[1:]))
    assert published.headline(mixed).endswith("; 1 not compared, as our runs had other settings")


def test_one_seed_or_none_says_so_of_a_published_gain(claimed: Findings) -> None:
    found = claimed.reproduced_claims[0]
    once = replace(found.effect, interval=None, adjusted=None, estimate=0.03)
    assert claims.remains(replace(found, effect=once)) == (
        "the published gain is 24.0\u202fpp; our effect is +3.0\u202fpp in one seed, which gives no interval."
    )
    never = replace(once, estimate=None)
    assert claims.remains(replace(found, effect=never)) == "our runs have no result yet."


def test_rules_need_no_more_than_an_arm(post: Findings) -> None:
    bare: ArmFinding = replace(post.arms[1], summaries={}, curves=(), difference=None)
    findings = replace(post, arms=(post.arms[0], bare, *post.arms[2:]), effects=())
    assert observations.observe(findings, bare) == ()
