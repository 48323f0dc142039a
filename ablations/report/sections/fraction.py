"""What a fraction of all arms cannot tell apart, beside the effects that it concerns."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Section, prose
from ablations.report.tables import make_table
from ablations.text.naming import aliases
from ablations.text.sentences import fraction_sentences


def fraction(findings: Findings) -> Section | None:
    """Puts the alias table together, for fractional and screening designs."""
    found = findings.study.design.fraction
    if found is None:
        return None
    rows = [[" × ".join(own.factors), aliases(own)] for own in found.sets]
    columns = ["the number for", "also contains"]
    texts = (*fraction_sentences(found, len(findings.study.arms)), _READING)
    table = make_table("Each number, and the effects in it", columns, rows, name="alias")
    title = "What this fraction of all arms cannot tell apart"
    return Section("fraction", title, (*prose(texts), table))


_READING = (
    "A number is its own effect plus what else stands in its row, up to two factors. It speaks for "
    "the first alone only if the others are known to be small."
)
