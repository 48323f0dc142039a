"""Tells a study in chapters, as its ``chapters`` ask: data, arms, score and summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.core.findings import Findings
from ablations.core.record import RunRecord
from ablations.report.figures.drawings import Drawn, draw_history
from ablations.report.sections.epoch_logs import epoch_log
from ablations.report.sections.exhibits import Shown
from ablations.report.sections.last_epochs import tail_table
from ablations.report.sections.observations import majority, observe
from ablations.report.sections.scores import parameters, score, score_table, summary, summary_table
from ablations.report.views import ArmStory, ChapterView, Story
from ablations.text.formatting import arm_label


@dataclass(frozen=True, slots=True)
class Sources:
    """What the chapters draw on: exhibits by ``arm-1``, and figures by the arm's place from 1."""

    findings: Findings
    records: Sequence[RunRecord]
    exhibits: Mapping[str, Shown]
    histories: Mapping[int, Drawn]


def told_places(findings: Findings) -> tuple[tuple[int, ...], ...]:
    """Returns the places, from 1, of the arms of each chapter; an arm is told once, the first time.

    Without chapters there are none.
    """
    free = dict(enumerate(findings.arms, start=1))
    places = []
    for chapter in findings.study.chapters:
        own = tuple(place for place, arm in free.items() if arm.arm.matches(chapter.where))
        places.append(own)
        free = {place: arm for place, arm in free.items() if place not in own}
    return tuple(places)


def draw_histories(findings: Findings) -> dict[int, Drawn]:
    """Draws the history of every arm that a chapter tells of, by its place from 1."""
    places = [place for own in told_places(findings) for place in own]
    drawings = {place: draw_history(findings, findings.arms[place - 1], place) for place in places}
    return {place: drawing for place, drawing in drawings.items() if drawing}


def tell(sources: Sources) -> Story | None:
    """Tells the study in chapters, or returns nothing where it names none.

    The data come first and the score last, so the chapters count from §2.
    """
    findings, chapters = sources.findings, sources.findings.study.chapters
    if not chapters:
        return None
    guess, places = majority(findings), told_places(findings)
    return Story(
        data_title="§1 Data",
        data=(guess,) if guess else (),
        chapters=tuple(
            ChapterView(
                anchor=f"chapter-{number}",
                title=f"§{number} {chapter.title}",
                arms=tuple(_arm_story(sources, place) for place in own),
            )
            for number, (chapter, own) in enumerate(zip(chapters, places, strict=True), start=2)
        ),
        score_title=f"§{len(chapters) + 2} Score on test data",
        score=score(findings),
        score_table=score_table(findings),
        summary=summary(findings),
        summary_table=summary_table(findings),
    )


def _arm_story(sources: Sources, place: int) -> ArmStory:
    arm = sources.findings.arms[place - 1]
    history, log = sources.histories.get(place), epoch_log(arm, sources.records)
    return ArmStory(
        label=arm_label(sources.findings.study, arm.arm),
        facts=parameters(arm),
        exhibits=sources.exhibits[f"arm-{place}"].views,
        history=history.view if history else None,
        observations=observe(sources.findings, arm),
        tail=tail_table(arm, place),
        log_title=f"Epoch log of seed {log[0]}" if log else "",
        log=log[1] if log else "",
    )
