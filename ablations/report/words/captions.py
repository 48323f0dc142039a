"""Captions of a paper's tables: what their numbers are, and what they are adjusted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ablations.core.estimates import Effect, Summary, spread_ends
from ablations.core.findings import Findings
from ablations.report.words.glossary import interval_method
from ablations.text.formatting import count, counted, metric_name, sentence
from ablations.text.naming import named_arm
from ablations.text.sentences import decisive, margin, untrained_sentence

_NAMED = 4
"""The most factors whose levels a caption names."""


def arms_caption(findings: Findings, *, intervals: bool = True) -> str:
    """Says what a table of arms shows, with or without ``intervals``."""
    found = [arm.summaries.get(findings.metric.name) for arm in findings.arms]
    means = [own for own in found if own]
    known = intervals and any(own.interval for own in means)
    bounds = "with its 95% interval (Student t over seeds), not adjusted for the number of arms"
    changes = [own for arm in findings.arms if (own := arm.difference) and own.n]
    parts = (
        f"{sentence(metric_name(findings.metric.name))} of each arm: mean over "
        f"{_seeds(own.n for own in means)}{f', {bounds}' if known else ''}.",
        _compared(findings) if changes else "",
        _equal_values([*means, *changes]) if intervals else "",
        untrained_sentence(findings),
    )
    return " ".join(filter(None, parts))


def _seeds(numbers: Iterable[int]) -> str:
    """Counts the seeds of numbers that may rest on different ones: ``3 to 5 seeds``."""
    found = sorted({n for n in numbers if n})
    if not found:
        return "no seed yet"
    return counted(found[0], "seed") if len(found) == 1 else f"{found[0]} to {found[-1]} seeds"


def _compared(findings: Findings) -> str:
    study = findings.study
    levels = [f"{factor} = {level}" for factor, level in study.reference.levels]
    other = ", ".join(levels) if len(levels) <= _NAMED else named_arm(study, study.reference)
    return f"Change: from {other}, seed by seed, not adjusted and so without a verdict."


def _equal_values(found: Iterable[Summary | Effect]) -> str:
    """Says why an interval is left out that would have no width, if any is."""
    for own in found:
        interval = decisive(own) if isinstance(own, Effect) else own.interval
        if own.n > 1 and spread_ends(interval) is None:
            return "A dash stands for the interval where all seeds gave the same number."
    return ""


def effects_caption(findings: Findings, *, intervals: bool = True) -> str:
    """Says what a table of effects shows, with or without ``intervals``."""
    return " ".join(filter(None, _about_effects(findings, intervals=intervals)))


def _about_effects(findings: Findings, *, intervals: bool) -> Iterator[str]:
    effects, study = findings.effects, findings.study
    known = any(decisive(effect) for effect in effects)
    phrase = f", {study.design.phrase}" if len(study.factors) > 1 else ""
    yield (
        f"Change in {metric_name(findings.metric.name)}{phrase}: mean over "
        f"{_seeds(effect.n for effect in effects)} of the difference within each seed"
        f"{f', {_interval(findings)}' if known and intervals else ''}."
    )
    yield _interactions(findings)
    basis = "this interval" if intervals else f"the 95% interval{_adjusted(findings)}"
    yield _verdicts(findings, basis) if known else "So few seeds give no interval and no verdict."
    yield _equal_values(effects) if intervals else ""
    yield _confounded(findings)
    yield untrained_sentence(findings)


def _interval(findings: Findings) -> str:
    kind = "repeated t over interim looks" if findings.study.adaptive else "Student t over seeds"
    return f"with its 95% interval ({kind}){_adjusted(findings)}"


def _adjusted(findings: Findings) -> str:
    family = max(effect.family_size for effect in findings.effects)
    if family < 2:
        return ""
    return f", adjusted for {counted(family, 'comparison')} by {interval_method(findings)}"


def _interactions(findings: Findings) -> str:
    if all(effect.kind != "interaction" for effect in findings.effects):
        return ""
    return (
        "An interaction (×) is a difference of differences: what the changes give together beyond "
        "the sum of their separate effects."
    )


def _verdicts(findings: Findings, basis: str) -> str:
    """Says what the verdicts of the table mean, those that its metric can have."""
    limit, directed = margin(findings), findings.metric.better != "neither"
    within = (
        "lies wholly within the margin" if directed else f"lies wholly within the margin of {limit}"
    )
    beyond = f"the margin of {limit}" if limit else "zero"
    rules = (
        f"better or worse where it lies wholly beyond {beyond} on that side" if directed else "",
        f"equivalent where it {within}" if limit else "",
        "else inconclusive",
    )
    lost = ", with and without the networks that did not train"
    also = lost if findings.untrained_effects else ""
    return f"Verdict by {basis}{also}: {'; '.join(filter(None, rules))}."


def _confounded(findings: Findings) -> str:
    found = findings.study.design.fraction
    if found is None or not found.confounded:
        return ""
    return (
        f"Only {count(len(findings.study.arms))} of {count(found.full)} arms were trained: a "
        "change also holds the effects that this fraction cannot separate from it."
    )
