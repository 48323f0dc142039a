"""How large a design may be, by its counts, before anything is laid out."""

from __future__ import annotations

from ablations.plan.designs.kind import Kind, Wanted
from ablations.plan.validation import require

MOST_FACTORS = 100
MOST_ARMS = 1024
MOST_SCREENED = 31
"""Factors that a screening design takes."""


def require_few_arms(kind: Kind, wanted: Wanted) -> None:
    """Raises `StudyError` where a design has more arms or factors than can be laid out."""
    factors = len(wanted.factors)
    require(
        factors <= MOST_FACTORS,
        f"a study takes up to {MOST_FACTORS} factors",
        received=f"{factors} factors",
        cure="Fix some of them in [trial.settings]",
    )
    arms = kind.count(wanted)
    shown = str(arms) if arms < 10**9 else f"about 10^{len(str(arms)) - 1}"
    require(
        arms <= MOST_ARMS,
        f"a study takes up to {MOST_ARMS} arms",
        received=f"kind='{kind.name}' with {factors} factors, {shown} arms",
        cure=kind.cure(wanted),
    )


def screened_arms(factors: int) -> int:
    """Returns the arms of a screening design: the next multiple of 4 above its factors.

    None is known to pyDOE of 28 arms; 24 to 27 factors take those of 32.
    """
    arms = 4 * (factors // 4 + 1)
    return 32 if arms == 28 else arms


def one_by_one(wanted: Wanted) -> int:
    """Returns how many arms differ from the baseline in one factor or none."""
    return 1 + sum(len(factor.levels) - 1 for factor in wanted.factors)


def smaller(wanted: Wanted) -> str:
    """Names a smaller design that these factors fit."""
    factors = len(wanted.factors)
    two_levels = all(len(factor.levels) == 2 for factor in wanted.factors)
    if two_levels and factors <= MOST_SCREENED:
        return f"Use kind = 'screening' ({screened_arms(factors)} arms), or fewer factors"
    if (arms := one_by_one(wanted)) <= MOST_ARMS:
        return f"Use kind = 'one-factor-in' ({arms} arms), or fewer factors or levels"
    return "Use fewer factors or levels"
