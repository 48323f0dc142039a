"""Means over seeds and the Student-t intervals around them.

Source: Student (1908), "The probable error of a mean", Biometrika 6(1). Bootstrap intervals are
not used on purpose: below twenty seeds they are too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablations.analyze.inference.quantiles import t_isf, t_sf
from ablations.core.estimates import Interval, Summary
from ablations.core.metrics import MetricInfo, Step, is_difference

LEVEL = 0.95
"""The confidence level of every interval that is not adjusted for a family."""


_METHOD = "Student t over seeds"

ROUNDING = 16 * float(np.finfo(np.float64).eps)
"""Differences below this share of what they are taken of are rounding."""


_SINGLE = 2.0**-23
"""Rounding of a number that was computed in single precision, as accuracies often are."""


def at_or_beyond(value: float, bar: float) -> bool:
    """Whether a value is at or above a bar, within floating-point rounding.

    The mean of 0.90, 0.92 and 0.94 is 0.92 on paper, but not in floating point; and 474 of 808
    images may be one bit less than 474 / 808.
    """
    return value >= bar or math.isclose(value, bar, rel_tol=_SINGLE)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with its standard deviation (n - 1), which is ``None`` below two seeds."""

    n: int
    mean: float | None
    sd: float | None

    def interval(self, *, level: float, method: str) -> Interval | None:
        """Returns the two-sided t interval of the mean; ``None`` below two seeds.

        Without any spread the interval is just the mean.
        """
        if self.mean is None or self.sd is None:
            return None
        half = t_isf((1 - level) / 2, self.n - 1) * self.sd / math.sqrt(self.n)
        return Interval(self.mean - half, self.mean + half, level, method)

    def floored(self, step: Step | None) -> Estimate:
        """Returns the estimate with a standard deviation of at least one step of the metric.

        Equal differences at every seed show that the metric is coarse, such as accuracy on a few
        hundred images, not that the difference is certain: with two or three seeds they are common
        where there is no effect at all. Where no step is known, seeds without spread leave it
        unknown; a step that is only guessed is used where there is no spread.
        """
        if self.sd is None or (step is None and self.sd):
            return self
        if step is None:
            return replace(self, sd=None)
        return replace(self, sd=max(self.sd, step.size)) if step.known or not self.sd else self

    def p(self) -> float | None:
        """Returns the two-sided p of "the mean is 0"; ``None`` below two seeds or without spread.

        Without any spread t is undefined.
        """
        if self.mean is None or not self.sd:
            return None
        t = self.mean / (self.sd / math.sqrt(self.n))
        return 2 * t_sf(abs(t), self.n - 1)


def estimate(values: Sequence[float]) -> Estimate:
    """Returns the mean of ``values``, shape (seed,), and their standard deviation."""
    n = len(values)
    if n == 0:
        return Estimate(0, None, None)
    if min(values) == max(values):
        # Rounding in the mean would give equal values a spread of 1e-17.
        return Estimate(n, float(values[0]), 0.0 if n > 1 else None)
    mean = float(np.mean(values))
    rounding = ROUNDING * float(np.mean(np.abs(values)))  # differences that cancel leave 1e-17
    return Estimate(n, 0.0 if abs(mean) <= rounding else mean, float(np.std(values, ddof=1)))


def summarize(metric: MetricInfo, values: Sequence[tuple[int, float]]) -> Summary:
    """Returns the summary of one metric of one arm from its (seed, value) pairs."""
    ordered = tuple(sorted(values))
    numbers = [value for _, value in ordered]
    over_seeds = estimate(numbers)
    return Summary(
        metric=metric,
        values=ordered,
        mean=over_seeds.mean,
        sd=over_seeds.sd,
        median=float(np.median(numbers)) if numbers else None,
        minimum=min(numbers, default=None),
        maximum=max(numbers, default=None),
        interval=_cut(over_seeds.interval(level=LEVEL, method=_METHOD), metric, numbers),
    )


def mean_intervals(
    metric: MetricInfo, groups: Sequence[Sequence[float]]
) -> list[tuple[float | None, Interval | None]]:
    """Returns the means and intervals that `summarize` gives for many groups of values, at once.

    Groups of one size are computed together, which takes a tenth of the time of one by one.
    """
    found: list[tuple[float | None, Interval | None]] = [(None, None)] * len(groups)
    for n in {len(group) for group in groups} - {0}:
        places = [place for place, group in enumerate(groups) if len(group) == n]
        rows = np.array([groups[place] for place in places])
        equal = rows.min(axis=1) == rows.max(axis=1)
        means = np.where(equal, rows[:, 0], rows.mean(axis=1))
        rounding = ROUNDING * np.abs(rows).mean(axis=1)
        means = np.where(~equal & (np.abs(means) <= rounding), 0.0, means).tolist()
        if n > 1:
            sds = np.where(equal, 0.0, rows.std(axis=1, ddof=1))
            halves = (t_isf((1 - LEVEL) / 2, n - 1) * sds / math.sqrt(n)).tolist()
        for i, place in enumerate(places):
            around = n > 1 and Interval(means[i] - halves[i], means[i] + halves[i], LEVEL, _METHOD)
            found[place] = means[i], _cut(around or None, metric, groups[place])
    return found


def prediction_interval(summary: Summary) -> Interval | None:
    """Returns where one new run of the arm is expected; ``None`` below two seeds.

    Wider than the interval of the mean, because a run varies around the mean by itself:
    mean ± t · sd · √(1 + 1/n). Source: Hahn and Meeker (1991), "Statistical Intervals", chapter 4.
    It supposes that runs spread normally.
    """
    if summary.mean is None or summary.sd is None:
        return None
    t = t_isf((1 - LEVEL) / 2, summary.n - 1)
    half = t * summary.sd * math.sqrt(1 + 1 / summary.n)
    method = "Student t for one new run"
    found = Interval(summary.mean - half, summary.mean + half, LEVEL, method)
    return _cut(found, summary.metric, [value for _, value in summary.values])


def _cut(found: Interval | None, metric: MetricInfo, values: Sequence[float]) -> Interval | None:
    """Leaves out of a share's interval what no share can be, below 0 and above 1.

    That cuts off nothing that is possible, so that the interval covers as before.
    """
    share = metric.unit == "fraction" and not is_difference(metric.name)
    if found is None or not share or min(values) < 0 or max(values) > 1:
        return found
    if found.low >= 0 and found.high <= 1:
        return found
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))
