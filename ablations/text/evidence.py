"""Writes the sizes of effects and their evidence, the same in sentences and figures."""

from __future__ import annotations

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.text.formatting import counted, low_to_high, magnitude, metric_name
from ablations.text.naming import effect_label, effect_name

__all__ = [
    "amount",
    "decided_interactions",
    "effect_label",
    "effect_name",
    "evidence",
    "moved",
    "size",
    "stands_clear",
    "verb",
]


def size(effect: Effect) -> float:
    """Returns how large an effect is, whichever its direction."""
    return abs(effect.estimate or 0.0)


def verb(effect: Effect) -> str:
    """Says which way an effect moved the metric."""
    return "raised" if (effect.estimate or 0.0) >= 0 else "lowered"


def amount(effect: Effect) -> str:
    """Writes the size of an effect without its sign."""
    return magnitude(effect.estimate or 0.0, effect.metric.unit)


def moved(effect: Effect) -> str:
    """Says what an effect did to its metric: ``raised test accuracy by 3.2 pp``."""
    metric = metric_name(effect.metric.name)
    if size(effect) == 0:
        return f"did not change {metric}"
    return f"{verb(effect)} {metric} by {amount(effect)}"


def evidence(effect: Effect) -> str:
    """Writes the evidence for an effect: interval, adjustment and seeds."""
    bounds, unit = effect.adjusted or effect.interval, effect.metric.unit
    shown = (
        f"95% interval {low_to_high(bounds.low, bounds.high, unit, signed=True)}" if bounds else ""
    )
    family = effect.family_size
    adjusted = f"adjusted for {counted(family, 'comparison')}" if family > 1 else ""
    lost = effect.n - effect.trained.n if effect.trained else 0
    untrained = f"{lost} of them with a network that did not train" if lost else ""
    return ", ".join(filter(None, (shown, adjusted, counted(effect.n, "seed"), untrained)))


def stands_clear(findings: Findings, effect: Effect) -> bool:
    """Whether the whole adjusted interval lies beyond zero and the margin, on either side.

    Where one direction is better this is a verdict of improved or regressed; where none is, there
    can be no such verdict, but a change all the same.
    """
    if effect.verdict in ("improved", "regressed"):
        return True
    bounds, margin = effect.adjusted, findings.study.smallest_effect_that_matters
    neutral = effect.metric.better == "neither"
    return neutral and bounds is not None and (bounds.low > margin or bounds.high < -margin)


def decided_interactions(findings: Findings) -> list[Effect]:
    """Returns the interactions that stand clear of zero and the margin, largest first."""
    found = [e for e in findings.effects if e.kind == "interaction" and stands_clear(findings, e)]
    return sorted(found, key=size, reverse=True)
