"""Says in words what happened to a study's metrics over commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from ablations.core.estimates import Interval, ends
from ablations.core.past import (
    HORIZON,
    AllFailed,
    Commit,
    History,
    Level,
    PastChange,
    SeriesFinding,
)
from ablations.core.study import Study
from ablations.text.checks import change_words, no_direction_line
from ablations.text.formatting import (
    UNKNOWN,
    VERDICT_SIGNS,
    counted,
    day,
    estimate,
    few,
    listing,
    magnitude,
    metric_name,
    number,
    sentence,
    times,
    verdict,
)
from ablations.text.naming import arm_label

_DIGITS = 10


def commit_label(commit: Commit) -> str:
    """Names a commit by its first digits and its day."""
    return f"{short_name(commit)} ({commit_day(commit)})"


@lru_cache(4096)
def commit_day(commit: Commit) -> str:
    """Writes the day of a commit, which each arm of a history shows."""
    return day(commit.date)


def level_words(own: SeriesFinding, level: Level) -> str:
    """Writes what a commit measured, and when."""
    measured = estimate(level.mean, ends(level.interval), own.metric.unit)
    return f"{short_name(level.commit)}, {commit_day(level.commit)}: {measured}"


def short_name(commit: Commit) -> str:
    """Returns the first digits of a commit."""
    return commit.name[:_DIGITS]


def failed_line(lost: AllFailed) -> str:
    """Says that nothing of a commit can be judged, and what the first of its trials said."""
    trials = counted(lost.n, "trial")
    return f"all {trials} failed at commit {short_name(lost.commit)}: {lost.message or UNKNOWN}"


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


def series_labels(study: Study, found: History) -> tuple[str, ...]:
    """Names the arm of each series."""
    return tuple(arm_label(study, own.arm) for own in found.series)


def history_lines(study: Study, found: History) -> Iterator[str]:
    """Yields the changes that were found, newest first, and what limits the comparison."""
    labels = series_labels(study, found)
    for own, label, change in found_changes(found, labels):
        yield f"{label}: {change_line(own, change)}"
    yield from limit_lines(found, labels)


def found_changes(
    found: History, labels: Sequence[str]
) -> list[tuple[SeriesFinding, str, PastChange]]:
    """Returns the changes with their series and its label, those that were found last first."""
    changes = [
        (own, label, change)
        for own, label in zip(found.series, labels, strict=True)
        for change in own.changes
    ]
    return sorted(changes, key=lambda each: each[2].found.date, reverse=True)


def limit_lines(found: History, labels: Sequence[str]) -> Iterator[str]:
    """Yields what limits the comparison.

    Args:
        found: What happened over commits.
        labels: The arm of each of its series.
    """
    yield from _metric_lines(found)
    for own, label in zip(found.series, labels, strict=True):
        if own.untrained:
            yield (
                f"{label}: {counted(own.untrained, 'network')} of the newest "
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


def _metric_lines(found: History) -> Iterator[str]:
    if all(own.is_ratio for own in found.series):
        yield (
            "no commit has the study's metric, so nothing is decided: these are speeds alone; name "
            "a metric that was measured under [analysis]"
        )
    if found.series[0].metric.better == "neither":
        yield no_direction_line(found.series[0].metric)


def level_lines(found: History) -> Iterator[str]:
    """Yields why a change beyond the margin is inconclusive, which a table alone does not show."""
    for own in found.series:
        if own.verdict == "inconclusive" and own.interval and _is_beyond(own, own.interval):
            yield (
                f"intervals are those of this commit; a change takes the wider one for {HORIZON} "
                "commits, so that one beyond the margin may be inconclusive here"
            )
            return


def _is_beyond(own: SeriesFinding, interval: Interval) -> bool:
    """Whether an interval lies outside of the margin; that of a ratio is around 1."""
    low, high = interval.low, interval.high
    return low > own.margin or high < (1 / own.margin if own.is_ratio else -own.margin)


def answer_lines(found: History, labels: Sequence[str]) -> tuple[str, ...]:
    """Says what the newest commit brought, and how sure that is, in sentences."""
    newest = commit_label(found.commits[-1])
    alarms = [
        (label, own, own.alarm)
        for own, label in zip(found.series, labels, strict=True)
        if own.alarm
    ]
    if not any(own.n_before or own.same for own in found.series):
        return (f"{newest} is the only commit on this data: there is none to compare it with.",)
    if alarms:
        shown = few([f"{label}: {_brief(own, change)}" for label, own, change in alarms])
        first = f"The newest commit, {newest}, brought to light: {shown}."
    elif all(own.same for own in found.series if not own.is_ratio):
        first = f"The newest commit, {newest}, has the same results as the one before."
    else:
        first = f"The newest commit, {newest}, brought no change to light."
    return (first, *_tallies(found))


def _tallies(found: History) -> Iterator[str]:
    """Yields for each metric how many arms have each verdict."""
    for name in dict.fromkeys(own.metric.name for own in found.series):
        verdicts = [own.verdict for own in found.series if own.metric.name == name]
        counts = [f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts)]
        arms = counted(len(verdicts), "arm")
        yield f"{sentence(metric_name(name))}: of {arms}, {listing(counts)}."


def verdict_count(n: int, word: str) -> str:
    """Writes how many series have a verdict: ``▼ 2 regressed``."""
    return f"{VERDICT_SIGNS[word]}\u00a0{n}\u00a0{word}"


def _brief(own: SeriesFinding, change: PastChange) -> str:
    size, around = change_words(
        change.change, change.interval, own.metric.unit, is_ratio=own.is_ratio
    )
    return f"{metric_name(own.metric.name)} {changed_word(change)} by {size} {around}"


def changed_word(change: PastChange) -> str:
    """Says which way a metric changed; one that is neither better nor worse only changed."""
    return "changed" if change.verdict == "inconclusive" else verdict(change.verdict)


def changed_sign(change: PastChange) -> str:
    """Returns the sign of a change's verdict, so that no reader depends on colour."""
    return VERDICT_SIGNS[change.verdict] if change.verdict != "inconclusive" else "↕"


