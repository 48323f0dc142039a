"""Compares published runs and claimed gains with our own runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median

from ablations.analyze.compare.predictions import is_inside, seed_groups
from ablations.analyze.inference.effects import bonferroni_adjusted, unadjusted_effect
from ablations.analyze.inference.intervals import prediction_interval, summarize
from ablations.analyze.inference.power import seed_plans
from ablations.analyze.inference.readings import Readings, Summaries, in_both
from ablations.core.design import Arm, Contrast, Settings
from ablations.core.estimates import Effect, Summary
from ablations.core.findings import ArmFinding, Comparison, ReproducedClaim, Reproduction, Unlike
from ablations.core.metrics import (
    BEST_VAL_ACCURACY,
    LAST_EPOCHS,
    TEST_ACCURACY,
    VAL_ACCURACY,
    MetricInfo,
)
from ablations.core.study import Claim, PublishedRun, Study

_SHARED = ("dataset", "image_size", "batch_size", "epochs", "train_size", "test_size")
"""Settings that a text's models have in common, so that our arms must have them too.

Which of the images held out from training validate changes no network: both sides measure a gain on
some of them.
"""

_ALIKE = frozenset({"weights", "freeze", "skip_broken"})
"""Settings that are places of files, or that have the same value where they are left out."""


def reproductions(study: Study, arms: Sequence[ArmFinding]) -> tuple[Reproduction, ...]:
    """Returns each published run beside our runs of its arm, in the order of publication."""
    return tuple(
        _reproduction(run, next(arm for arm in arms if arm.arm.matches(run.where)))
        for run in study.published
    )


def reproduced_claims(
    study: Study, metric: MetricInfo, readings: Readings
) -> tuple[ReproducedClaim, ...]:
    """Returns each claimed gain beside our effect of the same change in the same cells.

    A published step leads from one model to the next, so the other factors stay at the levels that
    they had in both. An average over their other levels would answer another question: with
    transfer, for example, preprocessing changes nothing, since the base has its own.
    """
    own = [c for c in study.claims if c.factor in {factor.name for factor in study.factors}]
    return tuple(
        _reproduced_claim(study, claim, metric, readings, family=len(own)) for claim in own
    )


def _reproduced_claim(
    study: Study, claim: Claim, metric: MetricInfo, readings: Readings, *, family: int
) -> ReproducedClaim:
    before, after = study.claimed_arms(claim)
    unlike = _unlike_claim(study, claim, before, after)
    if unlike or not {before, after} <= readings[0].keys():
        return ReproducedClaim(claim, _claimed(claim), None, unlike)
    contrast = Contrast.between(after, before, kind="simple")
    contrast = replace(contrast, given=tuple(claim.given.items()))

    def step(read: Summaries) -> list[Effect]:
        effect = unadjusted_effect(study, contrast, metric, summaries=read)
        return [bonferroni_adjusted(study, effect, family=family)]

    (effect,) = in_both(step, readings)
    return ReproducedClaim(claim, _claimed(claim), effect)


def with_plans(
    study: Study, claims: Iterable[ReproducedClaim], *, trial_seconds: Mapping[Arm, float]
) -> tuple[ReproducedClaim, ...]:
    """Adds to each claim that has an effect how many seeds would give this a verdict."""

    def planned(claim: ReproducedClaim, effect: Effect) -> ReproducedClaim:
        (plan,) = seed_plans(study, [effect], trial_seconds=trial_seconds)
        return replace(claim, plan=plan)

    return tuple(planned(claim, claim.effect) if claim.effect else claim for claim in claims)


def _unlike_claim(study: Study, claim: Claim, before: Arm, after: Arm) -> tuple[Unlike, ...]:
    """Compares what all models of a text share; layers differ from model to model there."""
    pairs = ((before, claim.before), (after, claim.after))
    found = [
        difference
        for arm, run in pairs
        for difference in _differing(run.settings, study.arm_settings(arm), _SHARED)
    ]
    return tuple({difference.name: difference for difference in found}.values())


def _differing(published: Settings, ours: Settings, names: Iterable[str]) -> tuple[Unlike, ...]:
    """Returns in which of some settings ours differ; nothing where none are published."""
    return tuple(
        Unlike(name, published.get(name), ours.get(name))
        for name in names
        if published and published.get(name) != ours.get(name)
    )


def _unlike_run(run: PublishedRun, arm: ArmFinding) -> tuple[Unlike, ...]:
    """Compares all settings; without any the number of epochs is still known."""
    names = [name for name in {**run.settings, **arm.settings} if name not in _ALIKE]
    if run.settings:
        return _differing(run.settings, arm.settings, names)
    published = len(run.epochs.get(VAL_ACCURACY, ()))
    ours = max((len(c.values) for c in arm.curves if c.metric == VAL_ACCURACY), default=published)
    return (Unlike("epochs", published, ours),) if published and ours != published else ()


def _claimed(claim: Claim) -> float:
    """Returns the difference of mean validation accuracy over the last epochs."""
    after, before = (
        fmean(run.epochs[VAL_ACCURACY][-LAST_EPOCHS:]) for run in (claim.after, claim.before)
    )
    return after - before


def _reproduction(run: PublishedRun, arm: ArmFinding) -> Reproduction:
    published, unlike = run.epochs.get(VAL_ACCURACY, ()), _unlike_run(run, arm)
    ours = [curve.values for curve in arm.curves if curve.metric == VAL_ACCURACY]
    return Reproduction(
        arm=arm.arm,
        published=run,
        published_range=_range([published]),
        our_range=_range(ours),
        comparisons=tuple(replace(c, inside=None) if unlike else c for c in _comparisons(run, arm)),
        published_step_seconds=median(run.step_seconds) if run.step_seconds else None,
        our_step_seconds=arm.timing.median_step_seconds if arm.timing else None,
        unlike=unlike,
    )


def _range(runs: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    values = [value for run in runs for value in run]
    return (min(values), max(values)) if values else None


def _comparisons(run: PublishedRun, arm: ArmFinding) -> Iterator[Comparison]:
    validation = run.epochs.get(VAL_ACCURACY, ())
    numbers = {
        BEST_VAL_ACCURACY: max(validation, default=None),
        VAL_ACCURACY: validation[-1] if validation else None,
        TEST_ACCURACY: run.test_accuracy,
    }
    for name, number in numbers.items():
        if number is not None:
            info = MetricInfo(name, "fraction", "higher")
            yield _comparison(number, arm, arm.summaries.get(name, summarize(info, ())))


def _comparison(published: float, arm: ArmFinding, ours: Summary) -> Comparison:
    if groups := seed_groups(arm, ours):
        inside = is_inside(published, groups)
        return Comparison(ours.metric, published, ours, None, inside, groups)
    prediction = prediction_interval(ours)
    inside = None if prediction is None else prediction.low <= published <= prediction.high
    return Comparison(ours.metric, published, ours, prediction, inside)
