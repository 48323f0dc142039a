"""Training time to a target validation accuracy, when some runs never reach it.

Leaving those runs out would make an arm seem fast in which only a few runs reach the target. They
count as runs that never reach it: their training ended after the epochs of the recipe, and how many
seconds these took is a matter of the machine. Sources: Kaplan and Meier (1958),
"Nonparametric estimation from incomplete observations", JASA 53; Mantel (1966), "Evaluation of
survival data and two new rank order statistics", Cancer Chemotherapy Reports 50 (log-rank);
Brookmeyer and Crowley (1982), "A confidence interval for the median survival time", Biometrics 38.
The curve, its interval and the test are SciPy's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.inference.intervals import LEVEL, at_or_beyond
from ablations.analyze.outcomes import TrialOutcome
from ablations.core import metrics
from ablations.core.estimates import TargetTime
from ablations.core.metrics import TARGET_SECONDS, VAL_ACCURACY
from ablations.core.record import RunRecord, known_metric
from ablations.core.study import Study

if TYPE_CHECKING:
    from scipy.stats import CensoredData

FEWEST = 10
"""Runs that must reach the target before an interval of their median is given, and runs that two
arms must have each before the log-rank test compares them: both are approximations for large n."""

_ROUNDING = 1e-12

_UNFREEZE = "unfreeze"
"""The setting of `ablations.vision` that trains layers of a frozen base from half of the epochs."""

Durations = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Seconds, and whether the target was reached then (1) or not yet (0), each of shape (run,)."""


def target_of(study: Study, outcomes: Sequence[TrialOutcome]) -> float | None:
    """Returns the study's target accuracy, or else what its reference arm ends at on average."""
    if study.target_accuracy is not None:
        return study.target_accuracy
    ends = [
        record.epochs[-1][VAL_ACCURACY]
        for outcome in outcomes
        if outcome.trial.arm == study.reference and (record := outcome.completed)
        if record.epochs and VAL_ACCURACY in record.epochs[-1]
    ]
    return fmean(ends) if ends else None


def with_target(outcomes: Sequence[TrialOutcome], target: float | None) -> tuple[TrialOutcome, ...]:
    """Adds the metric ``target_seconds`` to the outcomes whose trial reached the target."""
    if target is None:
        return tuple(outcomes)
    return tuple(_timed(outcome, target) for outcome in outcomes)


def _timed(outcome: TrialOutcome, target: float) -> TrialOutcome:
    seconds = target_seconds(outcome.completed, target) if outcome.completed else None
    if seconds is None or TARGET_SECONDS in outcome.metrics:
        return outcome
    timed = {TARGET_SECONDS: known_metric(TARGET_SECONDS, seconds)}
    return replace(outcome, metrics={**outcome.metrics, **timed})


def target_seconds(record: RunRecord, target: float) -> float | None:
    """Returns the seconds of training until the end of the first epoch at the target.

    These are its steps and the passes through frozen layers, also where another trial computed
    them: else an arm would seem fast because another one was trained before it. Passes without
    augmentation count before the first step, those with augmentation evenly over the epochs.
    ``None`` where the target was never reached or no steps were logged.
    """
    at_target = zip(record.epochs, spent_seconds(record), strict=False)
    reached = (s for epoch, s in at_target if at_or_beyond(epoch.get(VAL_ACCURACY, -1.0), target))
    return next(reached, None)


def spent_seconds(record: RunRecord) -> list[float]:
    """Returns the seconds of training up to the end of each epoch; empty where they are unknown.

    They are where no steps are logged, and where layers are unfrozen during the training: its sums
    of the passes through frozen layers do not say which of them were before that.
    """
    if not record.epochs or len(record.steps) != len(record.epochs):
        return []
    logged = {metric.name: metric.value for metric in record.metrics}
    if metrics.FROZEN_SECONDS in logged and record.settings.get(_UNFREEZE) is not None:
        return []
    each = logged.get(metrics.FROZEN_AUGMENTED_SECONDS, 0.0) / len(record.epochs)
    spent = accumulate(
        (float(steps.sum()) + each for steps in record.steps),
        initial=logged.get(metrics.FROZEN_SECONDS, 0.0),
    )
    return list(spent)[1:]


def durations(outcomes: Iterable[TrialOutcome]) -> Durations:
    """Returns how long each completed run trained to the target; infinity if it never got there."""
    seconds, reached = [], []
    for outcome in outcomes:
        arrived = outcome.metrics.get(TARGET_SECONDS)
        if arrived or (outcome.completed and spent_seconds(outcome.completed)):
            seconds.append(arrived.value if arrived else math.inf)
            reached.append(int(arrived is not None))
    return np.array(seconds, dtype=np.float64), np.array(reached, dtype=np.int64)


def target_time(own: Durations, reference: Durations | None) -> TargetTime | None:
    """Returns the median time of one arm, and how it compares with the reference's.

    Args:
        own: The arm's runs.
        reference: Those of the reference; ``None`` for the reference itself.
    """
    seconds, reached = own
    if not seconds.size:
        return None
    arrived = int(reached.sum())
    if reference and min(len(seconds), len(reference[0])) < FEWEST:
        reference = None
    low, high = _bounds(own) if arrived >= FEWEST else (None, None)
    return TargetTime(
        n=len(seconds),
        reached=arrived,
        median=_median(own) if arrived else None,
        low=low,
        high=high,
        p=None if reference is None else log_rank(own, reference),
    )


def log_rank(one: Durations, other: Durations) -> float | None:
    """Returns the two-sided log-rank p; ``None`` where neither arm has a run at the target."""
    if not len(one[0]) or not len(other[0]) or not (one[1].any() or other[1].any()):
        return None
    from scipy import stats

    last = max(map(_last, (one, other)))
    with np.errstate(all="ignore"):  # all arrived at one moment: nothing spreads
        found = stats.logrank(_censored(one, last), _censored(other, last))
    return _known(found.pvalue)


def _median(own: Durations) -> float | None:
    """Returns the first time at which half of the runs had reached the target (Kaplan-Meier)."""
    seconds, reached = own
    moments, arrivals = np.unique(seconds[reached == 1], return_counts=True)
    at_risk = len(seconds) - np.searchsorted(np.sort(seconds), moments)
    there = np.flatnonzero(np.cumprod(1 - arrivals / at_risk) <= 0.5 + _ROUNDING)
    return float(moments[there[0]]) if there.size else None


def _bounds(own: Durations) -> tuple[float | None, float | None]:
    """Returns the times at which the interval of the share still on the way contains a half."""
    from scipy import stats

    curve = stats.ecdf(_censored(own, _last(own))).sf
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a curve that falls to 0 has no log there
        # the stubs take its ends for numbers
        share: Any = curve.confidence_interval(LEVEL, method="log-log")
    contains = (share.low.probabilities <= 0.5) & (share.high.probabilities >= 0.5)
    places = np.flatnonzero(contains)
    if not places.size:
        return None, None
    moments, after = curve.quantiles, places[-1] + 1
    return float(moments[places[0]]), float(moments[after]) if after < len(moments) else None


def _censored(own: Durations, last: float) -> CensoredData:
    """Returns the times, those without an end as longer than the ``last`` that has one."""
    from scipy import stats

    seconds, reached = own
    return stats.CensoredData.right_censored(np.minimum(seconds, last + 1), reached == 0)


def _last(own: Durations) -> float:
    return float(np.max(own[0], where=own[1] == 1, initial=0.0))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
