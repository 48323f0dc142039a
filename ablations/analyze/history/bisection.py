"""Finds the commit with which arms became worse: which trials to train next, and what they show.

Commits are places on a path, 0 for the good end and the last one for the bad end. Of a pair of
places the later one has regressed against the earlier one; the middle commit between them is either
worse than the earlier or better than the later, and takes its place, until the two are neighbours.

- *Same results.* Where a commit has the results of one of the pair to the last bit, on a seed at
  which the two differ, it is taken to be like that one, so that most commits cost one seed. One
  seed does not prove it (a change may only act on some), so before anything is said the pair itself
  is trained with as many seeds as it takes. If it then does not differ, the search begins anew, and
  results must be the same on all seeds.
- *Other results.* Seeds are added to all three one by one until an interval of the difference
  within seeds lies beyond the margin. The intervals hold over all looks (`sequential`), and have
  Bonferroni's level over the arms and the comparisons: the ends, each halving, and the naming.

On the path of a search without an error, which commits are compared does not depend on chance, so
that the chance of any error, and so of a wrong name, is at most `ALPHA`. A commit that stays
undecided with all seeds ends the search for that reason; one that cannot be trained does not depend
on chance, and another near it is taken.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.analyze.inference.effects import ALPHA, judge
from ablations.analyze.inference.resolution import common_step
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Adaptive, Arm
from ablations.core.estimates import Interval, Verdict
from ablations.core.metrics import MetricInfo
from ablations.core.past import (
    ArmChange,
    Bisected,
    BisectionEnding,
    CommitVerdict,
    TriedCommit,
)
from ablations.core.record import Metric

FEWEST = 2
"""Seeds that an interval needs."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one trial gave: the study's metric, whether its network trained, and all results.

    ``results`` is equal for two trials where all of their results are, to the last bit.
    """

    metric: Metric
    results: str
    trained: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Trials to train at one commit, which is one of ``left`` that it may still be."""

    place: int
    trials: tuple[tuple[Arm, int], ...]
    left: int


Answer = Mapping[tuple[Arm, int], Seen] | None
"""What the wanted trials gave; ``None`` where one of them cannot be trained."""

Asking = Generator[Wanted, Answer, Bisected]


