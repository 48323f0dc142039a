"""Shows what of a published gain remains when only its factor is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

import pandas as pd

from ablations.core.estimates import Effect, SeedPlan
from ablations.core.findings import Findings, ReproducedClaim
from ablations.core.metrics import ACCURACY, LAST_EPOCHS, VAL_ACCURACY, MetricInfo
from ablations.core.study import PublishedRun
from ablations.report.blocks import Extras, Figure, Items, Prose, Section, Table, linked
from ablations.report.data_files import both_ends, csv_file, some_files
from ablations.report.figures.charts import axis_label, effect_row
from ablations.report.figures.dots import DotPlot
from ablations.report.figures.drawings import drawn
from ablations.report.sections.published import other_settings
from ablations.report.tables import between, make_table
from ablations.text.formatting import (
    UNKNOWN,
    counted,
    difference,
    listing,
    magnitude,
    metric_name,
    number,
    scale_for,
    sentence,
    verdict,
)
from ablations.text.naming import change_label, named_arm
from ablations.text.sentences import decisive, effect_estimate, needed, side

NEAR_ZERO = 0.01
"""A published change smaller than this, one percentage point, is no gain to measure against."""

READING = (
    "Each open diamond is the published change from one model to the next. Each dot is the effect "
    "of this one factor within a seed of ours, with the other factors as they were in both models; "
    "below the dots are the mean and its 95% interval."
)


def claims(findings: Findings, _: Extras) -> Section | None:
    """Says what remains of each published gain, if the study claims any."""
    if not findings.reproduced_claims:
        return None
    lines = [
        linked(
            f"{sentence(_label(findings, found))}: {remains(found)}",
            f"#survival-{row}",
            "this gain",
        )
        for row, found in enumerate(findings.reproduced_claims, start=1)
    ]
    blocks = (
        draw_claims(findings) or Prose(f"{headline(findings)}."),
        Items(tuple(lines)),
        claims_table(findings),
        Prose(_sources(findings), style="muted"),
    )
    return Section("survives", "What remains of the published gains", blocks)


def _sources(findings: Findings) -> str:
    runs = [run for s in findings.reproduced_claims for run in (s.claim.before, s.claim.after)]
    average = ", and not averaged over all combinations" if findings.study.design.averages else ""
    return (
        f"Published numbers: {listing(list(dict.fromkeys(run.source for run in runs)))}. A "
        "published gain is a difference of two single runs, in mean validation accuracy over the "
        f"last {counted(LAST_EPOCHS, 'epoch')}. Our effect is on "
        f"{metric_name(findings.metric.name)}, at the levels that the other factors had in both "
        f"runs{average}."
    )


def headline(findings: Findings) -> str:
    """Counts the published changes of which our runs show an effect in the same direction."""
    gains = [found for found in findings.reproduced_claims if abs(found.published) >= NEAR_ZERO]
    effects = [(found, found.effect) for found in gains if found.effect is not None]
    if gains and not effects:
        return "No published gain can be compared with these runs"
    if all(decisive(effect) is None for _, effect in effects):
        return "One seed cannot show what remains of the published gains"
    same = sum(_same_side(found, effect) for found, effect in effects)
    changes = counted(len(effects), "published change")
    shown = "could be shown to have an effect, of any size, in the same direction"
    return f"Of {changes}, {same or 'none'} {shown}"


def _label(findings: Findings, found: ReproducedClaim) -> str:
    """Names a claim by its change and its start: ``preprocessing, from ‘augmentation’``."""
    study, claim = findings.study, found.claim
    before, _ = study.claimed_arms(claim)
    label = _change(findings, found)
    return f"{label}, from {named_arm(study, before)}" if claim.given else label


def _change(findings: Findings, found: ReproducedClaim) -> str:
    study, claim = findings.study, found.claim
    before, _ = study.claimed_arms(claim)
    return change_label(study, claim.factor, baseline=before.level(claim.factor), level=claim.level)


def _same_side(found: ReproducedClaim, effect: Effect) -> bool:
    """Whether the interval lies where the published change does, in both readings."""
    sides = {side(decisive(reading)) for reading in (effect, effect.trained) if reading}
    return sides == {1 if found.published > 0 else -1}


def remains(found: ReproducedClaim) -> str:
    """Compares a published change with our effect, and never as a ratio."""
    effect, change = found.effect, found.published
    if found.unlike:
        return f"not compared: {other_settings(found.unlike)}."
    if effect is None:
        return "not compared: the study has no arms with the levels of the two published runs."
    if effect.estimate is None:
        return "our runs have no result yet."
    ours = f"our effect is {effect_estimate(effect, adjusted=True)}"
    if abs(change) < NEAR_ZERO:
        return f"the published change is close to zero ({difference(change, 'fraction')}); {ours}."
    kind = "gain" if change > 0 else "loss"
    conclusion = _conclusion(found, effect, kind)
    return f"the published {kind} is {magnitude(change, 'fraction')}; {ours}{conclusion}."


def _conclusion(found: ReproducedClaim, effect: Effect, kind: str) -> str:
    """Says what the interval of our effect has in common with the published change."""
    bounds, published = decisive(effect), found.published
    if bounds is None:
        return " in one seed, which gives no interval"
    holds = bounds.low <= published <= bounds.high
    if effect.trained and side(bounds) and side(decisive(effect.trained)) != side(bounds):
        trained = effect_estimate(effect.trained, adjusted=True)
        seeds = f"the {counted(effect.trained.n, 'seed')} in which both networks trained"
        return f" over all seeds, but {trained} over {seeds}: nothing can be shown to remain"
    if side(bounds) == 0:
        other = f"the whole {kind}" if holds else "a part of it"
        return f", which is compatible with {other} and with no effect"
    if not _same_side(found, effect):
        return ", which has the opposite direction"
    if holds:
        return f", which is compatible with the whole {kind}"
    larger = min(abs(bounds.low), abs(bounds.high)) > abs(published)
    return f", which is {'larger' if larger else 'smaller'} than the published {kind}"


def claims_table(findings: Findings) -> Table:
    """One row per claim: before, after and their difference as published; our effect."""
    unit = findings.metric.unit
    numeric = ["published", "change", "our effect, 95% interval", "adjusted"]
    numeric += ["seeds, as measured", "seeds, no effect"]
    rows = [
        [
            _label(findings, found),
            verdict(found.plan.effect.verdict) if found.plan else UNKNOWN,
            f"{_level(found.claim.before)} → {_level(found.claim.after)}",
            difference(found.published, "fraction"),
            effect_estimate(found.effect),
            between(found.effect.adjusted if found.effect else None, unit, signed=True),
            *_needed(found.plan),
        ]
        for found in findings.reproduced_claims
    ]
    caption = "Each published gain, and our effect of only this factor between the same two models"
    data = some_files("survival", claims_frame(findings))
    head = ["factor", "our verdict", *numeric]
    return make_table(caption, head, rows, numeric=numeric, name="survival", data=data)


def _needed(plan: SeedPlan | None) -> Iterator[str]:
    """Writes how many seeds a verdict needs at the first of the powers, with their time."""
    if plan is None:
        yield from (UNKNOWN, UNKNOWN)
        return
    for case in (plan.as_measured, plan.no_effect):
        seeds, time = needed(plan, case)[0]
        yield f"{seeds} ({time})" if case.seconds[0] else seeds


def _level(run: PublishedRun) -> str:
    """Writes the mean validation accuracy of the last epochs, as the published change has it."""
    values = run.epochs.get(VAL_ACCURACY, ())[-LAST_EPOCHS:]
    return number(fmean(values) if values else None, "fraction")


def draw_claims(findings: Findings) -> Figure | None:
    """Draws every published change beside our effect of only its factor."""
    known = [
        (found, found.effect)
        for found in findings.reproduced_claims
        if found.effect and found.effect.estimate is not None
    ]
    if not known:
        return None
    scale = scale_for(findings.metric.unit, [found.published for found, _ in known], signed=True)
    changes = Counter(_change(findings, found) for found, _ in known)
    name = _change if max(changes.values()) == 1 else _label  # short names for the figure
    rows = tuple(
        replace(
            effect_row(name(findings, found), effect),
            note=difference(found.published, "fraction"),
            detail=f"ours {difference(effect.estimate, effect.metric.unit)}",
            diamond=found.published,
        )
        for found, effect in known
    )
    axis = axis_label(MetricInfo(ACCURACY, "fraction", "higher"), scale, change=True)
    return drawn(
        DotPlot(rows, axis, line=0.0, line_label="no effect", factor=scale.factor),
        name="survival",
        headline=headline(findings),
        reading=READING,
        alt=f"Dot plot of {counted(len(rows), 'published change')} beside our effects.",
        table=claims_table(findings),
        data=csv_file("survival", claims_frame(findings)),
    )


def claims_frame(findings: Findings) -> pd.DataFrame:
    """One row per claim."""
    rows = [
        {"factor": claim.factor, "level": claim.level}
        | {"given": ", ".join(f"{f}={lv}" for f, lv in claim.given.items())}
        | {"published": found.published, "metric": findings.metric.name}
        | {"n": effect.n if effect else 0, "estimate": effect.estimate if effect else None}
        | both_ends("interval", effect.interval if effect else None)
        | both_ends("adjusted", effect.adjusted if effect else None)
        | _planned(found.plan)
        for found in findings.reproduced_claims
        for claim, effect in [(found.claim, found.effect)]
    ]
    return pd.DataFrame(rows)


def _planned(plan: SeedPlan | None) -> dict[str, object]:
    """Returns the verdict, and how many seeds one needs at each of the powers."""
    if plan is None:
        return {"verdict": None}
    names = (f"seeds_{case}_{power}" for case in ("no_effect", "as_measured") for power in (80, 90))
    seeds = (*plan.no_effect.seeds, *plan.as_measured.seeds)
    return {"verdict": plan.effect.verdict, **dict(zip(names, seeds, strict=True))}
