"""Several studies, or states of one, side by side: frozen numbers without text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ablations.core.design import Arm, Change, EffectKind
from ablations.core.estimates import Effect, Interval, MetricInfo
from ablations.core.findings import ArmFinding
from ablations.core.past import ChangeSincePast
from ablations.core.synthesis import Member

DifferenceVerdict = Literal["differs", "equivalent", "inconclusive"]


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


@dataclass(frozen=True, slots=True)
class SideBySide:
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

    @property
    def names(self) -> tuple[str, ...]:
        """What tells the members apart, in their order."""
        return tuple(own.name for own in self.members)

    @property
    def finished_at(self) -> str | None:
        """The end of the last trial of all members."""
        return max((own.finished_at for own in self.members if own.finished_at), default=None)
