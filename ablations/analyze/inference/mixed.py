"""Effects from incomplete seeds: a mixed model with the seed as random block.

A seed that lacks one arm of a contrast takes no part in the paired contrast, yet its other arms
hold information. The model y = arm + seed + noise uses them all. Source: Pinheiro and Bates
(2000), "Mixed-Effects Models in S and S-PLUS", chapter 2; statsmodels' ``MixedLM`` fits it by REML.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.quantiles import t_isf
from ablations.core.design import Arm
from ablations.core.estimates import Effect, Interval, MixedEstimate, Summary

Array = NDArray[np.float64]

_ROUNDING = 1e-10
"""Spread below this share of the values is rounding."""

_EXACT = 1e-8
"""Residual variance, as a share of that around the arms' means, below which all adds up exactly."""


def with_mixed(effects: Sequence[Effect], summaries: Mapping[Arm, Summary]) -> tuple[Effect, ...]:
    """Adds the mixed model's estimate to each effect that lost seeds to missing trials.

    Args:
        effects: Contrasts over the arms of ``summaries``.
        summaries: The metric's summary of each arm; arms without values take no part.
    """
    seeds = {seed for summary in summaries.values() for seed, _ in summary.values}
    if all(effect.n == len(seeds) for effect in effects):
        return tuple(effects)
    fitted = _fit({arm: summary for arm, summary in summaries.items() if summary.n})
    if fitted is None:
        return tuple(effects)
    return tuple(
        replace(effect, mixed=fitted.estimate(effect)) if effect.n < len(seeds) else effect
        for effect in effects
    )


class _Fitted:
    """Arm means, shape (arm,), their covariance, and the residual degrees of freedom."""

    def __init__(self, arms: Sequence[Arm], means: Array, covariance: Array, n_seeds: int, n: int):
        self._place = {arm: i for i, arm in enumerate(arms)}
        self._means, self._covariance = means, covariance
        self._n_seeds = n_seeds
        self._df = n - len(arms) - n_seeds + 1

    def estimate(self, effect: Effect) -> MixedEstimate | None:
        """Returns the contrast of the arm means; ``None`` if one of its arms has no value."""
        if not {arm for arm, _ in effect.weights} <= set(self._place):
            return None
        weights = np.zeros(len(self._place))
        for arm, weight in effect.weights:
            weights[self._place[arm]] += weight
        middle = float(weights @ self._means)
        error = math.sqrt(float(weights @ self._covariance @ weights))
        half = t_isf((1 - LEVEL) / 2, self._df) * error
        interval = Interval(middle - half, middle + half, LEVEL, "mixed model, seed as block")
        return MixedEstimate(middle, interval, self._n_seeds)


def _fit(summaries: Mapping[Arm, Summary]) -> _Fitted | None:
    """Fits the model; ``None`` where it leaves no degree of freedom or no spread."""
    arms = list(summaries)
    rows = [(i, seed, y) for i, arm in enumerate(arms) for seed, y in summaries[arm].values]
    place, seeds, values = (np.array(column) for column in zip(*rows, strict=True))
    n_seeds = len(set(seeds.tolist()))
    design = np.eye(len(arms))[place]
    noise = float(np.std(values - design @ _means(place, values, len(arms))))
    coarse = _ROUNDING * float(np.abs(values).max())
    if n_seeds < 2 or len(rows) - len(arms) - n_seeds + 1 < 1 or noise <= coarse:
        return None
    # Fitted in units of the noise: REML's optimiser stops early on numbers such as 0.0001.
    variances = _variances(values / noise, design, seeds)
    if variances is None or variances[0] <= _EXACT:
        return None
    residual, ratio = variances
    means, covariance = _generalized(values, design, seeds, ratio)
    return _Fitted(arms, means, covariance * residual * noise**2, n_seeds, len(rows))


def _variances(
    values: Array, design: Array, seeds: NDArray[np.int64]
) -> tuple[float, float] | None:
    """Returns the residual variance, and that of the seeds as a multiple of it, by REML."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # A seed variance of zero lies on the edge of what is possible, which statsmodels
            # announces in several ways; it is a good answer all the same.
            warnings.simplefilter("ignore")
            fit = MixedLM(values, design, groups=seeds).fit(reml=True)
    except (np.linalg.LinAlgError, ValueError):
        return None
    residual, between = float(fit.scale), float(fit.cov_re[0, 0])
    if not math.isfinite(residual) or not math.isfinite(between) or residual <= 0:
        return None
    return residual, max(0.0, between) / residual


def _generalized(
    values: Array, design: Array, seeds: NDArray[np.int64], ratio: float
) -> tuple[Array, Array]:
    """Returns arm means, shape (arm,), and their covariance in units of the residual variance.

    Generalised least squares: a seed of n arms has V = I + ratio · 11ᵀ and so the inverse
    I - ratio / (1 + n · ratio) · 11ᵀ.
    """
    _, group, sizes = np.unique(seeds, return_inverse=True, return_counts=True)
    shrink = ratio / (1 + sizes * ratio)
    arms_of = np.zeros((len(sizes), design.shape[1]))
    np.add.at(arms_of, group, design)  # (seed, arm)
    sums = np.bincount(group, values)  # (seed,)
    left = design.T @ design - arms_of.T @ (shrink[:, None] * arms_of)
    covariance = np.asarray(np.linalg.inv(left), dtype=np.float64)
    return covariance @ (design.T @ values - arms_of.T @ (shrink * sums)), covariance


def _means(place: NDArray[np.int64], values: Array, n: int) -> Array:
    """Returns the mean of each arm, shape (arm,)."""
    return np.asarray(np.bincount(place, values, minlength=n) / np.bincount(place, minlength=n))
