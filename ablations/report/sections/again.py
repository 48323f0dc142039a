"""How to make the study again: its commands and its data."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Code, Extras, Prose, Section, present


def again(findings: Findings, _: Extras) -> Section:
    """Gives the commands that plan, run and judge the study."""
    study = findings.study.source or f"{findings.study.slug}.toml"
    commands = (
        f"ablations plan {study}    # arms, seeds and trials; trains nothing",
        f"ablations run {study}     # trains what is missing, then renders this report",
        f"ablations gate {study}    # the gates as an exit code",
    )
    data = f"Data: {', '.join(findings.data)}"
    named = Prose(data, style="muted") if findings.data else None
    return Section("again", "Do it again", present(Code("\n".join(commands), "console"), named))
