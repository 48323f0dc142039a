"""What a fraction of all arms cannot tell apart, beside the effects that it concerns."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.tables import make_table
from ablations.report.views import Passage
from ablations.text.naming import aliases, fraction_sentences


def fraction(findings: Findings) -> Passage | None:
    """Puts the alias table together, for fractional and screening designs."""
    found = findings.study.fraction
    if found is None:
        return None
    rows = [[" × ".join(own.factors), aliases(own)] for own in found.sets]
    columns = ["the number for", "also contains"]
    return Passage(
        name="fraction",
        headline="What this fraction of all arms cannot tell apart",
        text=(*fraction_sentences(found, len(findings.study.arms)), _READING),
        tables=(make_table("Each number, and the effects in it", columns, rows, name="alias"),),
    )


_READING = (
    "A number is its own effect plus what else stands in its row, up to two factors. It speaks for "
    "the first alone only if the others are known to be small."
)


def fraction_caveat(findings: Findings) -> str:
    """Says in one line that effects are confounded; empty if none are."""
    found = findings.study.fraction
    if found is None or not found.confounded:
        return ""
    mains = [own for own in found.sets if len(own.factors) == 1]
    mixed = sum(bool(own.aliases) for own in mains)
    arms = f"Only {len(findings.study.arms)} of {found.full} arms were trained"
    if not mixed:
        return f"{arms}: some interactions share a number, which the table below names."
    which = "every main effect" if mixed == len(mains) else f"{mixed} of {len(mains)} main effects"
    return f"{arms}: the number for {which} contains interactions, which the table below names."
