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
    return (*_SEEDS, *effects, _LIMITS)


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
