"""What a study found: frozen numbers without text, which all outputs show.

``analyze`` computes them; ``report`` and the command line only show them. Fractions stay in [0, 1]
and unknown values are ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from ablations.core.design import Arm, Settings
from ablations.core.estimates import (
    CellMean,
    Curve,
    Effect,
    EpochMeans,
    ExampleDifference,
    ExampleNoise,
    Interval,
    SeedGap,
    SeedPlan,
    Summary,
    TargetTime,
    Timing,
    Training,
    VarianceParts,
)
from ablations.core.interim_looks import Revision
from ablations.core.metrics import FIT_SECONDS, FULL_FIT_SECONDS, MetricInfo
from ablations.core.past import ComparisonWithPast, SelfTest
from ablations.core.record import Exhibit, Reason, Status
from ablations.core.study import Claim, Gate, PublishedRun, Shown, Study

GateStatus = Literal["passed", "failed", "inconclusive", "incomplete"]

GroupKind = Literal["untrained", "trained", "low", "high"]
"""Kinds of seeds: by whether their network trained, or by the side of a gap."""

BestRule = Literal["validation", "study-metric", "tied", "untrained"]
"""What selected the best arm: the best mean over seeds of a validation metric, or of the study's
metric where no validation metric was reported. Or why there is none: several arms share the best
mean, or another arm has it without the networks that did not train."""


@dataclass(frozen=True, slots=True)
class ArmFinding:
    """All that is known of one arm. ``settings`` are the merged settings of its trials.

    ``difference`` is this arm minus the reference in the study's metric, paired by seed; it
    is descriptive and not part of the study's corrected family. The reference has none.
    ``noise`` and ``examples`` are the test-set noise of the arm's test accuracy and of its
    difference from the reference; ``None`` where no predictions were recorded.
    ``training`` says how many of its networks trained, ``None`` where no record shows it;
    ``gaps`` are the metrics whose seeds fall into two groups, among those that trained.
    ``target_time`` is the time to the target accuracy, ``None`` where no epochs were timed.
    ``epoch_means`` average ``curves`` over seeds.
    """

    arm: Arm
    is_reference: bool
    settings: Settings
    n_planned: int
    n_completed: int
    n_failed: int
    summaries: Mapping[str, Summary]
    timing: Timing | None
    curves: tuple[Curve, ...]
    exhibits: tuple[Exhibit, ...]
    difference: Effect | None = None
    noise: ExampleNoise | None = None
    examples: ExampleDifference | None = None
    target_time: TargetTime | None = None
    training: Training | None = None
    gaps: tuple[SeedGap, ...] = ()
    epoch_means: tuple[EpochMeans, ...] = ()

    @property
    def untrained(self) -> tuple[int, ...]:
        """The seeds whose network did not train, as far as records show it."""
        return self.training.untrained if self.training else ()

    @property
    def shares_work(self) -> bool:
        """Whether other trials did a part of its work, which its own fit time leaves out."""
        own, full = self.mean(FIT_SECONDS), self.mean(FULL_FIT_SECONDS)
        return None not in (own, full) and own != full

    def mean(self, metric: str) -> float | None:
        """Returns the mean of a metric over all seeds; ``None`` where it is unknown."""
        return self.summaries[metric].mean if metric in self.summaries else None

    def over_trained(self, metric: str) -> Summary | None:
        """Returns a metric over the seeds that trained; ``None`` where that is all seeds."""
        return self.training.summaries.get(metric) if self.training else None


@dataclass(frozen=True, slots=True)
class GateFinding:
    """One gate applied to one arm. ``judged`` is the number that was compared with the threshold.

    ``training`` says how many of the arm's networks trained, where the metric depends on that, and
    ``gap`` that the other seeds fall into two groups.
    """

    gate: Gate
    arm: Arm
    metric: MetricInfo | None
    summary: Summary | None
    judged: float | None
    status: GateStatus
    training: Training | None = None
    gap: SeedGap | None = None


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """One of two kinds of seeds, and where one more run of this kind is expected.

    ``n`` seeds are of the ``kind``, ``share`` is the 95% interval (Clopper and Pearson) of the part
    of all runs that is. ``prediction`` is ``None`` below two seeds.
    """

    kind: GroupKind
    n: int
    share: Interval
    prediction: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published number beside ours.

    ``prediction`` is the 95% interval for one new run, from our runs; ``inside`` says whether the
    published number lies in it, and is ``None`` like it below two seeds. Where our seeds are of two
    kinds, ``groups`` has the interval of each; ``inside`` is then whether the number lies in any,
    ``None`` where it does not but a kind has too few seeds for an interval.
    """

    metric: MetricInfo
    published: float
    ours: Summary
    prediction: Interval | None
    inside: bool | None
    groups: tuple[SeedGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Unlike:
    """A setting in which our runs differ from a published one, so that they are not compared."""

    name: str
    published: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Reproduction:
    """One published run beside our runs of its arm.

    Where they are ``unlike``, its numbers are not compared with ours.

    The ranges are of validation accuracy over all epochs, ours over all seeds as well. Step times
    are medians in seconds, ours without the first epoch.
    """

    arm: Arm
    published: PublishedRun
    published_range: tuple[float, float] | None
    our_range: tuple[float, float] | None
    comparisons: tuple[Comparison, ...]
    published_step_seconds: float | None
    our_step_seconds: float | None
    unlike: tuple[Unlike, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether any published number lies outside our prediction interval."""
        return any(comparison.inside is False for comparison in self.comparisons)


@dataclass(frozen=True, slots=True)
class ReproducedClaim:
    """What of a published gain remains when only its factor is changed.

    ``published`` is the difference of mean validation accuracy over the last ten epochs; ``effect``
    is what the factor does to the study's metric at the levels that the other factors had in both
    published runs, adjusted for all claims. It is ``None`` where the study has no arms at these
    levels, or where they are ``unlike`` the published runs. ``plan`` says how many seeds would give
    the effect a verdict; there is none where seeds were added after interim analyses, for which
    this effect is not corrected.
    """

    claim: Claim
    published: float
    effect: Effect | None
    unlike: tuple[Unlike, ...] = ()
    plan: SeedPlan | None = None


@dataclass(frozen=True, slots=True)
class Variances:
    """What the variances over seeds are made of, where the answers to the test images are known.

    ``effects`` and ``arms`` are in the order of the findings, ``None`` where an entry's parts are
    not known. ``over_effects`` and ``over_arms`` are the sums over all of them. ``held_out`` counts
    the images of test and validation together, ``None`` where it is not known how many differ.
    """

    effects: tuple[VarianceParts | None, ...]
    arms: tuple[VarianceParts | None, ...]
    over_effects: VarianceParts | None
    over_arms: VarianceParts | None
    held_out: int | None


@dataclass(frozen=True, slots=True)
class TrialFinding:
    """One record of a planned trial, with the metrics that it logged by name.

    ``trained`` is ``None`` where the trial did not complete or its record does not show it.
    """

    arm: Arm
    seed: int
    key: str
    status: Status
    trained: bool | None
    reason: Reason | None
    started_at: str
    seconds: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that did not complete."""

    arm: Arm
    seed: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Findings(Shown):
    """What a study found, over the latest record of each of its planned trials.

    ``best`` is the arm with the best mean of the metric ``best_by``; ``best_rule`` says by which
    rule, or why there is none. ``trials`` are all records of planned trials by arm, seed and start.
    ``finished_at`` is the end of the last trial, ISO 8601 in UTC. ``environments`` are the distinct
    environments of the records with the number of records of each, most frequent first. ``target``
    is the validation accuracy that the metric ``target_seconds`` is the time to. ``simple_effects``
    say what each of two changes does at each level of the other, where their interaction's interval
    excludes 0; ``shares`` divide the whole gain from the baseline to the full recipe among the
    factors. ``plans`` say how many seeds each effect takes. ``self_test`` says how often a gate
    against the past errs on such records; ``analyze`` leaves it out and ``with_self_test`` adds it.
    ``revisions`` say what was changed after an earlier look, where looks are known; ``started``
    when the completed trials began. ``cells`` are the means over each pair of factors whose
    interaction is known; ``front`` are the arms that no arm of lower or equal ``cost_metric``
    equals or beats, cheapest first. ``variances`` say what the variances of effects and arms over
    seeds are made of. ``scattered_seeds`` counts those whose arms were trained on several machines.
    """

    study: Study
    metric: MetricInfo
    metrics: tuple[MetricInfo, ...]
    arms: tuple[ArmFinding, ...]
    effects: tuple[Effect, ...]
    gates: tuple[GateFinding, ...]
    failures: tuple[Failure, ...]
    n_planned: int
    n_completed: int
    n_failed: int
    best: Arm | None
    best_by: str | None
    exhibits: tuple[Exhibit, ...]
    environments: tuple[tuple[Mapping[str, str], int], ...]
    data: tuple[str, ...]
    finished_at: str | None
    reproductions: tuple[Reproduction, ...] = ()
    reproduced_claims: tuple[ReproducedClaim, ...] = ()
    target: float | None = None
    simple_effects: tuple[Effect, ...] = ()
    shares: tuple[Effect, ...] = ()
    plans: tuple[SeedPlan, ...] = ()
    self_test: SelfTest | None = None
    fixed_seeds: int | None = None
    revisions: tuple[Revision, ...] = ()
    started: tuple[str, ...] = ()
    cells: tuple[CellMean, ...] = ()
    cost_metric: str | None = None
    front: tuple[Arm, ...] = ()
    best_rule: BestRule | None = None
    trials: tuple[TrialFinding, ...] = ()
    variances: Variances | None = None
    scattered_seeds: int = 0

    @property
    def n_missing(self) -> int:
        """Planned trials without any record."""
        return self.n_planned - self.n_completed - self.n_failed

    @property
    def untrained_effects(self) -> tuple[Effect, ...]:
        """The effects in which a network takes part that did not train."""
        return tuple(effect for effect in self.effects if effect.trained)

    @property
    def judged_training(self) -> dict[Arm, Training]:
        """How many networks trained, of the arms that gates judge and whose records show it."""
        return {gate.arm: gate.training for gate in self.gates if gate.training}

    def arm(self, arm: Arm) -> ArmFinding:
        """Returns the finding of ``arm``; raises ``KeyError`` if it is not in the study."""
        found = next((finding for finding in self.arms if finding.arm == arm), None)
        if found is None:
            raise KeyError(arm)
        return found

    @property
    def ranked(self) -> tuple[ArmFinding, ...]:
        """The reference, and then the arms from the best mean on; those without one are last.

        Where no direction of the metric is better, that is from the largest on.
        """
        sign = 1 if self.metric.better == "lower" else -1

        def rank(arm: ArmFinding) -> tuple[bool, bool, float]:
            mean = arm.mean(self.metric.name)
            return not arm.is_reference, mean is None, sign * (mean or 0.0)

        return tuple(sorted(self.arms, key=rank))

    @property
    def plot(self) -> Any:
        """The figures of the report, each as a method that returns Matplotlib's axes.

        ``arms()``, ``effects()``, ``interactions()``, ``curves()``, ``steps()`` and ``cost()``: see
        `ablations.report.figures.drawings.Plots`, which is loaded when it is asked for.
        """
        return import_module("ablations.report.figures.drawings").Plots(self)

    def __repr__(self) -> str:
        done = f"{self.n_completed} of {self.n_planned} trials completed"
        return f"<Findings of {self.study.report_name}: {len(self.arms)} arms, {done}>"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a study: by its own gates, and by an earlier state where one is given.

    ``code`` is the exit code of the gates and ``past_code`` that of the comparison with the past,
    ``None`` without one: 0 all well, 1 failed or regressed, 3 inconclusive, 4 incomplete.
    """

    findings: Findings
    code: int
    past: ComparisonWithPast | None = None
    past_code: int | None = None
