"""How many parameters a model has, and how many of them are trained."""

from __future__ import annotations

from ablations.core.findings import ArmFinding
from ablations.core.metrics import PARAMETERS, TRAINABLE_PARAMETERS
from ablations.text.formatting import count


def whole(arm: ArmFinding, name: str) -> int | None:
    """Returns a metric that is the same whole number in every seed."""
    found = arm.summaries.get(name)
    return None if found is None or found.mean is None else round(found.mean)


def parameters(arm: ArmFinding) -> str:
    """Counts what is trained and what is frozen; empty where nobody reported it."""
    every, trained = (whole(arm, name) for name in (PARAMETERS, TRAINABLE_PARAMETERS))
    if every is None:
        return ""
    if trained is None or trained == every:
        return f"{count(every)} parameters{', all of them trained' if trained else ''}."
    return f"{count(every)} parameters: {count(trained)} trained, {count(every - trained)} frozen."
