"""What a design is made of: factors, levels, arms, what an arm needs, and contrasts of arms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

ONLY_ARM = "the only arm"
"""What the arm of a study without factors is called."""

Settings = Mapping[str, Any]
"""Settings of a training function: plain TOML values (text, numbers, booleans, lists, tables)."""

EffectKind = Literal["main", "interaction", "arm", "simple", "attribution"]


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a factor and the settings that it stands for."""

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class Factor:
    """A variable that is changed on purpose. The baseline level comes first in comparisons."""

    name: str
    levels: tuple[Level, ...]

    def level(self, name: str) -> Level:
        """Returns the level called ``name``; raises ``KeyError`` if there is none."""
        return {level.name: level for level in self.levels}[name]


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """One level per factor, as (factor, level) pairs in the study's order of factors.

    A factor that exists only at a level of another one is missing elsewhere.
    """

    levels: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The arm spelled out, for example ``augmentation=on, initialization=scratch``."""
        return ", ".join(f"{factor}={level}" for factor, level in self.levels) or ONLY_ARM

    def level(self, factor: str) -> str:
        """Returns the name of this arm's level of ``factor``; raises ``KeyError`` without one."""
        return dict(self.levels)[factor]

    def replace(self, factor: str, level: str) -> Arm:
        """Returns the arm that differs from this one only in ``factor``."""
        return Arm(tuple((f, level if f == factor else old) for f, old in self.levels))

    def matches(self, where: Mapping[str, str]) -> bool:
        """Whether this arm has every level that ``where`` names; an empty ``where`` fits all."""
        own = dict(self.levels)
        return all(own.get(factor) == level for factor, level in where.items())


@dataclass(frozen=True, slots=True)
class Resources:
    """What a cluster keeps free for a trial, which changes nothing of what the trial computes.

    Args:
        cpus: Cores; at least as many as the trial has threads.
        gpus: GPUs, or the part of one; a trial with none sees none.
        memory_gib: Memory in GiB; ``None`` where the trial is placed without regard to memory.
        accelerator: The kind of GPU by the cluster's name for it, such as ``A100``.
    """

    cpus: float = 1
    gpus: float = 0
    memory_gib: float | None = None
    accelerator: str | None = None


@dataclass(frozen=True, slots=True)
class Nesting:
    """A factor that exists only at one level of another: arms at its other levels lack it."""

    factor: str
    outer: str
    level: str


def without_nested(levels: Mapping[str, str], nestings: Iterable[Nesting]) -> Arm:
    """Returns the arm of these levels, without the factors that do not exist there."""
    absent = {own.factor for own in nestings if levels.get(own.outer) != own.level}
    return Arm(tuple(pair for pair in levels.items() if pair[0] not in absent))


@dataclass(frozen=True, slots=True)
class Change:
    """A factor moved from its baseline level to another one."""

    factor: str
    baseline: str
    level: str


@dataclass(frozen=True, slots=True)
class Alias:
    """Another effect that a fractional design cannot separate from one.

    ``weight`` is how much of it is in the number: 1 or -1 where the two are confounded in full,
    less where they are in part.
    """

    factors: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """A weighted sum of arms; the weights add up to 0, those above 0 of a main effect to 1.

    In every design a positive contrast means that the response is higher with the changes than
    without. ``given`` names the levels of other factors that it is restricted to; ``aliases`` are
    effects that the design cannot separate from this one.
    """

    kind: EffectKind
    changes: tuple[Change, ...]
    weights: tuple[tuple[Arm, float], ...]
    given: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()

    @classmethod
    def between(cls, arm: Arm, other: Arm, *, kind: EffectKind) -> Contrast:
        """Returns ``arm`` minus ``other``; its changes lead from ``other`` to ``arm``."""
        own = dict(arm.levels)
        changes = tuple(
            Change(factor, old, own[factor])
            for factor, old in other.levels
            if factor in own and own[factor] != old
        )
        return cls(kind, changes, ((arm, 1.0), (other, -1.0)))


@dataclass(frozen=True, slots=True)
class AliasSet:
    """One estimate of a fraction: the effect that it is named after, and what else is in it."""

    factors: tuple[str, ...]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """What a fraction of all arms can and cannot separate.

    ``resolution`` is the length of the shortest product of factors that is constant: in III main
    effects are aliased with two-factor interactions, in IV these with each other; ``None`` where
    all arms are there. ``sets`` holds each number with its aliases up to two factors.
    ``fold_over`` names the factors whose mirror image would separate most, at the cost of
    ``more_arms``, and leaves ``left`` of the ``confounded`` effects so.
    """

    full: int
    generators: tuple[str, ...]
    resolution: int | None
    sets: tuple[AliasSet, ...]
    confounded: int
    fold_over: tuple[str, ...]
    more_arms: int
    left: int


@dataclass(frozen=True, slots=True)
class Design:
    """Which arms a study trains and what it compares: all that other stages use of a design.

    ``arms`` are in their order of reading, ``baseline`` holds the baseline level of every factor,
    and ``reference`` is the trained arm that the others are compared with. ``nestings`` are the
    factors that exist only at a level of another. ``phrase`` says in a
    sentence what an effect is relative to: ``averaged over the other factors``. ``contrasts`` are
    the effects that are judged together, main effects first. Where factors are crossed,
    ``simple_contrasts`` are each change at each level of each other factor, and ``attributions``
    each factor's share of the gain from the baseline to the full recipe. ``fraction`` says what a
    fraction of all arms leaves open.
    """

    kind: str
    arms: tuple[Arm, ...]
    baseline: Arm
    reference: Arm
    phrase: str
    contrasts: tuple[Contrast, ...]
    simple_contrasts: tuple[Contrast, ...] = ()
    attributions: tuple[Contrast, ...] = ()
    fraction: Fraction | None = None
    nestings: tuple[Nesting, ...] = ()

    @property
    def averages(self) -> bool:
        """Whether main effects average over all combinations of the other factors."""
        names = [factor for factor, _ in self.baseline.levels]
        levels = [{dict(arm.levels).get(name) for arm in self.arms} - {None} for name in names]
        cells = prod(map(len, levels))
        crossed = len(levels) > 1 and (bool(self.nestings) or len(self.arms) == cells)
        return crossed and all(contrast.kind != "arm" for contrast in self.contrasts)


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Seeds that are added one by one while an effect is undecided, within these bounds."""

    at_least: int
    at_most: int
