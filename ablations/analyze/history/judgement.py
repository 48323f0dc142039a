"""Judges the newest commit of a study's history by those before it.

Results are compared over the networks that trained, within seeds and on the same data. Commits in a
row whose results are the same to the last bit are one state: they say nothing more than the first
of them. Speeds are compared on the machine of the newest commit, a geometric mean a commit, so that
their interval holds what this machine differs by from day to day.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.history.changes import (
    ALPHA,
    ENOUGH,
    Change,
    Series,
    find_changes,
    residual_sd,
)
from ablations.analyze.history.simulation import Simulated, simulate
from ablations.analyze.inference.effects import judge
from ablations.analyze.inference.intervals import mean_intervals
from ablations.analyze.inference.resolution import common_step
from ablations.core.design import Arm
from ablations.core.estimates import Interval, Verdict
from ablations.core.metrics import SPEEDS, MetricInfo, is_result
from ablations.core.past import Commit, History, Level, PastChange, SeriesFinding
from ablations.core.study import Study
from ablations.errors import StoreError
from ablations.records.history import Line

Values = dict[int, float]
"""A metric by seed."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """One metric of one arm: its values by commit, and the state that each commit belongs to."""

    arm: Arm
    info: MetricInfo
    values: tuple[Values, ...]
    states: tuple[int, ...]
    margin: float
    is_ratio: bool
    untrained: int


def judge_history(study: Study, lines: Sequence[Line]) -> History:
    """Returns what happened to a study's metric, and to its speed, over commits.

    Args:
        study: Its metric, margins and arms decide what is judged.
        lines: Of its history, by the date of their commits.

    Raises:
        StoreError: if the newest commit has no arm of the study or lacks its metric.
    """
    commits = tuple(dict.fromkeys(Commit(line.commit, line.committed_at) for line in lines))
    newest = [line for line in lines if line.commit == commits[-1].name]
    data, machines = {line.data for line in newest}, {line.machine for line in newest}
    kept = [line for line in lines if line.data in data]
    measured_on = {line.commit for line in kept}
    own = tuple(commit for commit in commits if commit.name in measured_on)
    read = _Reader(study, own, kept, newest)
    measured = [*read.results(), *read.speeds(machines)]
    if not measured:
        raise _nothing(study, newest)
    return History(
        study.report_name,
        commits,
        tuple(_judged(each, own, family=len(measured)) for each in measured),
        n_other_data=len(commits) - len(own),
        n_other_machines=len({line.commit for line in kept if line.machine not in machines}),
        n_machines=len(machines),
        missing=read.missing(),
        gone=read.gone(),
    )


def with_simulation(found: History, *, seed: int = 0) -> tuple[float, Simulated] | None:
    """Returns the largest spread of the results, in margins, and simulated histories with it.

    ``None`` where no spread is known, or the study names no margin.
    """
    results = [own for own in found.series if not own.is_ratio and own.margin > 0]
    spreads = [own.sd / own.margin for own in results if own.sd]
    if not spreads:
        return None
    seeds = max(own.levels[-1].n for own in results)
    rng, family = np.random.default_rng(seed), len(found.series)
    return max(spreads), simulate(rng, sd=max(spreads), seeds=seeds, family=family)


def commits_to_keep(study: Study, lines: Sequence[Line], newest: int) -> set[str]:
    """Returns the newest commits, the first one, and those that show each change as it was found.

    Args:
        study: As for `judge_history`.
        lines: As there.
        newest: How many of the newest commits to keep.
    """
    found = judge_history(study, lines)
    names = [commit.name for commit in found.commits]
    reach = ENOUGH
    while True:
        kept = {names[0], *names[-newest:]}
        for change in (change for own in found.series for change in own.changes):
            first, last = names.index(change.after.name), names.index(change.found.name)
            kept |= {*names[max(0, first - reach) : last + reach]}
        again = judge_history(study, [line for line in lines if line.commit in kept])
        if len(kept) == len(names) or _told(again) == _told(found):
            return kept
        reach *= 2


def _told(found: History) -> set[tuple[Arm, str, str, Verdict]]:
    """Returns which changes a reader is told of."""
    return {
        (own.arm, own.metric.name, change.found.name, change.verdict)
        for own in found.series
        for change in own.changes
    }


def history_exit_code(found: History) -> int:
    """Returns 1 where the newest commit brought a regression, 4 if trials lack, 3 if undecided.

    Speeds alone decide nothing: they are undecided where no commit has the study's metric.
    """
    if any(own.alarm and own.alarm.verdict == "regressed" for own in found.series):
        return 1
    if found.missing:
        return 4
    results = [own for own in found.series if not own.is_ratio]
    return 0 if results and all(own.verdict != "inconclusive" for own in results) else 3


class _Reader:
    """Sorts lines by arm, commit and seed."""

    def __init__(
        self, study: Study, commits: Sequence[Commit], lines: Sequence[Line], newest: Sequence[Line]
    ) -> None:
        place = {commit.name: i for i, commit in enumerate(commits)}
        self._study, self._n = study, len(commits)
        self._by_arm: dict[frozenset[tuple[str, str]], list[tuple[int, Line]]] = {}
        for line in lines:
            own = self._by_arm.setdefault(frozenset(line.arm.items()), [])
            own.append((place[line.commit], line))
        there = {frozenset(line.arm.items()) for line in newest}
        self._arms = [arm for arm in study.arms if frozenset(arm.levels) in there]
        self._newest = newest

    def missing(self) -> int:
        """Returns of how many trials only the commit before the newest has the metric."""
        trials: list[set[tuple[Arm, int]]] = [set() for _ in range(self._n)]
        for arm in self._study.arms:
            for place, line in self._by_arm.get(frozenset(arm.levels), ()):
                if self._study.metric in line.metrics:
                    trials[place].add((arm, line.seed))
        return len(trials[-2] - trials[-1]) if self._n > 1 else 0

    def gone(self) -> tuple[Arm, ...]:
        """Returns the arms of earlier commits that the newest one lacks, or the study has not."""
        judged = {frozenset(arm.levels) for arm in self._arms}
        gone = (lines[0][1].arm for arm, lines in self._by_arm.items() if arm not in judged)
        return tuple(Arm(tuple(arm.items())) for arm in gone)

    def results(self) -> Iterator[_Measured]:
        """Yields the study's metric of each arm."""
        name = self._study.metric
        for arm in self._arms:
            lines = self._by_arm[frozenset(arm.levels)]
            if (info := _info(name, lines)) is None:
                continue
            first: dict[tuple[int, int], Line] = {}
            for place, line in lines:
                first.setdefault((place, line.seed), line)
            used = [(place, line) for (place, _), line in first.items()]
            yield _Measured(
                arm, info, self._values(name, [p for p in used if p[1].trained]),
                _states(used, self._n), self._study.smallest_effect_that_matters, is_ratio=False,
                untrained=sum(not line.trained for p, line in used if p == self._n - 1),
            )  # fmt: skip

    def speeds(self, machines: set[str]) -> Iterator[_Measured]:
        """Yields the first speed that the newest commit has, of each arm."""
        name = next((n for n in SPEEDS if any(n in line.metrics for line in self._newest)), None)
        if name is None or len(machines) != 1:
            return
        margin = math.log(self._study.smallest_ratio_that_matters)
        for arm in self._arms:
            lines = [p for p in self._by_arm[frozenset(arm.levels)] if p[1].machine in machines]
            if (info := _info(name, lines)) is not None:
                values = tuple(map(_log_mean, self._values(name, lines)))
                states = tuple(range(self._n))
                yield _Measured(arm, info, values, states, margin, is_ratio=True, untrained=0)

    def _values(self, name: str, lines: Sequence[tuple[int, Line]]) -> tuple[Values, ...]:
        values: tuple[Values, ...] = tuple({} for _ in range(self._n))
        for place, line in lines:
            if name in line.metrics:
                values[place].setdefault(line.seed, line.metrics[name])
        return values


