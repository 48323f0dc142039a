"""Numbers over seeds: intervals, summaries, step times, curves and effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ablations.core.design import Alias, Arm, Change, EffectKind
from ablations.core.metrics import MetricInfo

Verdict = Literal["improved", "regressed", "equivalent", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Interval:
    """What we believe about a mean or an effect, with its confidence level and its method."""

    low: float
    high: float
    level: float
    method: str


def ends(interval: Interval | None) -> tuple[float, float] | None:
    """Returns the two ends of an interval, where there is one."""
    return (interval.low, interval.high) if interval else None


def spread_ends(interval: Interval | None) -> tuple[float, float] | None:
    """Returns the two ends of an interval, where it has any width.

    One of width 0 comes of equal values at all seeds and shows no certainty.
    """
    return ends(interval) if interval and interval.low < interval.high else None


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric of one arm over its completed seeds.

    ``values`` holds (seed, value) in the order of the seeds. ``sd`` is the sample SD (divided
    by n - 1); like ``interval`` (Student t, for the mean) it is ``None`` below two seeds.
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
class SeedGap:
    """A gap between the seeds of one arm that is too wide for normal seeds.

    ``n_low`` of ``n`` seeds lie at or below ``low`` and the others at or above ``high``. ``share``
    is the gap as a part of the range of all seeds, ``p`` how often normal seeds have one as wide;
    it is at most 5% over ``family``, the sets of seeds that were looked at.
    """

    metric: MetricInfo
    low: float
    high: float
    n_low: int
    n: int
    share: float
    p: float
    family: int


@dataclass(frozen=True, slots=True)
class Training:
    """How many networks of one arm trained, and what those that did give.

    ``untrained`` are the seeds whose network did not train, of ``n`` seeds whose records show it;
    ``share`` is the 95% interval (Clopper and Pearson) of the part that does not. ``summaries``
    leaves these seeds out of each metric that depends on training; it is empty where all trained.
    """

    untrained: tuple[int, ...]
    n: int
    share: Interval
    summaries: Mapping[str, Summary]


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
class EpochMeans:
    """One epoch metric of one arm, averaged over the seeds that reached an epoch.

    ``shared`` is the number of epochs that all seeds reached: beyond it, the mean jumps as seeds
    drop out. ``last`` averages the last value of each seed.
    """

    metric: str
    values: tuple[float, ...]
    shared: int
    last: float


@dataclass(frozen=True, slots=True)
class CellMean:
    """The mean of the arms with one level of each of two factors, by seed: (seed, mean)."""

    factors: tuple[str, str]
    levels: tuple[str, str]
    per_seed: tuple[tuple[int, float], ...]


TESTS_FROM = 6
"""Seeds below which neither Wilcoxon's nor the sign-flip test can reach p < 0.05."""

BOOTSTRAP_FROM = 20
"""Seeds below which a bootstrap interval is too narrow to be given (docs/statistics.md)."""


@dataclass(frozen=True, slots=True)
class NonparametricResults:
    """What methods that suppose no normal distribution give for an effect's seeds.

    They never decide a verdict. Both p values are two-sided and unadjusted; there are none with so
    few seeds that even differences of one sign could not bring them below 0.05. ``bca`` is a
    bootstrap interval, ``None`` where there are too few seeds for one.
    """

    sign_flip_p: float
    wilcoxon_p: float
    bca: Interval | None


@dataclass(frozen=True, slots=True)
class MixedEstimate:
    """An effect by a mixed model, which also uses the seeds that lack some of the arms."""

    estimate: float
    interval: Interval
    n_seeds: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A contrast of arms, taken within each seed and then summarised over seeds.

    ``kind`` is ``main`` (one change, averaged over the other factors' cells where they were
    crossed), ``interaction`` (how much the first change gains from the others: a difference of
    differences), ``arm`` (one arm minus the reference), ``simple`` (one change where the other
    factors that ``given`` names stay at its levels) or ``attribution`` (a factor's share of the
    whole gain). ``changes`` names what was moved. ``per_seed`` holds (seed, contrast). ``sd`` is
    taken to be no smaller than a step of the metric makes it. ``interval`` is unadjusted;
    ``adjusted`` and ``p_adjusted`` are corrected over a family of ``family_size`` effects, and
    decide ``verdict``. ``aliases`` are effects that a fraction cannot separate from this one.
    ``trained`` is the same effect over the seeds in which all its networks trained; ``None`` where
    that is all seeds. The verdict is then the one that both give, if they agree.
    """

    kind: EffectKind
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
    given: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()
    nonparametric: NonparametricResults | None = None
    mixed: MixedEstimate | None = None
    trained: Effect | None = None

    @property
    def n(self) -> int:
        """The number of seeds in which every arm of the contrast completed."""
        return len(self.per_seed)

    @property
    def excludes_zero(self) -> bool:
        """Whether the effect's own 95% interval lies on one side of 0."""
        interval = self.interval
        return interval is not None and (interval.low > 0 or interval.high < 0)

    @property
    def d_z(self) -> float | None:
        """The mean over seeds in standard deviations over seeds; ``None`` where that is unknown.

        Source: Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", ch. 2.
        """
        return self.estimate / self.sd if self.estimate is not None and self.sd else None

    @property
    def better_share(self) -> float | None:
        """The share of seeds on the better side of zero, ties by half: P(better) as observed."""
        if not self.per_seed or self.metric.better == "neither":
            return None
        sign = 1 if self.metric.better == "higher" else -1
        wins = sum((sign * value > 0) + 0.5 * (value == 0) for _, value in self.per_seed)
        return wins / self.n


