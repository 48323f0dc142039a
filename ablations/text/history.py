"""Says in words what happened to a study's metrics over commits."""

from __future__ import annotations

from collections.abc import Iterator

from ablations.core.past import Commit, History, PastChange, SeriesFinding
from ablations.core.study import Study
from ablations.text.checks import change_words
from ablations.text.formatting import (
    counted,
    day,
    few,
    metric_name,
    number,
    verdict,
)
from ablations.text.naming import arm_label

_DIGITS = 10


def commit_label(commit: Commit) -> str:
    """Names a commit by its first digits and its day."""
    return f"{commit.name[:_DIGITS]} ({day(commit.date)})"


def change_cells(own: SeriesFinding) -> tuple[str, ...]:
    """Returns before, now, change, interval, the states before and the verdict of a series."""
    unit, now = own.metric.unit, own.levels[-1].mean
    return (
        number(own.before, unit),
        number(now, unit),
        *change_words(own.change, own.interval, unit, is_ratio=own.is_ratio),
        str(own.n_before),
        "the same results" if own.same and own.verdict == "equivalent" else verdict(own.verdict),
    )


def history_lines(study: Study, found: History) -> Iterator[str]:
    """Yields the changes that were found, newest first, and what limits the comparison."""
    changes = [(change, own) for own in found.series for change in own.changes]
    for change, own in sorted(changes, key=lambda pair: pair[0].found.date, reverse=True):
        yield _change_line(study, own, change)
    for own in found.series:
        if own.untrained:
            yield (
                f"{arm_label(study, own.arm)}: {counted(own.untrained, 'network')} of the newest "
                "commit did not train and "
                f"{'is' if own.untrained == 1 else 'are'} in no mean here"
            )
    if found.n_machines > 1:
        yield (
            f"the newest commit was measured on {found.n_machines} machines: speeds are not "
            "compared, and of each seed the result that was added first counts"
        )
    if found.gone:
        names = few([arm.name for arm in found.gone])
        yield f"not judged, as the newest commit or the study lacks them: {names}"
    if found.n_other_data:
        yield f"{counted(found.n_other_data, 'commit')} left out: measured on other data"
    if found.n_other_machines:
        commits = counted(found.n_other_machines, "commit")
        yield f"speeds of {commits} left out: measured on another machine"
    if found.missing:
        yield f"{counted(found.missing, 'trial')} missing of which the commit before has the metric"


def _change_line(study: Study, own: SeriesFinding, change: PastChange) -> str:
    size, around = change_words(
        change.change, change.interval, own.metric.unit, is_ratio=own.is_ratio
    )
    where = (
        ""
        if change.latest == change.commit and _next(own, change.after) == change.commit
        else f", with 95% confidence after {commit_label(change.after)} and by "
        f"{commit_label(change.latest)}"
    )
    ended = f"; vanished with {commit_label(change.vanished)}" if change.vanished else ""
    what = "changed" if change.verdict == "inconclusive" else verdict(change.verdict)
    return (
        f"{arm_label(study, own.arm)}: {metric_name(own.metric.name)} {what} with "
        f"{commit_label(change.commit)} by {size} {around}{where}{ended}"
    )


def _next(own: SeriesFinding, commit: Commit) -> Commit | None:
    commits = [level.commit for level in own.levels]
    place = commits.index(commit) + 1
    return commits[place] if place < len(commits) else None
