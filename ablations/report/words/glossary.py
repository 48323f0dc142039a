"""Explains the report to someone with one course in statistics; only what the report shows."""

from __future__ import annotations

from statistics import stdev

from ablations.core.findings import Findings
from ablations.core.metrics import TEST_IN_ANY_VALIDATION
from ablations.report.words.imported import imported_seed
from ablations.text.formatting import counted, metric_name, number, spread
from ablations.text.sentences import margin

Term = tuple[str, str]
"""A term, and what it means."""

SELECTED = "The best of several means tends to be too high, and no interval here corrects for that."

RARE = 0.1
"""A share of networks that few seeds often miss, as an example."""

N: Term = (
    "n",
    "The number of seeds behind a number. It is not the number of test images, and neither "
    "replaces the other: more images do not show how much another training differs, and more seeds "
    "do not help where one small test set decides for all of them. The parts of the variance over "
    "seeds show which of the two is too small.",
)
INTERVAL: Term = (
    "95% interval",
    "Computed from the seeds by Student's t. If the study were repeated many times with other "
    "seeds, about 95 of 100 such intervals would contain the true mean. An interval of width 0 "
    "means that all seeds gave the same number. This shows only that the metric has few possible "
    "values, not that the result is certain.",
)
ASSUMES: Term = (
    "What an interval assumes",
    "That the seeds are independent, of one kind of network (those that train), and roughly "
    "normally distributed. Where results are skewed, where a metric has so few possible "
    "values that seeds give equal results, where there are two kinds of networks, or where "
    "something changes slowly from one seed to the next, fewer than 95 of 100 intervals "
    "contain the mean, and a gate or verdict is wrong more often than promised. Differences "
    "between arms are affected less, unless only one arm has such seeds.",
)
LOOKS: Term = (
    "Adaptive seeds",
    "Whoever looks at the results after each seed, and stops at will, finds an effect sooner or "
    "later, even where there is none. The intervals of the effects are therefore wider: the chance "
    "that the true effect lies outside them at any look is at most 5%.",
)
IMAGES: Term = (
    "95% over test images",
    "The range in which we expect the accuracy of these trained models on many more such images "
    "(for one arm by Wilson’s method; for two arms by a bootstrap with 9,999 draws of the images, "
    "on which both are compared). It does not cover other seeds.",
)
MCNEMAR: Term = (
    "McNemar’s p",
    "Uses only the test images that exactly one of two arms answers correctly. If both arms were "
    "equally good, each would be that one equally often; p is the chance of a difference at least "
    "as large as the one observed. An image that several seeds are tested on counts once: by the "
    "number of seeds in which only one arm is right, less that in which only the other is.",
)
CHURN: Term = (
    "Churn",
    "The share of test images on which two seeds of the same arm give different answers. Two seeds "
    "may have the same accuracy and still give different answers to many images.",
)
EFFECT: Term = (
    "Effect",
    "The change in the mean that one change of a factor makes, compared within each seed and then "
    "averaged over seeds.",
)
CROSSED: Term = (
    "Effect and interaction",
    "An effect is the change in the mean that one factor makes, averaged over all combinations of "
    "the other factors. An interaction is how much this effect differs between two levels of a "
    "second factor. Where an interaction is not zero, the effect depends on the second factor.",
)
FRACTION: Term = (
    "Confounded",
    "Only some of the combinations were trained, so some effects always change together and share "
    "one number. The number is that of the effect that names it only if the others in it are "
    "small.",
)
SIMPLE: Term = (
    "Simple effect",
    "The effect of one factor while another factor stays at one of its levels. Where two factors "
    "depend on each other, use these numbers and not their average.",
)
SHARE: Term = (
    "Share",
    "A factor’s part of the whole gain: what it adds, averaged over all orders in which the "
    "factors could be added (its Shapley value). The shares add up to the gain, even where "
    "factors interact.",
)
STANDARDIZED: Term = (
    "Standardized effect",
    "The effect divided by its standard deviation over seeds. It compares the effect with the "
    "noise of training again, and does not show how much the effect matters.",
)
OPINIONS: Term = (
    "Sign-flip p, Wilcoxon p",
    "Tests that assume no normal distribution. If a change had no effect, each seed’s difference "
    "could as well have the other sign; p is the share of such sign flips that give an effect at "
    "least as large, by the sum (sign-flip) or by the ranks (Wilcoxon).",
)
MIXED: Term = (
    "Mixed model",
    "Uses every seed, also those that lack some of the arms. It assumes that a seed changes all "
    "arms by the same amount and that all arms have the same spread.",
)
POWER: Term = (
    "Power",
    "The chance that a study of this size gives a verdict on an effect that is really there. With "
    "80%, one such effect in five is missed. A smaller effect is missed more often; with more "
    "seeds, fewer are missed.",
)
PARTS: Term = (
    "Parts of the variance",
    "Seeds differ because each is another training, and because each is tested on a limited number "
    "of images. Variances of such causes add up. The images’ part is estimated from the answers to "
    "single images; what is left is the seed’s.",
)


