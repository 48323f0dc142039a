"""The pipeline from run records to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.compare.gates import gate_findings
from ablations.analyze.compare.reproduction import reproduced_claims, reproductions, with_plans
from ablations.analyze.describe.averages import with_averages
from ablations.analyze.describe.networks import over_trained, training_of
from ablations.analyze.describe.test_set import (
    Answers,
    answers,
    example_difference,
    example_noise,
)
from ablations.analyze.describe.time_to_target import (
    durations,
    target_of,
    target_time,
    with_target,
)
from ablations.analyze.describe.timings import arm_timing
from ablations.analyze.describe.variance import images_held_out, variances
from ablations.analyze.inference.effects import ALPHA, difference, effects
from ablations.analyze.inference.followups import shares, simple_effects
from ablations.analyze.inference.gaps import with_gaps
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.mixed import with_mixed
from ablations.analyze.inference.power import seed_plans
from ablations.analyze.inference.readings import Readings, in_both
from ablations.analyze.inference.resolution import with_step
from ablations.analyze.inference.robustness import with_nonparametric
from ablations.analyze.inference.sequential import equal_fixed
from ablations.analyze.outcomes import (
    TrialOutcome,
    finished_at,
    match,
    metric_infos,
    trial_findings,
)
from ablations.core import metrics
from ablations.core.design import Arm
from ablations.core.estimates import Curve, Effect, Summary
from ablations.core.findings import ArmFinding, BestRule, Failure, Findings
from ablations.core.metrics import MetricInfo
from ablations.core.record import NODE, Exhibit, RunRecord
from ablations.core.study import Study, Trial

_DRAWN = 1_000
"""The most trials of a study whose bootstraps over test images are drawn, and not computed."""


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
    by_arm = _by_arm(study, outcomes)
    labels: dict[str, NDArray[np.int64]] = {}
    answered = {arm: answers((o.completed for o in own), labels) for arm, own in by_arm.items()}
    arms = tuple(_arm_findings(study, by_arm, infos=infos, target=target, answered=answered))
    arms = with_gaps(arms, [study.metric, *(gate.metric for gate in study.gates)])
    readings = _readings(arms, metric)
    findings = _described(study, arms, metric, outcomes, infos=infos)
    findings = replace(
        findings,
        target=target,
        reproductions=reproductions(study, arms),
        trials=trial_findings(outcomes),
    )
    held_out = images_held_out(o.completed for o in outcomes if o.completed)
    return with_averages(_inferred(findings, readings, answered=answered, held_out=held_out))


def _described(
    study: Study,
    arms: tuple[ArmFinding, ...],
    metric: MetricInfo,
    outcomes: Sequence[TrialOutcome],
    *,
    infos: Mapping[str, MetricInfo],
) -> Findings:
    """Returns what the records show of arms and trials, before anything is inferred."""
    best, best_by, rule = _best(arms, infos, study.metric)
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
        best_rule=rule,
        exhibits=_exhibits(outcomes, "study"),
        environments=_environments(outcomes),
        data=tuple(sorted({o.record.data for o in outcomes if o.record and o.record.data})),
        finished_at=finished_at(outcomes),
        started=tuple(sorted(o.completed.started_at for o in outcomes if o.completed)),
        scattered_seeds=_scattered(outcomes),
    )


def _readings(arms: Sequence[ArmFinding], metric: MetricInfo) -> Readings:
    """Returns the metric of each arm over all seeds, and over those whose networks trained."""
    summaries = {arm.arm: arm.summaries.get(metric.name, summarize(metric, ())) for arm in arms}
    return summaries, over_trained(arms, summaries)


def _inferred(
    findings: Findings,
    readings: Readings,
    *,
    answered: Mapping[Arm, Sequence[Answers]],
    held_out: int | None,
) -> Findings:
    """Adds what is inferred from the arms: effects, their variances, and what follows from them."""
    study, metric = findings.study, findings.metric
    found = in_both(lambda read: effects(study, metric, summaries=read), readings)
    if metric.name == metrics.TEST_ACCURACY:
        parts = variances(findings.arms, found, answered=answered, held_out=held_out)
        findings = replace(findings, variances=parts)
    return _followed(findings, found, readings)


def _followed(findings: Findings, found: tuple[Effect, ...], readings: Readings) -> Findings:
    """Adds the effects and what follows from them: seed plans, differences, claims and shares."""
    study, metric, (summaries, _) = findings.study, findings.metric, readings
    claims = reproduced_claims(study, metric, readings)
    if not study.adaptive:  # none of these allows for seeds that were added after interim analyses
        found = with_nonparametric(with_mixed(found, summaries))
        seconds = _trial_seconds(findings.arms)
        plans = seed_plans(study, found, trial_seconds=seconds, variances=findings.variances)
        findings = replace(findings, plans=plans)
        claims = with_plans(study, claims, trial_seconds=seconds)
    alpha = ALPHA / max(1, len(found))
    others = [arm.arm for arm in findings.arms if not arm.is_reference]
    differences = in_both(
        lambda read: [difference(study, arm, metric=metric, summaries=read) for arm in others],
        readings,
    )
    compared = dict(zip(others, differences, strict=True))
    return replace(
        findings,
        arms=tuple(replace(arm, difference=compared.get(arm.arm)) for arm in findings.arms),
        effects=found,
        reproduced_claims=claims,
        simple_effects=in_both(lambda read: simple_effects(study, metric, found, read), readings),
        shares=shares(study, metric, summaries=summaries),
        fixed_seeds=equal_fixed(study.adaptive, alpha=alpha) if study.adaptive else None,
    )


def _by_arm(study: Study, outcomes: Iterable[TrialOutcome]) -> dict[Arm, list[TrialOutcome]]:
    by_arm: dict[Arm, list[TrialOutcome]] = {arm: [] for arm in study.arms}
    for outcome in outcomes:
        by_arm[outcome.trial.arm].append(outcome)
    return by_arm


def _arm_findings(
    study: Study,
    by_arm: Mapping[Arm, Sequence[TrialOutcome]],
    *,
    infos: Mapping[str, MetricInfo],
    target: float | None,
    answered: Mapping[Arm, Sequence[Answers]],
) -> Iterator[ArmFinding]:
    times = {arm: durations(own) for arm, own in by_arm.items()}
    base, exact = study.reference, sum(map(len, by_arm.values())) > _DRAWN
    for arm, own in by_arm.items():
        is_base = arm == base
        yield replace(
            _arm_finding(study, arm, own, infos=infos),
            noise=example_noise(answered[arm]),
            examples=None
            if is_base
            else example_difference(answered[arm], answered[base], exact=exact),
            target_time=target_time(times[arm], None if is_base else times[base])
            if target is not None
            else None,
        )


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


def _trial_seconds(arms: Iterable[ArmFinding]) -> dict[Arm, float]:
    """Returns the mean duration of a trial of each arm that has one."""
    means = {arm.arm: arm.mean(metrics.TRIAL_SECONDS) for arm in arms}
    return {arm: mean for arm, mean in means.items() if mean is not None}


def _curves(record: RunRecord) -> Iterator[Curve]:
    """Yields the metrics that every epoch of the record has."""
    for name in record.epochs[0] if record.epochs else ():
        if all(name in epoch for epoch in record.epochs):
            yield Curve(record.seed, name, tuple(epoch[name] for epoch in record.epochs))


def _best(
    arms: Sequence[ArmFinding], infos: Mapping[str, MetricInfo], primary: str
) -> tuple[Arm | None, str | None, BestRule | None]:
    """Returns the best arm and its metric, and the rule that they follow from.

    The metric is one of validation if any was reported. An arm that leads only because networks of
    another one did not train is not the better recipe.
    """
    validation = [name for name in infos if name.startswith(metrics.VALIDATION)]
    names = (metrics.BEST_VAL_ACCURACY, metrics.VAL_ACCURACY, *validation, primary)
    directed = (n for n in names if n in infos and infos[n].better != "neither")
    if (name := next(directed, None)) is None:
        return None, None, None
    sign = 1 if infos[name].better == "higher" else -1
    every = _leaders([(arm.arm, arm.summaries[name]) for arm in arms], sign)
    trained = _leaders(
        [(arm.arm, arm.over_trained(name) or arm.summaries[name]) for arm in arms], sign
    )
    if len(every) == 1 and every == trained:
        return every[0], name, "study-metric" if name == primary else "validation"
    return None, None, "tied" if len(every) > 1 else "untrained" if every else None


def _leaders(summaries: Iterable[tuple[Arm, Summary]], sign: int) -> list[Arm]:
    """Returns the arms of the best mean: one, or several that share it."""
    means = [(sign * s.mean, arm) for arm, s in summaries if s.mean is not None]
    top = max((mean for mean, _ in means), default=None)
    return [arm for mean, arm in means if mean == top]


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


def _scattered(outcomes: Iterable[TrialOutcome]) -> int:
    """Counts the seeds whose completed trials name several machines."""
    nodes: dict[int, set[str]] = {}
    for outcome in outcomes:
        if (record := outcome.completed) and (node := record.environment.get(NODE)):
            nodes.setdefault(outcome.trial.seed, set()).add(node)
    return sum(len(found) > 1 for found in nodes.values())


def _environments(outcomes: Iterable[TrialOutcome]) -> tuple[tuple[Mapping[str, str], int], ...]:
    """Counts the distinct environments; a fact that some records lack makes no difference.

    For example, only arms with frozen layers record what computed them.
    """
    counts = Counter(
        tuple(sorted(record.environment.items()))
        for outcome in outcomes
        if (record := outcome.completed)  # one that timed out or died has only the driver's
    )
    merged: list[tuple[dict[str, str], int]] = []
    for items, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        facts = dict(items)
        for place, (other, number) in enumerate(merged):
            if all(other.get(name, value) == value for name, value in facts.items()):
                merged[place] = ({**other, **facts}, number + count)
                break
        else:
            merged.append((facts, count))
    return tuple(sorted(merged, key=lambda pair: -pair[1]))
