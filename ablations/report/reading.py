"""Explains the report to someone with one course in statistics; only what the report shows."""

from __future__ import annotations

from ablations.findings import Findings
from ablations.formatting import counted, difference, metric_name

Term = tuple[str, str]

_SEEDS: tuple[Term, ...] = (
    (
        "Seed",
        "One complete training with random numbers of its own: what is drawn at random, such as "
        "the first weights and the order of the data, is drawn anew. All arms share the seeds and "
        "are compared seed by seed, which removes what a lucky or unlucky seed does to all of "
        "them alike.",
    ),
    (
        "n",
        "The number of seeds behind a number. It is not the number of examples: a large test set "
        "does not make up for few seeds.",
    ),
    (
        "95% interval",
        "Computed from the seeds by Student's t. Were the study repeated with other seeds many "
        "times, about 95 of 100 such intervals would contain the long-run mean. One without width "
        "says that all seeds gave the same number, which is coarse rather than certain.",
    ),
)
_LIMITS: Term = (
    "What this does not cover",
    "The intervals speak for other seeds on the same data set, machine and settings. They say "
    "nothing about other data, another architecture or another training budget.",
)


def how_to_read(findings: Findings) -> tuple[Term, ...]:
    """Returns the terms of this report and what they mean in it."""
    effects = _about_effects(findings) if findings.effects else []
    looks = [_LOOKS] if findings.study.adaptive else []
    return (*_SEEDS, *looks, *_about_noise(findings), *effects, *_about_seeds(findings), _LIMITS)


_LOOKS: Term = (
    "Looking after each seed",
    "Who looks after each seed and stops when the result pleases will find something sooner or "
    "later. The intervals of the effects are wider at each look by just as much as keeps the "
    "chance of missing the truth at any look at 5%.",
)


def _about_noise(findings: Findings) -> list[Term]:
    if not any(arm.noise for arm in findings.arms):
        return []
    found = [
        (
            "95% over test images",
            "How far the accuracy of these very models would move on another draw of as many test "
            "images (for one arm Wilson’s method; for two arms their answers to the same images "
            "are compared and the images drawn anew, 9,999 times). It knows nothing of other "
            "seeds.",
        )
    ]
    if any(arm.examples for arm in findings.arms):
        found.append(
            (
                "McNemar’s p",
                "Looks only at the test images on which two arms disagree. Were both equally good, "
                "each would be the right one half of the time; p is the chance of a split at least "
                "as uneven as the one seen.",
            )
        )
    if any(arm.noise and arm.noise.churn is not None for arm in findings.arms):
        found.append(
            (
                "Churn",
                "The share of test images on which two seeds of the same arm give different "
                "answers. Accuracy may agree while many single answers do not.",
            )
        )
    return found


def _about_seeds(findings: Findings) -> list[Term]:
    if not any(plan.detectable[0] is not None for plan in findings.plans):
        return []
    return [
        (
            "Power",
            "The chance that a study of this size gives a verdict on an effect that is really "
            "there. 80% means that one such effect in five is missed; a smaller effect is missed "
            "more often, and more seeds miss fewer.",
        )
    ]


def _about_effects(findings: Findings) -> list[Term]:
    found = []
    if findings.study.design == "full-factorial":
        found.append(
            (
                "Effect and interaction",
                "An effect is what changing one factor does, averaged over all combinations of "
                "the others. An interaction is how much that effect itself changes when a second "
                "factor is moved; where it is not zero, read the effect together with it.",
            )
        )
    if findings.simple_effects:
        found.append(
            (
                "Simple effect",
                "What one change does while another factor stays at one of its levels. Where two "
                "factors depend on each other, these are the numbers to act on, not their average.",
            )
        )
    if findings.shares:
        found.append(
            (
                "Share",
                "A factor’s part of the whole gain: what it adds to the recipes before it, "
                "averaged over all orders in which the factors could be added (its Shapley value). "
                "The shares add up to the gain, whatever the interactions.",
            )
        )
    if any(effect.d_z is not None for effect in findings.effects):
        found.append(
            (
                "Standardized effect",
                "The effect divided by its spread over seeds: how far it stands out of the noise "
                "of retraining, not how much it matters.",
            )
        )
    family = findings.effects[0].family_size
    if family > 1:
        found.append(
            (
                "Adjusted",
                f"Among {counted(family, 'comparison')} one may look convincing by luck. "
                f"{_method(findings)} makes each interval wider and each p value larger, so that "
                "the chance of even one false claim stays at about 5%.",
            )
        )
    together = " Of an interaction they say whether two changes gain more together than apart."
    crossed = any(effect.kind == "interaction" for effect in findings.effects)
    found.append(("Verdict", f"{_verdicts(findings)}{together if crossed else ''}"))
    return found


def _method(findings: Findings) -> str:
    if findings.study.smallest_effect_that_matters > 0:
        return "Bonferroni's method (for p values Holm's)"
    return "Holm's method"


def _verdicts(findings: Findings) -> str:
    margin, metric = findings.study.smallest_effect_that_matters, metric_name(findings.metric.name)
    if margin > 0:
        shown = difference(margin, findings.metric.unit).lstrip("+")
        return (
            f"Improved or regressed: the adjusted interval lies wholly beyond {shown}, the "
            f"smallest change of {metric} that matters here. Equivalent: wholly within it. "
            "Inconclusive: neither, so more seeds are needed."
        )
    return (
        "Improved or regressed: the adjusted interval lies wholly on one side of zero. "
        "Inconclusive: it contains zero, which is not evidence that there is no effect."
    )
