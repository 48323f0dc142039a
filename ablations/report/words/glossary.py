"""Explains the report to someone with one course in statistics; only what the report shows."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.words import terms
from ablations.report.words.terms import Term
from ablations.text.formatting import counted, difference, metric_name, number

RARE = 0.1
"""A share of networks that few seeds often miss, as an example."""


def how_to_read(findings: Findings) -> tuple[Term, ...]:
    """Returns the terms of this report and what they mean in it."""
    study, effects, arms = findings.study, findings.effects, findings.arms
    planned = any(plan.detectable[0] is not None for plan in findings.plans)
    shown = (
        (study.adaptive, terms.LOOKS),
        (any(arm.noise for arm in arms), terms.IMAGES),
        (any(arm.examples for arm in arms), terms.MCNEMAR),
        (any(arm.noise and arm.noise.churn is not None for arm in arms), terms.CHURN),
        (effects and study.design.averages and not study.design.fraction, terms.CROSSED),
        (effects and study.design.fraction, terms.FRACTION),
        (findings.simple_effects, terms.SIMPLE),
        (findings.shares, terms.SHARE),
        (any(effect.d_z is not None for effect in effects), terms.STANDARDIZED),
        (any(effect.nonparametric for effect in effects), terms.OPINIONS),
        (any(effect.mixed for effect in effects), terms.MIXED),
    )
    return (
        *terms.SEEDS,
        *terms.ASSUMES,
        *_few_seeds(findings),
        *(term for is_shown, term in shown if is_shown),
        *(_about_verdicts(findings) if effects else ()),
        *((terms.POWER,) if planned else ()),
        terms.LIMITS,
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
            "none of them. The report warns of seeds that fall into two groups; that it does not "
            "warn is no proof.",
        )
    ]


def _about_verdicts(findings: Findings) -> list[Term]:
    found = []
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
    if findings.study.adaptive:
        return "Bonferroni's method"
    if findings.study.smallest_effect_that_matters > 0:
        return "Bonferroni's method (for p values Holm's)"
    return "Holm's method"


def _lost(findings: Findings) -> str:
    """Says what a verdict needs besides, where networks did not train."""
    if not findings.untrained_effects:
        return ""
    return (
        " Where networks did not train, a verdict also needs the same result without their seeds; "
        "otherwise it is inconclusive, and more seeds need not help."
    )


def _verdicts(findings: Findings) -> str:
    margin, metric = findings.study.smallest_effect_that_matters, metric_name(findings.metric.name)
    if margin > 0:
        shown = difference(margin, findings.metric.unit).lstrip("+")
        return (
            f"Improved or regressed: the adjusted interval lies wholly beyond {shown}, the "
            f"smallest change of {metric} that matters here. Equivalent: wholly within it. "
            f"Inconclusive: neither, so more seeds are needed.{_lost(findings)}"
        )
    return (
        "Improved or regressed: the adjusted interval lies wholly on one side of zero. "
        "Inconclusive: it contains zero, which is not evidence that there is no effect."
    )
