"""Metrics that follow from what a record logged besides its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from ablations.analyze.describe.timings import warmed_up
from ablations.core.record import Metric, RunRecord

TARGET_SECONDS = "target_seconds"
"""The metric of the trials that reach the study's target."""

LAST_EPOCHS = 10
"""How many of the last epochs stand for a run's end."""


def measured(record: RunRecord) -> Mapping[str, Metric]:
    """Returns every metric of a record by name: those it logged, then those derived here.

    Derived are ``trial_seconds``; where there are steps ``median_step_seconds`` and
    ``p95_step_seconds``; where the epochs have both accuracies ``overfit_gap``, the mean of
    training minus validation accuracy over the last ten epochs; and ``full_fit_seconds``, the fit
    with the work that the trial found done by others. A logged metric of the same name stands.
    """
    derived = [Metric("trial_seconds", record.seconds, "seconds", "lower")]
    steps = warmed_up(record.steps)
    if steps.size:
        # What np.quantile computes, without its overhead, which ten thousand trials would feel.
        places = np.array([0.5, 0.95]) * (steps.size - 1)
        median, p95 = np.interp(places, np.arange(steps.size), np.sort(steps))
        derived.append(Metric("median_step_seconds", float(median), "seconds", "lower"))
        derived.append(Metric("p95_step_seconds", float(p95), "seconds", "lower"))
    gaps = [
        epoch["accuracy"] - epoch["val_accuracy"]
        for epoch in record.epochs[-LAST_EPOCHS:]
        if {"accuracy", "val_accuracy"} <= set(epoch)
    ]
    if gaps:
        derived.append(Metric("overfit_gap", fmean(gaps), "fraction", "lower"))
    logged = {metric.name: metric for metric in record.metrics}
    if "fit_seconds" in logged:
        shared = logged["shared_seconds"].value if "shared_seconds" in logged else 0.0
        full = logged["fit_seconds"].value + shared
        derived.append(Metric("full_fit_seconds", full, "seconds", "lower"))
    return logged | {m.name: m for m in derived if m.name not in logged}
