"""Headlines and explanations of a comparison."""

from __future__ import annotations

from ablations.core.several import SideBySide
from ablations.text.formatting import listing, metric_name

EFFECTS_READING = (
    "Each dot is the effect within one seed; below them are the mean and its own 95% interval. The "
    "last row of a group is the difference from the first one with its adjusted interval, which "
    "decides the verdict; its mark is hollow where no difference could be shown."
)
BAND = "The shaded band shows what is too small to matter."
ARMS_READING = (
    "Each dot is one seed; below them are the mean and its own 95% interval, not adjusted. The "
    "table below has the differences and their adjusted intervals."
)
CURVES_READING = (
    "Each line is the mean over seeds, over the epochs that all seeds reached. An arm is shown "
    "where two or more recorded the same metric of each epoch."
)
SETTINGS_READING = (
    "Only what differs is listed. A dash means that the setting is not set there, or that there is "
    "no such arm."
)
COST_READING = (
    "Means over seeds. The quotient (×) is the geometric mean divided by that of the first one; it "
    "is given only where both ran on the same machine."
)
FROZEN = (
    "Where outputs of frozen layers are computed once, step times are those of the other layers "
    "only; fit times include the frozen layers."
)
TERMS = (
    (
        "Difference",
        "The value in one column minus that of the first one. In pairs: seed by seed, where both "
        "have the same seeds and data. Otherwise the two are independent samples (Welch).",
    ),
    (
        "Verdict",
        "Of effects: they differ, are equivalent (the whole interval of the difference lies within "
        "the margin), or inconclusive, where neither is shown. Of arms: improved, regressed, "
        "equivalent or inconclusive.",
    ),
    (
        "Adjusted interval",
        "The more differences are looked at, the likelier one of them is large by chance. Adjusted "
        "intervals are wider by as much as it takes for all of them to hold together in 95 of 100 "
        "such comparisons (Bonferroni).",
    ),
)


def question(found: SideBySide) -> str:
    """Returns what a comparison answers."""
    return (
        f"In what do {listing(found.names)} differ: in settings, in what each change does to "
        f"{metric_name(found.metric.name)}, in how they learn, and in what they cost?"
    )
