"""The last epochs of an arm, which most observations rest on."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.findings import ArmFinding
from ablations.core.metrics import VAL_ACCURACY

LAST_EPOCHS = 10
"""How many epochs at the end of a training speak for where it settled."""


@dataclass(frozen=True, slots=True)
class Tail:
    """One metric of one seed over its last epochs, from ``epochs`` in all."""

    seed: int
    epochs: int
    values: tuple[float, ...]


def tails(arm: ArmFinding, metric: str = VAL_ACCURACY) -> tuple[Tail, ...]:
    """Returns the last epochs of every seed that has any."""
    return tuple(
        Tail(curve.seed, len(curve.values), curve.values[-LAST_EPOCHS:])
        for curve in arm.curves
        if curve.metric == metric and curve.values
    )


def reach_of(found: tuple[Tail, ...]) -> tuple[float, float]:
    """Returns the lowest and the highest value over all epochs and seeds; needs at least one."""
    values = [value for tail in found for value in tail.values]
    return min(values), max(values)


def tail_name(place: int) -> str:
    """Names the table of the arm at a place, from 1."""
    return f"last-epochs-{place}"
