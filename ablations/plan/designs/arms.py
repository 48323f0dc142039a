"""Arms as the study file lists them, each compared with the baseline."""

from __future__ import annotations

from ablations.core.design import Contrast, Design
from ablations.errors import StudyError
from ablations.plan.designs.kind import Kind, Wanted


def _lay_out(wanted: Wanted) -> Design:
    base = wanted.base
    arms = tuple(
        wanted.arm(f"design.arms[{i}]", dict(base.levels) | dict(levels))
        for i, levels in enumerate(wanted.arms or ())
    )
    for i, arm in enumerate(arms):
        if arm in arms[:i]:
            raise StudyError(
                f"design.arms[{i}] repeats an earlier arm",
                received=arm.name,
                cure="List each arm once; repeat with seeds",
            )
    if len(arms) < 2 or base not in arms:
        raise StudyError(
            "design.arms needs the baseline and at least one other arm",
            received="; ".join(arm.name for arm in arms) or "an empty list",
            cure=f"Add the baseline ({base.name}), or name another one in design.baseline",
        )
    return Design(
        kind=wanted.kind,
        arms=arms,
        baseline=base,
        reference=base,
        phrase="compared with the reference",
        contrasts=tuple(Contrast.between(a, base, kind="arm") for a in arms if a != base),
    )


ARMS = Kind(
    "arms",
    count=lambda wanted: len(wanted.arms or ()),
    lay_out=_lay_out,
    keys=frozenset({"arms"}),
)
