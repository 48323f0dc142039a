"""Names effects by their changes, the same in reports and on the command line."""

from __future__ import annotations

from ablations.estimates import Effect
from ablations.findings import Findings
from ablations.formatting import arm_label, change_label, level_label, listing


def effect_name(findings: Findings, effect: Effect) -> str:
    """Names an effect in running text: ``transfer instead of scratch``."""
    if effect.kind == "arm":
        arm = max(effect.weights, key=lambda pair: pair[1])[0]
        return f"‘{arm_label(findings.study, arm)}’"
    names = [
        change_label(findings.study, c.factor, baseline=c.baseline, level=c.level)
        for c in effect.changes
    ]
    return listing(names)


def effect_label(findings: Findings, effect: Effect) -> str:
    """Names an effect in a figure or table: ``augmentation × transfer``."""
    if effect.kind == "interaction":
        own = " × ".join(level_label(findings.study, c.factor, c.level) for c in effect.changes)
        rivals = [" × ".join(alias.factors) for alias in effect.aliases]
        return f"{own} or {listing(rivals, 'or')}" if 0 < len(rivals) < 4 else own
    return effect_name(findings, effect).strip("‘’")
