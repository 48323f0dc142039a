"""The pipeline from run records to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ablations.analyze.compare.gates import gate_findings
from ablations.analyze.compare.reproduction import reproduced_claims, reproductions
from ablations.analyze.describe.averages import with_averages
from ablations.analyze.describe.networks import over_trained, training_of
from ablations.analyze.describe.targets import target_of, with_target
from ablations.analyze.describe.test_set import answers, example_difference, example_noise
from ablations.analyze.describe.time_to_target import spans, target_time
from ablations.analyze.describe.timings import arm_timing
from ablations.analyze.inference.effects import ALPHA, difference, effects
from ablations.analyze.inference.followups import shares, simple_effects
from ablations.analyze.inference.gaps import with_gaps
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.mixed import with_mixed
from ablations.analyze.inference.power import seed_plans
from ablations.analyze.inference.readings import Summaries, in_both
from ablations.analyze.inference.resolution import with_step
from ablations.analyze.inference.robustness import nonparametric_results
from ablations.analyze.inference.sequential import equal_fixed
from ablations.analyze.outcomes import TrialOutcome, finished_at, match, metric_infos
from ablations.core import metrics
from ablations.core.design import Arm
from ablations.core.estimates import Curve, Effect, MetricInfo, Summary
from ablations.core.findings import ArmFinding, Failure, Findings
from ablations.core.record import Exhibit, RunRecord
from ablations.core.study import Study, Trial


# Squares of numbers above 1e154 are beyond a float: what rests on them is unknown, not a warning.
@np.errstate(over="ignore", invalid="ignore")
def analyze(study: Study, records: Sequence[RunRecord], *, planned: Sequence[Trial]) -> Findings:
    """Returns what the study found, over the records that count for its planned trials.

    The order of ``records`` does not matter. For each key the latest completed record counts, else
    the latest failed one; records of other keys are ignored. A study metric that no completed
    record has leaves its effects without numbers and inconclusive.

    Args:
        study: Design, gates and primary metric.
        records: Any records, of this study or of others.
        planned: The trials of the plan, to which records are matched by ``Trial.key``.
    """
    outcomes = match(records, planned, arms=study.arms)
    target = target_of(study, outcomes)
    outcomes = with_target(outcomes, target)
    infos = metric_infos(outcomes)
    metric = infos.get(study.metric, MetricInfo(study.metric, "number", "neither"))
    metric = with_step(metric, outcomes)
    arms = tuple(_arm_findings(study, outcomes, infos=infos))
    arms = with_gaps(arms, [study.metric, *(gate.metric for gate in study.gates)])
    readings = _readings(arms, metric)
    arms = tuple(_compared(study, arm, metric, readings) for arm in arms)
    arms = _with_records(arms, study.reference, outcomes, target=target)
    findings = _described(study, arms, metric, outcomes, infos=infos)
    return _inferred(replace(findings, target=target), *readings)


def _described(
    study: Study,
    arms: tuple[ArmFinding, ...],
    metric: MetricInfo,
    outcomes: Sequence[TrialOutcome],
    *,
    infos: Mapping[str, MetricInfo],
) -> Findings:
    """Returns what the records say of arms and trials, before anything is concluded."""
    best, best_by = _best(arms, _deciding(infos, study.metric))
    return Findings(
        study=study,
        metric=metric,
        metrics=tuple(infos.values()),
        arms=arms,
        effects=(),
        gates=gate_findings(study.gates, arms, metrics=infos),
        failures=tuple(_failures(outcomes)),
        n_planned=len(outcomes),
        n_completed=sum(outcome.completed is not None for outcome in outcomes),
        n_failed=sum(outcome.failed is not None for outcome in outcomes),
        best=best,
        best_by=best_by,
        exhibits=_exhibits(outcomes, "study"),
        environments=_environments(outcomes),
        data=tuple(sorted({o.record.data for o in outcomes if o.record and o.record.data})),
        finished_at=finished_at(outcomes),
        started=tuple(sorted(o.completed.started_at for o in outcomes if o.completed)),
        reproductions=reproductions(study, arms),
    )


def _readings(arms: Sequence[ArmFinding], metric: MetricInfo) -> tuple[Summaries, Summaries | None]:
    """Returns the metric of each arm over all seeds, and over those whose networks trained."""
    summaries = {arm.arm: arm.summaries.get(metric.name, summarize(metric, ())) for arm in arms}
    return summaries, over_trained(arms, summaries)


def _inferred(findings: Findings, summaries: Summaries, trained: Summaries | None) -> Findings:
    """Adds what is inferred from the arms: effects, what follows from them, and seed plans."""
    study, metric = findings.study, findings.metric
    found = in_both(lambda read: effects(study, metric, summaries=read), summaries, trained)
    if not study.adaptive:  # none of these knows that the seeds were added by looking
        found = _with_nonparametric(with_mixed(found, summaries))
        plans = seed_plans(study, found, trial_seconds=_trial_seconds(findings.arms))
        findings = replace(findings, plans=plans)
    alpha = ALPHA / max(1, len(found))
    findings = replace(
        findings,
        effects=found,
        reproduced_claims=reproduced_claims(study, metric, summaries=summaries, trained=trained),
        simple_effects=in_both(
            lambda read: simple_effects(study, metric, found, read), summaries, trained
        ),
        shares=shares(study, metric, summaries=summaries),
        fixed_seeds=equal_fixed(study.adaptive, alpha=alpha) if study.adaptive else None,
    )
    return with_averages(findings)


def _arm_findings(
    study: Study, outcomes: Iterable[TrialOutcome], *, infos: Mapping[str, MetricInfo]
) -> Iterable[ArmFinding]:
    by_arm: dict[Arm, list[TrialOutcome]] = {arm: [] for arm in study.arms}
    for outcome in outcomes:
        by_arm[outcome.trial.arm].append(outcome)
    return (_arm_finding(study, arm, own, infos=infos) for arm, own in by_arm.items())


def _arm_finding(
    study: Study, arm: Arm, outcomes: Sequence[TrialOutcome], *, infos: Mapping[str, MetricInfo]
) -> ArmFinding:
    completed = [record for outcome in outcomes if (record := outcome.completed)]
    summaries = {
        name: summarize(
            info, [(o.trial.seed, o.metrics[name].value) for o in outcomes if name in o.metrics]
        )
        for name, info in infos.items()
    }
    return ArmFinding(
        arm=arm,
        is_reference=arm == study.reference,
        settings=study.arm_settings(arm),
        n_planned=len(outcomes),
        n_completed=len(completed),
        n_failed=sum(outcome.failed is not None for outcome in outcomes),
        summaries=summaries,
        timing=arm_timing([record.steps for record in completed]),
        curves=tuple(curve for record in completed for curve in _curves(record)),
        exhibits=_exhibits(outcomes, "arm"),
        training=training_of(outcomes, summaries),
    )


def _compared(
    study: Study,
    finding: ArmFinding,
    metric: MetricInfo,
    readings: tuple[Summaries, Summaries | None],
) -> ArmFinding:
    """Adds the arm's difference from the reference."""
    if finding.is_reference:
        return finding
    (shown,) = in_both(
        lambda read: [difference(study, finding.arm, metric=metric, summaries=read)], *readings
    )
    return replace(finding, difference=shown)


