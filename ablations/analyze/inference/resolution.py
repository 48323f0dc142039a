"""How coarse a metric is: the smallest step between its values.

Accuracy on 192 images moves in steps of one image. Differences of arms that are equal at every
seed are then no proof that the arms are equal: they may hide a difference of up to one step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from ablations.core.design import Arm
from ablations.core.metrics import MetricInfo, Step

if TYPE_CHECKING:  # which needs what reads records
    from ablations.analyze.outcomes import TrialOutcome

_FINEST = 100_000
"""Values that have no common step of one part in so many are taken to be continuous."""

_SINGLE = 1e-6
"""Rounding of a share of images that was computed in single precision."""

_DOUBLE = 1e-12


def with_step(info: MetricInfo, outcomes: Sequence[TrialOutcome]) -> MetricInfo:
    """Returns the metric with the step that its values in these outcomes show."""
    pairs = [(o, o.metrics[info.name].value) for o in outcomes if info.name in o.metrics]
    sizes = [_images(outcome, value) for outcome, value in pairs]
    known = [size for size in sizes if size is not None]
    if info.unit == "fraction" and known and len(known) == len(sizes):
        return replace(info, step=Step(1 / min(known), known=True))
    return replace(info, step=common_step(info, [value for _, value in pairs]))


def common_step(info: MetricInfo, values: Iterable[float]) -> Step | None:
    """Returns the largest step, 1 over a whole number, that all values are multiples of.

    Only shares and counts have one; other numbers that are round are so by chance. Shares that are
    all 0 or 1 show none: they say nothing of how many examples they are shares of.
    """
    if info.unit not in ("fraction", "count"):
        return None
    parts = 1
    for value in set(values):
        if not math.isfinite(value):
            return None
        found = Fraction(value).limit_denominator(_FINEST)
        parts = math.lcm(parts, found.denominator)
        if parts > _FINEST or abs(value - float(found)) > _DOUBLE * max(1.0, abs(value)):
            return None
    return None if info.unit == "fraction" and parts == 1 else Step(1 / parts, known=False)


def of_contrast(step: Step | None, weights: Sequence[tuple[Arm, float]]) -> Step | None:
    """Returns the least standard deviation that a weighted sum of arms is taken to have.

    That is one step for the difference of two arms, and as for independent arms in proportion to
    the root of the sum of squared weights.
    """
    return step.times(math.sqrt(sum(w * w for _, w in weights) / 2)) if step else None


def _images(outcome: TrialOutcome, value: float) -> int | None:
    """Returns the number of examples that the value is a share of, by the record's predictions."""
    record = outcome.completed
    sizes = [len(p.labels) for p in record.predictions] if record else []
    whole = (n for n in sorted(sizes) if n and abs(value * n - round(value * n)) <= _SINGLE * n)
    return next(whole, None)
