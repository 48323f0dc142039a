"""The page of a synthesis: its sections, the answer first."""

from __future__ import annotations

import pandas as pd

from ablations.core.several import PooledEffect, Synthesis
from ablations.report.blocks import (
    Block,
    Code,
    Facts,
    Figure,
    Fold,
    Items,
    Link,
    Page,
    Prose,
    Section,
    present,
    prose,
)
from ablations.report.combined import folder_name
from ablations.report.data_files import csv_file
from ablations.report.figures.drawings import drawn
from ablations.report.figures.forests import forest_chart, pooled_chart
from ablations.report.figures.headlines import dots_alt
from ablations.report.synthesis.files import pooled_frame, question, study_rows
from ablations.report.synthesis.tables import (
    level_table,
    other_settings_table,
    pooled_table,
    spread_table,
    weighted_table,
    without_table,
)
from ablations.report.tables import between, make_table
from ablations.report.words.synthesis import (
    LEAVE_ONE_OUT,
    SECOND_OPINION,
    TERMS,
    forest_headline,
    pooled_headline,
)
from ablations.text.formatting import (
    count,
    counted,
    day,
    metric_name,
    sentence,
    spread,
)
from ablations.text.synthesis import mean_words, pooled_label, pooled_sentences, synthesis_caveats

_READING = (
    "Each dot is one study. The circle is the mean of the studies, each counted once, the thick "
    "bar its 95% interval, the thin bar what one more study would measure. A hollow circle: "
    "no change could be shown."
)
_FOREST = (
    "Small dots are seeds, the grey circle is the mean of a study over its seeds with its own 95% "
    "interval. Below is the mean of the studies with its 95% interval (thick) and what one more "
    "study would measure (thin)."
)


def page_name(synthesis: Synthesis) -> str:
    """Returns the name of the folder."""
    return folder_name("synthesis", [own.name for own in synthesis.studies])


def make_page(synthesis: Synthesis) -> Page:
    """Makes the blocks of a synthesis, the answer first."""
    sections = (
        _effects(synthesis),
        _forests(synthesis),
        _simple(synthesis),
        _robustness(synthesis),
        _studies(synthesis),
        _settings(synthesis),
    )
    return Page(
        name=page_name(synthesis),
        title=f"{counted(len(synthesis.studies), 'study', 'studies')} together: "
        f"{metric_name(synthesis.metric.name)}",
        opening=_opening(synthesis),
        sections=tuple(section for section in sections if section is not None),
        numbers=Link("data/studies.csv", "effects by study"),
    )


def _opening(synthesis: Synthesis) -> tuple[Block, ...]:
    when = [f"Measured up to {day(synthesis.finished_at)}"] if synthesis.finished_at else []
    trials = counted(sum(own.n_completed for own in synthesis.studies), "trial")
    studies = counted(len(synthesis.studies), "study", "studies")
    names = ", ".join(own.name for own in synthesis.studies)
    return (
        Items(prose([*when, f"{studies}, {trials}", names]), style="facts"),
        Prose(question(synthesis), style="question"),
        Prose(" ".join(pooled_sentences(synthesis)), style="answer"),
        Items(prose(synthesis_caveats(synthesis)), "Before you rely on this", style="notes"),
        _draw_pooled(synthesis),
        Fold("How to read this", (Facts(TERMS),)),
    )


def _draw_pooled(synthesis: Synthesis) -> Figure:
    chart = pooled_chart(synthesis)
    shown = synthesis.effects or synthesis.simple_effects
    return drawn(
        chart,
        name="pooled",
        headline=pooled_headline(synthesis),
        reading=_READING,
        alt=dots_alt(chart, f"mean effects on {metric_name(synthesis.metric.name)}"),
        table=pooled_table(synthesis, shown, "Mean effects of the studies"),
        data=csv_file("pooled", pooled_frame(synthesis)),
    )


def _effects(synthesis: Synthesis) -> Section | None:
    if not synthesis.effects:
        return None
    caption = "Each effect over all studies that have it"
    blocks = (
        pooled_table(synthesis, synthesis.effects, caption),
        spread_table(synthesis),
    )
    return Section("effects", "Effects", blocks, heading="What each change does, over all studies")


def _forests(synthesis: Synthesis) -> Section | None:
    mains = [effect for effect in synthesis.effects if effect.kind != "interaction"]
    others = [effect for effect in synthesis.effects if effect.kind == "interaction"]
    numbered = {id(e): i for i, e in enumerate(synthesis.effects, start=1)}
    drawings = [_draw_forest(synthesis, e, numbered[id(e)]) for e in mains]
    folded = tuple(_draw_forest(synthesis, e, numbered[id(e)]) for e in others)
    if not synthesis.effects:
        return None
    fold = Fold("Interactions, study by study", folded) if folded else None
    return Section("forests", "Study by study", present(*drawings, fold))


def _draw_forest(synthesis: Synthesis, effect: PooledEffect, number: int) -> Figure:
    """Draws one effect study by study, with its seeds."""
    chart, label = forest_chart(synthesis, effect), pooled_label(synthesis, effect)
    unit = synthesis.metric.unit
    rows = [
        [own.study, count(own.df + 1), mean_words(own, unit),
         spread(own.standard_error, unit), between(own.interval, unit, signed=True)]
        for own in effect.studies
    ]  # fmt: skip
    numeric = ["seeds", "effect", "standard error", "95% interval"]
    name = f"forest-{number}"
    return drawn(
        chart,
        name=name,
        headline=forest_headline(synthesis, effect),
        reading=_FOREST,
        alt=dots_alt(chart, f"{label} by study"),
        table=make_table(
            f"{sentence(label)}, by study", ["study", *numeric], rows, numeric=numeric
        ),
        data=csv_file(name, pd.DataFrame(study_rows(synthesis, effect))),
    )


def _simple(synthesis: Synthesis) -> Section | None:
    if not synthesis.simple_effects:
        return None
    caption = "Each change at each level of another factor, over all studies"
    table = pooled_table(synthesis, synthesis.simple_effects, caption)
    return Section(
        "simple", "By level", (table,), heading="Each change where another stays as it is"
    )


def _robustness(synthesis: Synthesis) -> Section | None:
    if not synthesis.effects:
        return None
    without = without_table(synthesis)
    blocks = present(
        *(prose([LEAVE_ONE_OUT]) if without else ()),
        without,
        *prose([SECOND_OPINION]),
        weighted_table(synthesis),
    )
    return Section("robustness", "Does it hold?", blocks, heading="Would another analysis say so?")


def _studies(synthesis: Synthesis) -> Section:
    rows = [
        [own.name, own.study.title, count(own.n_completed), count(len(own.seeds)),
         ", ".join(own.data)]
        for own in synthesis.studies
    ]  # fmt: skip
    numeric = ["trials", "seeds"]
    table = make_table("The studies", ["study", "title", *numeric, "data"], rows, numeric=numeric)
    again = _again(synthesis)
    return Section("studies", "Studies", (table, again), heading="The studies, and what they share")


def _again(synthesis: Synthesis) -> Code:
    if any(own.study.in_python for own in synthesis.studies):
        return Code("ablations.render_report(ablations.synthesize([…]))", "python")
    names = " ".join(own.study.source or f"{own.name}.toml" for own in synthesis.studies)
    return Code(f"ablations synthesize {names}", "console")


def _settings(synthesis: Synthesis) -> Section | None:
    blocks = present(level_table(synthesis), other_settings_table(synthesis))
    return Section("settings", "Settings", blocks) if blocks else None
