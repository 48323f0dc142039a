"""Says what of a published gain remains when its factor alone is changed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ablations.estimates import Effect, Interval, MetricInfo
from ablations.findings import Findings, Survival
from ablations.formatting import (
    UNKNOWN,
    Scale,
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
from ablations.report.charts import axis_label, bounds_in, ends, scaled
from ablations.report.dotplots import DotPlot, Row, dot_figure
from ablations.report.drawings import Drawn, Words, drawn
from ablations.report.frames import both_ends
from ablations.report.palette import VERDICT_COLOURS
from ablations.report.tables import bounds, make_table
from ablations.report.tails import LAST_EPOCHS, VALIDATION
from ablations.report.views import Comparisons, Observation, TableView
from ablations.report.wording import amount, effect_label
from ablations.study import PublishedRun

NEAR_ZERO = 0.01
"""A published change smaller than this, one percentage point, is no gain to measure against."""

READING = (
    "The open diamond is the published change, from one model to the next; each dot is the effect "
    "of that one factor within a seed, with mean and 95% interval below."
)


def survival_part(findings: Findings, figure: Drawn | None) -> Comparisons | None:
    """Puts the part about claimed gains together, if there are any."""
    if not findings.survivals:
        return None
    runs = [run for s in findings.survivals for run in (s.claim.before, s.claim.after)]
    files = dict.fromkeys(run.source for run in runs)
    return Comparisons(
        headline=headline(findings),
        figure=figure.view if figure else None,
        observations=tuple(
            Observation(
                f"{sentence(effect_label(findings, found.effect))}: {remains(found)}",
                f"#survival-{row}",
                "this gain",
            )
            for row, found in enumerate(findings.survivals, start=1)
        ),
        table=survival_table(findings),
        sources=(
            f"Published numbers: {listing(list(files))}. A published gain is the difference of "
            "mean validation accuracy over the last ten epochs of one run each; our effect is on "
            f"{metric_name(findings.metric.name)}."
        ),
    )


def headline(findings: Findings) -> str:
    """Counts the claimed gains of which something can be shown to remain."""
    gains = [found for found in findings.survivals if abs(found.published) >= NEAR_ZERO]
    left = sum(_same_side(found) for found in gains)
    if all(_claimed(found.effect) is None for found in gains):
        return "What remains of each published gain cannot be told from one seed"
    total = counted(len(gains), "published change")
    return f"Of {total}, something can be shown to remain in {left or 'none'}"


def _claimed(effect: Effect) -> Interval | None:
    """Returns the interval that decides what may be said."""
    return effect.adjusted or effect.interval


def _same_side(found: Survival) -> bool:
    bounds = _claimed(found.effect)
    return (
        bounds is not None
        and (bounds.low > 0 or bounds.high < 0)
        and ((bounds.low > 0) == (found.published > 0))
    )


def remains(found: Survival) -> str:
    """Writes how much of a published change our effect leaves, and never a ratio."""
    effect, gain = found.effect, found.published
    if effect.estimate is None:
        return "our runs cannot say yet."
    if abs(gain) < NEAR_ZERO:
        was = difference(gain, "fraction")
        return f"published as next to nothing ({was}); alone, {_shown(effect)}."
    kind = "gain" if gain > 0 else "loss"
    return f"of a {kind} of {difference(abs(gain), 'fraction').lstrip('+')}, {_left(found)}."


def _left(found: Survival) -> str:
    effect, gain = found.effect, abs(found.published)
    decided, unit = _claimed(effect), effect.metric.unit
    if decided is None:
        return f"{difference(effect.estimate, unit)} in one seed, which gives no interval"
    if decided.low <= 0 <= decided.high:
        return f"nothing can be shown to remain: {_shown(effect)}"
    if not _same_side(found):
        return f"nothing remains; the effect points the other way: {_shown(effect)}"
    low, high = sorted((abs(decided.low), abs(decided.high)))
    left = f"{amount(effect)} {interval(low, high, unit, suffix=False)}"
    if high < gain:
        return f"{left} remain"
    return f"all {'remains and more' if low > gain else 'may remain'}: {left}"


def _shown(effect: Effect) -> str:
    bounds = _claimed(effect)
    both = (bounds.low, bounds.high) if bounds else None
    return estimate(effect.estimate, both, effect.metric.unit, signed=True)


def survival_table(findings: Findings) -> TableView:
    """One row per claim: before, after and their difference as published; our effect."""
    numeric = ["published before", "after", "change", "our effect, 95% interval", "adjusted"]
    rows = [
        [
            effect_label(findings, found.effect),
            *(number(_level(run), "fraction") for run in (found.claim.before, found.claim.after)),
            difference(found.published, "fraction"),
            estimate(
                found.effect.estimate,
                bounds(found.effect.interval),
                found.effect.metric.unit,
                signed=True,
            ),
            _adjusted(found.effect),
        ]
        for found in findings.survivals
    ]
    caption = "Each published gain, and the effect of its factor alone"
    return make_table(caption, ["factor", *numeric], rows, numeric=numeric, name="survival")


def _level(run: PublishedRun) -> float | None:
    """Averages validation accuracy over the last epochs, as the published change does."""
    values = run.epochs.get(VALIDATION, ())[-LAST_EPOCHS:]
    return sum(values) / len(values) if values else None


def _adjusted(effect: Effect) -> str:
    found = effect.adjusted
    return interval(found.low, found.high, effect.metric.unit, signed=True) if found else UNKNOWN


def draw_survivals(findings: Findings) -> Drawn | None:
    """Draws every published change beside the effect of its factor alone."""
    known = [found for found in findings.survivals if found.effect.estimate is not None]
    if not known:
        return None
    chart = survival_chart(findings, known)
    alt = f"Dot plot of {counted(len(chart.rows), 'published change')} beside our effects."
    words = Words("survival", headline(findings), READING, alt, notes=chart.notes)
    return drawn(words, survival_table(findings), lambda width: dot_figure(chart, width))


def survival_chart(findings: Findings, known: Sequence[Survival]) -> DotPlot:
    """One row per claim with an effect."""
    scale = scale_for(findings.metric.unit, [found.published for found in known], signed=True)
    axis = axis_label(MetricInfo("accuracy", "fraction", "higher"), scale, change=True)
    rows = tuple(_row(findings, found, scale) for found in known)
    return DotPlot(rows, axis, line=0.0, line_label="no effect")


def _row(findings: Findings, found: Survival, scale: Scale) -> Row:
    effect = found.effect
    return Row(
        label=effect_label(findings, effect),
        dots=scaled((value for _, value in effect.per_seed), scale),
        middle=(effect.estimate or 0.0) * scale.factor,
        bar=bounds_in(ends(effect.interval), scale),
        thin=bounds_in(ends(effect.adjusted), scale),
        note=difference(found.published, "fraction"),
        detail=f"ours {difference(effect.estimate, effect.metric.unit)}",
        colour=VERDICT_COLOURS[effect.verdict],
        hollow=effect.verdict == "inconclusive",
        diamond=found.published * scale.factor,
    )


def survival_frame(findings: Findings) -> pd.DataFrame:
    """One row per claim."""
    rows = [
        {"factor": found.claim.factor, "level": found.claim.level, "published": found.published}
        | {"metric": found.effect.metric.name, "n": found.effect.n}
        | {"estimate": found.effect.estimate}
        | both_ends("interval", ends(found.effect.interval))
        | both_ends("adjusted", ends(found.effect.adjusted))
        for found in findings.survivals
    ]
    return pd.DataFrame(rows)
