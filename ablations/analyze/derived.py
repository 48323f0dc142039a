"""Metrics that follow from what a record logged besides its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from ablations.analyze.describe.timings import warmed_up
from ablations.core import metrics
from ablations.core.record import IMPORTED, Metric, RunRecord, known_metric


def measured(record: RunRecord) -> Mapping[str, Metric]:
    """Returns every metric of a record by name: those it logged, then those derived here.

    Derived are ``trial_seconds``, where it is known; where there are steps ``median_step_seconds``
    and ``p95_step_seconds``; where the epochs have both accuracies ``overfit_gap``, the mean of
    training minus validation accuracy over the last ten epochs; and ``full_fit_seconds``, the fit
    with the work that other trials did for it. A logged metric of the same name is kept.
    """
    # Some tools record no times; a trial of theirs did not take 0 seconds.
    timed = record.seconds > 0 or IMPORTED not in record.environment
    derived = [known_metric(metrics.TRIAL_SECONDS, record.seconds)] if timed else []
    steps = warmed_up(record.steps)
    if steps.size:
        # What np.quantile computes, without its overhead, which ten thousand trials would feel.
        places = np.array([0.5, 0.95]) * (steps.size - 1)
        median, p95 = np.interp(places, np.arange(steps.size), np.sort(steps))
        derived.append(known_metric(metrics.MEDIAN_STEP_SECONDS, float(median)))
        derived.append(known_metric(metrics.P95_STEP_SECONDS, float(p95)))
    gaps = [
        epoch[metrics.ACCURACY] - epoch[metrics.VAL_ACCURACY]
        for epoch in record.epochs[-metrics.LAST_EPOCHS :]
        if set(epoch) >= metrics.ACCURACIES
    ]
    if gaps:
        derived.append(known_metric(metrics.OVERFIT_GAP, fmean(gaps)))
    logged = {metric.name: metric for metric in record.metrics}
    if metrics.FIT_SECONDS in logged:
        own, shared = logged[metrics.FIT_SECONDS], logged.get(metrics.SHARED_SECONDS)
        full = own.value + (shared.value if shared else 0.0)
        derived.append(known_metric(metrics.FULL_FIT_SECONDS, full))
    return logged | {m.name: m for m in derived if m.name not in logged}
