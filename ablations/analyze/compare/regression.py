"""The gate against the past: is each arm as accurate, and as fast, as it was?

Equal seeds on equal data are paired; else the two are independent samples with spreads of their
own. Source: Welch (1947), "The generalization of 'Student's' problem when several different
population variances are involved", Biometrika 34. Sample variances are divided by n - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ablations.analyze.compare.comparable import (
    SPEED_UNITS,
    alike,
    in_turn,
    other_machines,
    require_comparable,
    require_same_units,
)
from ablations.analyze.derived import measured
from ablations.analyze.inference.effects import ALPHA, judge
from ablations.analyze.inference.intervals import estimate
from ablations.analyze.inference.quantiles import t_isf
from ablations.analyze.inference.resolution import common_step
from ablations.core import metrics
from ablations.core.design import Arm
from ablations.core.estimates import Interval
from ablations.core.findings import ArmFinding, Findings
from ablations.core.identity import Identify
from ablations.core.metrics import MetricInfo, Step
from ablations.core.past import ChangeSincePast, ComparisonWithPast, Past, PastArm
from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.core.training import untrained
from ablations.entry import find_entry
from ablations.errors import StoreError, StudyError
from ablations.records.agreement import agreed_infos, require_one_recipe
from ablations.records.readers import read_source

_ROUNDING = 1e-9

SPEED_ALLOWANCE = 1.1
"""By how much the speed of a machine is taken to differ at most between two days, a quotient."""

Values = Mapping[int, float]
Pair = tuple[ArmFinding, PastArm]


def read_past(name: str, study: Study) -> Past:
    """Reads the past of a study by what ``--against`` names.

    Args:
        name: A path, or ``REVISION:PATH`` of a file that is committed to git.
        study: The study, to find its files in a folder of many studies, and what of recorded
            settings decides results.

    Raises:
        StoreError: if there is no such thing, or it cannot be read.
    """
    found = read_source(name, study)
    if isinstance(found, Past):
        return found
    identify = find_entry(study.entry, study.folder).identity
    try:
        return past_of_records(found, name, identify=identify)
    except StoreError as error:
        raise error.at(name) from error


def past_of_records(
    records: Sequence[RunRecord], source: str, *, identify: Identify = dict
) -> Past:
    """Returns records as the past that later findings can be compared with.

    Args:
        records: Of several of one arm and seed the latest completed one counts.
        source: What to call them.
        identify: The entry's ``identity``: the settings that decide results.

    Raises:
        StoreError: if they disagree on the unit or direction of a metric, or an arm has some with
            other settings than the others.
    """
    completed = sorted((r for r in records if r.completed), key=lambda r: r.started_at)
    latest = {(record.arm, record.seed): record for record in completed}.values()
    require_one_recipe(latest, identify)
    found = [(record, measured(record)) for record in latest]
    values: dict[Arm, dict[str, dict[int, float]]] = {}
    for record, reported in found:
        own = values.setdefault(record.arm, {})
        for name, metric in reported.items():
            if math.isfinite(metric.value):
                own.setdefault(name, {})[record.seed] = metric.value
    lost = sorted((record.seed, record.arm) for record in untrained(latest))
    environments = {tuple(sorted(record.environment.items())) for record in latest}
    return Past(
        source,
        tuple(
            PastArm(arm, own, tuple(seed for seed, other in lost if other == arm))
            for arm, own in values.items()
        ),
        tuple(sorted({record.data for record in latest if record.data})),
        tuple(dict(facts) for facts in sorted(environments)),
        tuple(sorted(record.started_at for record in latest)),
        agreed_infos((record, metrics.values()) for record, metrics in found),
    )


def compare_with_past(
    findings: Findings,
    past: Past,
    *,
    despite: Sequence[str] = (),
    pasts: int = 1,
    whole_trials: bool = True,
) -> ComparisonWithPast:
    """Compares findings with an earlier state of the study.

    Accuracy here is the study's metric, and its margin the study's; speeds are compared as
    quotients and only on the same machine. All intervals have Bonferroni's level over everything
    compared.

    Args:
        findings: The present.
        past: The earlier state; its arms are found by their levels.
        despite: Which of ``data``, ``device`` and ``precision`` may differ.
        pasts: How many pasts are compared at once, with which the intervals are shared.
        whole_trials: Whether the time of a trial is judged beside that of a step, where both states
            were measured in turn.

    Raises:
        StudyError: if one of these differs that may not, or the two have no arm in common.
    """
    require_comparable(findings, past, despite=despite)
    pairs = _pairs(findings, past)
    machines = other_machines(findings, past)
    apart = not in_turn(findings.started, past.started)
    speeds = [] if machines else _speeds(findings, past, whole=whole_trials and not apart)
    metrics = _metrics(findings, past, speeds)
    same_data = set(findings.data) == set(past.data)
    family = pasts * len(pairs) * len(metrics)
    read = partial(_change, findings, family=family, same_data=same_data)
    changes = [
        _as_speed(_in_both(read, metric, pair), apart=apart, elsewhere=bool(machines))
        for metric in metrics
        for pair in pairs
    ]
    own, then = ([arm.arm for arm in arms] for arms in (findings.arms, past.arms))
    return ComparisonWithPast(
        past,
        tuple(changes),
        machines,
        added=tuple(arm for arm in own if arm not in then),
        gone=tuple(arm for arm in then if arm not in own),
    )


def _metrics(findings: Findings, past: Past, speeds: Sequence[MetricInfo]) -> list[MetricInfo]:
    """Returns what is compared, the study's metric and speeds, in the units of both sides."""
    found = [findings.metric, *speeds]
    if findings.n_completed:  # of nothing no unit is known
        require_same_units(past, found)
    return found


