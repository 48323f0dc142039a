"""What follows the declared family: simple effects where factors depend on each other, and shares.

A main effect averages over the other factors. Where an interaction shows that this hides something,
its simple effects show what: the change at each level of the other factor. They have a family of
their own: all simple effects that the design could have shown, whichever the data select.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.analyze.inference.effects import bonferroni_adjusted, unadjusted_effect
from ablations.core.design import Arm, Contrast
from ablations.core.estimates import Effect, Summary
from ablations.core.metrics import MetricInfo
from ablations.core.study import Study


def simple_effects(
    study: Study, metric: MetricInfo, found: Sequence[Effect], summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns the simple effects of each two changes whose interaction's 95% interval excludes 0.

    Their adjusted intervals have Bonferroni's level over all simple effects of the design, so that
    selecting some of them by the data needs no further allowance.

    Args:
        study: Its design gives the contrasts, its margin the verdicts.
        metric: What the effects are on.
        found: The effects of the declared family, among them the interactions.
        summaries: The metric's summary of each arm.
    """
    possible = study.design.simple_contrasts
    pairs = [
        effect
        for effect in found
        if effect.kind == "interaction" and len(effect.changes) == 2 and effect.excludes_zero
    ]
    shown = [c for c in possible if any(_explains(c, pair) for pair in pairs)]
    own = (unadjusted_effect(study, c, metric, summaries=summaries) for c in shown)
    return tuple(bonferroni_adjusted(study, effect, family=len(possible)) for effect in own)


def shares(
    study: Study, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns each factor's Shapley value in the gain from baseline to full recipe, unadjusted."""
    contrasts = study.design.attributions
    return tuple(unadjusted_effect(study, c, metric, summaries=summaries) for c in contrasts)


def _explains(contrast: Contrast, pair: Effect) -> bool:
    """Whether a simple effect is one change of the pair at a level that the other one moves."""
    (held,) = contrast.given
    return any(
        contrast.changes == (moved,)
        and held in ((other.factor, other.baseline), (other.factor, other.level))
        for moved, other in (pair.changes, pair.changes[::-1])
    )
