"""What each term of a report means, for someone with one course in statistics."""

from __future__ import annotations

Term = tuple[str, str]

SEEDS: tuple[Term, ...] = (
    (
        "Seed",
        "One complete training with random numbers of its own: what is drawn at random, such as "
        "the first weights and the order of the data, is drawn again. All arms share the seeds and "
        "are compared seed by seed, which removes the part of the noise that a seed adds to all "
        "arms alike.",
    ),
    (
        "n",
        "The number of seeds behind a number. It is not the number of examples: a large test set "
        "does not make up for few seeds.",
    ),
    (
        "95% interval",
        "Computed from the seeds by Student's t. Were the study repeated with other seeds many "
        "times, about 95 of 100 such intervals would contain the long-run mean. An interval "
        "of width 0 means that all seeds gave the same number. That shows only that the metric has "
        "few possible values, not that the result is certain.",
    ),
)
ASSUMES: tuple[Term, ...] = (
    (
        "What an interval assumes",
        "That the seeds are independent, of one kind of network (those that train), and roughly "
        "normally distributed. Where results are skewed, where a metric has so few possible "
        "values that seeds give equal results, where there are two kinds of networks, or where "
        "something changes slowly from one seed to the next, fewer than 95 of 100 intervals "
        "contain the mean, and a gate or verdict errs more often than promised. Differences "
        "between arms are affected less, unless only one arm has such seeds.",
    ),
)
LOOKS: Term = (
    "Looking after each seed",
    "Whoever looks at the results after each seed, and stops when they please, finds an effect "
    "sooner or later, even where there is none. The intervals of the effects are therefore wider: "
    "the chance that the true effect lies outside of them at any look is 5% at most.",
)
IMAGES: Term = (
    "95% over test images",
    "The range in which the accuracy of these trained models on many more such images is "
    "expected (for one arm by Wilson’s method; for two arms by a bootstrap of the images, on "
    "which both are compared, 9,999 times). It does not cover other seeds.",
)
MCNEMAR: Term = (
    "McNemar’s p",
    "Looks only at the test images on which two arms disagree. Were both equally good, each "
    "would be the right one half of the time; p is the chance of a split at least as uneven as "
    "the one seen.",
)
CHURN: Term = (
    "Churn",
    "The share of test images on which two seeds of the same arm give different answers. "
    "Accuracy may agree while many single answers do not.",
)
CROSSED: Term = (
    "Effect and interaction",
    "An effect is what changing one factor does, averaged over all combinations of the others. "
    "An interaction is how much that effect itself changes when a second factor is moved; where "
    "it is not zero, read the effect together with it.",
)
FRACTION: Term = (
    "Confounded",
    "Only some of the combinations were trained, so some effects always change together and "
    "share one number. That number is the effect by whose name it goes only if the others in it "
    "are small.",
)
SIMPLE: Term = (
    "Simple effect",
    "What one change does while another factor stays at one of its levels. Where two factors "
    "depend on each other, these are the numbers to act on, not their average.",
)
SHARE: Term = (
    "Share",
    "A factor’s part of the whole gain: what it adds to the recipes before it, averaged over all "
    "orders in which the factors could be added (its Shapley value). The shares add up to the "
    "gain, whatever the interactions.",
)
STANDARDIZED: Term = (
    "Standardized effect",
    "The effect divided by its standard deviation over seeds: how large it is beside the noise "
    "of training again, not how much it matters.",
)
OPINIONS: Term = (
    "Sign-flip p, Wilcoxon p",
    "Tests that assume no normal distribution. If a change did nothing, each seed’s difference "
    "could as well have the other sign; p is the share of such sign flips that give an effect at "
    "least as large, by the sum (sign-flip) or by the ranks (Wilcoxon).",
)
MIXED: Term = (
    "Mixed model",
    "Uses every seed, also those that lack some of the arms, by supposing that each seed moves all "
    "arms alike and that all arms spread alike.",
)
POWER: Term = (
    "Power",
    "The chance that a study of this size gives a verdict on an effect that is really there. 80% "
    "means that one such effect in five is missed; a smaller effect is missed more often, and "
    "more seeds miss fewer.",
)
LIMITS: Term = (
    "What this does not cover",
    "The intervals over seeds are for other seeds with the same data set, pretrained weights, "
    "machine and settings. They say nothing about other data, another architecture or another "
    "training budget.",
)