def _pairs(findings: Findings, past: Past) -> list[Pair]:
    """Returns the arms that are in both states.

    Raises:
        StudyError: if there is none.
    """
    then = {arm.arm: arm for arm in past.arms}
    pairs = [(arm, then[arm.arm]) for arm in findings.arms if arm.arm in then]
    if not pairs:
        raise StudyError(
            f"{past.source} has no arm of this study",
            received=f"arms {'; '.join(sorted(arm.arm.name for arm in past.arms)) or 'none'}",
            cure="Name a baseline of the same study",
        )
    return pairs


def past_exit_code(found: ComparisonWithPast, findings: Findings) -> int:
    """Returns 1 where an arm regressed, 4 where trials or arms are missing, 3 where undecided.

    Speeds that were not measured in turn may stay undecided, as their intervals are nearly always
    too wide.
    """
    verdicts = {change.verdict for change in found.changes}
    if "regressed" in verdicts:
        return 1
    unknown = any(change.n == 0 for change in found.changes)
    if found.gone or unknown or findings.n_completed < findings.n_planned:
        return 4
    undecided = (c for c in found.changes if c.verdict == "inconclusive" and not c.apart)
    return 3 if any(undecided) else 0


def _speeds(findings: Findings, past: Past, *, whole: bool) -> list[MetricInfo]:
    """Returns the speed of a step or what stands for it, and that of the whole trial if wanted.

    A step's does not show what happens between steps, such as slow reading of data.
    """
    known = {info.name: info for info in findings.metrics}
    old = {name for arm in past.arms for name in arm.values}
    both = [known[name] for name in metrics.SPEEDS if name in known and name in old]
    trial = [info for info in both[1:] if whole and info.name == metrics.TRIAL_SECONDS]
    return both[:1] + trial


def _in_both(
    read: Callable[[MetricInfo, Pair], ChangeSincePast], metric: MetricInfo, pair: Pair
) -> ChangeSincePast:
    """Returns a change with the verdict that it has with and without untrained networks."""
    found, (arm, old) = read(metric, pair), pair
    lost = arm.untrained or old.untrained
    if not lost or found.alike or not metric.depends_on_training:
        return found
    now, then = arm.over_trained(metric.name), dict(old.values.get(metric.name, {}))
    kept = {seed: value for seed, value in then.items() if seed not in old.untrained}
    trained = replace(arm, summaries={**arm.summaries, metric.name: now}) if now else arm
    others = read(metric, (trained, replace(old, values={**old.values, metric.name: kept})))
    agree = found.verdict == others.verdict
    return found if agree else replace(found, verdict="inconclusive")


def _change(
    findings: Findings, metric: MetricInfo, pair: Pair, *, family: int, same_data: bool
) -> ChangeSincePast:
    (arm, old), study = pair, findings.study
    is_ratio = metric.name != findings.metric.name
    now, then, paired = _values(metric, pair, same_data=same_data)
    copied = bool(now) and now == then  # two runs never take equal times: the very same records
    change = ChangeSincePast(
        arm=arm.arm,
        metric=metric,
        is_ratio=is_ratio,
        n=len(now),
        n_past=len(then),
        mean=_middle(now, is_ratio=is_ratio),
        past_mean=_middle(then, is_ratio=is_ratio),
        change=None,
        interval=None,
        margin=study.smallest_ratio_that_matters
        if is_ratio
        else study.smallest_effect_that_matters,
        paired=paired,
        alike=copied if is_ratio else paired and alike(arm, old),
        family_size=family,
        verdict="inconclusive",
    )
    step = None if is_ratio else _step(metric, [*now.values(), *then.values()])
    return _judged(change, [*now.values()], [*then.values()], alpha=ALPHA / family, step=step)


def _middle(values: Values, *, is_ratio: bool) -> float | None:
    """Returns the mean; of what a quotient compares the geometric one, as theirs is the change."""
    own = list(values.values())
    if is_ratio and own and min(own) > 0:
        return math.exp(math.fsum(map(math.log, own)) / len(own))
    return estimate(own).mean


