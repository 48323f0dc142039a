"""What the average of a change hides, where its effect depends on another factor."""

from __future__ import annotations

from ablations.core.design import Change
from ablations.core.estimates import Effect, ends
from ablations.core.findings import Findings
from ablations.text.formatting import difference, estimate, listing, sentence
from ablations.text.naming import change_label
from ablations.text.sentences import is_beyond_margin, size


def pairs(findings: Findings) -> list[Effect]:
    """Returns the interactions of two changes, largest first."""
    found = [e for e in findings.effects if e.kind == "interaction" and len(e.changes) == 2]
    return sorted(found, key=size, reverse=True)


def warning(findings: Findings, pair: Effect) -> str:
    """Says what the average of a change hides, if the pair has simple effects; else nothing.

    It tells of the change whose average hides more: the one with the smaller main effect.
    """
    changes = sorted(pair.changes, key=lambda change: _main(findings, change))
    moved, other = changes
    own = [
        effect
        for level in (other.baseline, other.level)
        for effect in findings.simple_effects
        if effect.changes == (moved,) and effect.given == ((other.factor, level),)
    ]
    if not own or not pair.excludes_zero:
        return ""
    name = change_label(findings.study, moved.factor, baseline=moved.baseline, level=moved.level)
    parts = [f"{_shown(e)} where {other.factor} is {e.given[0][1]}" for e in own]
    misleads = "misleads" if is_beyond_margin(findings, pair) else "may mislead"
    return f"{sentence(name)}: its average effect {misleads}, for it is {listing(parts)}."


def _main(findings: Findings, change: Change) -> float:
    mains = [e for e in findings.effects if e.kind == "main" and e.changes == (change,)]
    return max(map(size, mains), default=0.0)


def _shown(effect: Effect) -> str:
    unit = effect.metric.unit
    if effect.interval is None and len({value for _, value in effect.per_seed}) == 1:
        return f"exactly {difference(effect.estimate, unit)} at every seed"
    return estimate(effect.estimate, ends(effect.interval), unit, signed=True)
