"""The full recipe, each factor away from its baseline, and one factor at a time taken back."""

from __future__ import annotations

from ablations.core.design import Arm, Contrast, Design
from ablations.plan.designs.kind import Kind, Wanted, changes
from ablations.plan.validation import require


def _lay_out(wanted: Wanted) -> Design:
    base = wanted.base
    for factor in wanted.factors:
        require(
            len(factor.levels) == 2,
            f"one-factor-out switches factors on and off, so '{factor.name}' needs two levels",
            received=f"levels={[level.name for level in factor.levels]}",
            cure="Remove levels, or use kind = 'arms'",
        )
    full = Arm(tuple((c.factor, c.level) for c in changes(wanted.factors, base)))
    without = [full.replace(factor, level) for factor, level in base.levels]
    return Design(
        kind=wanted.kind,
        arms=(full, *without),
        baseline=base,
        reference=full,
        phrase="within the full recipe",
        contrasts=tuple(Contrast.between(full, arm, kind="main") for arm in without),
    )


ONE_FACTOR_OUT = Kind(
    "one-factor-out", count=lambda wanted: 1 + len(wanted.factors), lay_out=_lay_out
)
