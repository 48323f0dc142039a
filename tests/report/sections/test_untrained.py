"""Reports of networks that did not train: named first, and with both readings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ablations.analyze.describe.networks import share_of, without
from ablations.analyze.inference.readings import in_both
from ablations.cli.gate import gated, training_lines
from ablations.core.design import Arm
from ablations.core.estimates import Effect, SeedGap, Summary, Training
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import MetricInfo
from ablations.report.blocks import Extras, Table
from ablations.report.data_files import arms_frame, effects_frame
from ablations.report.formats.summary import card
from ablations.report.sections.arms import arm_table
from ablations.report.sections.gates import gate_gaps, gate_scope
from ablations.report.sections.untrained import untrained
from ablations.report.words import observations
from ablations.report.words.answer import answer
from ablations.text.sentences import untrained_sentence


def trained(finding: ArmFinding, lost: tuple[int, ...]) -> ArmFinding:
    """The arm, with seeds that did not train."""
    n = finding.n_completed
    found = Training(lost, n, share_of(len(lost), n), without(finding.summaries, lost))
    return replace(finding, training=found)


def losing(findings: Findings, lost: Mapping[int, tuple[int, ...]]) -> Findings:
    """Findings whose arms, by place, lost seeds; effects are read again over the others."""
    from ablations.analyze.inference.effects import bonferroni_adjusted, unadjusted_effect

    arms = [trained(arm, lost.get(place, ())) for place, arm in enumerate(findings.arms)]
    study, metric = findings.study, findings.metric

    def read(summaries: Mapping[Arm, Summary]) -> list[Effect]:
        every = [
            unadjusted_effect(study, c, metric, summaries=summaries) for c in study.design.contrasts
        ]
        return [bonferroni_adjusted(study, effect, family=len(every)) for effect in every]

    every = {arm.arm: arm.summaries[metric.name] for arm in arms}
    others = {arm.arm: arm.over_trained(metric.name) or every[arm.arm] for arm in arms}
    gates = tuple(
        replace(gate, training=arm.training)
        for gate in findings.gates
        for arm in arms
        if arm.arm == gate.arm
    )
    found = in_both(read, (every, others))
    return replace(findings, arms=tuple(arms), effects=found, gates=gates)


def said(findings: Findings, place: int) -> list[str]:
    return [o.text for o in observations.observe(findings, findings.arms[place])]


def test_the_answer_says_it_first(post: Findings) -> None:
    assert answer(losing(post, {})).alarm == ""
    assert answer(losing(post, {0: (0, 1, 2), 2: (1,)})).alarm == (
        "4 of 12 networks did not train and name one class for every example: 3 of 3 of "
        "‘model1’ and 1 of 3 of ‘model3’. A change is called improved, regressed or "
        "equivalent only if this is so with and without the seeds of these networks."
    )
    alone = losing(post, {0: (1,)})
    assert untrained_sentence(replace(alone, arms=alone.arms[:1])) == (
        "1 of 3 networks did not train and names one class for every example."
    )


def test_nothing_is_answered_about_networks_that_train_where_none_did(post: Findings) -> None:
    first, second = answer(losing(post, {0: (0, 1, 2)})).sentences
    assert first.endswith(
        "instead of model1 cannot be estimated for networks that train: in every seed, the network "
        "of at least one of the compared arms did not train."
    )
    assert "3 of them with a network that did not train" in second


def test_overfitting_is_not_judged_where_no_network_trained(post: Findings) -> None:
    every = said(losing(post, {1: (0, 1, 2)}), 1)
    assert every[0] == (
        "3 of 3 networks did not train (seeds 0, 1 and 2): each names one class for every example."
    )
    assert not any("overfit" in text or "ranged" in text for text in every)
    assert "have no seed in which both trained" in every[1]


def test_the_others_are_described_without_it(post: Findings) -> None:
    one = said(losing(post, {1: (1,)}), 1)
    assert one[0] == (
        "1 of 3 networks did not train (seed 1): it names one class for every example."
    )
    assert "(last 10 epochs, 2 seeds that trained)" in one[1]
    assert ", 2 seeds that trained)" in one[2]
    assert "over the 2 seeds in which both trained" in one[3]
    two = said(losing(post, {1: (1, 2)}), 1)
    assert two[2].startswith("In the only seed that trained, training accuracy")


def test_a_reference_that_lost_a_seed_takes_part_in_every_comparison(post: Findings) -> None:
    texts = said(losing(post, {0: (2,)}), 3)
    assert "over the 2 seeds in which both trained" in texts[-1]


def test_both_readings_stand_beside_each_other(post: Findings) -> None:
    assert untrained(losing(post, {}), Extras()) is None
    found = untrained(losing(post, {1: (1,)}), Extras())
    assert found is not None
    arms, effects = (block for block in found.blocks if isinstance(block, Table))
    assert arms.rows[0][:3] == ("model2", "1 of 3", "[0.8, 90.6]%")
    assert arms.rows[0][3].count("[") == arms.rows[0][4].count("[") == 1
    assert [row[0] for row in effects.rows] == ["model2 instead of model1"]
    heads = [column.name for column in arm_table(losing(post, {1: (1,)})).columns]
    assert "did not train" in heads
    assert "did not train" not in [column.name for column in arm_table(post).columns]


def test_what_is_said_of_an_arm_leads_to_the_table(post: Findings) -> None:
    lost = losing(post, {0: (1,)})
    said = observations.untrained(lost, lost.arms[0])
    section = untrained(lost, Extras())
    assert said is not None
    assert section is not None
    names = [block.name for block in section.blocks if isinstance(block, Table)]
    assert said.links[0].address == f"#{names[0]}-table"


def test_the_numbers_for_programs_hold_both_readings(post: Findings) -> None:
    findings = losing(post, {1: (1,)})
    document = json.loads(json.dumps(card(findings, {})))
    assert document["arms"][1]["training"]["untrained"] == [1]
    assert document["arms"][1]["training"]["of"] == 3
    assert document["measured"]["arms"][1]["untrained"] == [1]
    assert document["effects"][0]["trained"]["n"] == 2
    assert document["effects"][1]["trained"] is None
    frame = arms_frame(findings)
    own = frame[(frame.model == "model2") & (frame.metric == "test_accuracy")]
    assert own.n_untrained.tolist() == [1]
    assert own.trained_mean.notna().all()
    effects = effects_frame(findings)
    assert effects.trained_estimate.notna().tolist() == [True, False, False]


def test_the_scope_of_gates_names_the_networks_that_they_judge(findings: Findings) -> None:
    clean = losing(findings, {})
    assert gate_scope(clean).startswith("The gates judge only networks that train. Of ")
    assert (
        "all of 3 seeds trained, which does not exclude that up to 70.8% of such networks do not "
        "train (95%" in gate_scope(clean)
    )
    (told,) = training_lines(clean)  # one line for all arms of which the same is said
    assert told == (
        "transfer, preprocessing + transfer, augmentation + transfer and augmentation + "
        "preprocessing + transfer: all of 3 seeds trained, which does not exclude that up to "
        "70.8% of such networks do not train (95% interval of the share)"
    )
    place = [arm.arm for arm in clean.arms].index(clean.gates[0].arm)
    lost = losing(findings, {place: (0,)})
    assert "1 of 3 seeds did not train (95% interval of the share: 0.8 to 90.6%)" in gate_scope(
        lost
    )
    shown = gated(lost)
    assert "a gate holds only with and without these seeds" in " ".join(shown.lines)
    judged = shown.document["gates"][0]
    assert judged["untrained"]["seeds"] == [0]
    assert judged["untrained"]["of"] == 3
    assert judged["trained"]["n"] == 2


@pytest.mark.parametrize("unknown", [True, False])
def test_nothing_is_reported_where_training_is_unknown(findings: Findings, unknown: bool) -> None:
    arms = tuple(replace(arm, training=None) for arm in findings.arms)
    known = replace(findings, arms=arms) if unknown else findings
    assert gate_scope(known) == ""
    assert untrained(known, Extras()) is None


ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
GAP = SeedGap(ACCURACY, 0.5, 0.93, 1, 5, 0.97, 0.001, 8)


def warned(findings: Findings, gap: SeedGap) -> Findings:
    """Findings whose judged arm has seeds of two kinds."""
    arms = tuple(
        replace(arm, gaps=(gap,)) if arm.arm == findings.gates[0].arm else arm
        for arm in findings.arms
    )
    gates = (replace(findings.gates[0], gap=gap), *findings.gates[1:])
    return replace(findings, arms=arms, gates=gates)


def test_seeds_of_two_kinds_are_warned_of_everywhere(findings: Findings) -> None:
    found = warned(findings, GAP)
    caveats = " ".join(answer(found).caveats)
    words = "lies far from the others by test accuracy: 50.0%, the other 4 at 93.0% or more."
    assert words in caveats
    assert "at most one study of 20" in caveats
    assert words in gate_gaps(found)
    shown = gated(found)
    assert words in " ".join(shown.lines)
    assert shown.document["gates"][0]["seed_gap"]["n_low"] == 1
    document = json.loads(json.dumps(card(found, {})))
    assert [len(arm["seed_gaps"]) for arm in document["arms"]].count(1) == 1
    assert gate_gaps(findings) == ""


def test_two_groups_and_an_outlier_above(findings: Findings) -> None:
    two = gate_gaps(warned(findings, replace(GAP, n_low=2)))
    assert "fall into two groups by test accuracy: 2 at 50.0% or less, 3 at 93.0% or more." in two
    above = gate_gaps(warned(findings, replace(GAP, n_low=4)))
    assert "by test accuracy: 93.0%, the other 4 at 50.0% or less." in above
