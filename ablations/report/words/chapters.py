"""How a study that names chapters is divided, and how large its models are."""

from __future__ import annotations

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import PARAMETERS, TRAINABLE_PARAMETERS
from ablations.text.formatting import count

DATA_TITLE = "§1 Data"


def chapter_titles(findings: Findings) -> tuple[str, ...]:
    """Returns the numbered title of each chapter."""
    chapters = findings.study.chapters
    return tuple(f"§{n} {chapter.title}" for n, chapter in enumerate(chapters, start=2))


def score_title(findings: Findings) -> str:
    """Returns the title of the part that scores the chosen arm."""
    return f"§{len(findings.study.chapters) + 2} Score on test data"


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


def whole(arm: ArmFinding, name: str) -> int | None:
    """Returns a metric that is the same whole number in every seed."""
    found = arm.summaries.get(name)
    return None if found is None or found.mean is None else round(found.mean)


def parameters(arm: ArmFinding) -> str:
    """Counts what is trained and what is frozen; empty where nobody reported it."""
    every, trained = (whole(arm, name) for name in (PARAMETERS, TRAINABLE_PARAMETERS))
    if every is None:
        return ""
    if trained is None or trained == every:
        return f"{count(every)} parameters{', all of them trained' if trained else ''}."
    return f"{count(every)} parameters: {count(trained)} trained, {count(every - trained)} frozen."
