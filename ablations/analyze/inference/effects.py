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
from ablations.core.estimates import Effect, Interval, Summary, Verdict
from ablations.core.metrics import Better, MetricInfo
from ablations.core.study import Study

ALPHA = 0.05
"""The chance of a false claim anywhere in a study's family of effects."""

_METHOD = "paired Student t over seeds"
_BONFERRONI = f"{_METHOD}, Bonferroni"

PerSeed = tuple[tuple[int, float], ...]


def effects(
    study: Study, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> tuple[Effect, ...]:
    """Returns the design's effects on one metric, Holm-corrected over all of them.

    The verdict follows from ``adjusted`` and the study's ``smallest_effect_that_matters``. Where
    that margin is 0, ``adjusted`` has Holm's step-down level, and a verdict other than
    inconclusive means just ``p_adjusted < 0.05``. Beyond a margin above 0 the step-down level
    would not keep the family's error, so ``adjusted`` has Bonferroni's level for all effects. Where
    seeds are added while effects are undecided, it has that level over all analyses.

    Args:
        study: Its design gives the contrasts, its margin the verdicts.
        metric: What the effects are on; without a better direction nothing improves or regresses.
        summaries: The metric's summary of each arm.
    """
    contrasts = study.design.contrasts
    if not contrasts:  # of an only arm
        return ()
    family = [unadjusted_effect(study, c, metric, summaries=summaries) for c in contrasts]
    if study.adaptive:
        return tuple(bonferroni_adjusted(study, effect, family=len(family)) for effect in family)
    p_values = [effect.p for effect in family]
    if study.smallest_effect_that_matters > 0:
        alphas, method = [ALPHA / len(family)] * len(family), _BONFERRONI
    else:
        alphas, method = holm_alphas(p_values), f"{_METHOD}, Holm step-down"
    return tuple(
        _judged(study, effect, p, _interval(effect, alpha, method), family=len(family))
        for effect, p, alpha in zip(family, holm(p_values), alphas, strict=True)
    )


def bonferroni_adjusted(study: Study, effect: Effect, *, family: int) -> Effect:
    """Returns an effect judged at Bonferroni's level for a family of that many effects.

    Where seeds were added after interim analyses, that level holds over all analyses together.
    """
    if study.adaptive:
        values = [value for _, value in effect.per_seed]
        step = of_contrast(effect.metric.step, effect.weights)
        analyses = interim_analyses(study.adaptive)
        adjusted = analyses.interval(values, alpha=ALPHA / family, step=step)
    else:
        adjusted = _interval(effect, ALPHA / family, _BONFERRONI)
    p = None if effect.p is None else min(1.0, family * effect.p)
    return _judged(study, effect, p, adjusted, family=family)


def _judged(
    study: Study, effect: Effect, p: float | None, adjusted: Interval | None, *, family: int
) -> Effect:
    margin = study.smallest_effect_that_matters
    verdict = judge(adjusted, margin=margin, better=effect.metric.better)
    return replace(effect, p_adjusted=p, adjusted=adjusted, family_size=family, verdict=verdict)


def difference(
    study: Study, arm: Arm, *, metric: MetricInfo, summaries: Mapping[Arm, Summary]
) -> Effect:
    """Returns an arm minus the reference: in no family and without a verdict."""
    contrast = Contrast.between(arm, study.reference, kind="arm")
    return unadjusted_effect(study, contrast, metric, summaries=summaries)


def unadjusted_effect(
    study: Study, contrast: Contrast, metric: MetricInfo, *, summaries: Mapping[Arm, Summary]
) -> Effect:
    """Returns a contrast's effect before it is adjusted for a family."""
    per_seed = evaluate(contrast, summaries)
    values = [value for _, value in per_seed]
    step = of_contrast(metric.step, contrast.weights)
    over_seeds = estimate(values).floored(step)
    if study.adaptive:
        analyses = interim_analyses(study.adaptive)
        interval = analyses.interval(values, alpha=ALPHA, step=step)
        p = analyses.p(values, step=step)
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
    # Else arms that tie would differ by rounding, equally at each seed, and seem certain to differ.
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
    p, order = _ordered(p_values)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return [None if p is None else q for p, q in zip(p_values, adjusted.tolist(), strict=True)]


def holm_alphas(p_values: Sequence[float | None]) -> list[float]:
    """Returns the error rate at which Holm's procedure tests each hypothesis.

    The k-th smallest of m is tested at 0.05 / (m - k + 1); after the first that is not rejected,
    all larger ones keep its rate.
    """
    p, order = _ordered(p_values)
    alphas = ALPHA / np.arange(len(p), 0, -1)
    kept = np.flatnonzero(p[order] >= alphas)
    if kept.size:
        alphas[kept[0] :] = alphas[kept[0]]
    by_hypothesis = np.empty(len(p))
    by_hypothesis[order] = alphas
    return by_hypothesis.tolist()


def _ordered(p_values: Sequence[float | None]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Returns the p values, an unknown one as 1, and their places from the smallest on."""
    p = np.array([1.0 if p is None else p for p in p_values], dtype=np.float64)
    return p, np.argsort(p, kind="stable")


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
