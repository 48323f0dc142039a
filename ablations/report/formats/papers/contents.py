"""What the tables of a paper hold, whichever way they are set: arms, and effects.

No mean is bold. The highest of several means is not thereby shown to be the best, and the arm that
validation selects need not have it: what is shown is in the verdicts of the effects.
"""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.estimates import spread_ends
from ablations.core.findings import Decision, Findings
from ablations.core.metrics import Unit
from ablations.report.words.captions import arms_caption, effects_caption
from ablations.text.formatting import UNKNOWN, metric_name, sentence
from ablations.text.naming import effect_factors, effect_levels
from ablations.text.sentences import decisive, plain_verdict

Ends = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, each with the ends of its interval, and the headings of both."""

    head: str
    interval: str
    values: tuple[float | None, ...]
    bounds: tuple[Ends, ...]
    signed: bool = False


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table: texts, then numbers of one unit, then seeds, then verdicts (empty without any).

    ``texts`` holds the heading and the cells of each column. ``bare_caption`` is that of the table
    without intervals.
    """

    name: str
    caption: str
    bare_caption: str
    unit: Unit
    texts: dict[str, tuple[str, ...]]
    numbers: tuple[Numbers, ...]
    seeds: tuple[int, ...]
    verdicts: tuple[str, ...] = ()


def paper_tables(decision: Decision) -> list[PaperTable]:
    """Returns the tables of arms and effects; one of no rows is left out."""
    findings = decision.findings
    return [_arms(findings), *([_effects(findings)] if findings.effects else [])]


def _arms(findings: Findings) -> PaperTable:
    found = [arm.summaries.get(findings.metric.name) for arm in findings.arms]
    levels = (findings.study.level_names(arm.arm, UNKNOWN) for arm in findings.arms)
    factors = (factor.name for factor in findings.study.factors)
    means = Numbers(
        sentence(metric_name(findings.metric.name)),
        "95% interval",
        tuple(own.mean if own else None for own in found),
        tuple(spread_ends(own.interval if own else None) for own in found),
    )
    return PaperTable(
        "arms",
        arms_caption(findings),
        arms_caption(findings, intervals=False),
        findings.metric.unit,
        dict(zip(factors, zip(*levels, strict=True), strict=True)),
        (means, *_changes(findings)),
        tuple(own.n if own else 0 for own in found),
    )


def _changes(findings: Findings) -> list[Numbers]:
    """Returns what each arm differs by from the reference, where any does."""
    found = [arm.difference for arm in findings.arms]
    values = tuple(own.estimate if own else None for own in found)
    if all(value is None for value in values):
        return []
    bounds = tuple(spread_ends(own.interval if own else None) for own in found)
    return [Numbers("Change", "95% interval", values, bounds, signed=True)]


def _effects(findings: Findings) -> PaperTable:
    found = findings.effects
    adjusted = "adjusted " if max(effect.family_size for effect in found) > 1 else ""
    changes = Numbers(
        "Change",
        f"{adjusted}95% interval",
        tuple(effect.estimate for effect in found),
        tuple(spread_ends(decisive(effect)) for effect in found),
        signed=True,
    )
    return PaperTable(
        "effects",
        effects_caption(findings),
        effects_caption(findings, intervals=False),
        findings.metric.unit,
        {"Factor": tuple(map(effect_factors, found)), "Levels": tuple(map(effect_levels, found))},
        (changes,),
        tuple(effect.n for effect in found),
        tuple(plain_verdict(effect.verdict) for effect in found),
    )
