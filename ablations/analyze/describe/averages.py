"""Means that figures show beside the seeds: over cells of two factors, epochs, and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from ablations.core import metrics
from ablations.core.design import Arm
from ablations.core.estimates import CellMean, Curve, Effect, EpochMeans
from ablations.core.findings import ArmFinding, Findings
from ablations.core.study import Study


def with_averages(findings: Findings) -> Findings:
    """Adds the means over cells, epochs and the arms that cost least for what they reach."""
    name = findings.metric.name
    found = {arm.arm: arm.summaries.get(name) for arm in findings.arms}
    values = {arm: dict(summary.values) if summary else {} for arm, summary in found.items()}
    cost = cost_metric(findings.arms, name)
    return replace(
        findings,
        arms=tuple(replace(arm, epoch_means=epoch_means(arm.curves)) for arm in findings.arms),
        cells=cell_means(findings.study, findings.effects, values),
        cost_metric=cost,
        front=pareto_front(_places(findings, cost)) if cost else (),
    )


def cell_means(
    study: Study, effects: Iterable[Effect], values: Mapping[Arm, Mapping[int, float]]
) -> tuple[CellMean, ...]:
    """Averages the arms of each cell of two factors that an interaction is known of.

    A seed counts only where every arm completed, as in the contrast itself. ``values`` are the
    study's metric of each arm by seed.
    """
    seeds = sorted(set.intersection(*(set(own) for own in values.values())))
    pairs = (
        (effect.changes[0].factor, effect.changes[1].factor)
        for effect in effects
        if effect.kind == "interaction" and len(effect.changes) == 2 and effect.estimate is not None
    )
    cells = []
    for pair in dict.fromkeys(pairs):
        for levels in product(*([lv.name for lv in study.factor(name).levels] for name in pair)):
            arms = [arm for arm in values if arm.matches(dict(zip(pair, levels, strict=True)))]
            cell = [arm for arm in arms for _ in range(_cells(study, arm))]
            means = [(s, _mean([values[arm][s] for arm in cell])) for s in seeds if cell]
            if cell or not study.design.nestings:
                cells.append(CellMean(pair, (levels[0], levels[1]), tuple(means)))
    return tuple(cells)


def _cells(study: Study, arm: Arm) -> int:
    """Returns how many combinations of levels an arm stands for: those of factors it lacks."""
    own = dict(arm.levels)
    return prod(len(factor.levels) for factor in study.factors if factor.name not in own)


def epoch_means(curves: Sequence[Curve]) -> tuple[EpochMeans, ...]:
    """Averages each metric over the seeds that reached an epoch."""
    runs: dict[str, list[tuple[float, ...]]] = {}
    for curve in curves:
        runs.setdefault(curve.metric, []).append(curve.values)
    return tuple(
        EpochMeans(
            metric=metric,
            values=tuple(
                _mean([values[epoch] for values in own if epoch < len(values)])
                for epoch in range(max(map(len, own)))
            ),
            shared=min(map(len, own)),
            last=_mean([values[-1] for values in own]),
        )
        for metric, own in runs.items()
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def cost_metric(arms: Sequence[ArmFinding], metric: str) -> str | None:
    """Returns the metric of cost: the time of the fit, else of the whole trial.

    The time of the fit is the full one where other trials did a part of the work.
    """
    known = {name for arm in arms for name in arm.summaries} - {metric}
    if not any(arm.shares_work for arm in arms):
        known.discard(metrics.FULL_FIT_SECONDS)
    return next((name for name in metrics.COSTS if name in known), None)


def _places(findings: Findings, cost: str) -> dict[Arm, tuple[float, float]]:
    """Returns the mean cost of each arm, and its mean with the better ones larger."""
    sign = 1 if findings.metric.better == "higher" else -1
    means = (
        (arm.arm, [arm.summaries.get(name) for name in (cost, findings.metric.name)])
        for arm in findings.arms
    )
    return {
        arm: (price.mean, sign * reached.mean)
        for arm, (price, reached) in means
        if price and reached and price.mean is not None and reached.mean is not None
    }


def pareto_front(places: Mapping[Arm, tuple[float, float]]) -> tuple[Arm, ...]:
    """Returns the arms that no cheaper one equals or beats, from the cheapest on.

    ``places`` are the cost and the value of each arm, where more value is better.
    """
    front: list[Arm] = []
    for arm in sorted(places, key=lambda arm: (places[arm][0], -places[arm][1])):
        if not front or places[arm][1] > places[front[-1]][1]:
            front.append(arm)
    return tuple(front)
