"""Separates the two kinds of noise: another run of the recipe, another sample of test images."""

from __future__ import annotations

from ablations.core.estimates import Interval, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import TEST_ACCURACY
from ablations.report.blocks import Section, Table, present, prose
from ablations.report.tables import bare_p, between, make_table
from ablations.text.formatting import count, counted, difference, number, spread
from ablations.text.naming import arm_label

WHAT = (
    "The interval over seeds is for the mean accuracy of this recipe over many runs. The interval "
    "over test images is for the accuracy of these trained models on many more such images."
)
SHARED = (
    "All seeds were tested on the same images, so neither interval includes the noise of the "
    "other: a claim about this recipe on other images of this kind must hold in both."
)
OWN = (
    "Each seed draws its own test images from the data set, so the interval over seeds includes "
    "the noise of that draw. How often two seeds disagree on one image is unknown."
)
CHURN = (
    "Churn is the share of test images on which two seeds of one arm disagree. Where it is large "
    "compared with the difference of two arms, the answer to a single image depends on the seed."
)


def noise(findings: Findings) -> Section | None:
    """Shows seed noise and test-set noise beside each other, where predictions were recorded."""
    if not any(arm.noise for arm in findings.arms):
        return None
    texts = (WHAT, *_sharing_lines(findings))
    blocks = present(*prose(texts), _arm_table(findings), _difference_table(findings))
    return Section("noise", "Two kinds of noise: the seed and the test images", blocks)


def _sharing_lines(findings: Findings) -> list[str]:
    if len(findings.study.seeds) < 2:
        return []
    shared = {arm.noise.shared for arm in findings.arms if arm.noise}
    known = [CHURN] if _has_churn(findings) else []
    if shared == {True}:
        return [SHARED, *known]
    return known or ([OWN] if False in shared else [])


def _has_churn(findings: Findings) -> bool:
    return any(arm.noise and arm.noise.churn is not None for arm in findings.arms)


def _arm_table(findings: Findings) -> Table:
    numeric = ["test accuracy", "sd over seeds", "95% over seeds", "95% over test images", "images"]
    numeric += ["churn"] if _has_churn(findings) else []
    rows = [
        [arm_label(findings.study, arm.arm), *_arm_cells(arm)[: len(numeric)]]
        for arm in findings.arms
        if arm.noise
    ]
    caption = "Each arm: its interval over seeds, and its interval over test images"
    return make_table(caption, ["arm", *numeric], rows, numeric=numeric, name="noise")


def _arm_cells(arm: ArmFinding) -> list[str]:
    noise, over_seeds = arm.noise, arm.summaries.get(TEST_ACCURACY)
    if noise is None or over_seeds is None:
        return []
    return [
        number(noise.accuracy, "fraction"),
        spread(over_seeds.sd, "fraction"),
        between(over_seeds.interval, "fraction"),
        between(noise.interval, "fraction"),
        count(noise.n_examples),
        number(noise.churn, "fraction"),
    ]


def _difference_table(findings: Findings) -> Table | None:
    pairs = [(arm, arm.examples) for arm in findings.arms if arm.examples]
    if not pairs:
        return None
    reference = arm_label(findings.study, findings.study.reference)
    most = max(found.n_seeds for _, found in pairs)
    over = f", over {counted(most, 'seed')}" if most > 1 else ""
    numeric = ["change", "95% over seeds", "95% over test images", f"only this arm right{over}"]
    numeric += [f"only {reference} right{over}", "McNemar’s p", "images drawn"]
    rows = [
        [
            arm_label(findings.study, arm.arm),
            difference(found.difference, "fraction", ends(found.interval)),
            between(_over_seeds(arm), "fraction", signed=True),
            between(found.interval, "fraction", signed=True),
            count(found.gained),
            count(found.lost),
            bare_p(found.p),
            count(found.n_examples),
        ]
        for arm, found in pairs
    ]
    caption = f"Each arm against {reference}, image by image, not adjusted"
    caption += "; counted are answers, one for each image and seed" if most > 1 else ""
    return make_table(caption, ["arm", *numeric], rows, numeric=numeric, name="answers")


def _over_seeds(arm: ArmFinding) -> Interval | None:
    effect = arm.difference
    return effect.interval if effect and effect.metric.name == TEST_ACCURACY else None
