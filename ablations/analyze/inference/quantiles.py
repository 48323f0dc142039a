"""Quantiles and intervals, by the functions that those of SciPy and statsmodels rest on.

`scipy.stats` and `statsmodels` take seconds to import, and most commands need no more than this.
The results are those of the named functions to the last bit, which the tests hold.
"""

from __future__ import annotations

import math

from scipy import special


def t_isf(tail: float, df: float) -> float:
    """Returns what Student's t exceeds with probability ``tail``: ``scipy.stats.t.isf``."""
    return -float(special.stdtrit(df, tail))


def t_sf(t: float, df: float) -> float:
    """Returns the probability that Student's t exceeds ``t``: ``scipy.stats.t.sf``."""
    return float(special.stdtr(df, -t))


def chi2_isf(tail: float, df: float) -> float:
    """Returns what chi-squared exceeds with probability ``tail``: ``scipy.stats.chi2.isf``."""
    return float(special.chdtri(df, tail))


def clopper_pearson(count: int, n: int, *, alpha: float) -> tuple[float, float]:
    """Returns the interval of a share: ``proportion_confint(..., method="beta")``."""
    low = special.betaincinv(count, n - count + 1, alpha / 2) if count else 0.0
    high = special.betainccinv(count + 1, n - count, alpha / 2) if count < n else 1.0
    return float(low), float(high)


def wilson(count: float, n: int, *, alpha: float) -> tuple[float, float]:
    """Returns the interval of a share: ``proportion_confint(..., method="wilson")``."""
    share, z = count / n, -float(special.ndtri(alpha / 2))
    squared = z**2
    center = share + squared / (2 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + squared / (4.0 * n**2))
    scale = 1 + squared / n
    return max(0.0, center / scale - half / scale), min(1.0, center / scale + half / scale)
