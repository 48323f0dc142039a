"""Bounds what a report shows of many arms, effects or trials, and says what it leaves out.

A reader of a thousand rows looks for the baseline, the best and the worst; a browser needs seconds
for all of them. So large studies are put in order of what they reach, figures draw the two ends,
tables show their first rows and fold the next ones, and a file beside the page has all. Figures of
all arms fold away, where there are not too many. Studies below these numbers are shown as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pandas as pd

from ablations.core.estimates import Effect
from ablations.core.findings import ArmFinding, Findings, Variances
from ablations.report.blocks import Block, DataFile, Figure, Fold, Prose, Section, Table
from ablations.report.data_files import csv_file
from ablations.text.formatting import count, counted, listing
from ablations.text.naming import arm_label

MOST = 24
"""The most arms, or effects, of a study of which a report shows each one."""

SHOWN, WORST = 20, 5
"""Of more: the rows of a figure, and those of them from the lower end."""

FOLDED = 256
"""The most rows of the tables of all arms and of all effects, with those that are folded, and the
most arms of which each is drawn."""

BESIDE, BESIDE_FOLDED = 6, 100
"""The rows of other tables, and those with the folded ones."""

PANELS = 9
"""The small plots of more pairs of factors than ``MOST``."""

TRIALS = 1_000
"""The most trials of a study of which a table may have any number of rows."""

_STATUSES = ("failed", "inconclusive", "incomplete", "passed")

Item = TypeVar("Item")


def is_large(findings: Findings) -> bool:
    """Whether tables of the report are bounded."""
    most = max(len(findings.arms), len(findings.effects), len(findings.gates))
    return most > MOST or findings.n_planned > TRIALS


def first_ones(found: Sequence[Item], shown: int = SHOWN) -> Sequence[Item]:
    """Returns all of up to ``MOST``, else the first ones."""
    return found if len(found) <= MOST else found[:shown]


def drawn_arms(findings: Findings) -> tuple[ArmFinding, ...]:
    """Returns the arms that figures draw: all of a few, else the reference, best and worst."""
    if len(findings.arms) <= MOST:
        return findings.arms
    name = findings.metric.name
    known = [a for a in findings.ranked if a.is_reference or a.mean(name) is not None]
    return (*known[: SHOWN - WORST], *known[SHOWN - WORST :][-WORST:])


def fewer_arms(findings: Findings) -> tuple[ArmFinding, ...]:
    """Returns the arms of figures that only describe training: of many, eight of those drawn."""
    drawn = drawn_arms(findings)
    return drawn if len(findings.arms) <= MOST else (*drawn[:6], *drawn[-2:])


def costed_arms(findings: Findings) -> tuple[ArmFinding, ...]:
    """Returns these arms, and those that no cheaper one equals or beats."""
    shown = drawn_arms(findings)
    names = {arm.arm for arm in shown}
    return (*shown, *(findings.arm(arm) for arm in findings.front[:SHOWN] if arm not in names))


def drawn_words(findings: Findings, drawn: Sequence[ArmFinding], more: str = "") -> str:
    """Says which arms a figure draws, and ``more`` of them; empty where it draws all."""
    if len(findings.arms) <= MOST:
        return ""
    best, worst = end_names(findings)
    reference = arm_label(findings.study, findings.study.reference)
    shown, every = len(drawn), counted(len(findings.arms), "arm")
    return (
        f"It shows {shown} of {every}: ‘{reference}’, the {best} means and the {worst}{more}; the "
        "data file has all."
    )


def end_names(findings: Findings) -> tuple[str, str]:
    """Names the first and the last of the ranked arms."""
    return ("largest", "smallest") if findings.metric.better == "neither" else ("best", "worst")


@dataclass(frozen=True, slots=True)
class ArmPage:
    """A few arms that a figure shows, and what they have in common."""

    title: str
    arms: tuple[ArmFinding, ...]


def arm_pages(findings: Findings) -> tuple[ArmPage, ...]:
    """Divides the arms of a large study among figures, by as few factors as it takes.

    Where that leaves figures of hardly any arm, as in designs that change one factor at a time, it
    is by their place.
    """
    total, factors = len(findings.arms), findings.study.factors
    if not MOST < total <= FOLDED:
        return ()
    for n in range(1, len(factors)):
        groups = _by_levels(findings, [factor.name for factor in factors[:n]])
        if max(map(len, groups.values())) <= MOST:
            if 4 * len(groups) > total:
                break
            return tuple(ArmPage(_where(own), tuple(arms)) for own, arms in groups.items())
    return tuple(
        ArmPage(f"Arms {at + 1} to {min(at + SHOWN, total)}", findings.arms[at : at + SHOWN])
        for at in range(0, total, SHOWN)
    )


Levels = tuple[tuple[str, str | None], ...]


def _by_levels(findings: Findings, names: Sequence[str]) -> dict[Levels, list[ArmFinding]]:
    """Groups arms by their levels of some factors, in the order of the study."""
    groups: dict[Levels, list[ArmFinding]] = {}
    for arm in findings.study.arms:
        groups.setdefault(tuple((name, dict(arm.levels).get(name)) for name in names), [])
    for found in findings.arms:
        own = dict(found.arm.levels)
        groups[tuple((name, own.get(name)) for name in names)].append(found)
    return groups


def _where(levels: Levels) -> str:
    words = [f"{name} is {level}" if level else f"there is no {name}" for name, level in levels]
    return f"Where {listing(words)}"


def order_words(findings: Findings) -> str:
    """Says in which order the arms of a large study are; empty where it is that of the study."""
    if len(findings.arms) <= MOST or findings.study.chapters:
        return ""
    first, _ = end_names(findings)
    reference = arm_label(findings.study, findings.study.reference)
    return (
        f"The {count(len(findings.arms))} arms are sorted: ‘{reference}’, then the others from the "
        f"{first} mean on. Figures show a few of them, tables their first rows, and the CSV files "
        "have all."
    )


def arranged(findings: Findings) -> Findings:
    """Puts arms, effects and gates in the order in which a reader looks for them.

    Arms follow the reference from the best mean on, interactions follow other effects and each kind
    starts at the largest, and gates that failed come first. Few arms, effects or gates keep the
    order of the study; so do arms with chapters, which name them by their place.
    """
    places = list(range(len(findings.arms)))
    if len(findings.arms) > MOST and not findings.study.chapters:
        ranks = {arm.arm: rank for rank, arm in enumerate(findings.ranked)}
        places = sorted(places, key=lambda place: ranks[findings.arms[place].arm])
    gates = findings.gates
    if len(gates) > MOST:
        gates = tuple(sorted(gates, key=lambda gate: _STATUSES.index(gate.status)))
    arms = tuple(findings.arms[place] for place in places)
    found = replace(findings, arms=arms, gates=gates)
    if found.variances:
        parts = tuple(found.variances.arms[place] for place in places)
        found = replace(found, variances=replace(found.variances, arms=parts))
    return _with_effects(found) if len(found.effects) > MOST else found


def _with_effects(findings: Findings) -> Findings:
    """Sorts effects, and what is known of each of them in the same order."""
    effects = findings.effects
    order = sorted(range(len(effects)), key=lambda place: _effect_rank(effects[place]))
    pairs = [tuple(change.factor for change in effects[place].changes) for place in order]
    plans = [findings.plans[place] for place in order] if findings.plans else ()
    return replace(
        findings,
        effects=tuple(effects[place] for place in order),
        plans=tuple(plans),
        simple_effects=tuple(sorted(findings.simple_effects, key=_effect_rank)),
        cells=tuple(sorted(findings.cells, key=lambda cell: pairs.index(cell.factors))),
        variances=findings.variances and _in_order(findings.variances, order),
    )


def _in_order(found: Variances, order: Sequence[int]) -> Variances:
    return replace(found, effects=tuple(found.effects[place] for place in order))


def _effect_rank(effect: Effect) -> tuple[bool, float]:
    return effect.kind == "interaction", -abs(effect.estimate or 0.0)


def bounded(section: Section) -> Section:
    """Cuts the tables of a section, and says where the rest is."""
    return replace(section, blocks=tuple(_short(section.blocks)))


def _short(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Table) and len(block.rows) > MOST:
            yield from _in_parts(block)
        elif isinstance(block, Fold):
            yield replace(block, blocks=tuple(_short(block.blocks)))
        elif isinstance(block, Section):
            yield bounded(block)
        elif isinstance(block, Figure) and len(block.table.rows) > BESIDE_FOLDED:
            rows = block.table.rows[:BESIDE_FOLDED]
            total = count(len(block.table.rows))
            caption = f"{block.table.caption}, the first {BESIDE_FOLDED} of {total}"
            yield replace(block, table=replace(block.table, rows=rows, caption=caption))
        else:
            yield block


def _in_parts(table: Table) -> Iterator[Block]:
    """Yields the first rows, of which some are folded, and how many there are."""
    total, own = len(table.rows), table.name in ("arm", "effect")
    end, shown = (FOLDED, table.shown) if own else (BESIDE_FOLDED, BESIDE)
    yield replace(table, rows=table.rows[:end], shown=shown, data=_with_link(table, total))
    if total > end:
        words = f"These are the first {end} of {count(total)} rows; the CSV file has all."
        yield Prose(words, style="muted")


def _with_link(table: Table, total: int) -> tuple[DataFile, ...]:
    """Names the file with the numbers of all rows, or makes one of the rows as they are written."""
    words = f"all {count(total)} rows"
    if own := next((data for data in table.data if not data.link), None):
        return tuple(replace(own, link=words) if data is own else data for data in table.data)
    if table.data:
        return table.data
    frame = pd.DataFrame(table.rows, columns=[column.name for column in table.columns])
    slug = table.name or re.sub(r"[^a-z0-9]+", "-", table.caption.lower()).strip("-")[:40]
    return (csv_file(f"table-{slug}", frame, link=words),)
