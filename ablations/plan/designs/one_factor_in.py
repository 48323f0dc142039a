"""The baseline, and one change at a time added to it."""

from __future__ import annotations

from ablations.core.design import Contrast, Design
from ablations.plan.designs.kind import Kind, Wanted, changes
from ablations.plan.designs.sizes import one_by_one


def _lay_out(wanted: Wanted) -> Design:
    base = wanted.base
    changed = [base.replace(c.factor, c.level) for c in changes(wanted.factors, base)]
    return Design(
        kind=wanted.kind,
        arms=(base, *changed),
        baseline=base,
        reference=base,
        phrase="added alone to the baseline",
        contrasts=tuple(Contrast.between(arm, base, kind="main") for arm in changed),
    )


ONE_FACTOR_IN = Kind("one-factor-in", count=one_by_one, lay_out=_lay_out)
