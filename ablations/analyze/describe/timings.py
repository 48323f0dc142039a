"""Step durations of trials and arms; what warms up is kept apart and never mixed in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.core.estimates import Timing

Steps = Sequence[NDArray[np.float64]]
"""Step durations in seconds, one array per epoch, the first epoch included."""

_NO_STEPS = np.empty(0, dtype=np.float64)


def warmed_up(steps: Steps) -> NDArray[np.float64]:
    """Returns the durations that count, in seconds, shape (step,).

    The first epoch compiles and fills caches, so it is left out; a trial of one epoch leaves out
    only its first step.
    """
    if not steps:
        return _NO_STEPS
    return np.concatenate(steps[1:]) if len(steps) > 1 else steps[0][1:]


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