def bisection(
    arms: Sequence[Arm], last: int, *, margin: float, seeds: Sequence[int], own: int
) -> Asking:
    """Yields the trials that it needs, is sent what they gave, and returns what it found.

    It depends on nothing but these, so that it resumes where all that it asked for is kept.

    Args:
        arms: What to compare.
        last: The place of the bad end, 1 or more.
        margin: The smallest effect that matters, in the metric's unit.
        seeds: All that may be used, in the order in which they are added.
        own: How many of them the study itself names.
    """
    return _Search(last, margin, tuple(seeds)).run(tuple(arms), min(own, len(seeds)))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two commits of which the later one is worse in some arms, as ``n`` seeds have shown."""

    good: int
    bad: int
    arms: tuple[Arm, ...]
    n: int


class _UntrainableError(Exception):
    """A commit cannot be trained."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class _Search:
    def __init__(self, last: int, margin: float, seeds: tuple[int, ...]) -> None:
        self._last, self._margin, self._seeds = last, margin, seeds
        self._seen: list[dict[tuple[Arm, int], Seen]] = [{} for _ in range(last + 1)]
        self._tried: dict[int, TriedCommit] = {}
        halvings = math.ceil(math.log2(last))
        self._alpha = ALPHA / (halvings + 2)
        self._analyses = interim_analyses(Adaptive(FEWEST, len(seeds)))

    def run(self, arms: tuple[Arm, ...], own: int) -> Asking:
        try:
            changes = yield from self._ends(arms, own)
            if not (worse := _regressed(changes)):
                if all(self._same(0, self._last, arm, self._trained(arm)) for arm in arms):
                    return self._end("same", 0, self._last)
                return self._end("no-regression", 0, self._last, changes)
            ends = _Pair(0, self._last, tuple(change.arm for change in worse), worse[0].n)
            for thorough in (False, True):
                pair, shown = yield from self._searched(ends, thorough=thorough)
                if shown:
                    ending: BisectionEnding = "found" if pair.bad - pair.good == 1 else "left"
                    return self._end(ending, pair.good, pair.bad, shown)
                self._tried = {p: own for p, own in self._tried.items() if self._skips(p)}
        except _UntrainableError as lost:
            return self._end("untrainable", 0, lost.place)
        return self._end("left", 0, self._last, worse)

    def _searched(
        self, ends: _Pair, *, thorough: bool
    ) -> Generator[Wanted, Answer, tuple[_Pair, tuple[ArmChange, ...]]]:
        """Returns the nearest pair, and how its arms differ; begins anew where a commit is lost."""
        while True:
            try:
                pair = yield from self._narrowed(ends, thorough=thorough)
                return pair, (yield from self._shown(pair))
            except _UntrainableError as lost:
                if lost.place in (0, self._last):
                    raise
                self._tried[lost.place] = TriedCommit(lost.place, "skipped", 0)

    def _end(
        self, ending: BisectionEnding, good: int, bad: int, changes: Sequence[ArmChange] = ()
    ) -> Bisected:
        tried = tuple(self._counted(own) for _, own in sorted(self._tried.items()))
        return Bisected(ending, good, bad, tuple(changes), tried)

    def _ends(
        self, arms: tuple[Arm, ...], own: int
    ) -> Generator[Wanted, Answer, tuple[ArmChange, ...]]:
        """Adds seeds to both ends until an arm has regressed or none can any more."""
        found: dict[Arm, ArmChange] = {}
        undecided, same = arms, True
        for n in range(FEWEST, len(self._seeds) + 1):
            for place in (0, self._last):
                yield from self._want(place, undecided, self._seeds[:n], left=self._last)
            found |= {a: self._change(self._last, 0, a, n, len(arms)) for a in undecided}
            same = same and all(self._same(0, self._last, a, self._seeds[:n]) for a in arms)
            if same and n < own:
                continue  # whoever saw a regression saw it with the study's own seeds
            undecided = tuple(a for a in arms if found[a].verdict == "inconclusive")
            if same or not undecided or _regressed(found.values()):
                break
        return tuple(found.values())

    def _narrowed(self, pair: _Pair, *, thorough: bool) -> Generator[Wanted, Answer, _Pair]:
        """Halves a pair as far as it goes."""
        while candidates := [p for p in range(pair.good + 1, pair.bad) if not self._skips(p)]:
            place = candidates[len(candidates) // 2]
            nearer = yield from self._halved(pair, place, thorough=thorough)
            if nearer is None:
                self._note(place, "undecided")
                return pair
            pair = nearer
        return pair

    def _halved(
        self, pair: _Pair, place: int, *, thorough: bool
    ) -> Generator[Wanted, Answer, _Pair | None]:
        """Returns the half of a pair in which its change is; ``None`` where that is undecided."""
        left = pair.bad - pair.good
        if seeds := self._telling(pair, thorough=thorough):
            yield from self._want(place, pair.arms, seeds, left=left)
            if (half := self._half_of_same(pair, place, seeds)) is not None:
                return half
        for n in range(FEWEST, len(self._seeds) + 1):
            for own in (place, pair.good, pair.bad):
                yield from self._want(own, pair.arms, self._seeds[:n], left=left)
            family = len(pair.arms)
            worse = [self._change(place, pair.good, arm, n, family) for arm in pair.arms]
            if arms := tuple(change.arm for change in _regressed(worse)):
                self._note(place, "bad")
                return _Pair(pair.good, place, arms, n)
            better = [self._change(pair.bad, place, arm, n, family) for arm in pair.arms]
            if arms := tuple(change.arm for change in _regressed(better)):
                self._note(place, "good")
                return _Pair(place, pair.bad, arms, n)
            if all(change.verdict != "inconclusive" for change in (*worse, *better)):
                break
        return None

    def _half_of_same(self, pair: _Pair, place: int, seeds: tuple[int, ...]) -> _Pair | None:
        """Returns the half by results that are those of one of the pair, and not of the other."""
        sides: tuple[tuple[CommitVerdict, int, int], ...] = (
            ("bad", pair.bad, pair.good),
            ("good", pair.good, pair.bad),
        )
        for verdict, like, unlike in sides:
            arms = tuple(
                arm for arm in pair.arms
                if self._same(place, like, arm, seeds) and not self._same(place, unlike, arm, seeds)
            )  # fmt: skip
            if arms:
                self._note(place, verdict, same=True)
                if verdict == "bad":
                    return replace(pair, bad=place, arms=arms)
                return replace(pair, good=place, arms=arms)
        return None

    def _shown(self, pair: _Pair) -> Generator[Wanted, Answer, tuple[ArmChange, ...]]:
        """Adds seeds to a pair until an arm has regressed between the two; else returns nothing.

        It begins with as many as have shown the pair, by commits with the same results.
        """
        left = pair.bad - pair.good
        for n in range(pair.n, len(self._seeds) + 1):
            for place in (pair.good, pair.bad):
                yield from self._want(place, pair.arms, self._seeds[:n], left=left)
            family = len(pair.arms)
            found = [self._change(pair.bad, pair.good, arm, n, family) for arm in pair.arms]
            if worse := _regressed(found):
                return worse
            if all(change.verdict != "inconclusive" for change in found):
                break
        return ()

    def _want(
        self, place: int, arms: Sequence[Arm], seeds: Sequence[int], *, left: int
    ) -> Generator[Wanted, Answer, None]:
        """Asks for those of the trials that were not asked for before."""
        seen = self._seen[place]
        lacking = tuple((a, seed) for seed in seeds for a in arms if (a, seed) not in seen)
        if not lacking:
            return
        found = yield Wanted(place, lacking, left)
        if found is None:
            raise _UntrainableError(place)
        seen.update(found)

    def _telling(self, pair: _Pair, *, thorough: bool) -> tuple[int, ...]:
        """Returns seeds at which the results of a pair differ: one of them or, thorough, all."""
        shared = [
            seed for seed in self._seeds
            if all((arm, seed) in self._seen[p] for arm in pair.arms for p in (pair.good, pair.bad))
        ]  # fmt: skip
        if thorough:
            return tuple(shared)
        for seed in shared:
            if not all(self._same(pair.good, pair.bad, arm, (seed,)) for arm in pair.arms):
                return (seed,)
        return ()

    def _same(self, place: int, other: int, arm: Arm, seeds: Sequence[int]) -> bool:
        one, two = self._seen[place], self._seen[other]
        return all(one[arm, seed].results == two[arm, seed].results for seed in seeds)

    def _trained(self, arm: Arm) -> list[int]:
        """Returns the seeds with which an arm was trained at both ends."""
        return [s for s in self._seeds if all((arm, s) in self._seen[p] for p in (0, self._last))]

    def _change(self, later: int, earlier: int, arm: Arm, n: int, family: int) -> ArmChange:
        then, now = (
            [self._seen[place][arm, seed] for seed in self._seeds[:n]] for place in (earlier, later)
        )
        alpha = self._alpha / family
        interval, verdict = self._judged(now, then, alpha=alpha)
        before, after = (math.fsum(own.metric.value for own in side) / n for side in (then, now))
        lost = (sum(not own.trained for own in then), sum(not own.trained for own in now))
        return ArmChange(arm, n, before, after, after - before, interval, lost, verdict)

    def _judged(
        self, now: Sequence[Seen], then: Sequence[Seen], *, alpha: float
    ) -> tuple[Interval | None, Verdict]:
        """Judges a change; with networks that did not train, with and without their seeds.

        Where all networks of one side trained and none of the other, no seed is left without them.
        That this is chance has a probability of at most p^n (1 - p)^n <= 4^-n, whatever the share p
        of networks that do not train.
        """
        interval, verdict = self._of_values(now, then, alpha=alpha)
        both = [(a, b) for a, b in zip(now, then, strict=True) if a.trained and b.trained]
        if len(both) == len(now):
            return interval, verdict
        split = len({own.trained for own in now}) == len({own.trained for own in then}) == 1
        if split and now[0].trained != then[0].trained and 4.0 ** -len(now) <= alpha:
            return interval, verdict
        others: Verdict = "inconclusive"
        if len(both) >= FEWEST:
            kept = ([a for a, _ in both], [b for _, b in both])
            others = self._of_values(*kept, alpha=alpha)[1]
        return interval, verdict if verdict == others else "inconclusive"

    def _of_values(
        self, now: Sequence[Seen], then: Sequence[Seen], *, alpha: float
    ) -> tuple[Interval | None, Verdict]:
        metric = now[0].metric
        info = MetricInfo(metric.name, metric.unit, metric.better)
        step = common_step(info, (own.metric.value for own in (*now, *then)))
        differences = [a.metric.value - b.metric.value for a, b in zip(now, then, strict=True)]
        interval = self._analyses.interval(differences, alpha=alpha, step=step)
        return interval, judge(interval, margin=self._margin, better=metric.better)

    def _note(self, place: int, verdict: CommitVerdict, *, same: bool = False) -> None:
        self._tried[place] = TriedCommit(place, verdict, 0, same)

    def _counted(self, own: TriedCommit) -> TriedCommit:
        """Returns a commit with the number of its seeds, now that it needs no more."""
        per_arm = Counter(arm for arm, _ in self._seen[own.place])
        return replace(own, seeds=max(per_arm.values(), default=0))

    def _skips(self, place: int) -> bool:
        return place in self._tried and self._tried[place].verdict == "skipped"


def _regressed(changes: Iterable[ArmChange]) -> tuple[ArmChange, ...]:
    return tuple(change for change in changes if change.verdict == "regressed")