def _info(name: str, lines: Sequence[tuple[int, Line]]) -> MetricInfo | None:
    """Returns unit and direction of a metric.

    Raises:
        StoreError: if not all lines give it the same ones.
    """
    infos = sorted({line.described(name) for _, line in lines if name in line.metrics})
    if len(infos) > 1:
        raise StoreError(
            f"the history gives metric '{name}' more than one unit or direction",
            received="; ".join(f"{unit}, better {better}" for unit, better in infos),
            cure="Give the metric that changed another name, or begin a new history with --history",
        )
    return MetricInfo(name, *infos[0]) if infos else None


def _log_mean(values: Values) -> Values:
    """Returns the logarithm of the geometric mean, as the one value of a commit."""
    positive = [value for value in values.values() if value > 0]
    return {0: float(np.mean(np.log(positive)))} if positive else {}


def _states(lines: Sequence[tuple[int, Line]], n: int) -> tuple[int, ...]:
    """Returns the number of the state that each commit shows: the same results, the same state."""
    results: list[dict[int, Mapping[str, float]]] = [{} for _ in range(n)]
    kept: dict[object, tuple[str, ...]] = {}  # lines with the same metrics are many
    for place, line in lines:
        key = (*line.metrics, *line.units.items())
        if (names := kept.get(key)) is None:
            names = tuple(own for own in line.metrics if is_result(own, line.described(own)[0]))
            kept[key] = names
        results[place][line.seed] = {name: line.metrics[name] for name in names}
    states = [0]
    for before, after in pairwise(results):
        same = bool(after) and all(before.get(seed) == own for seed, own in after.items())
        states.append(states[-1] + (not same))
    return tuple(states)


