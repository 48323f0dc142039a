"""What each change does to the study's metric, with interval and verdict."""

from __future__ import annotations

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report.blocks import DataFile, Extras, Figure, Section, Table, present
from ablations.report.data_files import csv_file, effects_frame
from ablations.report.figures.charts import effects_chart
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import contrast_table
from ablations.report.figures.headlines import dots_alt
from ablations.report.sections.dependence import dependence
from ablations.report.sections.fraction import fraction
from ablations.report.sections.robustness import opinions
from ablations.report.sections.shares import draw_shares
from ablations.report.tables import bare_p, between, make_table
from ablations.text.formatting import count, counted, difference, metric_name, verdict
from ablations.text.naming import effect_label
from ablations.text.sentences import is_beyond_margin


def effects(findings: Findings, _: Extras) -> Section | None:
    """Puts together all that is known of the effects, if the study has any."""
    if not findings.effects:
        return None
    data = csv_file("effects", effects_frame(findings))
    blocks = present(
        _draw(findings, data),
        _table(findings, data),
        fraction(findings),
        dependence(findings),
        draw_shares(findings),
        opinions(findings),
    )
    return Section("effects", "Effects", blocks, heading="What each change buys")


def _table(findings: Findings, data: DataFile) -> Table:
    """One row per effect: size, both intervals, adjusted p, verdict."""
    numeric = ["estimate", "95% interval", "adjusted interval", "adjusted p", "seeds"]
    rows = [
        [effect_label(findings, effect), *_numbers(effect), verdict(effect.verdict)]
        for effect in findings.effects
    ]
    return make_table(
        "Each effect, with its unadjusted interval and the one adjusted for all comparisons",
        ["effect", *numeric, "verdict"],
        rows,
        numeric=numeric,
        name="effect",
        data=(data,),
    )


def _numbers(effect: Effect) -> list[str]:
    unit = effect.metric.unit
    return [
        difference(effect.estimate, unit),
        between(effect.interval, unit, signed=True),
        between(effect.adjusted, unit, signed=True),
        bare_p(effect.p_adjusted),
        count(effect.n),
    ]


def _draw(findings: Findings, data: DataFile) -> Figure | None:
    """Draws the effects with both intervals."""
    chart = effects_chart(findings)
    if chart is None:
        return None
    return drawn(
        chart,
        name="effects",
        headline=_headline(findings),
        reading=_reading(findings),
        alt=dots_alt(chart, f"effects on {metric_name(findings.metric.name)}"),
        table=contrast_table(findings),
        data=data,
    )


def _headline(findings: Findings) -> str:
    """Counts the effects that a verdict could be given to."""
    total = len(findings.effects)
    clear = sum(is_beyond_margin(findings, effect) for effect in findings.effects)
    margin = findings.study.smallest_effect_that_matters
    shown = difference(margin, findings.metric.unit).lstrip("+")
    beyond = f"exceed {shown}" if margin > 0 else "differ from none"
    if all(effect.interval is None for effect in findings.effects):
        return "Estimates without intervals"
    if findings.untrained_effects:
        beyond += " with and without the networks that did not train"
    if total == 1:
        return f"The effect {'could' if clear else 'could not'} be shown to {beyond}"
    return f"{clear or 'None'} of {total} effects could be shown to {beyond}"


def _reading(findings: Findings) -> str:
    """Says what the marks of the figure are."""
    if all(effect.interval is None for effect in findings.effects):
        return "Each dot is the effect within one seed. A hollow mark is inconclusive."
    family = findings.effects[0].family_size
    bars = (
        "The thick bar is the unadjusted 95% interval of that effect; the thin bar is adjusted for "
        f"all {counted(family, 'comparison')} and decides the verdict."
        if family > 1
        else "The bar is its 95% interval, which decides the verdict."
    )
    margin = " The shaded band holds effects too small to matter."
    band = margin if findings.study.smallest_effect_that_matters > 0 else ""
    lost = (
        " A verdict also needs the same result without the networks that did not train."
        if findings.untrained_effects
        else ""
    )
    return (
        f"Each dot is the effect within one seed. {bars}{lost} A hollow mark is inconclusive.{band}"
    )
