"""How large a study may be, worked out from its counts before anything is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ablations.core.study import Arm, Factor
from ablations.plan.schema import DesignTable
from ablations.plan.validation import require

MOST_FACTORS = 100
MOST_ARMS = 1024
MOST_TRIALS = 100_000
MOST_SCREENED = 31
"""Factors that a screening design takes."""


def require_few_arms(table: DesignTable, factors: Sequence[Factor]) -> None:
    """Raises `StudyError` where a design has more arms or factors than can be laid out."""
    require(
        len(factors) <= MOST_FACTORS,
        f"a study takes up to {MOST_FACTORS} factors",
        received=f"{len(factors)} factors",
        cure="Fix some of them in [trial.settings]",
    )
    arms = _count(table, [len(factor.levels) for factor in factors])
    require(
        arms <= MOST_ARMS,
        f"a study takes up to {MOST_ARMS} arms",
        received=f"kind='{table.kind}' with {len(factors)} factors, {_shown(arms)} arms",
        cure=_cure(table, factors),
    )


def require_few_trials(arms: Sequence[Arm], seeds: int) -> None:
    """Raises `StudyError` where arms and seeds make more trials than can be planned."""
    require(
        len(arms) * seeds <= MOST_TRIALS,
        f"a study takes up to {MOST_TRIALS} trials",
        received=f"{len(arms)} arms at {seeds} seeds",
        cure=f"Use at most {MOST_TRIALS // len(arms)} seeds",
    )


def screened_arms(factors: int) -> int:
    """Returns the arms of a screening design: the next multiple of 4 above its factors.

    None is known to pyDOE of 28 arms; 24 to 27 factors take those of 32.
    """
    arms = 4 * (factors // 4 + 1)
    return 32 if arms == 28 else arms


def _count(table: DesignTable, levels: Sequence[int]) -> int:
    """Counts the arms that a design asks for."""
    counts = {
        "arms": len(table.arms or ()),
        "one-factor-in": 1 + sum(levels) - len(levels),
        "one-factor-out": 1 + len(levels),
        "screening": screened_arms(len(levels)),  # mirrored, they are still few
    }
    if table.kind in counts:
        return counts[table.kind]
    halvings = table.halvings or len(table.generators or ())
    if table.kind == "fractional":
        return int(2 ** max(0, len(levels) - halvings + bool(table.fold_over)))
    return prod(levels)


def _shown(arms: int) -> str:
    return str(arms) if arms < 10**9 else f"about 10^{len(str(arms)) - 1}"


def _cure(table: DesignTable, factors: Sequence[Factor]) -> str:
    """Names the smaller design that these factors fit."""
    if table.kind not in ("full-factorial", "fractional"):
        return "Remove levels or arms"
    two_levels = all(len(factor.levels) == 2 for factor in factors)
    if two_levels and len(factors) <= MOST_SCREENED:
        return f"Use kind = 'screening' ({screened_arms(len(factors))} arms), or fewer factors"
    arms = 1 + sum(len(factor.levels) - 1 for factor in factors)
    if arms <= MOST_ARMS:
        return f"Use kind = 'one-factor-in' ({arms} arms), or fewer factors or levels"
    return "Use fewer factors or levels"
