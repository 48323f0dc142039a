"""The gate against the past: is each arm as accurate, and as fast, as it was?

Equal seeds on equal data are paired; else the two are independent samples with spreads of their
own. Source: Welch (1947), "The generalization of 'Student's' problem when several different
population variances are involved", Biometrika 34. Sample variances are divided by n - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from ablations.core.estimates import Interval, MetricInfo, Step
from ablations.core.findings import ArmFinding, Findings
from ablations.core.identity import Identify
from ablations.core.past import ChangeSincePast, Past, PastArm
from ablations.core.record import RunRecord
from ablations.core.training import untrained
from ablations.errors import StudyError
from ablations.records.agreement import agreed_infos, require_one_recipe

SPEEDS = (metrics.MEDIAN_STEP_SECONDS, metrics.IMAGES_PER_SECOND, metrics.TRIAL_SECONDS)
"""The speed that is held against the past: the first of these that both sides have.

The median step leads because it is the same whether frozen layers were computed or found.
"""

_ROUNDING = 1e-9

SPEED_ALLOWANCE = 1.1
"""By how much the speed of a machine is taken to differ at most between two days, a quotient."""

Values = Mapping[int, float]
Pair = tuple[ArmFinding, PastArm]


@dataclass(frozen=True, slots=True)
class ComparisonWithPast:
    """The changes of all arms since the past, and what was not compared.

    ``machines`` holds the facts of the present and the past machine where they differ, so that
    speeds were not compared. ``added`` and ``gone`` are the arms that only one side has.
    """

    past: Past
    changes: tuple[ChangeSincePast, ...]
    machines: tuple[tuple[str, ...], tuple[str, ...]] | None
    added: tuple[Arm, ...]
    gone: tuple[Arm, ...]


def past_of_records(
    records: Sequence[RunRecord], source: str, *, identify: Identify = dict
) -> Past:
    """Returns records as the past that later findings can be compared with.

    Args:
        records: Of several of one arm and seed the latest completed one counts.
        source: What to call them.
        identify: The entry's ``identity``, which tells settings that decide results from others.

    Raises:
        StoreError: if they disagree on the unit or direction of a metric, or an arm has some with
            other settings than the others.
    """
    completed = sorted((r for r in records if r.completed), key=lambda r: r.started_at)
    latest = {(record.arm, record.seed): record for record in completed}
    require_one_recipe(latest.values(), identify)
    found = [(record, measured(record)) for record in latest.values()]
    values: dict[Arm, dict[str, dict[int, float]]] = {}
    for record, reported in found:
        own = values.setdefault(record.arm, {})
        for name, metric in reported.items():
            if math.isfinite(metric.value):
                own.setdefault(name, {})[record.seed] = metric.value
    environments = {tuple(sorted(r.environment.items())) for r in latest.values()}
    return Past(
        source,
        tuple(PastArm(arm, own, _lost(arm, latest.values())) for arm, own in values.items()),
        tuple(sorted({r.data for r in latest.values() if r.data})),
        tuple(dict(facts) for facts in sorted(environments)),
        tuple(sorted(record.started_at for record in latest.values())),
        agreed_infos((record, metrics.values()) for record, metrics in found),
    )


def _lost(arm: Arm, records: Iterable[RunRecord]) -> tuple[int, ...]:
    """Returns the seeds of an arm whose network did not train."""
    return tuple(sorted(record.seed for record in untrained(r for r in records if r.arm == arm)))


def compare_with_past(
    findings: Findings, past: Past, *, despite: Sequence[str] = ()
) -> ComparisonWithPast:
    """Compares findings with an earlier state of the study.

    Accuracy here is the study's metric, and its margin the study's; speeds are compared as
    quotients and only on the same machine. All intervals have Bonferroni's level over everything
    compared.

    Args:
        findings: The present.
        past: The earlier state; its arms are found by their levels.
        despite: Which of ``data``, ``device`` and ``precision`` may differ.

    Raises:
        StudyError: if one of these differs that may not, or the two have no arm in common.
    """
    require_comparable(findings, past, despite=despite)
    pairs = _pairs(findings, past)
    machines = other_machines(findings, past)
    speed = None if machines else _speed(findings, past)
    metrics = [findings.metric, *([speed] if speed else [])]
    if findings.n_completed:  # of nothing no unit is known
        require_same_units(past, metrics)
    same_data = set(findings.data) == set(past.data)
    apart = not in_turn(findings.started, past.started)
    read = partial(_drift, findings, family=len(pairs) * len(metrics), same_data=same_data)
    drifts = [
        _as_speed(_in_both(read, metric, pair), apart=apart, elsewhere=bool(machines))
        for metric in metrics
        for pair in pairs
    ]
    own, then = ([arm.arm for arm in arms] for arms in (findings.arms, past.arms))
    return ComparisonWithPast(
        past,
        tuple(drifts),
        machines,
        added=tuple(arm for arm in own if arm not in then),
        gone=tuple(arm for arm in then if arm not in own),
    )


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
    verdicts = {drift.verdict for drift in found.changes}
    if "regressed" in verdicts:
        return 1
    unknown = any(drift.n == 0 for drift in found.changes)
    if found.gone or unknown or findings.n_completed < findings.n_planned:
        return 4
    undecided = any(drift.verdict == "inconclusive" and not drift.apart for drift in found.changes)
    return 3 if undecided else 0


def _speed(findings: Findings, past: Past) -> MetricInfo | None:
    known = {info.name: info for info in findings.metrics}
    old = {name for arm in past.arms for name in arm.values}
    return next((known[name] for name in SPEEDS if name in known and name in old), None)


def _in_both(
    read: Callable[[MetricInfo, Pair], ChangeSincePast], metric: MetricInfo, pair: Pair
) -> ChangeSincePast:
    """Returns a drift with the verdict that it has with and without untrained networks."""
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


def _drift(
    findings: Findings, metric: MetricInfo, pair: Pair, *, family: int, same_data: bool
) -> ChangeSincePast:
    (arm, old), study = pair, findings.study
    is_ratio = metric.name != findings.metric.name
    now, then, paired = _values(metric, pair, same_data=same_data)
    copied = bool(now) and now == then  # times never come out alike: the very same records
    margin = study.smallest_ratio_that_matters if is_ratio else study.smallest_effect_that_matters
    drift = ChangeSincePast(
        arm=arm.arm,
        metric=metric,
        is_ratio=is_ratio,
        n=len(now),
        n_past=len(then),
        mean=estimate(list(now.values())).mean,
        past_mean=estimate(list(then.values())).mean,
        change=None,
        interval=None,
        margin=margin,
        paired=paired,
        alike=copied if is_ratio else paired and alike(arm, old),
        family_size=family,
        verdict="inconclusive",
    )
    step = None if is_ratio else _step(metric, [*now.values(), *then.values()])
    return _judged(drift, now, then, alpha=ALPHA / family, step=step)


def _values(metric: MetricInfo, pair: Pair, *, same_data: bool) -> tuple[Values, Values, bool]:
    """Returns a metric's values by seed, now and then, and whether they are paired by seed."""
    arm, old = pair
    summary = arm.summaries.get(metric.name)
    now, then = dict(summary.values) if summary else {}, old.values.get(metric.name, {})
    shared = sorted(set(now) & set(then))
    enough = 2 <= len(shared) == min(len(now), len(then))
    if not (same_data and metric.unit not in SPEED_UNITS and enough):
        return now, then, False
    return {seed: now[seed] for seed in shared}, {seed: then[seed] for seed in shared}, True


