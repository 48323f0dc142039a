"""What a change does at each level of another factor, where their interaction says it matters."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import Section, Table, present, prose
from ablations.report.tables import between, make_table
from ablations.report.words.simple_effects import pairs, warning
from ablations.text.formatting import count, counted, difference, listing, sentence, verdict
from ablations.text.naming import effect_name

READING = (
    "Shown because the 95% interval of the interaction excludes zero. The adjusted intervals and "
    "verdicts count all {family} that this design has, not only those shown, so that choosing them "
    "by the data does no harm."
)


def dependence(findings: Findings) -> Section | None:
    """Puts the simple effects together, if any two changes depend on each other."""
    if not findings.simple_effects:
        return None
    family = counted(findings.simple_effects[0].family_size, "simple effect")
    texts = [warning(findings, pair) for pair in pairs(findings)]
    blocks = present(*prose([*texts, READING.format(family=family)]), _table(findings))
    return Section("simple", "Where the average misleads", blocks)


def _table(findings: Findings) -> Table:
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
        data=data_files.some_files("simple-effects", data_files.simple_effects_frame(findings)),
    )
