"""Which trials a study with adaptive seeds asks for, from the records that there are.

The rule depends on nothing but the records, so that a study resumes where it stopped: it is
replayed from the first interim analysis. Each analysis adds one seed, and only to the arms of
effects that are undecided. Where networks did not train, an effect is decided only if it is so, on
the same side, with and without their seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from ablations.analyze.describe.time_to_target import target_of, with_target
from ablations.analyze.inference.effects import ALPHA, evaluate, judge
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.resolution import of_contrast, with_step
from ablations.analyze.inference.sequential import interim_analyses
from ablations.analyze.outcomes import TrialOutcome, match, metric_infos
from ablations.core.design import Adaptive, Arm, Contrast
from ablations.core.estimates import Summary
from ablations.core.metrics import MetricInfo
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.core.training import untrained


def asked(
    study: Study, records: Iterable[RunRecord], *, planned: Sequence[Trial]
) -> tuple[Trial, ...]:
    """Returns what `AskedTrials` gives for these records, of this study or of others."""
    if study.adaptive is None:
        return tuple(planned)
    found = AskedTrials(study, planned)
    found.add(records)
    return found.trials()


class AskedTrials:
    """The trials that a study asks for as its records come: each record is read once.

    It keeps of a record what an interim analysis needs: whether the network trained, and all but
    the predictions and exhibits, which take the most memory.

    Args:
        study: With fixed seeds all planned trials are asked for.
        planned: All trials up to the last seed that the study may use, in their order.
    """

    def __init__(self, study: Study, planned: Sequence[Trial]) -> None:
        self._study, self._planned = study, tuple(planned)
        self._records: list[RunRecord] = []
        self._lost: set[str] = set()

    @property
    def records(self) -> Sequence[RunRecord]:
        """All records that were added, without their predictions and exhibits."""
        return self._records

    def add(self, records: Iterable[RunRecord]) -> None:
        """Takes more records, of planned trials or of others."""
        for record in records:
            self._lost.update(own.key for own in untrained([record]))
            self._records.append(replace(record, predictions=(), exhibits=()))

    def trials(self) -> tuple[Trial, ...]:
        """Returns the trials that are to be trained, or have been, by the analyses so far."""
        study = self._study
        if study.adaptive is None:
            return self._planned
        outcomes = match(self._records, self._planned, arms=study.arms)
        outcomes = with_target(outcomes, target_of(study, outcomes))
        wanted = _replayed(study, study.adaptive, outcomes, self._lost)
        return tuple(trial for trial in self._planned if (trial.arm, trial.seed) in wanted)


def _replayed(
    study: Study, adaptive: Adaptive, outcomes: Sequence[TrialOutcome], untrained_keys: Set[str]
) -> set[tuple[Arm, int]]:
    ended = {(o.trial.arm, o.trial.seed) for o in outcomes if o.record and o.record.final}
    wanted = {(arm, seed) for seed in study.seeds[: adaptive.at_least] for arm in study.arms}
    if any(o.completed for o in outcomes) and not any(study.metric in o.metrics for o in outcomes):
        return wanted  # a metric that nobody reports decides nothing, however many seeds
    undecided = study.design.contrasts
    alpha = ALPHA / len(undecided)
    info = metric_infos(outcomes).get(study.metric)
    lost = untrained_keys if info is not None and info.depends_on_training else frozenset()
    for n in range(adaptive.at_least, adaptive.at_most):
        if not wanted <= ended:
            break
        seen = [o for o in outcomes if o.trial.seed in study.seeds[:n]]
        trained = [outcome for outcome in seen if outcome.trial.key not in lost]
        readings = [_summaries(study, own) for own in ((seen, trained) if lost else (seen,))]
        undecided = tuple(c for c in undecided if not _decided(study, c, readings, alpha=alpha))
        arms = {arm for contrast in undecided for arm, _ in contrast.weights}
        if not arms:
            break
        wanted |= {(arm, study.seeds[n]) for arm in arms}
    return wanted


def _decided(
    study: Study, contrast: Contrast, readings: Sequence[Mapping[Arm, Summary]], *, alpha: float
) -> bool:
    """Whether all readings, with and without networks that did not train, decide it alike."""
    assert study.adaptive is not None  # noqa: S101 - its caller has checked
    verdicts = set()
    for summaries in readings:
        values = [value for _, value in evaluate(contrast, summaries)]
        step = of_contrast(summaries[contrast.weights[0][0]].metric.step, contrast.weights)
        interval = interim_analyses(study.adaptive).interval(values, alpha=alpha, step=step)
        # The side of the margin is all that counts, so "higher" stands for either direction.
        verdict = judge(interval, margin=study.smallest_effect_that_matters, better="higher")
        verdicts.add(verdict)
    return len(verdicts) == 1 and "inconclusive" not in verdicts


def _summaries(study: Study, outcomes: Sequence[TrialOutcome]) -> dict[Arm, Summary]:
    """Returns the study's metric of each arm over some of the outcomes.

    The metric's step is that of these outcomes, so that later seeds change no earlier analysis.
    """
    info = metric_infos(outcomes).get(study.metric, MetricInfo(study.metric, "number", "neither"))
    info = with_step(info, outcomes)
    values: dict[Arm, list[tuple[int, float]]] = {arm: [] for arm in study.arms}
    for outcome in outcomes:
        if metric := outcome.metrics.get(study.metric):
            values[outcome.trial.arm].append((outcome.trial.seed, metric.value))
    return {arm: summarize(info, own) for arm, own in values.items()}
