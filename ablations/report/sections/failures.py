"""Which trials did not complete, and why."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Prose, Section
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, counted, listing
from ablations.text.naming import arm_label

_REASONS = {
    "raised": "raised an error",
    "diverged": "diverged",
    "timeout": "ran out of time",
    "died": "died with its worker",
}


def failures(findings: Findings, _: Extras) -> Section | None:
    """Counts the trials that failed by their reason, and lists them, if any did."""
    found = findings.failures
    if not found:
        return None
    reasons = [failure.reason for failure in found]
    counts = [f"{reasons.count(reason)} {_REASONS[reason]}" for reason in dict.fromkeys(reasons)]
    text = (
        f"{counted(len(found), 'trial')} of {findings.n_planned} failed: {listing(counts)}. Failed "
        "trials count in no mean: the numbers of the arms below are from the trials that completed."
    )
    rows = [
        [arm_label(findings.study, f.arm), str(f.seed), f.reason, f.message or UNKNOWN]
        for f in found
    ]
    columns = ["arm", "seed", "reason", "message"]
    table = make_table("Each trial that did not complete", columns, rows)
    return Section("failures", "Failures", (Prose(text), table))
