"""What past and present must share to be compared, and when they are the same run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import MetricInfo, is_result
from ablations.core.past import Past, PastArm
from ablations.core.record import MACHINE
from ablations.errors import StudyError

_IMAGES = 10_000
_ROUNDING = 1e-12
_SAME = 1e-4

SPEED_UNITS = ("seconds", "per second")
"""Units of what depends on the state of the machine, whichever the seed."""

SAME = ("data", "device", "precision")
"""What past and present must share for any number to be comparable."""


def require_comparable(findings: Findings, past: Past, *, despite: Sequence[str]) -> None:
    """Raises `StudyError` where past and present differ in what they must share."""
    for what in SAME:
        now, then = (
            (set(findings.data), set(past.data))
            if what == "data"
            else _facts(findings, past, (what,))
        )
        if what not in despite and now and then and now != then:
            raise StudyError(
                f"{past.source} was measured with other {what}",
                received=f"now {', '.join(sorted(now))}; then {', '.join(sorted(then))}",
                cure=f"Compare like with like, or add --despite {what}",
            )


def require_same_units(past: Past, metrics: Sequence[MetricInfo]) -> None:
    """Raises `StudyError` where the past gives a metric another unit or direction."""
    for metric in metrics:
        then = past.metrics.get(metric.name, metric)
        if (then.unit, then.better) != (metric.unit, metric.better):
            raise StudyError(
                f"{past.source} gives metric '{metric.name}' in another unit or direction",
                received=f"now {metric.unit}, better {metric.better}; "
                f"then {then.unit}, better {then.better}",
                cure="Name a baseline with the same unit",
            )


def _facts(findings: Findings, past: Past, names: Sequence[str]) -> tuple[set[str], set[str]]:
    """Returns the distinct values of some facts, now and then; nothing of unknown ones."""
    present = [facts for facts, _ in findings.environments]
    now, then = (
        {", ".join(f"{name} {facts[name]}" for name in names if name in facts) for facts in side}
        for side in (present, past.environments)
    )
    return now - {""}, then - {""}


def other_machines(
    findings: Findings, past: Past
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Returns the facts of both machines where these differ or are unknown; else ``None``.

    A side without a completed trial has no speed that could be compared.
    """
    now, then = _facts(findings, past, MACHINE)
    if not findings.n_completed:
        return None
    return None if len(now) == 1 and now == then else (tuple(sorted(now)), tuple(sorted(then)))


def in_turn(now: Sequence[str], then: Sequence[str]) -> bool:
    """Whether two sides were measured in turn: the middle of each lies within the other's span.

    Then a machine that is slower for hours or days slows both sides equally. If one side was
    measured after the other, it slows one of them, which no number of seeds can distinguish from a
    change of the code.

    Args:
        now: When the trials of one side began, ISO 8601.
        then: Those of the other side; none where that is unknown.
    """
    try:
        one, other = (sorted(map(datetime.fromisoformat, side)) for side in (now, then))
        middles = [(side[(len(side) - 1) // 2], side[len(side) // 2]) for side in (one, other)]
        return all(
            span[0] <= low and high <= span[-1]
            for (low, high), span in zip(middles, (other, one), strict=True)
        )
    except (IndexError, ValueError, TypeError):
        return False


def alike(arm: ArmFinding, old: PastArm) -> bool:
    """Whether every result of every shared seed is the same up to rounding; times never are.

    Accuracies on a few hundred images agree by chance, so one result must be finer, such as a loss,
    or the records must be the very same ones. Another processor computes the same program with
    other rounding.
    """
    results = {
        name: summary
        for name, summary in arm.summaries.items()
        if name in old.values and is_result(name, summary.metric.unit)
    }
    same = all(
        math.isclose(value, old.values[name][seed], rel_tol=_SAME, abs_tol=_SAME / 100)
        for name, summary in results.items()
        for seed, value in summary.values
        if seed in old.values[name]
    )
    fine = any(_is_fine(v) for summary in results.values() for _, v in summary.values)
    return same and (fine or _copied(arm, old))


def _copied(arm: ArmFinding, old: PastArm) -> bool:
    """Whether a time of every shared seed is the same, which only copies of a record have."""
    times = (
        [value == then[seed] for seed, value in summary.values if seed in then]
        for name, summary in arm.summaries.items()
        if summary.metric.unit in SPEED_UNITS and (then := old.values.get(name))
    )
    return any(same and all(same) for same in times)


def _is_fine(value: float) -> bool:
    """Whether a value is no share of images, in which several runs may agree by chance."""
    return abs(value - float(Fraction(value).limit_denominator(_IMAGES))) > _ROUNDING
