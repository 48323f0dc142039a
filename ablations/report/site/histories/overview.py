"""The page of a study's history: what the newest commit brought, its arms, and its past runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ablations.core.past import Commit, Level
from ablations.report.site.contents import ArmSeries, StudyHistory
from ablations.report.site.histories.chart import spark
from ablations.text.commits.history import (
    answer_lines,
    change_cells,
    change_line,
    change_size,
    changed_sign,
    commit_day,
    found_changes,
    limit_lines,
    series_alt,
    short_name,
)
from ablations.text.formatting import UNKNOWN, counted, metric_name, number, sentence

SHOWN_RUNS = 50
"""How many past runs are shown; those before fold away."""

_ARM_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere; without an address they are only words."""

    words: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm of a table: its chart in small, the newest commit against those before."""

    arm: Link
    chart: Markup
    cells: tuple[str, ...]
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class Run:
    """One commit: what it measured in each arm, and what was found with it."""

    commit: str
    day: str
    means: tuple[Link, ...]
    found: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """A study over its commits."""

    title: str
    question: str
    commits: str
    answer: tuple[str, ...]
    tables: tuple[tuple[str, tuple[ArmRow, ...]], ...]
    changes: tuple[Link, ...]
    limits: tuple[str, ...]
    metric: str
    columns: tuple[str, ...]
    more_arms: str
    runs: tuple[Run, ...]
    older: tuple[Run, ...]


def overview(history: StudyHistory) -> OverviewPage:
    """Returns the page of a history."""
    arms = history.arms
    names = tuple(dict.fromkeys(arm.found.metric.name for arm in arms))
    first = [arm for arm in arms if arm.found.metric.name == names[0]]
    runs = _runs(history, first[:_ARM_COLUMNS])
    pages = {(arm.found.arm, arm.found.metric.name): arm.file for arm in arms}
    return OverviewPage(
        title=history.title,
        question=history.question,
        commits=counted(len(history.found.commits), "commit"),
        answer=answer_lines(history.found, history.labels),
        tables=tuple((sentence(metric_name(name)), _rows(arms, name)) for name in names),
        changes=tuple(
            Link(sentence(f"{label}: {change_line(own, change)}"), pages[own.arm, own.metric.name])
            for own, label, change in found_changes(history.found, history.labels)
        ),
        limits=tuple(map(sentence, limit_lines(history.found, history.labels))),
        metric=metric_name(names[0]),
        columns=tuple(arm.label for arm in first[:_ARM_COLUMNS]),
        more_arms=_left_out(len(first)),
        runs=runs[:SHOWN_RUNS],
        older=runs[SHOWN_RUNS:],
    )


def anchor(commit: Commit) -> str:
    """Names the row of a commit on the page of an arm."""
    return f"c-{commit.name}"


def _left_out(arms: int) -> str:
    more = counted(arms - _ARM_COLUMNS, "more arm has", "more arms have")
    return f"{more} pages of their own, above." if arms > _ARM_COLUMNS else ""


def _rows(arms: Sequence[ArmSeries], metric: str) -> tuple[ArmRow, ...]:
    rows = []
    for arm in arms:
        if arm.found.metric.name == metric:
            *cells, verdict = change_cells(arm.found)
            chart = spark(arm.found, alt=series_alt(arm.found, arm.label))
            link = Link(arm.label, arm.file)
            rows.append(ArmRow(link, chart, tuple(cells), verdict, arm.found.verdict))
    return tuple(rows)


def _runs(history: StudyHistory, arms: Sequence[ArmSeries]) -> tuple[Run, ...]:
    """Returns the commits, the newest first."""
    levels = [{level.commit: level for level in arm.found.levels} for arm in arms]
    found = _found_with(history)
    return tuple(
        Run(
            short_name(commit),
            commit_day(commit),
            tuple(_mean(arm, own.get(commit)) for arm, own in zip(arms, levels, strict=True)),
            tuple(found.get(commit, ())),
        )
        for commit in reversed(history.found.commits)
    )


def _mean(arm: ArmSeries, level: Level | None) -> Link:
    if level is None or level.mean is None:
        return Link(UNKNOWN)
    words = number(level.mean, arm.found.metric.unit)
    return Link(words, f"{arm.file}#{anchor(level.commit)}")


def _found_with(history: StudyHistory) -> dict[Commit, list[Link]]:
    """Returns what came with a commit, what was found when it was added, and what vanished."""
    found: dict[Commit, list[Link]] = {}
    for arm in history.arms:
        for change in arm.found.changes:
            what = f"{arm.label}, {metric_name(arm.found.metric.name)}"
            words = f"{changed_sign(change)} {change_size(arm.found, change)} {what}"
            found.setdefault(change.commit, []).append(Link(words, arm.file))
            if change.found != change.commit:
                since = f"found: {words}, since {short_name(change.commit)}"
                found.setdefault(change.found, []).append(Link(since, arm.file))
            if change.vanished:
                gone = f"vanished: {words}"
                found.setdefault(change.vanished, []).append(Link(gone, arm.file))
    return found