def _step(metric: MetricInfo, values: Sequence[float]) -> Step | None:
    """Returns the metric's step, if the past has the same one."""
    common = common_step(metric, values)
    if common is None or metric.step is None or not metric.step.known:
        return common
    return metric.step if common.size >= metric.step.size * (1 - _ROUNDING) else None


def _judged(
    drift: ChangeSincePast, now: Values, then: Values, *, alpha: float, step: Step | None
) -> ChangeSincePast:
    if drift.alike:
        return replace(drift, change=1.0 if drift.is_ratio else 0.0, verdict="equivalent")
    transform = math.log if drift.is_ratio else float
    margin = math.log(drift.margin) if drift.is_ratio else drift.margin
    if drift.is_ratio and min([*now.values(), *then.values()], default=0.0) <= 0:
        return drift
    ours, theirs = ({s: transform(v) for s, v in values.items()} for values in (now, then))
    if drift.paired:
        differences = estimate([ours[s] - theirs[s] for s in ours]).floored(step)
        change = differences.mean
        interval = differences.interval(level=1 - alpha, method="paired Student t, Bonferroni")
    else:
        side = step and step.times(math.sqrt(0.5))
        change, interval = welch(ours.values(), theirs.values(), alpha=alpha, step=side)
    return replace(
        drift,
        change=_back(change, drift),
        interval=interval
        and replace(interval, low=_known(interval.low, drift), high=_known(interval.high, drift)),
        verdict=judge(interval, margin=margin, better=drift.metric.better),
    )


def _as_speed(drift: ChangeSincePast, *, apart: bool, elsewhere: bool) -> ChangeSincePast:
    """Leaves out speeds of another machine; allows for drift between two days on one machine."""
    if drift.metric.unit not in SPEED_UNITS or drift.alike:
        return drift
    if elsewhere:
        return replace(drift, interval=None, verdict="inconclusive")
    return _widened(drift) if apart else drift


def _widened(drift: ChangeSincePast) -> ChangeSincePast:
    """Widens an interval by how much a machine's speed may drift between two days."""
    found = drift.interval
    if found is None:
        return replace(drift, apart=True)
    if drift.is_ratio:
        wide = replace(found, low=found.low / SPEED_ALLOWANCE, high=found.high * SPEED_ALLOWANCE)
        logs = replace(wide, low=math.log(wide.low), high=math.log(wide.high))
        verdict = judge(logs, margin=math.log(drift.margin), better=drift.metric.better)
    else:
        room = (SPEED_ALLOWANCE - 1) * max(abs(drift.mean or 0.0), abs(drift.past_mean or 0.0))
        wide = replace(found, low=found.low - room, high=found.high + room)
        verdict = judge(wide, margin=drift.margin, better=drift.metric.better)
    return replace(drift, interval=wide, verdict=verdict, apart=True)


def _back(value: float | None, drift: ChangeSincePast) -> float | None:
    return None if value is None else _known(value, drift)


def _known(value: float, drift: ChangeSincePast) -> float:
    return math.exp(value) if drift.is_ratio else value


def welch(
    now: Iterable[float], then: Iterable[float], *, alpha: float, step: Step | None = None
) -> tuple[float | None, Interval | None]:
    """Returns the difference of means and its interval of level 1 - alpha, by Welch.

    The interval is ``None`` below two values on a side, or without any spread on both of them
    unless the metric's ``step``, the least standard deviation of a side, is known.
    """
    one, other = estimate(list(now)), estimate(list(then))
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
