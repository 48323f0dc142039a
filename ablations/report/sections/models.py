"""What the training function showed of data and models, outside of chapters."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Block, Extras, Fold, Section, prose
from ablations.report.exhibits import LEFT_OUT, show
from ablations.report.words.chapters import chapter_places
from ablations.text.naming import arm_label


def models(findings: Findings, extras: Extras) -> Section | None:
    """Shows the exhibits of the study and of each arm, but not what a chapter shows."""
    own = () if findings.study.chapters else _of_the_study(findings, extras)
    arms = _of_the_arms(findings)
    blocks = (*own, Section("arm-by-arm", "Arm by arm", arms)) if arms else own
    return Section("models", "Data and models", blocks) if blocks else None


def _of_the_study(findings: Findings, extras: Extras) -> tuple[Block, ...]:
    left_out = prose([] if extras.samples else [LEFT_OUT], style="muted")
    return (*show("study", findings.exhibits), *left_out)


def _of_the_arms(findings: Findings) -> tuple[Fold, ...]:
    in_chapters = {place for own in chapter_places(findings) for place in own}
    return tuple(
        Fold(arm_label(findings.study, arm.arm), show(f"arm-{place}", arm.exhibits), quiet=True)
        for place, arm in enumerate(findings.arms, start=1)
        if arm.exhibits and place not in in_chapters
    )