@dataclass(frozen=True, slots=True)
class TargetTime:
    """Training time to the target accuracy, with runs that never reached it kept as such.

    ``median`` and its 95% interval from ``low`` to ``high`` are by Kaplan and Meier, in seconds;
    ``None`` where fewer than half of the runs reached the target, where fewer than ten did (the
    interval), or where a bound lies beyond the longest run. ``p`` is the log-rank test's against
    the reference; ``None`` where either arm has fewer than ten runs.
    """

    n: int
    reached: int
    median: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class ExampleNoise:
    """The test-set noise of one arm's test accuracy: that of another sample of test images.

    ``interval`` is Wilson's, for the mean accuracy on another sample of ``n_examples`` images.
    ``churn`` is the share of images on which two seeds of the arm disagree, averaged over all pairs
    of seeds that were tested on the same images; ``None`` if no two were. ``shared`` says whether
    all seeds were, ``None`` where that is unknown.
    """

    accuracy: float
    n_examples: int
    interval: Interval
    churn: float | None
    shared: bool | None


@dataclass(frozen=True, slots=True)
class ExampleDifference:
    """An arm and the reference on the same test images, seed by seed.

    ``gained`` and ``lost`` count the answers that only the arm, or only the reference, got right.
    ``interval`` is of the difference in accuracy over another draw of test images (paired
    bootstrap; ``None`` if the two agree on every image), ``p`` McNemar's. ``n_examples`` counts
    distinct images: one that several seeds share counts once.
    """

    difference: float
    interval: Interval | None
    gained: int
    lost: int
    p: float
    n_examples: int
    n_seeds: int


@dataclass(frozen=True, slots=True)
class VarianceParts:
    """What the variance of an effect, or of an arm's mean, over seeds is made of.

    ``total`` is the sample variance over ``n_seeds``, ``images`` the part of it that the finite
    number of test images makes (``n_images`` a seed), ``bounds`` the 95% interval of its share. The
    rest is the seed's. Where all seeds are tested on the same images (``shared``), what these
    images give all seeds alike is not in ``total``: ``common`` is that part of the variance of the
    mean, and ``whole`` the 95% interval of the mean with it, for other seeds and other images.
    """

    total: float
    images: float
    bounds: Interval
    n_seeds: int
    n_images: int
    shared: bool
    common: float | None = None
    whole: Interval | None = None

    @property
    def share(self) -> float:
        """The share of the images, at most 1: the estimates of parts may exceed the whole."""
        return min(1.0, self.images / self.total) if self.total else 1.0

    @property
    def exceeds(self) -> bool:
        """Whether the seed's part is estimated below zero, and so taken to be zero."""
        return self.images > self.total

    def of(self, n_images: int) -> float:
        """Returns the variance over seeds with so many test images, as a share of the present."""
        return 1 - self.share + self.share * self.n_images / n_images


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """How many seeds an effect takes if each is tested on ``n_images``, at each of the powers.

    ``all_held_out`` says that these are all images that are kept from training.
    """

    n_images: int
    seeds: tuple[int | None, ...]
    all_held_out: bool = False


@dataclass(frozen=True, slots=True)
class NeededSeeds:
    """How many seeds a verdict takes in one case of the true effect, at each of the powers.

    ``seconds`` is what the missing ones cost. ``None`` where it cannot be known, or where the
    present seeds have decided.
    """

    seeds: tuple[int | None, ...]
    seconds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """How many seeds an effect takes, from the spread of its seeds so far.

    ``powers`` are the chances of a verdict, such as 0.8 and 0.9. ``detectable`` is for each of them
    the smallest true effect that the present seeds would call improved or regressed; ``None`` where
    that is unknown. ``no_effect`` is what it takes to call a change without any effect equivalent
    (unknown without a margin), ``as_measured`` what it takes if the true effect is the present
    estimate. ``more_images`` says how many seeds a change without effect takes with larger test
    sets; empty where that is unknown or the effect is decided.
    """

    effect: Effect
    powers: tuple[float, ...]
    detectable: tuple[float | None, ...]
    no_effect: NeededSeeds
    as_measured: NeededSeeds
    more_images: tuple[ImagePlan, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the present seeds give a verdict, so that it takes no more."""
        return self.effect.verdict != "inconclusive"
