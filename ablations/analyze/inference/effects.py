"""Effects: contrasts evaluated within each seed, summarised over seeds, corrected as one family.

Sources: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
Journal of Statistics 6(2); Dunn (1961), "Multiple comparisons among means", JASA 56. The argument
for the choice between the two is in ``docs/statistics.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.inference.intervals import LEVEL, ROUNDING, Estimate, estimate
from ablations.analyze.inference.resolution import of_contrast
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Arm, Contrast
from ablations.core.estimates import Effect, Interval, MetricInfo, Summary, Verdict
from ablations.core.metrics import Better
from ablations.core.study import Study

ALPHA = 0.05
"""The chance of a false claim anywhere in a study's family of effects."""

_METHOD = "paired Student t over seeds"

PerSeed = tuple[tuple[int, float], ...]


def effects(
    study: Study, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns the design's effects on one metric, Holm-corrected over all of them.

    The verdict follows from ``adjusted`` and the study's ``smallest_effect_that_matters``. Where
    that margin is 0, ``adjusted`` has Holm's step-down level, and a verdict other than
    inconclusive means just ``p_adjusted < 0.05``. Beyond a margin above 0 the step-down level
    would not keep the family's error, so ``adjusted`` has Bonferroni's level for all effects. Where
    seeds are added while effects are undecided, it has that level over all looks together.

    Args:
        study: Its design gives the contrasts, its margin the verdicts.
        metric: What the effects are on; without a better direction nothing improves or regresses.
        summaries: The metric's summary of each arm.
    """
    margin = study.smallest_effect_that_matters
    family = [
        alone(study, contrast, metric, summaries=summaries) for contrast in study.design.contrasts
    ]
    if study.adaptive:
        return tuple(judged_alone(study, effect, family=len(family)) for effect in family)
    corrected = zip(
        family,
        holm([effect.p for effect in family]),
        _adjusted_intervals(family, margin=margin),
        strict=True,
    )
    return tuple(
        replace(
            effect,
            p_adjusted=p_adjusted,
            adjusted=interval,
            family_size=len(family),
            verdict=judge(interval, margin=margin, better=metric.better),
        )
        for effect, p_adjusted, interval in corrected
    )


def judged_alone(study: Study, effect: Effect, *, family: int) -> Effect:
    """Returns an effect judged at Bonferroni's level for a family of that many effects.

    Where seeds were added by looking, that level holds over all looks together.
    """
    if study.adaptive:
        values = [value for _, value in effect.per_seed]
        step = of_contrast(effect.metric.step, effect.weights)
        adjusted = interim_analyses(study.adaptive).interval(
            values, alpha=ALPHA / family, step=step
        )
    else:
        adjusted = _interval(effect, ALPHA / family, f"{_METHOD}, Bonferroni")
    margin = study.smallest_effect_that_matters
    return replace(
        effect,
        p_adjusted=None if effect.p is None else min(1.0, family * effect.p),
        adjusted=adjusted,
        family_size=family,
        verdict=judge(adjusted, margin=margin, better=effect.metric.better),
    )


def difference(
    study: Study, arm: Arm, *, metric: MetricInfo, summaries: Mapping[Arm, Summary]
) -> Effect:
    """Returns an arm minus the reference, described alone: in no family and without a verdict."""
    contrast = Contrast.between(arm, study.reference, kind="arm")
    return alone(study, contrast, metric, summaries=summaries)


def alone(
    study: Study, contrast: Contrast, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> Effect:
    """Returns a contrast's effect by itself, before the family that it may belong to is known."""
    per_seed = evaluate(contrast, summaries)
    values = [value for _, value in per_seed]
    step = of_contrast(metric.step, contrast.weights)
    over_seeds = estimate(values).floored(step)
    if study.adaptive:
        each = interim_analyses(study.adaptive)
        interval = each.interval(values, alpha=ALPHA, step=step)
        p = each.p(values, step=step)
    else:
        interval, p = over_seeds.interval(level=LEVEL, method=_METHOD), over_seeds.p()
    return Effect(
        kind=contrast.kind,
        changes=contrast.changes,
        weights=contrast.weights,
        metric=metric,
        per_seed=per_seed,
        estimate=over_seeds.mean,
        sd=over_seeds.sd,
        interval=interval,
        p=p,
        p_adjusted=None,
        adjusted=None,
        family_size=0,
        verdict="inconclusive",
        given=contrast.given,
        aliases=contrast.aliases,
    )


def evaluate(contrast: Contrast, summaries: Mapping[Arm, Summary]) -> PerSeed:
    """Returns (seed, contrast) for each seed in which every arm of the contrast has a value."""
    values = [dict(summaries[arm].values) for arm, _ in contrast.weights]
    seeds = sorted(set(values[0]).intersection(*values[1:]))
    table = np.array([[arm[seed] for seed in seeds] for arm in values])  # (arm, seed)
    weighted = table * np.array([[weight] for _, weight in contrast.weights])
    sums = weighted.sum(axis=0)
    # Arms that tie would differ by rounding alone, equally at each seed, and look certain.
    rounding = ROUNDING * np.abs(weighted).sum(axis=0)
    sums[np.abs(sums) <= rounding] = 0.0
    if seeds and np.ptp(sums) <= rounding.max():
        sums[:] = sums[0]
    return tuple(zip(seeds, sums.tolist(), strict=True))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Returns Holm's adjusted p values; an unknown p stays unknown but counts in the family.

    The same as statsmodels' ``multipletests``, which besides collects the garbage of the whole
    process at each call: that takes a second where a framework is loaded or records are many.
    """
    p, m = _filled(p_values), len(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(m, 0, -1)), 1.0)
    return [None if p is None else q for p, q in zip(p_values, adjusted.tolist(), strict=True)]


def holm_alphas(p_values: Sequence[float | None]) -> list[float]:
    """Returns the error rate at which Holm's procedure tests each hypothesis.

    The k-th smallest of m is tested at 0.05 / (m - k + 1); after the first that is not rejected,
    all larger ones keep its rate.
    """
    p, m = _filled(p_values), len(p_values)
    order = np.argsort(p, kind="stable")
    alphas = ALPHA / np.arange(m, 0, -1)
    kept = np.flatnonzero(p[order] >= alphas)
    if kept.size:
        alphas[kept[0] :] = alphas[kept[0]]
    by_hypothesis = np.empty(m)
    by_hypothesis[order] = alphas
    return by_hypothesis.tolist()


def _filled(p_values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([1.0 if p is None else p for p in p_values], dtype=np.float64)


def _adjusted_intervals(family: Sequence[Effect], *, margin: float) -> list[Interval | None]:
    if margin > 0:
        level, method = ALPHA / len(family), f"{_METHOD}, Bonferroni"
        return [_interval(effect, level, method) for effect in family]
    method = f"{_METHOD}, Holm step-down"
    alphas = holm_alphas([effect.p for effect in family])
    return [_interval(effect, alpha, method) for effect, alpha in zip(family, alphas, strict=True)]


def _interval(effect: Effect, alpha: float, method: str) -> Interval | None:
    over_seeds = Estimate(effect.n, effect.estimate, effect.sd)
    return over_seeds.interval(level=1 - alpha, method=method)


def judge(interval: Interval | None, *, margin: float, better: Better) -> Verdict:
    """Returns the verdict of an interval of a difference against a margin, both in its units.

    Without a better direction a difference can be equivalent but neither improved nor regressed.
    """
    if interval is None or not math.isfinite(interval.high - interval.low):
        return "inconclusive"
    if -margin < interval.low and interval.high < margin:
        return "equivalent"
    if better == "neither" or (interval.low <= margin and interval.high >= -margin):
        return "inconclusive"
    return "improved" if (interval.low > margin) == (better == "higher") else "regressed"