def how_to_read(findings: Findings) -> tuple[Term, ...]:
    """Returns the terms of this report and what they mean in it."""
    study, effects, arms = findings.study, findings.effects, findings.arms
    shown = (
        (study.adaptive, LOOKS),
        (any(arm.noise for arm in arms), IMAGES),
        (findings.variances, PARTS),
        (any(arm.examples for arm in arms), MCNEMAR),
        (any(arm.noise and arm.noise.churn is not None for arm in arms), CHURN),
        (effects and not study.design.averages and not study.design.fraction, EFFECT),
        (effects and study.design.averages and not study.design.fraction, CROSSED),
        (effects and study.design.fraction, FRACTION),
        (findings.simple_effects, SIMPLE),
        (findings.shares, SHARE),
        (any(effect.d_z is not None for effect in effects), STANDARDIZED),
        (any(effect.nonparametric for effect in effects), OPINIONS),
        (any(effect.mixed for effect in effects), MIXED),
    )
    planned = any(plan.detectable[0] is not None for plan in findings.plans)
    return (
        _seed(findings),
        N,
        INTERVAL,
        ASSUMES,
        *_few_seeds(findings),
        *_best(findings),
        *(term for is_shown, term in shown if is_shown),
        *(_about_verdicts(findings) if effects else ()),
        *((POWER,) if planned else ()),
        _limits(findings),
    )


def _seed(findings: Findings) -> Term:
    if findings.study.imported:
        return "Seed", imported_seed(findings.study.imported)
    shared = "All arms have the same seeds"
    one = (
        "One complete training with its own random numbers, for example for the first weights and "
        "the order of the data."
    )
    if not findings.study.factors:
        return "Seed", one
    if findings.study.adaptive:
        shared = "All arms have the same seeds, as far as an arm was trained with them,"
    return (
        "Seed",
        f"{one} {shared} and are compared within each seed. What a seed changes equally in all "
        "arms cancels in their differences.",
    )


def _limits(findings: Findings) -> Term:
    """Says what intervals over seeds are about, which depends on the choice of test images."""
    shared = {arm.noise.shared for arm in findings.arms if arm.noise}
    images = ""
    if shared == {True}:
        images = " and the same test images"
    elif shared == {False}:
        images = ", with test images drawn anew from this data set"
    return (
        "What this does not cover",
        "The intervals over seeds are for other seeds with the same data set, pretrained weights, "
        f"machine and settings{images}. They say nothing about other data, another architecture or "
        "another training budget.",
    )


def _best(findings: Findings) -> list[Term]:
    """Says how the best arm was selected, or why there is none."""
    if not findings.study.factors:
        return []
    if findings.best:
        same = findings.best_by in (None, findings.metric.name)
        by = metric_name(findings.best_by or findings.metric.name)
        how = "by which it is also scored" if same else f"selected {validation_data(findings)}"
        return [("Best arm", f"The arm with the best mean of {by}, {how}. {SELECTED}")]
    none = {
        "tied": "None is named, because several arms have the same best mean.",
        "untrained": "None is named: without the networks that did not train, another arm has the "
        "best mean.",
    }
    return [("Best arm", none[rule])] if (rule := findings.best_rule) in none else []