def _judged(measured: _Measured, commits: Sequence[Commit], *, family: int) -> SeriesFinding:
    """Finds the changes of a series, and compares its newest state with those before."""
    firsts = [measured.states.index(state) for state in range(measured.states[-1] + 1)]
    array = _array([measured.values[place] for place in firsts])
    series = Series(array, least_sd=_least_sd(measured))
    found = find_changes(series, margin=measured.margin, family=family)
    same = not measured.is_ratio and measured.states[-1] in measured.states[:-1]
    compared = _newest(series, found, measured, family=family)
    back: Callable[[float], float] = math.exp if measured.is_ratio else float
    changes = _named(found, [commits[place] for place in firsts], measured, back)
    before = array[compared.start : compared.first]
    before = before[~np.isnan(before).all(axis=1)]
    return SeriesFinding(
        measured.arm,
        measured.info,
        measured.is_ratio,
        levels=tuple(_levels(measured, commits)),
        changes=tuple(changes),
        n_before=len(before),
        before=back(float(np.nanmean(before))) if len(before) else None,
        sd=residual_sd(series, compared.start),
        change=None if compared.change is None else back(compared.change),
        interval=compared.interval and _scaled(compared.interval, back),
        margin=back(measured.margin),
        same=same,
        untrained=measured.untrained,
        verdict="equivalent" if same and not measured.untrained else compared.verdict,
    )


def _levels(measured: _Measured, commits: Sequence[Commit]) -> Iterator[Level]:
    """Yields the mean of each commit with its interval; a speed is one value a commit."""
    numbers = [[*own.values()] for own in measured.values]
    if measured.is_ratio:
        for commit, own in zip(commits, numbers, strict=True):
            yield Level(commit, math.exp(own[0]) if own else None, len(own))
        return
    for commit, own, (mean, around) in zip(
        commits, numbers, mean_intervals(measured.info, numbers), strict=True
    ):
        yield Level(commit, mean, len(own), around)


@dataclass(frozen=True, slots=True)
class _Compared:
    """The newest states, from ``first`` on, against those from ``start`` on before them."""

    start: int
    first: int
    change: float | None
    interval: Interval | None
    verdict: Verdict


def _newest(
    series: Series, found: Sequence[Change], measured: _Measured, *, family: int
) -> _Compared:
    """Compares the newest state with those since the last change, or says which change it shows.

    An alarm has the level of the whole history. Without one the newest state may be equivalent, at
    the level of what is compared at this commit.
    """
    last, better = len(series) - 1, measured.info.better
    if found and found[-1].found == last:
        alarm, start = found[-1], found[-2].first if len(found) > 1 else 0
        verdict = judge(alarm.interval, margin=measured.margin, better=better)
        return _Compared(start, alarm.first, alarm.change, alarm.interval, verdict)
    start = found[-1].first if found else 0
    if start == last:
        return _Compared(start, last, None, None, "inconclusive")
    difference = series.differences(start, last, last + 1)
    change = difference.change.item()
    if math.isnan(change):
        return _Compared(start, last, None, None, "inconclusive")
    interval = difference.interval(ALPHA / family)
    judged = judge(interval, margin=measured.margin, better=better)
    sure = judged == "equivalent" and not measured.untrained
    return _Compared(start, last, change, interval, "equivalent" if sure else "inconclusive")


def _named(
    found: Sequence[Change],
    commits: Sequence[Commit],
    measured: _Measured,
    back: Callable[[float], float],
) -> Iterator[PastChange]:
    """Yields changes with the commits of their places, and the one at which the next undid it."""
    for change, later in zip_longest(found, found[1:]):
        undone = later and abs(change.change + later.change) <= measured.margin
        yield PastChange(
            commits[change.first],
            commits[change.earliest - 1],
            commits[change.latest],
            commits[change.found],
            back(change.change),
            _scaled(change.interval, back),
            judge(change.interval, margin=measured.margin, better=measured.info.better),
            commits[later.first] if undone else None,
        )


def _array(values: Sequence[Values]) -> NDArray[np.float64]:
    """Returns values by seed as an array of shape (state, seed), NaN where one is missing."""
    seeds = sorted({seed for own in values for seed in own})
    rows = [[own.get(seed, math.nan) for seed in seeds] for own in values]
    return np.array(rows, dtype=np.float64).reshape(len(values), len(seeds))


def _least_sd(measured: _Measured) -> float:
    """Returns the least standard deviation of a metric that is coarse, 0 for others."""
    step = common_step(measured.info, (v for own in measured.values for v in own.values()))
    return 0.0 if step is None or measured.is_ratio else step.size / math.sqrt(2)


def _scaled(interval: Interval, back: Callable[[float], float]) -> Interval:
    return replace(interval, low=back(interval.low), high=back(interval.high))


def _nothing(study: Study, newest: Sequence[Line]) -> StoreError:
    names = sorted({name for line in newest for name in line.metrics})
    arms = sorted({Arm(tuple(line.arm.items())).name for line in newest})
    return StoreError(
        f"the newest commit of the history has nothing of {study.slug} to judge",
        received=f"arms {'; '.join(arms)}; metrics {', '.join(names)}",
        cure=f"Add records of this study that have {study.metric}: ablations history add",
    )
