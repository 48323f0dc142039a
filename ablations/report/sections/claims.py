"""Says what of a published gain remains when its factor alone is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ablations.core.estimates import Effect, Interval, MetricInfo, ends
from ablations.core.findings import Findings, ReproducedClaim
from ablations.core.metrics import ACCURACY, VAL_ACCURACY
from ablations.core.study import PublishedRun
from ablations.report.blocks import Extras, Figure, Items, Prose, Section, Table, linked
from ablations.report.data_files import both_ends, csv_file, some_files
from ablations.report.figures.charts import axis_label, effect_row
from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.drawings import drawn
from ablations.report.tables import make_table
from ablations.report.words.last_epochs import LAST_EPOCHS
from ablations.report.words.otherwise import otherwise
from ablations.text.formatting import (
    UNKNOWN,
    counted,
    difference,
    estimate,
    interval,
    listing,
    metric_name,
    number,
    scale_for,
    sentence,
)
from ablations.text.naming import change_label, named_arm
from ablations.text.sentences import amount

NEAR_ZERO = 0.01
"""A published change smaller than this, one percentage point, is no gain to measure against."""

READING = (
    "The open diamond is the published change, from one model to the next; each dot is the effect "
    "of that one factor within a seed, where the other factors stand as they stood in both models, "
    "with mean and 95% interval below."
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
        draw_survivals(findings) or Prose(f"{headline(findings)}."),
        Items(tuple(lines)),
        survival_table(findings),
        Prose(_sources(findings), style="muted"),
    )
    return Section("survives", "What survives", blocks)


def _sources(findings: Findings) -> str:
    runs = [run for s in findings.reproduced_claims for run in (s.claim.before, s.claim.after)]
    return (
        f"Published numbers: {listing(list(dict.fromkeys(run.source for run in runs)))}. A "
        "published gain is the difference of mean validation accuracy over the last ten epochs of "
        f"one run each; our effect is on {metric_name(findings.metric.name)}, at the levels that "
        "the other factors had in both runs."
    )


def headline(findings: Findings) -> str:
    """Counts the claimed gains of which something can be shown to remain."""
    gains = [found for found in findings.reproduced_claims if abs(found.published) >= NEAR_ZERO]
    left = sum(_same_side(found) for found in gains)
    compared = [found for found in gains if found.effect is not None]
    if gains and not compared:
        return "No published gain can be compared with these runs"
    if all(_claimed(found) is None for found in compared):
        return "What remains of each published gain cannot be told from one seed"
    total = counted(len(compared), "published change")
    return f"Of {total}, something can be shown to remain in {left or 'none'}"


def _claimed(found: ReproducedClaim) -> Interval | None:
    """Returns the interval that decides what may be said."""
    return _decisive(found.effect) if found.effect else None


def _decisive(effect: Effect) -> Interval | None:
    return effect.adjusted or effect.interval


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


def _same_side(found: ReproducedClaim) -> bool:
    """Whether the interval lies where the published change does, in both readings."""
    read = [e for e in (found.effect, found.effect and found.effect.trained) if e]
    sides = {_side(_decisive(e)) for e in read}
    return sides == {1 if found.published > 0 else -1}


def _side(bounds: Interval | None) -> int:
    """Returns on which side of zero an interval lies; 0 where it does not."""
    return 0 if bounds is None else (bounds.low > 0) - (bounds.high < 0)


def remains(found: ReproducedClaim) -> str:
    """Writes how much of a published change our effect leaves, and never a ratio."""
    effect, gain = found.effect, found.published
    if found.unlike:
        return f"not compared: {otherwise(found.unlike)}."
    if effect is None:
        return "not compared: the study has no arms with the levels of the two published runs."
    if effect.estimate is None:
        return "our runs cannot say yet."
    if abs(gain) < NEAR_ZERO:
        was = difference(gain, "fraction")
        return f"published as next to nothing ({was}); alone, {_shown(effect)}."
    kind = "gain" if gain > 0 else "loss"
    return (
        f"of a {kind} of {difference(abs(gain), 'fraction').lstrip('+')}, {_left(found, effect)}."
    )


def _left(found: ReproducedClaim, effect: Effect) -> str:
    gain = abs(found.published)
    decided, unit = _claimed(found), effect.metric.unit
    if decided is None:
        return f"{difference(effect.estimate, unit)} in one seed, which gives no interval"
    if decided.low <= 0 <= decided.high:
        all_too = decided.low <= found.published <= decided.high
        remainder = "none or all of it may remain" if all_too else "nothing can be shown to remain"
        return f"{remainder}: {_shown(effect)}"
    if effect.trained and _side(_claimed(found)) != _side(_decisive(effect.trained)):
        trained = _shown(effect.trained)
        seeds = f"{counted(effect.trained.n, 'seed')} in which both networks trained"
        every = f"{_shown(effect)} over all seeds"
        return f"nothing can be shown to remain: {every}, {trained} over the {seeds}"
    if not _same_side(found):
        return f"nothing remains; the effect points the other way: {_shown(effect)}"
    low, high = sorted((abs(decided.low), abs(decided.high)))
    left = f"{amount(effect)} {interval(low, high, unit, suffix=False)}"
    if high < gain:
        return f"{left} remain"
    return f"all {'remains and more' if low > gain else 'may remain'}: {left}"


def _shown(effect: Effect) -> str:
    return estimate(effect.estimate, ends(_decisive(effect)), effect.metric.unit, signed=True)


def survival_table(findings: Findings) -> Table:
    """One row per claim: before, after and their difference as published; our effect."""
    numeric = ["published before", "after", "change", "our effect, 95% interval", "adjusted"]
    rows = [
        [
            _label(findings, found),
            *(number(_level(run), "fraction") for run in (found.claim.before, found.claim.after)),
            difference(found.published, "fraction"),
            _ours(found.effect),
            _adjusted(found.effect),
        ]
        for found in findings.reproduced_claims
    ]
    caption = "Each published gain, and the effect of its factor alone between the same two models"
    data = some_files("survival", survival_frame(findings))
    head = ["factor", *numeric]
    return make_table(caption, head, rows, numeric=numeric, name="survival", data=data)


def _level(run: PublishedRun) -> float | None:
    """Averages validation accuracy over the last epochs, as the published change does."""
    values = run.epochs.get(VAL_ACCURACY, ())[-LAST_EPOCHS:]
    return sum(values) / len(values) if values else None


def _ours(effect: Effect | None) -> str:
    if effect is None:
        return UNKNOWN
    return estimate(effect.estimate, ends(effect.interval), effect.metric.unit, signed=True)


def _adjusted(effect: Effect | None) -> str:
    found = effect.adjusted if effect else None
    unit = effect.metric.unit if effect else "number"
    return interval(found.low, found.high, unit, signed=True) if found else UNKNOWN


def draw_survivals(findings: Findings) -> Figure | None:
    """Draws every published change beside the effect of its factor alone."""
    known = [s for s in findings.reproduced_claims if s.effect and s.effect.estimate is not None]
    if not known:
        return None
    chart = survival_chart(findings, known)
    return drawn(
        chart,
        name="survival",
        headline=headline(findings),
        reading=READING,
        alt=f"Dot plot of {counted(len(chart.rows), 'published change')} beside our effects.",
        table=survival_table(findings),
        data=csv_file("survival", survival_frame(findings)),
    )


def survival_chart(findings: Findings, known: Sequence[ReproducedClaim]) -> DotPlot:
    """One row per claim with an effect."""
    scale = scale_for(findings.metric.unit, [found.published for found in known], signed=True)
    axis = axis_label(MetricInfo(ACCURACY, "fraction", "higher"), scale, change=True)
    changes = Counter(_change(findings, found) for found in known)
    name = _change if max(changes.values()) == 1 else _label  # a figure has little room for names
    rows = tuple(
        _row(found, found.effect, label=name(findings, found)) for found in known if found.effect
    )
    return DotPlot(rows, axis, line=0.0, line_label="no effect", factor=scale.factor)


def _row(found: ReproducedClaim, effect: Effect, *, label: str) -> Row:
    return replace(
        effect_row(label, effect),
        note=difference(found.published, "fraction"),
        detail=f"ours {difference(effect.estimate, effect.metric.unit)}",
        diamond=found.published,
    )


def survival_frame(findings: Findings) -> pd.DataFrame:
    """One row per claim."""
    rows = [
        {"factor": found.claim.factor, "level": found.claim.level}
        | {"given": ", ".join(f"{f}={lv}" for f, lv in found.claim.given.items())}
        | {"published": found.published, "metric": findings.metric.name}
        | _effect_cells(found.effect)
        for found in findings.reproduced_claims
    ]
    return pd.DataFrame(rows)


def _effect_cells(effect: Effect | None) -> dict[str, float | int | None]:
    return (
        {"n": effect.n if effect else 0, "estimate": effect.estimate if effect else None}
        | both_ends("interval", effect.interval if effect else None)
        | both_ends("adjusted", effect.adjusted if effect else None)
    )
