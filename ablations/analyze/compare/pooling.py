"""One effect of several studies: their mean, what one more study would show, and heterogeneity.

Two random-effects analyses of the same numbers. The first one decides: each study counts the same.
Its interval has its level however few seeds are behind a standard error, because it does not use
the standard errors. The second one weights by the inverse of the variances, as most
meta-analyses do; with few seeds such weights are themselves noisy (``docs/statistics.md``).

Sources: Hartung and Knapp (2001), Statistics in Medicine 20, for the interval, which with equal
weights is Student's t over studies; Hedges and Olkin (1985), "Statistical Methods for
Meta-Analysis", chapter 9, for tau² with equal weights; Jackson (2013), Research Synthesis Methods
4, for its interval by a Q statistic of any weights, here with the degrees of freedom of the
standard errors after Satterthwaite (1946), Biometrics Bulletin 2; Viechtbauer (2005), Journal of
Educational and Behavioral Statistics 30, for REML; Röver, Knapp and Friede (2015), BMC Medical
Research Methodology 15, for the modified Knapp-Hartung interval; Viechtbauer (2007), Statistics in
Medicine 26, for the Q-profile interval; Higgins, Thompson and Spiegelhalter (2009), Journal of the
Royal Statistical Society A 172, for prediction and I².
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.quantiles import t_isf
from ablations.core.estimates import Interval
from ablations.core.several import Pooled, WeightedMean

Array = NDArray[np.float64]

_TAIL = (1 - LEVEL) / 2
_DOUBLINGS = 200

_TOO_ALIKE = 0.005
"""How often seeds make studies so alike by chance that their noise stands in for the spread.

