"""Two readings of the same effects: over all seeds, and over those whose networks trained.

A network that did not train does not come from the same distribution as those that did, so a t
interval over both kinds does not have its confidence level. The reader decides whether such a seed
belongs to the answer; a verdict is given only where both readings give it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ablations.core.design import Arm
from ablations.core.estimates import Effect, Summary

Summaries = Mapping[Arm, Summary]

Readings = tuple[Summaries, Summaries | None]
"""A metric of each arm over all seeds, and over those that trained; ``None`` where all did."""


def in_both(
    read: Callable[[Summaries], Sequence[Effect]], readings: Readings
) -> tuple[Effect, ...]:
    """Returns the effects of all seeds with the verdicts that both readings agree on.

    Args:
        read: Returns a family of effects, always the same ones, from a metric of each arm.
        readings: The metric, in both readings.
    """
    summaries, trained = readings
    found = tuple(read(summaries))
    if trained is None:
        return found
    return tuple(_agreed(*pair) for pair in zip(found, read(trained), strict=True))


def _agreed(effect: Effect, trained: Effect) -> Effect:
    """Keeps a verdict that both readings give.

    An effect that lost no seed is compared with its other reading too: the levels of a family
    depend on all its effects.
    """
    other = None if trained.per_seed == effect.per_seed else trained
    verdict = effect.verdict if effect.verdict == trained.verdict else "inconclusive"
    return replace(effect, verdict=verdict, trained=other)
