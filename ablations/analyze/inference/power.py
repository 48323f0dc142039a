"""How many seeds? What the present ones could have found, and what a verdict would take.

Sources: Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", chapter 2 (the
noncentral t, by statsmodels); Phillips (1990), "Power of the two one-sided tests procedure in
bioequivalence", J. Pharmacokinetics and Biopharmaceutics 18(2), for equivalence.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.effects import ALPHA
from ablations.analyze.inference.quantiles import t_isf
from ablations.core.design import Arm
from ablations.core.estimates import Effect, ImagePlan, NeededSeeds, SeedPlan, VarianceParts
from ablations.core.findings import Variances
from ablations.core.study import Study

POWERS = (0.8, 0.9)
"""The chances of a verdict that are planned for."""

MOST_SEEDS = 10_000
"""Beyond this a number of seeds is no plan and stays unknown."""


def seed_plans(
    study: Study,
    effects: Sequence[Effect],
    *,
    trial_seconds: Mapping[Arm, float],
    variances: Variances | None = None,
) -> tuple[SeedPlan, ...]:
    """Returns what each effect of the family takes, at Bonferroni's level for the whole family.

    Args:
        study: Its margin decides what has to be distinguished.
        effects: The declared family.
        trial_seconds: Mean duration of a trial of each arm that has one.
        variances: What the effects' variances over seeds are made of, where that is known.
    """
    plans = (_plan(study, effect, trial_seconds) for effect in effects)
    if variances is None:
        return tuple(plans)
    return tuple(
        replace(plan, more_images=tuple(_with_images(study, plan, parts, variances.held_out)))
        for plan, parts in zip(plans, variances.effects, strict=True)
    )


def _with_images(
    study: Study, plan: SeedPlan, parts: VarianceParts | None, held_out: int | None
) -> Iterator[ImagePlan]:
    """Yields the seeds that it takes with twice the test images, and with all that are held out.

    Twice as many are left out where fewer are held out, but for those that are all test images
    already: there new ones would have to be found.
    """
    if parts is None or all(n is None for n in plan.no_effect.seeds):
        return
    margin, effect = study.smallest_effect_that_matters, plan.effect
    sizes = {2 * parts.n_images, held_out or 0}
    for n in sorted(size for size in sizes if size > parts.n_images):
        if held_out and parts.n_images < held_out < n:
            continue
        sd = effect.sd * math.sqrt(parts.of(n)) if effect.sd else None
        tested = replace(effect, sd=sd)
        alpha = ALPHA / effect.family_size
        seeds = tuple(_needed(tested, alpha, power, margin=margin) for power in plan.powers)
        yield ImagePlan(n, seeds, n == held_out)


def _plan(study: Study, effect: Effect, trial_seconds: Mapping[Arm, float]) -> SeedPlan:
    margin, alpha = study.smallest_effect_that_matters, ALPHA / effect.family_size
    # Where a network did not train, no effect is sure of a verdict, and no number of seeds is.
    sd = effect.sd if effect.trained is None else None
    detectable = tuple(
        margin + sd * detectable_d(effect.n, alpha=alpha, power=power) if sd else None
        for power in POWERS
    )
    undecided = effect.verdict == "inconclusive" and effect.trained is None
    each = [trial_seconds[arm] for arm, _ in effect.weights if arm in trial_seconds]
    known = len(each) == len(effect.weights)

    def needed(find: Callable[..., int | None]) -> NeededSeeds:
        seeds = [find(effect, alpha, p, margin=margin) if undecided else None for p in POWERS]
        missing = [None if n is None else max(0, n - effect.n) for n in seeds]
        seconds = (None if n is None or not known else sum(each) * n for n in missing)
        return NeededSeeds(tuple(seeds), tuple(seconds))

    return SeedPlan(effect, POWERS, detectable, needed(_needed), needed(_needed_as_measured))


def _needed(
    effect: Effect, alpha: float, power: float, *, margin: float, true: float = 0.0
) -> int | None:
    """Returns how many seeds call a true effect within the margin equivalent."""
    if not effect.sd or margin <= 0:
        return None
    ratio, at = margin / effect.sd, true / effect.sd
    return fewest(lambda n: equivalence_power(ratio, n, alpha=alpha, at=at) >= power)


def _needed_as_measured(effect: Effect, alpha: float, power: float, *, margin: float) -> int | None:
    """Returns how many seeds give the verdict that is right if the estimate is the true effect."""
    if not effect.sd or effect.estimate is None:
        return None
    size = abs(effect.estimate)
    if size < margin:
        return _needed(effect, alpha, power, margin=margin, true=size)
    if effect.metric.better == "neither":
        return None
    d = (size - margin) / effect.sd
    return fewest(lambda n: detection_power(d, n, alpha=alpha) >= power)


def detectable_d(n: int, *, alpha: float, power: float) -> float:
    """Returns the true mean, in standard deviations, that n seeds detect with this power.

    A verdict on the wrong side does not count, so this is the upper half of a two-sided test.
    """
    low, high = 0.0, 1.0
    while detection_power(high, n, alpha=alpha) < power:
        low, high = high, 2 * high
    while high - low > 1e-14 * high:  # halved here, as `scipy.optimize` takes a while to import
        middle = (low + high) / 2
        few = detection_power(middle, n, alpha=alpha) < power
        low, high = (middle, high) if few else (low, middle)
    return high


def detection_power(d: float, n: int, *, alpha: float) -> float:
    """Returns the chance that n seeds tell a true mean of ``d`` standard deviations from 0."""
    exceeded = t_isf(alpha / 2, n - 1)
    missed = float(special.nctdtr(n - 1, d * math.sqrt(n), exceeded))
    return 1.0 if math.isnan(missed) else 1.0 - missed  # of some chances near 0


def fewest(enough: Callable[[int], bool]) -> int | None:
    """Returns the fewest seeds that are enough, by halving; ``None`` beyond reason."""
    found = 2 + bisect_left(range(2, MOST_SEEDS + 1), True, key=enough)
    return found if found <= MOST_SEEDS else None


def equivalence_power(ratio: float, n: int, *, alpha: float, at: float = 0.0) -> float:
    """Returns the chance that n seeds of a change within the margin are called equivalent.

    That is P(|mean| + t · s / √n < margin) under a normal distribution, integrated over s. An
    effect of twice the margin is then called improved at least as often, because its interval
    clears the margin whenever the other one, shifted, stays above minus the margin.

    Args:
        ratio: The margin in standard deviations over seeds.
        n: Seeds.
        alpha: One minus the level of the interval.
        at: The true effect in standard deviations over seeds; 0 is none.
    """
    df, t = n - 1, t_isf(alpha / 2, n - 1)
    largest = ratio * math.sqrt(n) / t  # of s in standard deviations, beyond which nothing fits
    width = 9 / math.sqrt(2 * df)  # nearly all of the density of s lies this close to 1
    low, high = max(0.0, 1 - width), min(largest, 1 + width)
    if low >= high:
        return 0.0

    def part(s: NDArray[np.float64]) -> NDArray[np.float64]:
        below, above = ((ratio + side * at) * math.sqrt(n) - t * s for side in (-1, 1))
        inside = special.ndtr(below) - special.ndtr(-above)
        log_density = df / 2 * math.log(df / 2) - special.gammaln(df / 2) - df * s * s / 2
        return np.asarray(2 * inside * s ** (df - 1) * np.exp(log_density))

    nodes, weights = _legendre()
    return float((high - low) / 2 * np.sum(weights * part((high - low) * (nodes + 1) / 2 + low)))


@cache
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns nodes and weights of the Gauss-Legendre rule; 64 nodes give 12 digits here."""
    return np.polynomial.legendre.leggauss(64)
