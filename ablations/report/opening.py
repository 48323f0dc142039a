"""Puts a report together: what comes before the contents, and then its sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablations.core.findings import Findings
from ablations.core.study import Study
from ablations.report import registry
from ablations.report.blocks import (
    Block,
    Extras,
    Facts,
    Fold,
    Items,
    Link,
    Prose,
    Report,
    Section,
    present,
    prose,
)
from ablations.report.exhibits import without_samples
from ablations.report.figures.drawings import draw_arms
from ablations.report.many import arranged, bounded, is_large, order_words
from ablations.report.words.answer import answer
from ablations.report.words.glossary import how_to_read
from ablations.text.formatting import counted, day


def make_report(
    findings: Findings, extras: Extras, origin: Mapping[str, Any] | None = None
) -> Report:
    """Makes the blocks of a report; ``origin`` is the path of its study."""
    shown = arranged(findings if extras.samples else without_samples(findings))
    study = shown.study
    return Report(
        name=study.report_name,
        title=study.title,
        opening=opening(shown),
        sections=sections(shown, extras),
        numbers=Link("data/trials.csv", "trials"),
        findings=shown,
        origin=origin or {},
    )


def sections(findings: Findings, extras: Extras) -> tuple[Section, ...]:
    """Returns the sections that there is something to show in, in their order."""
    made = (make(findings, extras) for make in registry.SECTIONS)
    large = is_large(findings)
    return tuple(
        bounded(section) if large else section
        for found in made
        for section in (found if isinstance(found, tuple) else [found])
        if section is not None
    )


def opening(findings: Findings) -> tuple[Block, ...]:
    """Gives the answer first, with what limits it, in words and one figure."""
    return present(
        *in_words(findings),
        *prose([order_words(findings)], style="muted"),
        draw_arms(findings),
        Fold("How to read this", (Facts(how_to_read(findings)),)),
    )


def in_words(findings: Findings) -> tuple[Block, ...]:
    """Gives the question, the answer, and what to know before relying on it."""
    answered = answer(findings)
    caveats = prose(answered.caveats)
    return present(
        Items(prose(_facts(findings)), style="facts"),
        *prose([findings.study.question], style="question"),
        Prose(" ".join(answered.sentences), style="answer"),
        _alarm(findings, answered.alarm) if answered.alarm else None,
        Items(caveats, "Before you rely on this", style="notes") if caveats else None,
    )


def _alarm(findings: Findings, words: str) -> Prose:
    failed = [Link("#failures", "See the failures.")] if findings.failures else []
    untrained = any(arm.untrained for arm in findings.arms)
    both = [Link("#untrained", "See both readings.")] if untrained else []
    return Prose("", lead=words, links=(*failed, *both), style="alarm")


def study_facts(study: Study) -> tuple[Block, ...]:
    """Gives how many arms, seeds and trials a study has."""
    return (Items(prose([_size(study, len(study.arms) * len(study.seeds))]), style="facts"),)


def _facts(findings: Findings) -> tuple[str, ...]:
    when = [f"Measured {day(findings.finished_at)}"] if findings.finished_at else []
    return (*when, _size(findings.study, findings.n_planned))


def _size(study: Study, planned: int) -> str:
    arms, seeds = counted(len(study.arms), "arm"), counted(len(study.seeds), "seed")
    trials = counted(planned, "trial")
    if planned != len(study.arms) * len(study.seeds):
        return f"{arms}, up to {seeds} each, {trials}"
    return f"{arms} × {seeds} = {trials}"