Estimates of a coarse metric may tie, which would give an interval without width.
"""


def pool(effects: Array, variances: Array, df: Array) -> Pooled:
    """Returns the mean of the studies' effects, each counted once.

    Args:
        effects: Each study's estimate, shape (study,); two or more.
        variances: Their squared standard errors, above 0.
        df: The degrees of freedom of each variance.
    """
    k, mean = len(effects), float(np.mean(effects))
    between, within = float(np.var(effects, ddof=1)), float(np.mean(variances))
    if _share_below(0.0, between, variances, df) < _TOO_ALIKE:
        between = within
    t = t_isf(_TAIL, k - 1)
    tau_squared = max(0.0, between - within)
    low, high = _tau_squared_ends(between, variances, df)
    return Pooled(
        n_studies=k,
        estimate=mean,
        interval=_around(mean, t * math.sqrt(between / k), "Student t over studies"),
        prediction=_around(
            mean, t * math.sqrt(between * (1 + 1 / k)), "Student t for one more study"
        ),
        tau=math.sqrt(tau_squared),
        tau_interval=Interval(math.sqrt(low), math.sqrt(high), LEVEL, "Q with equal weights, F"),
        inconsistency=tau_squared / (tau_squared + within),
        inconsistency_interval=Interval(
            low / (low + within), high / (high + within), LEVEL, "Q with equal weights, F"
        ),
    )


def _tau_squared_ends(between: float, variances: Array, df: Array) -> tuple[float, float]:
    """Returns the values of tau² at which the studies differ just too much, and too little.

    The variance between the estimates over tau² + the mean of their variances is F distributed.
    Satterthwaite gives the denominator's degrees of freedom, as tau² is known at each trial value.
    """

    def share_below(tau_squared: float) -> float:
        return _share_below(tau_squared, between, variances, df)

    within = float(np.mean(variances))
    return (
        _falls_to(lambda t: share_below(t) - (1 - _TAIL), within),
        _falls_to(lambda t: share_below(t) - _TAIL, within),
    )


def _share_below(tau_squared: float, between: float, variances: Array, df: Array) -> float:
    """Returns how often studies with this tau² differ less than by ``between``."""
    k = len(variances)
    total = tau_squared + float(np.mean(variances))
    noise = float(np.sum(variances**2 / df)) / k**2
    return float(special.fdtr(k - 1, total**2 / noise, between / total))


def weighted(effects: Array, variances: Array) -> WeightedMean:
    """Returns the mean with weights 1/(tau² + variance), its interval and heterogeneity.

    Args:
        effects: Each study's estimate, shape (study,); two or more.
        variances: Their squared standard errors, above 0, taken to be known.
    """
    tau_squared, method = _tau_squared(effects, variances)
    k, weights = len(effects), 1 / (variances + tau_squared)
    mean = float(np.average(effects, weights=weights))
    plain = 1 / float(weights.sum())
    spread = float(np.sum(weights * (effects - mean) ** 2)) / (k - 1)
    error = math.sqrt(plain * max(1.0, spread))
    half = t_isf(_TAIL, k - 1) * error
    reach = t_isf(_TAIL, k - 2) * math.sqrt(tau_squared + error**2) if k > 2 else None
    typical = _typical_variance(variances)
    return WeightedMean(
        estimate=mean,
        standard_error=math.sqrt(plain),
        interval=_around(mean, half, "modified Knapp-Hartung"),
        prediction=None if reach is None else _around(mean, reach, "Student t, k - 2"),
        tau=math.sqrt(tau_squared),
        tau_interval=q_profile(effects, variances),
        inconsistency=tau_squared / (tau_squared + typical),
        method=method,
    )


def q_profile(effects: Array, variances: Array) -> Interval:
    """Returns the interval of tau (not squared) that takes the variances to be known."""
    k = len(effects)

    def q(tau_squared: float) -> float:
        weights = 1 / (variances + tau_squared)
        mean = np.average(effects, weights=weights)
        return float(np.sum(weights * (effects - mean) ** 2))

    upper, lower = (float(special.chdtri(k - 1, tail)) for tail in (_TAIL, 1 - _TAIL))
    start = float(np.mean(variances))
    low = _falls_to(lambda t: q(t) - upper, start)
    high = _falls_to(lambda t: q(t) - lower, start)
    return Interval(math.sqrt(low), math.sqrt(high), LEVEL, "Q-profile")


def _tau_squared(effects: Array, variances: Array) -> tuple[float, str]:
    """Returns tau² by REML; by Paule and Mandel's equation where that has no solution."""
    try:
        found = _falls_to(lambda t: _score(t, effects, variances), float(np.mean(variances)))
    except ArithmeticError:
        from statsmodels.stats.meta_analysis import combine_effects

        tau_squared = combine_effects(effects, variances, method_re="iterated").tau2
        return max(0.0, float(tau_squared)), "Paule-Mandel"
    return found, "REML"


def _score(tau_squared: float, effects: Array, variances: Array) -> float:
    """Returns twice the slope of the restricted likelihood at tau²."""
    weights = 1 / (variances + tau_squared)
    mean = np.average(effects, weights=weights)
    squares = float(np.sum(weights**2 * (effects - mean) ** 2))
    return squares - float(weights.sum() - np.sum(weights**2) / weights.sum())


def _typical_variance(variances: Array) -> float:
    """Returns the variance of a typical study, as I² takes it (Higgins and Thompson 2002)."""
    weights = 1 / variances
    total = float(weights.sum())
    return float((len(variances) - 1) * total / (total**2 - np.sum(weights**2)))


def _falls_to(function: Callable[[float], float], start: float) -> float:
    """Returns where a function that falls reaches 0, or 0 where it begins below.

    Raises:
        ArithmeticError: if it stays above 0.
    """
    if function(0.0) <= 0:
        return 0.0
    from scipy.optimize import brentq  # takes half a second, for which reports need not wait

    high = start
    for _ in range(_DOUBLINGS):
        if function(high) <= 0:
            return float(brentq(function, 0.0, high, xtol=1e-300, rtol=1e-13))
        high *= 2
    raise ArithmeticError("no root")


def _around(mean: float, half: float, method: str) -> Interval:
    return Interval(mean - half, mean + half, LEVEL, method)
