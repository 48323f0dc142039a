"""The kinds of design: which arms each trains, what it compares, and in which words.

A kind is one module and its line in the registry below.
"""

from __future__ import annotations

from ablations.core.design import Design
from ablations.plan.designs.arms import ARMS
from ablations.plan.designs.fractional import FRACTIONAL
from ablations.plan.designs.full_factorial import FULL_FACTORIAL
from ablations.plan.designs.kind import Kind, Wanted, require_own_keys
from ablations.plan.designs.one_factor_in import ONE_FACTOR_IN
from ablations.plan.designs.one_factor_out import ONE_FACTOR_OUT
from ablations.plan.designs.screening import SCREENING
from ablations.plan.designs.sizes import require_few_arms
from ablations.plan.validation import require

__all__ = ["KINDS", "Kind", "Wanted", "lay_out"]


def named(*kinds: Kind) -> dict[str, Kind]:
    """Returns kinds by what a study file calls them."""
    return {kind.name: kind for kind in kinds}


KINDS = named(FULL_FACTORIAL, FRACTIONAL, SCREENING, ONE_FACTOR_OUT, ONE_FACTOR_IN, ARMS)


def lay_out(wanted: Wanted) -> Design:
    """Lays out the design that a study file asks for.

    Raises:
        StudyError: if its parts do not fit each other or the factors.
    """
    kind = KINDS[wanted.kind]
    require(
        bool(wanted.factors) or kind is FULL_FACTORIAL,
        "a study without [factors] has one arm, and no design",
        received=f"kind = '{kind.name}'",
        cure="Leave the kind out, or name factors",
    )
    require_own_keys(kind, wanted)
    require_few_arms(kind, wanted)
    return kind.lay_out(wanted)
