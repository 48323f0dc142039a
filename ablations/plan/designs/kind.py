"""What a kind of design is: the arms that it lays out for a study's factors, and its contrasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ablations.core.design import Arm, Change, Design, Factor
from ablations.errors import meant
from ablations.plan.validation import require

INTERACTIONS = 2
"""How many changes are judged together at most, where a study file does not set it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a study file asks of its design; ``None`` for what it leaves out.

    Args:
        kind: The name of the kind.
        factors: In the study's order.
        baseline: Baseline level per factor; a factor that is left out starts at its first level.
        arms: Levels of each arm, for a kind that takes them as given.
        generators: For a fraction: factor = the factors whose product it follows.
        halvings: For a fraction: how often all arms are halved.
        fold_over: For a fraction: the factors in which the mirror image of all arms is added.
        interactions: How many changes are judged together at most.
        applies: Factors that exist only at one level of another: factor = {other = level}.
    """

    kind: str
    factors: Sequence[Factor]
    baseline: Mapping[str, str] = field(default_factory=dict)
    arms: Sequence[Mapping[str, str]] | None = None
    generators: Mapping[str, Sequence[str]] | None = None
    halvings: int | None = None
    fold_over: Sequence[str] | None = None
    interactions: int | None = None
    applies: Mapping[str, Mapping[str, str]] | None = None

    @property
    def base(self) -> Arm:
        """The arm of all baseline levels.

        Raises:
            StudyError: if the study file names a factor or level that there is not.
        """
        first = {factor.name: factor.levels[0].name for factor in self.factors}
        return self.arm("design.baseline", first | dict(self.baseline))

    def arm(self, place: str, levels: Mapping[str, str]) -> Arm:
        """Returns the arm of these levels, which are at ``place`` in the study file.

        Raises:
            StudyError: if a factor or level is unknown.
        """
        names = [factor.name for factor in self.factors]
        unknown = [name for name in levels if name not in names]
        require(
            not unknown,
            f"{place} must name each factor once",
            received=str(dict(levels)),
            cure=f"{meant(unknown[0], names) if unknown else ''}"
            + (
                f"The factors are {', '.join(names)}"
                if names
                else "Leave it out: no factor is named"
            ),
        )
        for factor in self.factors:
            known, level = [level.name for level in factor.levels], levels[factor.name]
            require(
                level in known,
                f"{place} names no level of factor '{factor.name}'",
                received=repr(level),
                cure=f"{meant(level, known)}Its levels are {', '.join(known)}",
            )
        return Arm(tuple((name, levels[name]) for name in names))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of design, as the registry holds it.

    Args:
        name: What a study file calls it.
        count: How many arms it has, before any is laid out.
        lay_out: Its arms, contrasts and phrase. Raises `StudyError` where the parts do not fit.
        keys: Those of ``generators``, ``halvings``, ``fold_over``, ``arms``, ``interactions``
            and ``applies`` that it takes.
        cure: What to do where it has too many arms.
    """

    name: str
    count: Callable[[Wanted], int]
    lay_out: Callable[[Wanted], Design]
    keys: frozenset[str] = frozenset()
    cure: Callable[[Wanted], str] = lambda _: "Remove levels or arms"


def changes(factors: Sequence[Factor], base: Arm) -> list[Change]:
    """Returns each change of one factor from its baseline level, in the study's order."""
    return [
        Change(factor.name, base.level(factor.name), level.name)
        for factor in factors
        for level in factor.levels
        if level.name != base.level(factor.name)
    ]


def require_own_keys(kind: Kind, wanted: Wanted) -> None:
    """Raises `StudyError` where the study file has a key of other kinds."""
    for name in ("generators", "halvings", "fold_over"):
        require(
            name in kind.keys or getattr(wanted, name) is None,
            f"design.{name} belongs to a fraction of all arms",
            received=f"kind='{kind.name}'",
            cure="Remove it, or use kind = 'fractional'",
        )
    require(
        ("arms" in kind.keys) == (wanted.arms is not None),
        "design.arms belongs to kind = 'arms' and to no other",
        received=f"kind='{kind.name}', arms={'missing' if wanted.arms is None else 'given'}",
        cure="Give both or neither",
    )
    require(
        "interactions" in kind.keys or wanted.interactions is None,
        "analysis.interactions belongs to a full factorial",
        received=f"kind='{kind.name}', interactions={wanted.interactions}",
        cure="Remove it: which effects another design estimates follows from its arms",
    )
    require(
        "applies" in kind.keys or wanted.applies is None,
        "design.applies belongs to a full factorial",
        received=f"kind='{kind.name}', applies={wanted.applies}",
        cure="Remove it, or use kind = 'full-factorial'",
    )
