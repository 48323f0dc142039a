"""Several studies, combined or side by side: frozen numbers without text, which outputs show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ablations.core.design import Arm, Change, EffectKind
from ablations.core.estimates import Effect, Interval
from ablations.core.findings import ArmFinding
from ablations.core.metrics import MetricInfo
from ablations.core.past import ChangeSincePast
from ablations.core.study import Shown, Study

DifferenceVerdict = Literal["differs", "equivalent", "inconclusive"]


@dataclass(frozen=True, slots=True)
class StudyEffect:
    """An effect as one study found it: the mean over its seeds, with its standard error.

    ``df`` are the degrees of freedom of ``standard_error``, seeds - 1. ``per_seed`` holds (seed,
    effect); ``interval`` is the 95% interval of this study alone.
    """

    study: str
    estimate: float
    standard_error: float
    df: int
    interval: Interval
    per_seed: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean effect of the studies, each of which counts the same.

    ``interval`` is for the mean effect of studies like these, ``prediction`` for what one more
    study of this size would measure. ``tau`` is the standard deviation of the true effects between
    studies, ``inconsistency`` (I²) its part in the variance of what studies measure.
    """

    n_studies: int
    estimate: float
    interval: Interval
    prediction: Interval
    tau: float
    tau_interval: Interval
    inconsistency: float
    inconsistency_interval: Interval


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """The second opinion: studies weighted by the inverse of their variances.

    ``prediction`` is for the true effect in one more study; ``None`` for two studies. ``method``
    names what estimated ``tau``.
    """

    estimate: float
    standard_error: float
    interval: Interval
    prediction: Interval | None
    tau: float
    tau_interval: Interval
    inconsistency: float
    method: str


@dataclass(frozen=True, slots=True)
class PooledEffect:
    """One effect over the studies that have it, by the same factors and levels.

    ``without`` leaves out one study after the other, by its name; empty for two studies.
    ``same_arms`` says whether all of them compare the same arms: a main effect averages over the
    other factors of its study. ``has_lost`` says whether networks take part that did not train, and
    ``trained`` is the same over the seeds whose networks did; ``None`` where all did, or where too
    few are left of two studies.
    """

    kind: EffectKind
    changes: tuple[Change, ...]
    given: tuple[tuple[str, str], ...]
    studies: tuple[StudyEffect, ...]
    pooled: Pooled
    weighted: WeightedMean
    without: tuple[tuple[str, Pooled], ...]
    same_arms: bool = True
    has_lost: bool = False
    trained: PooledEffect | None = None

    @property
    def side(self) -> int:
        """1 or -1 where the interval lies on one side of 0 in each reading, else 0."""
        if self.has_lost and self.trained is None:
            return 0
        readings = [self.pooled, *([self.trained.pooled] if self.trained else [])]
        signs = {(p.interval.low > 0) - (p.interval.high < 0) for p in readings}
        return signs.pop() if len(signs) == 1 else 0


