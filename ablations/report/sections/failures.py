"""Which trials did not complete, and why."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Prose, Section, Table
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, counted, listing
from ablations.text.naming import arm_label


def failures(findings: Findings, _: Extras) -> Section | None:
    """Lists the trials that failed, if any did."""
    if not findings.failures:
        return None
    text = (
        f"{_headline(findings)}. Failed trials count in no mean; the arms below rest on the trials "
        "that completed."
    )
    return Section("failures", "Failures", (Prose(text), _table(findings)))


def _headline(findings: Findings) -> str:
    """Counts the failures by reason."""
    reasons = [failure.reason for failure in findings.failures]
    counts = [f"{reasons.count(reason)} {_REASONS[reason]}" for reason in dict.fromkeys(reasons)]
    failed = f"{counted(len(reasons), 'trial')} of {findings.n_planned} failed"
    return f"{failed}: {listing(counts)}"


_REASONS = {
    "raised": "raised an error",
    "diverged": "diverged",
    "timeout": "ran out of time",
    "died": "died with its worker",
}


def _table(findings: Findings) -> Table:
    """One row per failed trial."""
    rows = [
        [arm_label(findings.study, f.arm), str(f.seed), f.reason, f.message or UNKNOWN]
        for f in findings.failures
    ]
    return make_table(
        "Each trial that did not complete", ["arm", "seed", "reason", "message"], rows
    )
