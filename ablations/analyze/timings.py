"""Step durations of trials and arms; what warms up is kept apart and never mixed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.findings import Timing
from ablations.record import Metric, RunRecord

Steps = Sequence[NDArray[np.float64]]
"""Step durations in seconds, one array per epoch, the first epoch included."""

_NO_STEPS = np.empty(0, dtype=np.float64)


def warmed_up(steps: Steps) -> NDArray[np.float64]:
    """Returns the durations that count, in seconds, shape (step,).

    The first epoch compiles and fills caches, so it is left out; a trial of one epoch leaves out
    its first step alone.
    """
    if not steps:
        return _NO_STEPS
    return np.concatenate(steps[1:]) if len(steps) > 1 else steps[0][1:]


def measured(record: RunRecord) -> Mapping[str, Metric]:
    """Returns every metric of a record by name: those it logged, then those derived here.

    Derived are ``trial_seconds``, ``median_step_seconds`` and ``p95_step_seconds``, the last two
    where there are steps. A logged metric of the same name stands.
    """
    metrics = {metric.name: metric for metric in record.metrics}
    derived = {"trial_seconds": record.seconds}
    steps = warmed_up(record.steps)
    if steps.size:
        median, p95 = np.quantile(steps, (0.5, 0.95))
        derived |= {"median_step_seconds": float(median), "p95_step_seconds": float(p95)}
    for name, value in derived.items():
        metrics.setdefault(name, Metric(name, value, "seconds", "lower"))
    return metrics


def arm_timing(trials: Sequence[Steps]) -> Timing | None:
    """Returns the step durations of one arm, pooled over its trials; ``None`` without any step."""
    first_epochs = [steps[0] for steps in trials if steps and steps[0].size]
    pooled = np.concatenate([_NO_STEPS, *(warmed_up(steps) for steps in trials)])
    if not first_epochs and not pooled.size:
        return None
    percentiles = np.percentile(pooled, np.arange(101)) if pooled.size else pooled
    return Timing(
        n_steps=pooled.size,
        median_step_seconds=float(percentiles[50]) if pooled.size else None,
        p95_step_seconds=float(percentiles[95]) if pooled.size else None,
        quantiles=tuple(percentiles.tolist()),
        warmup_first_step_seconds=_median([float(epoch[0]) for epoch in first_epochs]),
        warmup_epoch_seconds=_median([float(epoch.sum()) for epoch in first_epochs]),
    )


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