def validation_data(findings: Findings) -> str:
    """Says which data selected the best arm, where these were not the ones that score it."""
    arm = findings.arm(findings.best) if findings.best else None
    seen = arm.summaries.get(TEST_IN_ANY_VALIDATION) if arm else None
    if seen is None or not seen.mean:
        return "without using the test data"
    return (
        f"using validation images, which include {'all' if seen.mean == 1 else 'some'} test images"
    )


def _few_seeds(findings: Findings) -> list[Term]:
    """Says what as many seeds as an arm has cannot show."""
    n = max((arm.n_completed for arm in findings.arms), default=0)
    if n == 0:
        return []
    missed = number((1 - RARE) ** n, "fraction")
    return [
        (
            "What few seeds cannot show",
            f"Whether they meet these assumptions. If {number(RARE, 'fraction')} of networks are "
            f"of another kind, or do not train, {missed} of studies with {counted(n, 'seed')} see "
            "none of them. The report warns of seeds that fall into two groups, but a missing "
            "warning does not prove that there is only one.",
        )
    ]


def _about_verdicts(findings: Findings) -> list[Term]:
    found = []
    family = findings.effects[0].family_size
    if family > 1:
        found.append(
            (
                "Adjusted",
                f"Among {counted(family, 'comparison')}, one may seem clear by chance. "
                f"{method(findings)} makes each interval wider and each p value larger, so that "
                "the chance of even one false verdict is at most about 5%.",
            )
        )
    together = (
        " The verdict on an interaction is about whether two changes together gain more, or less, "
        "than the sum of their separate gains."
    )
    crossed = any(effect.kind == "interaction" for effect in findings.effects)
    found.append(("Verdict", f"{_verdicts(findings)}{together if crossed else ''}"))
    return [*_least_spread(findings), *found]


def _least_spread(findings: Findings) -> list[Term]:
    """Explains effects whose seeds differ by less than the metric can show."""
    step, effects = findings.metric.step, [e for e in findings.effects if e.sd is not None]
    seen = [(e, stdev(value for _, value in e.per_seed)) for e in effects if e.n > 1]
    if step is None or not any(e.sd and e.sd > own + 1e-12 for e, own in seen):
        return []
    name, size = metric_name(findings.metric.name), spread(step.size, findings.metric.unit)
    return [
        (
            "Least spread",
            f"The values of {name} lie at least {size} apart. The differences of a change within "
            "the seeds are taken to have a standard deviation of about that size or more, also "
            "where they are equal: equal differences show that the metric is coarse, and not that "
            "the effect is certain. Intervals, p and the standardized effect are computed so.",
        )
    ]


def method(findings: Findings) -> str:
    """Names the method by which intervals and p values are adjusted for many comparisons."""
    also = " (for p values Holm's)" if margin(findings) and not findings.study.adaptive else ""
    return f"{interval_method(findings)}{also}"


def interval_method(findings: Findings) -> str:
    """Names the method by which intervals are adjusted for the number of comparisons."""
    bonferroni = findings.study.adaptive or margin(findings)
    return "Bonferroni's method" if bonferroni else "Holm's method"


def _verdicts(findings: Findings) -> str:
    metric = metric_name(findings.metric.name)
    # What a verdict needs besides, where networks did not train.
    lost = (
        " Where networks did not train, a verdict also needs the same result without their seeds; "
        "otherwise it is inconclusive, and more seeds may not help."
    )
    if shown := margin(findings):
        return (
            "Improved or regressed: the whole adjusted interval lies beyond the margin of "
            f"{shown}, the smallest change of {metric} that matters here. Equivalent: it lies "
            "wholly within the margin. Inconclusive: neither, which does not mean that there is no "
            "effect."
            f"{lost if findings.untrained_effects else ''}"
        )
    return (
        "Improved or regressed: the whole adjusted interval lies on one side of zero. "
        "Inconclusive: it contains zero, which is not evidence that there is no effect."
    )
