"""The exhibits of the training function: those of the data, and those of models in no chapter."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Block, Extras, Fold, Section, prose
from ablations.report.exhibits import LEFT_OUT, show
from ablations.text.naming import arm_label

ONE_SEED = (
    "These tables and pictures of the data are of one seed. Other seeds may draw other images."
)


def models(findings: Findings, extras: Extras) -> Section | None:
    """Shows the exhibits of the study and of each arm, but not what a chapter shows."""
    own = () if findings.study.chapters else of_the_study(findings, extras)
    in_chapters = {place for places in chapter_places(findings) for place in places}
    arms = tuple(
        Fold(arm_label(findings.study, arm.arm), show(f"arm-{place}", arm.exhibits), quiet=True)
        for place, arm in enumerate(findings.arms, start=1)
        if arm.exhibits and place not in in_chapters
    )
    blocks = (*own, Section("arm-by-arm", "Arm by arm", arms)) if arms else own
    return Section("models", "Data and models", blocks) if blocks else None


def of_the_study(findings: Findings, extras: Extras) -> tuple[Block, ...]:
    """Shows the exhibits of the data, and says whose they are and what is left out."""
    several = len(findings.study.seeds) > 1 and findings.exhibits
    notes = (ONE_SEED if several else "", "" if extras.samples else LEFT_OUT)
    return (*show("study", findings.exhibits), *prose(notes, style="muted"))


def chapter_places(findings: Findings) -> tuple[tuple[int, ...], ...]:
    """Returns the places, from 1, of the arms of each chapter; an arm is in the first that it fits.

    Without chapters there are none.
    """
    free = dict(enumerate(findings.arms, start=1))
    places = []
    for chapter in findings.study.chapters:
        own = tuple(place for place, arm in free.items() if arm.arm.matches(chapter.where))
        places.append(own)
        free = {place: arm for place, arm in free.items() if place not in own}
    return tuple(places)
