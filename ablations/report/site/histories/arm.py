"""The page of one arm and metric over commits: its chart, its changes, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ablations.core.estimates import ends
from ablations.core.past import Level, PastChange, SeriesFinding
from ablations.report.site.contents import ArmSeries, StudyHistory
from ablations.report.site.histories.chart import drawn
from ablations.report.site.histories.overview import SHOWN_RUNS, Link, anchor
from ablations.text.commits.history import (
    candidates,
    change_line,
    change_size,
    changed_sign,
    commit_day,
    margin_words,
    series_alt,
    series_answer,
    series_headline,
    short_name,
)
from ablations.text.formatting import UNKNOWN, interval, metric_name, number, sentence


@dataclass(frozen=True, slots=True)
class Measured:
    """One commit in the table of an arm."""

    anchor: str
    commit: str
    cells: tuple[str, ...]
    found: str


@dataclass(frozen=True, slots=True)
class ArmPage:
    """One metric of one arm over commits."""

    study: str
    title: str
    answer: str
    headline: str
    reading: str
    wide: Markup
    narrow: Markup
    changes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Measured, ...]
    older: tuple[Measured, ...]
    previous: Link | None
    following: Link | None


def arm_pages(history: StudyHistory) -> dict[str, ArmPage]:
    """Returns the page of each arm and metric by the name of its file."""
    arms = history.arms
    before = (None, *arms[:-1])
    after = (*arms[1:], None)
    return {
        arm.file: _page(history.title, arm, (_link(previous), _link(following)))
        for arm, previous, following in zip(arms, before, after, strict=True)
    }


def _link(arm: ArmSeries | None) -> Link | None:
    if arm is None:
        return None
    return Link(f"{arm.label}, {metric_name(arm.found.metric.name)}", arm.file)


def _page(study: str, arm: ArmSeries, beside: tuple[Link | None, Link | None]) -> ArmPage:
    own = arm.found
    wide, narrow = drawn(own, alt=series_alt(own, arm.label))
    rows = _rows(arm)
    name = metric_name(own.metric.name)
    return ArmPage(
        study=study,
        title=f"{sentence(arm.label)}: {name} over commits",
        answer=series_answer(own),
        headline=series_headline(own),
        reading=_reading(arm),
        wide=wide,
        narrow=narrow,
        changes=tuple(_change(own, change) for change in reversed(own.changes)),
        columns=("commit", "day", name) if own.is_ratio else (
            "commit", "day", name, "95% interval", "seeds"
        ),
        rows=rows[:SHOWN_RUNS],
        older=rows[SHOWN_RUNS:],
        previous=beside[0],
        following=beside[1],
    )  # fmt: skip


def _change(own: SeriesFinding, change: PastChange) -> str:
    line, n = sentence(change_line(own, change)), candidates(own, change)
    return f"{line}: one of {n} commits." if n > 1 else f"{line}."


def _reading(arm: ArmSeries) -> str:
    """Says what the chart shows."""
    own = arm.found
    points = (
        "Blue: the geometric mean of each commit, on the machine of the newest one."
        if own.is_ratio
        else "Blue: the mean of each commit over its seeds. Grey: its 95% interval (Student's t)."
    )
    band = (
        f"Dashed: the mean since the last change. Green: the margin around it, {margin_words(own)}."
    )
    lines = (
        "A vertical line is the commit that a change came with by the best fit, and the coloured "
        "area the commits that it may have come with, with 95% confidence. Changes are judged "
        "within seeds, which is more exact than these intervals."
    )
    return " ".join([points, band, *([lines] if own.changes else [])])


def _rows(arm: ArmSeries) -> tuple[Measured, ...]:
    found = {}
    for change in arm.found.changes:
        found[change.commit] = f"{changed_sign(change)} {change_size(arm.found, change)}"
    return tuple(
        Measured(
            anchor(level.commit),
            short_name(level.commit),
            _cells(arm, level),
            found.get(level.commit, ""),
        )
        for level in reversed(arm.found.levels)
    )


def _cells(arm: ArmSeries, level: Level) -> tuple[str, ...]:
    unit = arm.found.metric.unit
    mean = (commit_day(level.commit), number(level.mean, unit))
    if arm.found.is_ratio:
        return mean
    low, high = ends(level.interval) or (None, None)
    return (*mean, interval(low, high, unit), str(level.n) if level.n else UNKNOWN)