def last_change(found: History) -> str:
    """Says which change was found last, and on which day; nothing where none was."""
    changes = [change for own in found.series for change in own.changes]
    if not changes:
        return ""
    last = max(changes, key=lambda change: (change.found.date, change.verdict == "regressed"))
    return f"{changed_word(last)} {commit_day(last.found)}"


def change_size(own: SeriesFinding, change: PastChange) -> str:
    """Writes by how much a metric changed."""
    return change_words(change.change, None, own.metric.unit, is_ratio=own.is_ratio)[0]


def candidates(own: SeriesFinding, change: PastChange) -> int:
    """Counts the commits with which a change may have come, with 95% confidence."""
    commits = [level.commit for level in own.levels]
    return commits.index(change.latest) - commits.index(change.after)


def series_alt(own: SeriesFinding, label: str) -> str:
    """Describes a series for those who do not see its chart."""
    unit, means = own.metric.unit, [level.mean for level in own.levels if level.mean is not None]
    low, high = min(means, default=None), max(means, default=None)
    changes = [
        f"{changed_word(change)} by {change_size(own, change)} with {commit_label(change.commit)}"
        for change in own.changes
    ]
    return (
        f"{sentence(metric_name(own.metric.name))} of {label} over "
        f"{counted(len(own.levels), 'commit')}: means from {number(low, unit)} to "
        f"{number(high, unit)}, now {number(own.levels[-1].mean, unit)}; "
        f"{few(changes) if changes else 'no change found'}."
    )


def overview_alt(found: History) -> str:
    """Describes the small chart of a study's arms over commits."""
    name = sentence(metric_name(found.series[0].metric.name))
    arms = sum(own.metric == found.series[0].metric for own in found.series)
    return (
        f"{name} of {counted(arms, 'arm')} over {counted(len(found.series[0].levels), 'commit')}."
    )


def margin_words(own: SeriesFinding) -> str:
    """Writes the margin of a series."""
    if own.is_ratio:
        return times(own.margin)
    return f"±{magnitude(own.margin, own.metric.unit)}"


def series_headline(own: SeriesFinding) -> str:
    """States what a series shows, for the heading above its chart."""
    name = sentence(metric_name(own.metric.name))
    if not own.changes:
        return f"{name} shows no change beyond the margin in {counted(len(own.levels), 'commit')}"
    last = own.changes[-1]
    more = f", the last of {len(own.changes)} changes" if len(own.changes) > 1 else ""
    return (
        f"{name} {changed_word(last)} by {change_size(own, last)} with "
        f"{commit_label(last.commit)}{more}"
    )


def series_answer(own: SeriesFinding) -> str:
    """Says of the newest commit what it measured and how that compares with those before."""
    name, unit = metric_name(own.metric.name), own.metric.unit
    now = (
        f"At the newest commit, {commit_label(own.levels[-1].commit)}, {name} is "
        f"{number(own.levels[-1].mean, unit)}"
    )
    if own.same:
        return f"{now}. All results are those of the commit before."
    measured = sum(level.mean is not None for level in own.levels)
    if own.change is None and own.is_ratio and measured > 1:
        return (
            f"{now}. Too few commits have one of this machine since the last change: a speed is "
            "one value a commit, and its spread over commits takes several."
        )
    if own.change is None:
        return f"{now}. There is no earlier commit to compare it with since the last change."
    size, around = change_words(own.change, own.interval, unit, is_ratio=own.is_ratio)
    before = counted(own.n_before, "different state")
    return (
        f"{now}: {size} {around} against {before} before it, which is {_judged(own)} {_level(own)}."
    )


def _judged(own: SeriesFinding) -> str:
    return {"regressed": "a regression", "improved": "an improvement"}.get(own.verdict, own.verdict)


def _level(own: SeriesFinding) -> str:
    """Says at which level a verdict was decided: that of a change is stricter."""
    if own.alarm:
        return f"(at the level for {HORIZON} commits)"
    if own.verdict == "inconclusive":
        return f"(interval for this commit; a change takes the wider one for {HORIZON} commits)"
    return "(at the level for this commit)"


def change_line(own: SeriesFinding, change: PastChange) -> str:
    """Says which metric changed, with which commit, by how much and how sure that is."""
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
    return (
        f"{metric_name(own.metric.name)} {changed_word(change)} with "
        f"{commit_label(change.commit)} by {size} {around}{where}{ended}"
    )


def _next(own: SeriesFinding, commit: Commit) -> Commit | None:
    commits = [level.commit for level in own.levels]
    place = commits.index(commit) + 1
    return commits[place] if place < len(commits) else None
