"""The data of a study that is told in chapters."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Section, present, prose
from ablations.report.exhibits import LEFT_OUT, show
from ablations.report.words.chapters import DATA_TITLE
from ablations.report.words.observations import majority


def data(findings: Findings, extras: Extras) -> Section | None:
    """Shows what the study says of its data, where it names chapters."""
    if not findings.study.chapters:
        return None
    left_out = prose([] if extras.samples else [LEFT_OUT], style="muted")
    blocks = present(*show("study", findings.exhibits), *left_out, majority(findings))
    return Section("data", DATA_TITLE, blocks)
