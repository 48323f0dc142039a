"""What each term of a report means, for someone with one course in statistics."""

from __future__ import annotations

Term = tuple[str, str]

SEEDS: tuple[Term, ...] = (
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
ASSUMES: tuple[Term, ...] = (
    (
        "What an interval assumes",
        "That the seeds are independent draws of one kind of network, those that train, and spread "
        "roughly like a bell curve. Where results are lopsided, where a metric is so coarse that "
        "seeds tie, where there are two kinds of networks or something drifts from one seed to the "
        "next, fewer than 95 of 100 intervals contain the mean, and a gate or verdict errs more "
        "often than it says. Differences between arms suffer less, unless one arm alone has such "
        "seeds.",
    ),
)
LOOKS: Term = (
    "Looking after each seed",
    "Who looks after each seed and stops when the result pleases will find something sooner or "
    "later. The intervals of the effects are wider at each look by just as much as keeps the "
    "chance of missing the truth at any look at 5%.",
)
IMAGES: Term = (
    "95% over test images",
    "Where the accuracy of these very models on many more such images lies (for one arm Wilson’s "
    "method; for two arms their answers to the same images are compared and the images drawn "
    "anew, 9,999 times). It knows nothing of other seeds.",
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
    "The effect divided by its spread over seeds: how far it stands out of the noise of "
    "retraining, not how much it matters.",
)
OPINIONS: Term = (
    "Sign-flip p, Wilcoxon p",
    "Second opinions that suppose no bell curve. If a change did nothing, each seed’s difference "
    "could as well have the other sign; p is the share of such flips that look at least as "
    "strong, by the sum (sign-flip) or by the ranks (Wilcoxon).",
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
    "The intervals over seeds speak for other seeds on the same data set, pretrained weights, "
    "machine and settings. They say nothing about other data, another architecture or another "
    "training budget.",
)
