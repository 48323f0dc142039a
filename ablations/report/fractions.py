"""What a fraction of all arms cannot tell apart, beside the effects that it concerns."""

from __future__ import annotations

from ablations.findings import Findings
from ablations.naming import aliases, fraction_sentences
from ablations.report.tables import make_table
from ablations.report.views import Passage


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
    "The number for an effect is the sum of all effects in its row. Where others are in it, it "
    "speaks for the first alone only if these are known to be small."
)


def fraction_caveat(findings: Findings) -> str:
    """Says in one line that effects are confounded; empty if none are."""
    found = findings.study.fraction
    if found is None or not found.aliased:
        return ""
    mains = any(len(own.factors) == 1 and own.aliases for own in found.sets)
    what = "each main effect contains" if mains else "interactions contain"
    arms = f"{len(findings.study.arms)} of {found.full} arms"
    return f"Only {arms} were trained: {what} other interactions, which the table below names."
