"""What follows the declared family: simple effects where factors depend on each other, and shares.

A main effect averages over the other factors. Where an interaction says that this hides something,
its simple effects say what: the change at each level of the other factor. They have a family of
their own, all simple effects that the design could have shown, whichever the data make one look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.analyze.inference.effects import alone, judged_alone
from ablations.core.design import Arm, Contrast
from ablations.core.estimates import Effect, MetricInfo, Summary
from ablations.core.study import Study


def simple_effects(
    study: Study, metric: MetricInfo, found: Sequence[Effect], summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns the simple effects of each two changes whose interaction's 95% interval excludes 0.

    Their adjusted intervals have Bonferroni's level over all simple effects of the design, so that
    looking at some of them because of the data costs nothing.

    Args:
        study: Its design gives the contrasts, its margin the verdicts.
        metric: What the effects are on.
        found: The effects of the declared family, among them the interactions.
        summaries: The metric's summary of each arm.
    """
    possible = study.design.simple_contrasts
    pairs = [effect for effect in found if is_pair(effect) and effect.excludes_zero]
    return tuple(
        judged_alone(
            study, alone(study, contrast, metric, summaries=summaries), family=len(possible)
        )
        for contrast in possible
        if any(_explains(contrast, pair) for pair in pairs)
    )


def shares(
    study: Study, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns each factor's Shapley value in the gain from baseline to full recipe, alone."""
    return tuple(alone(study, c, metric, summaries=summaries) for c in study.design.attributions)


def is_pair(effect: Effect) -> bool:
    """Whether the effect is an interaction of two changes."""
    return effect.kind == "interaction" and len(effect.changes) == 2


def _explains(contrast: Contrast, pair: Effect) -> bool:
    """Whether a simple effect is one change of the pair at a level that the other one moves."""
    (held,) = contrast.given
    return any(
        contrast.changes == (moved,)
        and held in ((other.factor, other.baseline), (other.factor, other.level))
        for moved, other in (pair.changes, pair.changes[::-1])
    )