def _trial_seconds(arms: Iterable[ArmFinding]) -> dict[Arm, float]:
    """Returns the mean duration of a trial of each arm that has one."""
    means = {arm.arm: arm.summaries[metrics.TRIAL_SECONDS].mean for arm in arms if arm.n_completed}
    return {arm: mean for arm, mean in means.items() if mean is not None}


def _with_records(
    arms: Sequence[ArmFinding],
    reference: Arm,
    outcomes: Iterable[TrialOutcome],
    *,
    target: float | None,
) -> tuple[ArmFinding, ...]:
    """Adds what needs more of a record than its metrics: answers to images, times of epochs."""
    by_arm: dict[Arm, list[TrialOutcome]] = {arm.arm: [] for arm in arms}
    for outcome in outcomes:
        by_arm[outcome.trial.arm].append(outcome)
    complete = {arm: [o.completed for o in own if o.completed] for arm, own in by_arm.items()}
    answered = {arm: answers(own) for arm, own in complete.items()}
    took = {arm: spans(own) for arm, own in by_arm.items()}

    def finding(arm: ArmFinding) -> ArmFinding:
        own, base = answered[arm.arm], answered[reference]
        against = None if arm.is_reference else took[reference]
        return replace(
            arm,
            noise=example_noise(own),
            examples=None if arm.is_reference else example_difference(own, base),
            target_time=None if target is None else target_time(took[arm.arm], against),
        )

    return tuple(map(finding, arms))


