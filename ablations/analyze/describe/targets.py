"""How long each trial trained until its validation accuracy reached a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import fmean

from ablations.analyze.inference.intervals import at_or_beyond
from ablations.analyze.outcomes import TrialOutcome
from ablations.core.metrics import (
    FROZEN_AUGMENTED_SECONDS,
    FROZEN_SECONDS,
    TARGET_SECONDS,
    VAL_ACCURACY,
)
from ablations.core.record import RunRecord, known_metric
from ablations.core.study import Study


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
    return tuple(_reached(outcome, target) for outcome in outcomes)


def _reached(outcome: TrialOutcome, target: float) -> TrialOutcome:
    seconds = target_seconds(outcome.completed, target) if outcome.completed else None
    if seconds is None or TARGET_SECONDS in outcome.metrics:
        return outcome
    metric = known_metric(TARGET_SECONDS, seconds)
    return replace(outcome, metrics={**outcome.metrics, metric.name: metric})


def target_seconds(record: RunRecord, target: float) -> float | None:
    """Returns the seconds of training until the end of the first epoch at the target.

    These are its steps and the passes through frozen layers, also where another trial computed
    them: else an arm would look fast because another one had come before it. Passes without
    augmentation count before the first step, those with augmentation evenly over the epochs.
    ``None`` where the target was never reached or no steps were logged.
    """
    at_target = zip(record.epochs, spent_seconds(record), strict=False)
    reached = (s for epoch, s in at_target if at_or_beyond(epoch.get(VAL_ACCURACY, -1.0), target))
    return next(reached, None)


def spent_seconds(record: RunRecord) -> list[float]:
    """Returns the seconds of training up to the end of each epoch; empty where none are logged."""
    if not record.epochs or len(record.steps) != len(record.epochs):
        return []
    logged = {metric.name: metric.value for metric in record.metrics}
    each = logged.get(FROZEN_AUGMENTED_SECONDS, 0.0) / len(record.epochs)
    spent = accumulate(
        (float(steps.sum()) + each for steps in record.steps),
        initial=logged.get(FROZEN_SECONDS, 0.0),
    )
    return list(spent)[1:]