@dataclass(frozen=True, slots=True)
class Member:
    """One of the studies, or of the states of one, that are read together.

    ``name`` tells it from the others, ``data`` are the fingerprints of its data, ``seeds`` those
    that completed.
    """

    name: str
    study: Study
    n_completed: int
    n_planned: int
    seeds: tuple[int, ...]
    data: tuple[str, ...]
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A main effect or interaction of one study that takes no part in any mean, and why.

    It is ``aliased`` with others in a fraction, its standard error is ``unknown``, or it is
    ``alone``: no other study has it, between the same levels.
    """

    study: str
    kind: EffectKind
    changes: tuple[Change, ...]
    given: tuple[tuple[str, str], ...]
    reason: Literal["aliased", "unknown", "alone"]


@dataclass(frozen=True, slots=True)
class Unlike:
    """A level that does not set the same in all studies: its settings by the name of the study."""

    factor: str
    level: str
    settings: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, repr=False)
class Synthesis(Shown):
    """What several studies that share factors say together.

    ``effects`` are main effects and interactions, ``simple_effects`` those at one level of another
    factor, ``left_out`` those that take no part. ``same_data`` are groups of studies with data in
    common, ``same_seeds`` those that share seeds on these data as well. Where the metric is a time
    or speed, ``n_machines`` counts the kinds of machines that it was measured on.
    """

    metric: MetricInfo
    studies: tuple[Member, ...]
    effects: tuple[PooledEffect, ...]
    simple_effects: tuple[PooledEffect, ...]
    same_data: tuple[tuple[str, ...], ...]
    same_seeds: tuple[tuple[str, ...], ...]
    unlike: tuple[Unlike, ...]
    left_out: tuple[LeftOut, ...] = ()
    n_machines: int = 1

    @property
    def finished_at(self) -> str | None:
        """The end of the last trial of all studies."""
        return max((own.finished_at for own in self.studies if own.finished_at), default=None)

    def __repr__(self) -> str:
        names = ", ".join(own.name for own in self.studies)
        return f"<Synthesis of {names}: {len(self.effects)} effects>"

    def study_of(self, effect: PooledEffect) -> Study:
        """Returns the first of the studies that have an effect, by whose factors it is named."""
        first = effect.studies[0].study
        return {own.name: own.study for own in self.studies}[first]


@dataclass(frozen=True, slots=True)
class EffectDifference:
    """An effect in one member minus the same effect in the first one.

    ``n`` and ``n_past`` count the seeds of the two. ``paired`` says whether the difference was
    taken seed by seed, as both have the same seeds and data. ``interval`` is adjusted for all
    ``family_size`` differences of effects and decides the verdict against ``margin``. ``alike``
    says that all results of its arms agree up to rounding. ``trained`` is the same over the seeds
    whose networks trained, ``None`` where all did; the verdict is then the one that both give.
    """

    n: int
    n_past: int
    change: float | None
    interval: Interval | None
    margin: float
    paired: bool
    alike: bool
    family_size: int
    verdict: DifferenceVerdict
    trained: EffectDifference | None = None


@dataclass(frozen=True, slots=True)
class ComparedEffect:
    """One effect in the first member and in others, by the same factors and levels.

    ``found`` has it by the name of each member, the first one's first, and ``differences`` that of
    each other member from the first one. ``same_arms`` says whether
    all of them compare the same arms: a main effect averages over the other factors of its study.
    """

    kind: EffectKind
    changes: tuple[Change, ...]
    given: tuple[tuple[str, str], ...]
    found: Mapping[str, Effect]
    differences: tuple[tuple[str, EffectDifference], ...]
    same_arms: bool


@dataclass(frozen=True, slots=True)
class ComparedArm:
    """An arm that the first member and others have, found by its levels.

    ``found`` has it by the name of each member. ``differences`` are those of the metric from the
    first one, and ``speeds`` the quotients of a speed where both were measured on one machine, by
    the name of the other.
    """

    arm: Arm
    found: Mapping[str, ArmFinding]
    differences: tuple[tuple[str, ChangeSincePast], ...]
    speeds: tuple[tuple[str, ChangeSincePast], ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """A setting, or a fact of the environment: its value in each member.

    ``arms`` are those that it differs in, empty for all arms. A value is ``None`` where a member
    does not set it, or has none of these arms.
    """

    name: str
    values: tuple[Any, ...]
    arms: tuple[Arm, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class SideBySide(Shown):
    """Several studies, or states of one, each compared with the first.

    ``settings`` and ``environment`` are what differs, ``n_equal_settings`` and ``n_equal_facts``
    count what does not; ``machine`` are the facts that times depend on. ``alone`` names the trained
    arms that are not compared, by member, and ``lone_effects`` the effects, each with its member.
    ``one_machine`` holds the members whose trials all ran on the machine of the first one, so that
    times are compared.
    """

    metric: MetricInfo
    margin: float
    members: tuple[Member, ...]
    effects: tuple[ComparedEffect, ...]
    arms: tuple[ComparedArm, ...]
    settings: tuple[Beside, ...]
    n_equal_settings: int
    environment: tuple[Beside, ...]
    n_equal_facts: int
    machine: tuple[Beside, ...]
    alone: Mapping[str, tuple[Arm, ...]]
    lone_effects: tuple[tuple[str, Effect], ...]
    one_machine: tuple[str, ...]
    same_data: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        shared = f"{len(self.effects)} effects, {len(self.arms)} arms"
        return f"<SideBySide of {', '.join(self.names)}: {shared} in common>"

    @property
    def names(self) -> tuple[str, ...]:
        """What tells the members apart, in their order."""
        return tuple(own.name for own in self.members)

    @property
    def finished_at(self) -> str | None:
        """The end of the last trial of all members."""
        return max((own.finished_at for own in self.members if own.finished_at), default=None)
