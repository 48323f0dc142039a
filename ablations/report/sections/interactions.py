"""What a change does at each level of another factor, where their interaction says it matters."""

from __future__ import annotations

from ablations.core.design import Change
from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report.tables import between, bounds, make_table
from ablations.report.views import Passage, TableView
from ablations.text.evidence import effect_name, size, stands_clear
from ablations.text.formatting import (
    change_label,
    count,
    counted,
    difference,
    estimate,
    listing,
    sentence,
    verdict,
)

READING = (
    "Shown because the 95% interval of the interaction excludes zero. The adjusted intervals and "
    "verdicts count all {family} that this design has, not only those shown, so that choosing them "
    "by the data does no harm."
)


def dependence(findings: Findings) -> Passage | None:
    """Puts the simple effects together, if any two changes depend on each other."""
    if not findings.simple_effects:
        return None
    family = counted(findings.simple_effects[0].family_size, "simple effect")
    return Passage(
        name="simple",
        headline="Where the average misleads",
        text=(
            *filter(None, (warning(findings, e) for e in pairs(findings))),
            READING.format(family=family),
        ),
        tables=(_table(findings),),
    )


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
    misleads = "misleads" if stands_clear(findings, pair) else "may mislead"
    return f"{sentence(name)}: its average effect {misleads}, for it is {listing(parts)}."


def _main(findings: Findings, change: Change) -> float:
    mains = [e for e in findings.effects if e.kind == "main" and e.changes == (change,)]
    return max(map(size, mains), default=0.0)


def _shown(effect: Effect) -> str:
    unit = effect.metric.unit
    if effect.interval is None and len({value for _, value in effect.per_seed}) == 1:
        return f"exactly {difference(effect.estimate, unit)} at every seed"
    return estimate(effect.estimate, bounds(effect.interval), unit, signed=True)


def _table(findings: Findings) -> TableView:
    numeric = ["estimate", "95% interval", "adjusted interval", "seeds"]
    rows = [
        [
            sentence(effect_name(findings, effect)),
            listing([f"{factor} is {level}" for factor, level in effect.given]),
            difference(effect.estimate, effect.metric.unit),
            between(effect.interval, effect.metric.unit, signed=True),
            between(effect.adjusted, effect.metric.unit, signed=True),
            count(effect.n),
            verdict(effect.verdict),
        ]
        for effect in findings.simple_effects
    ]
    return make_table(
        "Each change at each level of the factor that it depends on",
        ["effect of", "where", *numeric, "verdict"],
        rows,
        numeric=numeric,
        name="simple-effect",
    )
