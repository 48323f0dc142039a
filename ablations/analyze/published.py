"""Holds published runs and claims against our own runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median

from ablations.analyze.derived import LAST_EPOCHS
from ablations.analyze.intervals import prediction_interval, summarize
from ablations.estimates import Effect, MetricInfo, Summary
from ablations.findings import ArmFinding, Comparison, Reproduction, Survival
from ablations.study import Claim, PublishedRun, Study

_WATCHED = "val_accuracy"


def reproductions(study: Study, arms: Sequence[ArmFinding]) -> tuple[Reproduction, ...]:
    """Returns each published run beside our runs of its arm, in the order of publication."""
    return tuple(
        _reproduction(run, next(arm for arm in arms if arm.arm.matches(run.where)))
        for run in study.published
    )


def survivals(study: Study, effects: Sequence[Effect]) -> tuple[Survival, ...]:
    """Returns each claimed gain beside our main effect of the same change."""
    return tuple(
        Survival(claim, _claimed(claim), effect)
        for claim in study.claims
        for effect in effects
        if effect.kind == "main"
        and [(change.factor, change.level) for change in effect.changes]
        == [(claim.factor, claim.level)]
    )


def _claimed(claim: Claim) -> float:
    """Returns the difference of mean validation accuracy over the last epochs."""
    after, before = (
        fmean(run.epochs[_WATCHED][-LAST_EPOCHS:]) for run in (claim.after, claim.before)
    )
    return after - before


def _reproduction(run: PublishedRun, arm: ArmFinding) -> Reproduction:
    published = run.epochs.get(_WATCHED, ())
    ours = [curve.values for curve in arm.curves if curve.metric == _WATCHED]
    return Reproduction(
        arm=arm.arm,
        published=run,
        published_range=_range([published]),
        our_range=_range(ours),
        comparisons=tuple(_comparisons(run, arm.summaries)),
        published_step_seconds=median(run.step_seconds) if run.step_seconds else None,
        our_step_seconds=arm.timing.median_step_seconds if arm.timing else None,
    )


def _range(runs: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    values = [value for run in runs for value in run]
    return (min(values), max(values)) if values else None


def _comparisons(run: PublishedRun, summaries: Mapping[str, Summary]) -> Iterator[Comparison]:
    validation = run.epochs.get(_WATCHED, ())
    numbers = {
        "best_val_accuracy": max(validation, default=None),
        "val_accuracy": validation[-1] if validation else None,
        "test_accuracy": run.test_accuracy,
    }
    for name, number in numbers.items():
        if number is not None:
            info = MetricInfo(name, "fraction", "higher")
            yield _comparison(number, summaries.get(name, summarize(info, ())))


def _comparison(published: float, ours: Summary) -> Comparison:
    prediction = prediction_interval(ours)
    inside = None if prediction is None else prediction.low <= published <= prediction.high
    return Comparison(ours.metric, published, ours, prediction, inside)