def _values(metric: MetricInfo, pair: Pair, *, same_data: bool) -> tuple[Values, Values, bool]:
    """Returns a metric's values by seed, now and then, and whether they are paired by seed."""
    arm, old = pair
    summary = arm.summaries.get(metric.name)
    now, then = dict(summary.values) if summary else {}, old.values.get(metric.name, {})
    if not same_data or metric.unit in SPEED_UNITS:
        return now, then, False
    return in_pairs(now, then)


def in_pairs(now: Values, then: Values) -> tuple[Values, Values, bool]:
    """Returns values by seed as pairs where one side has all seeds of the other, else all values.

    The last value says which: with seeds in pairs, both sides have the same ones.
    """
    shared = sorted(set(now) & set(then))
    if not 2 <= len(shared) == min(len(now), len(then)):
        return now, then, False
    return {seed: now[seed] for seed in shared}, {seed: then[seed] for seed in shared}, True


def _step(metric: MetricInfo, values: Sequence[float]) -> Step | None:
    """Returns the metric's step, if the past has the same one."""
    common = common_step(metric, values)
    if common is None or metric.step is None or not metric.step.known:
        return common
    return metric.step if common.size >= metric.step.size * (1 - _ROUNDING) else None


def _judged(
    change: ChangeSincePast,
    now: Sequence[float],
    then: Sequence[float],
    *,
    alpha: float,
    step: Step | None,
) -> ChangeSincePast:
    """Adds change, interval and verdict; a quotient is judged as a difference of logarithms."""
    if change.alike:
        return replace(change, change=1.0 if change.is_ratio else 0.0, verdict="equivalent")
    if change.is_ratio and min([*now, *then], default=0.0) <= 0:
        return change
    scale, back = (math.log, math.exp) if change.is_ratio else (float, float)
    ours, theirs = (list(map(scale, values)) for values in (now, then))
    if change.paired:
        differences = estimate([a - b for a, b in zip(ours, theirs, strict=True)]).floored(step)
        mean = differences.mean
        interval = differences.interval(level=1 - alpha, method="paired Student t, Bonferroni")
    else:
        side = step and step.times(math.sqrt(0.5))
        mean, interval = welch(ours, theirs, alpha=alpha, step=side)
    return replace(
        change,
        change=None if mean is None else back(mean),
        interval=interval and replace(interval, low=back(interval.low), high=back(interval.high)),
        verdict=judge(interval, margin=scale(change.margin), better=change.metric.better),
    )


def _as_speed(change: ChangeSincePast, *, apart: bool, elsewhere: bool) -> ChangeSincePast:
    """Leaves out speeds of another machine; allows for other days on one machine."""
    if change.metric.unit not in SPEED_UNITS or change.alike:
        return change
    if elsewhere:
        return replace(change, interval=None, verdict="inconclusive")
    return _widened(change) if apart else change


def _widened(change: ChangeSincePast) -> ChangeSincePast:
    """Widens an interval by how much a machine's speed may differ between two days."""
    found, better = change.interval, change.metric.better
    if found is None:
        return replace(change, apart=True)
    if change.is_ratio:
        low, high = found.low / SPEED_ALLOWANCE, found.high * SPEED_ALLOWANCE
        logs = replace(found, low=math.log(low), high=math.log(high))
        verdict = judge(logs, margin=math.log(change.margin), better=better)
    else:
        room = (SPEED_ALLOWANCE - 1) * max(abs(change.mean or 0.0), abs(change.past_mean or 0.0))
        low, high = found.low - room, found.high + room
        verdict = judge(replace(found, low=low, high=high), margin=change.margin, better=better)
    return replace(change, interval=replace(found, low=low, high=high), verdict=verdict, apart=True)


def welch(
    now: Sequence[float], then: Sequence[float], *, alpha: float, step: Step | None = None
) -> tuple[float | None, Interval | None]:
    """Returns the difference of means and its interval of level 1 - alpha, by Welch.

    The interval is ``None`` below two values on a side, or without any spread on both of them
    unless the metric's ``step``, the least standard deviation of a side, is known.
    """
    one, other = estimate(now), estimate(then)
    if one.sd == other.sd == 0 or (step and step.known):
        one, other = one.floored(step), other.floored(step)
    if one.mean is None or other.mean is None:
        return None, None
    change = one.mean - other.mean
    if one.sd is None or other.sd is None:
        return change, None
    parts = np.array([one.sd**2 / one.n, other.sd**2 / other.n])
    error = math.sqrt(parts.sum())
    df = parts.sum() ** 2 / (parts**2 / np.array([one.n - 1, other.n - 1])).sum()
    half = t_isf(alpha / 2, df) * error
    return change, Interval(change - half, change + half, 1 - alpha, "Welch t, Bonferroni")
