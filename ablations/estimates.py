"""Numbers over seeds: metrics, intervals, summaries, step times, curves and effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ablations.record import Better, Unit
from ablations.study import Arm

Verdict = Literal["improved", "regressed", "equivalent", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Interval:
    """What we believe about a mean or an effect, with its confidence level and its method."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """Name, unit and better direction of a metric that the records hold."""

    name: str
    unit: Unit
    better: Better


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric of one arm over its completed seeds.

    ``values`` holds (seed, value) in the order of the seeds; ``sd`` has n - 1 below the line and,
    like ``interval`` (Student t, for the mean), is ``None`` below two seeds.
    """

    metric: MetricInfo
    values: tuple[tuple[int, float], ...]
    mean: float | None
    sd: float | None
    median: float | None
    minimum: float | None
    maximum: float | None
    interval: Interval | None

    @property
    def n(self) -> int:
        """The number of seeds behind this summary."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Timing:
    """Step durations of one arm over all its seeds, in seconds; the first epoch is kept apart.

    ``quantiles`` holds the 0th to 100th percentile of the steps after the first epoch;
    ``warmup_first_step_seconds`` (compilation) and ``warmup_epoch_seconds`` are medians over seeds.
    """

    n_steps: int
    median_step_seconds: float | None
    p95_step_seconds: float | None
    quantiles: tuple[float, ...]
    warmup_first_step_seconds: float | None
    warmup_epoch_seconds: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """One epoch metric of one trial, from the first epoch to the last."""

    seed: int
    metric: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A factor moved from its baseline level to another one."""

    factor: str
    baseline: str
    level: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A contrast of arms, taken within each seed and then summarised over seeds.

    ``kind`` is ``main`` (one change, averaged over the other factors' cells where they were
    crossed), ``interaction`` (how much the first change gains from the second: a difference of
    differences) or ``arm`` (one arm minus the reference). ``changes`` names what was moved.
    ``per_seed`` holds (seed, contrast). ``interval`` stands alone; ``adjusted`` and ``p_adjusted``
    are Holm-corrected over the study's family of ``family_size`` effects, and decide ``verdict``.
    """

    kind: Literal["main", "interaction", "arm"]
    changes: tuple[Change, ...]
    weights: tuple[tuple[Arm, float], ...]
    metric: MetricInfo
    per_seed: tuple[tuple[int, float], ...]
    estimate: float | None
    sd: float | None
    interval: Interval | None
    p: float | None
    p_adjusted: float | None
    adjusted: Interval | None
    family_size: int
    verdict: Verdict

    @property
    def n(self) -> int:
        """The number of seeds in which every arm of the contrast completed."""
        return len(self.per_seed)