def _with_nonparametric(found: Iterable[Effect]) -> tuple[Effect, ...]:
    """Adds what methods that suppose no normal distribution give for each effect."""
    return tuple(
        replace(
            effect, nonparametric=nonparametric_results([value for _, value in effect.per_seed])
        )
        for effect in found
    )


def _curves(record: RunRecord) -> Iterable[Curve]:
    """Yields the metrics that every epoch of the record has."""
    names = list(record.epochs[0]) if record.epochs else []
    for name in names:
        if all(name in epoch for epoch in record.epochs):
            yield Curve(record.seed, name, tuple(epoch[name] for epoch in record.epochs))


def _deciding(infos: Mapping[str, MetricInfo], primary: str) -> MetricInfo | None:
    """Returns the metric that the best arm is chosen by: a validation metric if there is one."""
    validation = [name for name in infos if metrics.is_validation(name)]
    for name in (metrics.BEST_VAL_ACCURACY, metrics.VAL_ACCURACY, *validation, primary):
        if name in infos and infos[name].better != "neither":
            return infos[name]
    return None


def _best(
    arms: Iterable[ArmFinding], metric: MetricInfo | None
) -> tuple[Arm, str] | tuple[None, None]:
    """Returns the best arm and its metric; none where two tie, or untrained networks decide.

    An arm that leads only because networks of another one did not train is not the better recipe.
    """
    if metric is None:
        return None, None
    own = [(arm, arm.summaries[metric.name]) for arm in arms]
    trained = [(arm, arm.over_trained(metric.name) or summary) for arm, summary in own]
    sign = 1 if metric.better == "higher" else -1
    first, second = (_leader(summaries, sign=sign) for summaries in (own, trained))
    return (first, metric.name) if first is not None and first == second else (None, None)


def _leader(summaries: Sequence[tuple[ArmFinding, Summary]], *, sign: int) -> Arm | None:
    means = [(sign * s.mean, arm.arm) for arm, s in summaries if s.mean is not None]
    top = max((mean for mean, _ in means), default=None)
    leaders = [arm for mean, arm in means if mean == top]
    return leaders[0] if len(leaders) == 1 else None


def _exhibits(outcomes: Iterable[TrialOutcome], scope: str) -> tuple[Exhibit, ...]:
    """Returns the first exhibit of each name, preferring trials that ran to their end."""
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    named: dict[str, Exhibit] = {}
    for record in sorted(records, key=lambda record: not record.completed):
        for exhibit in record.exhibits:
            if exhibit.scope == scope:
                named.setdefault(exhibit.name, exhibit)
    return tuple(named.values())


def _failures(outcomes: Iterable[TrialOutcome]) -> Iterable[Failure]:
    for outcome in outcomes:
        if record := outcome.failed:
            reason = record.reason or "raised"
            yield Failure(outcome.trial.arm, outcome.trial.seed, reason, record.message)


def _environments(outcomes: Iterable[TrialOutcome]) -> tuple[tuple[Mapping[str, str], int], ...]:
    """Counts the distinct environments; a fact that some records lack makes no difference.

    For example, only arms with frozen layers record what computed them.
    """
    counts = Counter(
        tuple(sorted(record.environment.items()))
        for outcome in outcomes
        if (record := outcome.completed)  # what timed out or died knows only the driver's
    )
    merged: list[tuple[dict[str, str], int]] = []
    for items, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        facts = dict(items)
        same = (i for i, (other, _) in enumerate(merged) if _agree(facts, other))
        if (place := next(same, None)) is None:
            merged.append((facts, count))
        else:
            merged[place] = ({**merged[place][0], **facts}, merged[place][1] + count)
    return tuple(sorted(merged, key=lambda pair: -pair[1]))


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(other[name] == one[name] for name in set(one) & set(other))
