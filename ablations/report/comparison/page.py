"""The page of a comparison: its sections, the answer first."""

from __future__ import annotations

from shlex import quote

from ablations.core.metrics import FROZEN_SECONDS
from ablations.core.several import Member, SideBySide
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
from ablations.report.comparison.charts import (
    arms_chart,
    curve_metric,
    curves_chart,
    effects_chart,
)
from ablations.report.comparison.files import comparison_frame, curves_frame
from ablations.report.comparison.tables import (
    alone_table,
    cost_table,
    differences_table,
    environment_table,
    machine_table,
    members_table,
    settings_table,
)
from ablations.report.data_files import csv_file
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import last_epoch_table
from ablations.report.figures.headlines import dots_alt, panels_alt
from ablations.report.words.comparison import (
    ARMS_READING,
    BAND,
    COST_READING,
    CURVES_READING,
    EFFECTS_READING,
    FROZEN,
    SETTINGS_READING,
    TERMS,
    question,
)
from ablations.text.formatting import counted, day, listing, metric_name, sentence
from ablations.text.side_by_side import (
    comparison_caveats,
    comparison_headline,
    comparison_sentences,
    settings_sentence,
    shared_sentence,
    time_caveat,
    what,
)

_NAMED = 3
_EFFECTS, _ARMS = "Effects, and how they differ", "Arms, and how they differ"


def make_page(found: SideBySide) -> Page:
    """Makes the blocks of a comparison, the answer first."""
    few = len(found.names) <= _NAMED
    who = listing(found.names) if few else counted(len(found.names), what(found, many=False))
    sections = (
        _settings(found),
        _effects(found),
        _arms(found),
        _curves(found),
        _cost(found),
        _members(found),
    )
    return Page(
        name=folder_name("comparison", found.names),
        title=f"{who if few else what(found)} side by side: {metric_name(found.metric.name)}",
        opening=_opening(found),
        sections=tuple(section for section in sections if section is not None),
        numbers=Link("data/comparison.csv", "all values and differences"),
    )


def _opening(found: SideBySide) -> tuple[Block, ...]:
    when = [f"Measured up to {day(found.finished_at)}"] if found.finished_at else []
    trials = counted(sum(own.n_completed for own in found.members), "trial")
    members = counted(len(found.members), what(found, many=False), what(found))
    return (
        Items(prose([*when, f"{members}, {trials}"]), style="facts"),
        Prose(question(found), style="question"),
        Prose(" ".join(comparison_sentences(found)), style="answer"),
        Items(prose(comparison_caveats(found)), "Before you rely on this", style="notes"),
        _draw_effects(found) if found.effects else _draw_arms(found),
        Fold("How to read this", (Facts(TERMS),)),
    )


def _draw_effects(found: SideBySide) -> Figure:
    chart = effects_chart(found)
    return drawn(
        chart,
        name="effects",
        headline=comparison_headline(found),
        reading=f"{EFFECTS_READING} {BAND}" if found.margin else EFFECTS_READING,
        alt=dots_alt(chart, f"effects on {metric_name(found.metric.name)}"),
        table=differences_table(found, found.effects, _EFFECTS),
        data=csv_file("effects", comparison_frame(found, found.effects)),
    )


def _draw_arms(found: SideBySide) -> Figure:
    chart, name = arms_chart(found), metric_name(found.metric.name)
    return drawn(
        chart,
        name="arms",
        headline=f"{sentence(name)} of the arms that the {what(found)} share",
        reading=ARMS_READING,
        alt=dots_alt(chart, f"{name} by arm"),
        table=differences_table(found, found.arms, _ARMS),
        data=csv_file("arms", comparison_frame(found, found.arms)),
    )


def _settings(found: SideBySide) -> Section:
    table = settings_table(found)
    reading = Prose(SETTINGS_READING, style="muted") if table else None
    blocks = present(Prose(settings_sentence(found)), table, reading)
    return Section("settings", "Settings", blocks, heading="What is set differently")


def _effects(found: SideBySide) -> Section | None:
    if not found.effects:
        return None
    table = differences_table(found, found.effects, _EFFECTS)
    heading = "What each change does in each of them"
    return Section("differences", "Effects", (table,), heading=heading)


def _arms(found: SideBySide) -> Section | None:
    if not found.arms:
        return None
    table = differences_table(found, found.arms, _ARMS)
    figure = _draw_arms(found) if found.effects else None
    return Section("shared-arms", "Arms", present(figure, table), heading="Arm by arm")


def _curves(found: SideBySide) -> Section | None:
    chart, metric = curves_chart(found), curve_metric(found)
    if chart is None or metric is None:
        return None
    figure = drawn(
        chart,
        name="curves",
        headline=f"Mean {metric_name(metric)} from epoch to epoch",
        reading=CURVES_READING,
        alt=panels_alt(chart, "learning curves"),
        table=last_epoch_table(chart),
        data=csv_file("curves", curves_frame(found)),
    )
    return Section("curves", "Learning curves", (figure,), heading="How they learned")


def _cost(found: SideBySide) -> Section | None:
    table = cost_table(found)
    if table is None:
        return None
    names = {name for arm in found.arms for own in arm.found.values() for name in own.summaries}
    frozen = FROZEN if FROZEN_SECONDS in names else ""
    machine = machine_table(found) if found.machine else None
    texts = prose([" ".join(filter(None, (COST_READING, frozen)))], style="muted")
    blocks = present(*prose([time_caveat(found)]), table, *texts, machine)
    return Section("cost", "Time and cost", blocks, heading="What they cost")


def _members(found: SideBySide) -> Section:
    environment = environment_table(found)
    blocks = present(
        *prose([shared_sentence(found)]),
        members_table(found),
        alone_table(found),
        Fold("Environment: what differs", (environment,)) if environment else None,
        _again(found),
    )
    return Section("studies", "Studies", blocks, heading="What they are, and what they share")


def _again(found: SideBySide) -> Code:
    if any(own.study.in_python for own in found.members):
        names = ", ".join(f"{own.name!r}: …" for own in found.members)
        return Code(f"ablations.render_report(ablations.compare({{{names}}}))", "python")
    return Code(f"ablations compare {' '.join(map(_word, found.members))}", "console")


def _word(own: Member) -> str:
    """Returns what to write after ``ablations compare`` for a study, or for a state of one."""
    is_study = own.name == own.study.report_name
    return own.study.source or f"{own.name}.toml" if is_study else quote(own.name)
