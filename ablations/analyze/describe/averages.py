"""Means that figures show beside the seeds: over cells of two factors, epochs, and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

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
    cells = []
    for pair in _pairs(effects):
        levels = ([level.name for level in study.factor(factor).levels] for factor in pair)
        for first, second in product(*levels):
            arms = [arm for arm in values if arm.matches({pair[0]: first, pair[1]: second})]
            means = [(s, sum(values[arm][s] for arm in arms) / len(arms)) for s in seeds if arms]
            cells.append(CellMean(pair, (first, second), tuple(means)))
    return tuple(cells)


def _pairs(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    """Returns the pairs of factors whose interaction is known, in the order of the effects."""
    pairs = [
        (effect.changes[0].factor, effect.changes[1].factor)
        for effect in effects
        if effect.kind == "interaction" and len(effect.changes) == 2 and effect.estimate is not None
    ]
    return list(dict.fromkeys(pairs))


def epoch_means(curves: Sequence[Curve]) -> tuple[EpochMeans, ...]:
    """Averages each metric over the seeds that reached an epoch."""
    names = dict.fromkeys(curve.metric for curve in curves)
    return tuple(
        _epoch_means(name, [curve.values for curve in curves if curve.metric == name])
        for name in names
    )


def _epoch_means(metric: str, runs: Sequence[Sequence[float]]) -> EpochMeans:
    columns = [
        [run[epoch] for run in runs if epoch < len(run)] for epoch in range(max(map(len, runs)))
    ]
    ends = [run[-1] for run in runs]
    return EpochMeans(
        metric=metric,
        values=tuple(sum(column) / len(column) for column in columns),
        shared=min(map(len, runs)),
        last=sum(ends) / len(ends),
    )


def cost_metric(arms: Iterable[ArmFinding], metric: str) -> str | None:
    """Chooses what stands for cost: the fit alone, else the whole trial."""
    known = {name for arm in arms for name in arm.summaries}
    return next((name for name in metrics.COSTS if name != metric and name in known), None)


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
