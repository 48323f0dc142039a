"""What each change does to the study's metric, with interval and verdict."""

from __future__ import annotations

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import DataFile, Extras, Figure, Section, Table, present, prose
from ablations.report.figures.charts import effects_chart
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import contrast_table
from ablations.report.figures.headlines import dots_alt
from ablations.report.sections.robustness import opinions
from ablations.report.sections.shares import draw_shares
from ablations.report.tables import bare_p, between, make_table
from ablations.report.words.caveats import pairs, warning
from ablations.text.formatting import (
    count,
    counted,
    listing,
    metric_name,
    sentence,
    verdict,
)
from ablations.text.naming import aliases, effect_label, effect_name
from ablations.text.sentences import fraction_sentences, is_beyond_margin, margin, signed_amount

ALIASED = (
    "Each number is the sum of the effect that names it and of the other effects in its row, up to "
    "two factors. It can be read as the effect that names it only if the others are known to be "
    "small."
)
CHOSEN = (
    "These effects are shown because the 95% interval of their interaction excludes zero. Their "
    "adjusted intervals and verdicts count all {family} of this design, not only those shown, so "
    "they stay valid although the data decide which are shown."
)


def effects(findings: Findings, _: Extras) -> Section | None:
    """Shows all that is known of the effects, if the study has any."""
    if not findings.effects:
        return None
    data = data_files.csv_file("effects", data_files.effects_frame(findings))
    blocks = present(
        _draw(findings, data),
        effect_table(findings, (data,)),
        _fraction(findings),
        dependence(findings),
        draw_shares(findings),
        opinions(findings),
    )
    return Section("effects", "Effects", blocks, heading="What each change does")


def effect_table(findings: Findings, data: tuple[DataFile, ...] = ()) -> Table:
    """One row per effect: verdict, size, both intervals, adjusted p."""
    numeric = ["estimate", "unadjusted interval", "adjusted interval", "adjusted p", "seeds"]
    rows = [
        [
            effect_label(findings, e),
            verdict(e.verdict),  # first of all, where a narrow screen shows it
            *_estimates(e),
            bare_p(e.p_adjusted),
            count(e.n),
        ]
        for e in findings.effects
    ]
    return make_table(
        "Each effect, with its 95% interval, unadjusted and adjusted for all comparisons",
        ["effect", "verdict", *numeric],
        rows,
        numeric=numeric,
        name="effect",
        data=data,
    )


def _estimates(effect: Effect) -> list[str]:
    unit = effect.metric.unit
    intervals = (between(own, unit, signed=True) for own in (effect.interval, effect.adjusted))
    return [signed_amount(effect), *intervals]


def _fraction(findings: Findings) -> Section | None:
    """Shows what a fraction of all arms cannot separate, for fractional and screening designs."""
    found = findings.study.design.fraction
    if found is None:
        return None
    rows = [[" × ".join(own.factors), aliases(own)] for own in found.sets]
    columns = ["the number for", "also contains"]
    texts = (*fraction_sentences(found, len(findings.study.arms)), ALIASED)
    table = make_table("Each number, and the effects in it", columns, rows, name="alias")
    title = "Which effects this fraction of all arms cannot separate"
    return Section("fraction", title, (*prose(texts), table))


def dependence(findings: Findings) -> Section | None:
    """Shows what a change does at each level of another factor, where the two interact."""
    if not findings.simple_effects:
        return None
    family = counted(findings.simple_effects[0].family_size, "simple effect")
    texts = [warning(findings, pair) for pair in pairs(findings)]
    numeric = ["estimate", "unadjusted interval", "adjusted interval", "seeds"]
    rows = [
        [
            sentence(effect_name(findings, effect)),
            listing([f"{factor} is {level}" for factor, level in effect.given]),
            verdict(effect.verdict),
            *_estimates(effect),
            count(effect.n),
        ]
        for effect in findings.simple_effects
    ]
    table = make_table(
        "Each change at each level of the factor that it depends on",
        ["effect of", "where", "verdict", *numeric],
        rows,
        numeric=numeric,
        name="simple-effect",
        data=data_files.some_files("simple-effects", data_files.simple_effects_frame(findings)),
    )
    texts.append(CHOSEN.format(family=family))
    return Section("simple", "Where the average may mislead", (*prose(texts), table))


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
    if all(effect.interval is None for effect in findings.effects):
        return "Estimates without intervals"
    total = len(findings.effects)
    both = " with and without the networks that did not train" if findings.untrained_effects else ""
    if all(effect.verdict == "equivalent" for effect in findings.effects):
        all_of_them = "The effect lies" if total == 1 else f"All {total} effects lie"
        return f"{all_of_them} within ±{margin(findings)}{both}"
    clear = sum(is_beyond_margin(findings, effect) for effect in findings.effects)
    beyond = (
        f"exceed {margin(findings)} in either direction" if margin(findings) else "differ from zero"
    )
    if total == 1:
        return f"The effect {'could' if clear else 'could not'} be shown to {beyond}{both}"
    return f"{clear or 'None'} of {total} effects could be shown to {beyond}{both}"


def _reading(findings: Findings) -> str:
    """Says what the marks of the figure are."""
    marks = ["Each dot is the effect within one seed."]
    family = findings.effects[0].family_size
    if any(effect.interval is not None for effect in findings.effects):
        marks.append(
            "The thick bar is the unadjusted 95% interval of the effect. The thin bar is adjusted "
            f"for all {counted(family, 'comparison')} and decides the verdict."
            if family > 1
            else "The bar is its 95% interval, which decides the verdict."
        )
        if findings.untrained_effects:
            marks.append(
                "A verdict also needs the same result without the networks that did not train."
            )
    marks.append("A hollow mark is inconclusive.")
    if margin(findings):
        marks.append("The shaded band shows the effects that are too small to matter.")
    return " ".join(marks)
