"""What a design leaves out: effects that a fraction cannot tell apart, seeds it may not need."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alias:
    """Another effect that a fractional design cannot tell from one.

    ``weight`` is how much of it is in the number: 1 or -1 where the two are confounded in full,
    less where they are in part.
    """

    factors: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class AliasSet:
    """One number of a fraction: the effect whose name it bears, and what else is in it."""

    factors: tuple[str, ...]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """What a fraction of all arms can and cannot tell.

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
class Adaptive:
    """Seeds that are added one by one while an effect is undecided, within these bounds."""

    at_least: int
    at_most: int
