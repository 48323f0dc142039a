"""Which trials a study with adaptive seeds asks for, from the records that there are.

The rule is a function of the records alone, so that a study resumes where it stopped: it is
replayed from the first look. Each look adds one seed, and only to the arms of effects that are
undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.analyze.contrasts import Contrast, contrasts
from ablations.analyze.effects import ALPHA, evaluate, judge
from ablations.analyze.intervals import summarize
from ablations.analyze.outcomes import Outcome, match, metric_infos
from ablations.analyze.resolution import of_contrast, with_step
from ablations.analyze.sequential import looks
from ablations.analyze.targets import target_of, with_target
from ablations.design import Adaptive
from ablations.estimates import Interval, MetricInfo, Summary
from ablations.record import RunRecord
from ablations.study import Arm, Study, Trial


def asked(
    study: Study, records: Sequence[RunRecord], *, planned: Sequence[Trial]
) -> tuple[Trial, ...]:
    """Returns the trials that are to be trained, or have been, for the looks so far.

    Args:
        study: With fixed seeds all planned trials are asked for.
        records: Any records.
        planned: All trials up to the last seed that the study may use, in their order.
    """
    if study.adaptive is None:
        return tuple(planned)
    outcomes = match(records, planned, arms=study.arms)
    outcomes = with_target(outcomes, target_of(study, outcomes))
    wanted = _replayed(study, study.adaptive, outcomes)
    return tuple(trial for trial in planned if (trial.arm, trial.seed) in wanted)


def _replayed(
    study: Study, adaptive: Adaptive, outcomes: Sequence[Outcome]
) -> set[tuple[Arm, int]]:
    ended = {(o.trial.arm, o.trial.seed) for o in outcomes if o.record and o.record.final}
    wanted = {(arm, seed) for seed in study.seeds[: adaptive.at_least] for arm in study.arms}
    if any(o.completed for o in outcomes) and not any(study.metric in o.metrics for o in outcomes):
        return wanted  # a metric that nobody reports decides nothing, however many seeds
    undecided = contrasts(study)
    alpha = ALPHA / len(undecided)
    for n in range(adaptive.at_least, adaptive.at_most):
        if not wanted <= ended:
            break
        summaries = _summaries(study, outcomes, seeds=set(study.seeds[:n]))
        undecided = tuple(
            contrast
            for contrast in undecided
            if not decided(
                _interval(adaptive, contrast, summaries, alpha=alpha),
                margin=study.smallest_effect_that_matters,
            )
        )
        arms = {arm for contrast in undecided for arm, _ in contrast.weights}
        if not arms:
            break
        wanted |= {(arm, study.seeds[n]) for arm in arms}
    return wanted


def _interval(
    adaptive: Adaptive, contrast: Contrast, summaries: Mapping[Arm, Summary], *, alpha: float
) -> Interval | None:
    values = [value for _, value in evaluate(contrast, summaries)]
    metric = summaries[contrast.weights[0][0]].metric
    step = of_contrast(metric.step, contrast.weights)
    return looks(adaptive).interval(values, alpha=alpha, step=step)


def _summaries(study: Study, outcomes: Sequence[Outcome], *, seeds: set[int]) -> dict[Arm, Summary]:
    """Returns the study's metric of each arm over some of the seeds."""
    info = metric_infos(outcomes).get(study.metric, MetricInfo(study.metric, "number", "neither"))
    values: dict[Arm, list[tuple[int, float]]] = {arm: [] for arm in study.arms}
    own = [outcome for outcome in outcomes if outcome.trial.seed in seeds]
    info = with_step(info, own)  # of these seeds alone, so that later ones change no earlier look
    for outcome in own:
        if study.metric in outcome.metrics:
            value = outcome.metrics[study.metric].value
            values[outcome.trial.arm].append((outcome.trial.seed, value))
    return {arm: summarize(info, own) for arm, own in values.items()}


def decided(interval: Interval | None, *, margin: float) -> bool:
    """Whether an interval lies wholly within the margin or wholly beyond it, on either side."""
    return judge(interval, margin=margin, better="higher") != "inconclusive"
