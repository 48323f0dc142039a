"""Turns findings into tables of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.core.estimates import Effect, Interval
from ablations.core.findings import ArmFinding, Findings
from ablations.core.record import Unit
from ablations.report.views import Column, TableView
from ablations.text.evidence import effect_label
from ablations.text.formatting import (
    UNKNOWN,
    arm_label,
    count,
    difference,
    estimate,
    gate_rule,
    gate_status,
    interval,
    metric_name,
    number,
    p_value,
    reach,
    sentence,
    verdict,
)
from ablations.text.naming import untrained_count


def make_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Iterable[str] = (),
    name: str = "",
) -> TableView:
    """Makes a table; ``numeric`` names the columns that hold numbers, ``name`` is its id."""
    numbers = set(numeric)
    heads = tuple(Column(column, column in numbers) for column in columns)
    return TableView(caption, heads, tuple(tuple(row) for row in rows), name)


def bounds(found: Interval | None) -> tuple[float, float] | None:
    """Returns the two ends of an interval."""
    return (found.low, found.high) if found else None


def arm_table(findings: Findings) -> TableView:
    """One row per arm: its levels, and what the seeds gave."""
    factors = [factor.name for factor in findings.study.factors]
    metric = metric_name(findings.metric.name)
    measured = ["n", f"{metric}, 95% interval", "sd", "min to max"]
    changes = any(_difference(findings, arm) for arm in findings.arms)
    compared = [f"change from {arm_label(findings.study, findings.study.reference)}"]
    lost = ["did not train"] if any(arm.untrained for arm in findings.arms) else []
    extra = [(name, title) for name, title in _EXTRA if _has(findings, name)]
    numeric = [*lost, *measured, *(compared if changes else []), *(title for _, title in extra)]
    rows = [
        [level for _, level in arm.arm.levels]
        + [untrained_count(arm) or UNKNOWN for _ in lost]
        + _measured(findings, arm)
        + ([_compared(findings, arm)] if changes else [])
        + [_mean_of(arm, name) for name, _ in extra]
        for arm in findings.arms
    ]
    caption = "Each arm over its seeds"
    return make_table(caption, [*factors, *numeric], rows, numeric=numeric, name="arm")


_EXTRA = (
    ("images_per_second", "images/s"),
    ("fit_seconds", "fit time"),
    ("peak_memory_bytes", "worker’s peak memory"),
)


def _has(findings: Findings, name: str) -> bool:
    return name != findings.metric.name and any(name in arm.summaries for arm in findings.arms)


def _measured(findings: Findings, arm: ArmFinding) -> list[str]:
    summary, unit = arm.summaries.get(findings.metric.name), findings.metric.unit
    if summary is None:
        return ["0", UNKNOWN, UNKNOWN, UNKNOWN]
    return [
        count(summary.n),
        estimate(summary.mean, bounds(summary.interval), unit),
        difference(summary.sd, unit).lstrip("+"),
        reach(summary.minimum, summary.maximum, unit),
    ]


def _mean_of(arm: ArmFinding, name: str) -> str:
    summary = arm.summaries.get(name)
    return number(summary.mean, summary.metric.unit) if summary else UNKNOWN


def _difference(findings: Findings, arm: ArmFinding) -> Effect | None:
    """The paired difference of an arm to the reference, if it was analysed at all."""
    wanted = {arm.arm: 1.0, findings.study.reference: -1.0}
    same = (e for e in findings.effects if {a: w for a, w in e.weights if w} == wanted)
    return arm.difference or next(same, None)


def _compared(findings: Findings, arm: ArmFinding) -> str:
    if arm.is_reference:
        return UNKNOWN
    effect = _difference(findings, arm)
    if effect is None:
        return UNKNOWN
    return estimate(effect.estimate, bounds(effect.interval), effect.metric.unit, signed=True)


def effect_table(findings: Findings) -> TableView | None:
    """One row per effect: size, both intervals, adjusted p, verdict."""
    if not findings.effects:
        return None
    numeric = ["estimate", "95% interval", "adjusted interval", "adjusted p", "seeds"]
    rows = [
        [effect_label(findings, effect), *_effect_numbers(effect), verdict(effect.verdict)]
        for effect in findings.effects
    ]
    return make_table(
        "Each effect, with its interval alone and adjusted for all comparisons",
        ["effect", *numeric, "verdict"],
        rows,
        numeric=numeric,
        name="effect",
    )


def _effect_numbers(effect: Effect) -> list[str]:
    unit = effect.metric.unit
    return [
        difference(effect.estimate, unit),
        between(effect.interval, unit, signed=True),
        between(effect.adjusted, unit, signed=True),
        bare_p(effect.p_adjusted),
        count(effect.n),
    ]


def between(found: Interval | None, unit: Unit, *, signed: bool = False) -> str:
    """Writes an interval in a cell of its own."""
    low, high = bounds(found) or (None, None)
    return interval(low, high, unit, signed=signed)


def bare_p(p: float | None) -> str:
    """Writes a p value under a heading that says so."""
    return p_value(p).removeprefix("p = ").removeprefix("p ")


def gate_tables(findings: Findings) -> tuple[TableView, ...]:
    """One table per gate, with one row per arm that it names."""
    by_rule: dict[str, list[list[str]]] = {}
    for found in findings.gates:
        unit = found.metric.unit if found.metric else "number"
        n = count(found.summary.n if found.summary else 0)
        judged = (number(found.judged, unit), n, gate_status(found.status))
        rows = by_rule.setdefault(gate_rule(found.gate, unit), [])
        rows.append([arm_label(findings.study, found.arm), *judged])
    columns = ["arm", "judged", "seeds", "status"]
    return tuple(
        make_table(sentence(rule), columns, rows, numeric=["judged", "seeds"])
        for rule, rows in by_rule.items()
    )


def failure_table(findings: Findings) -> TableView | None:
    """One row per failed trial."""
    if not findings.failures:
        return None
    rows = [
        [arm_label(findings.study, f.arm), str(f.seed), f.reason, f.message or UNKNOWN]
        for f in findings.failures
    ]
    return make_table(
        "Each trial that did not complete", ["arm", "seed", "reason", "message"], rows
    )


def warmup_table(findings: Findings) -> TableView | None:
    """One row per arm: what its steps take, and what came before."""
    timed = [(arm.arm, arm.timing) for arm in findings.arms if arm.timing]
    if not timed:
        return None
    numeric = ["steps", "median step", "95th percentile", "first step", "first epoch"]
    rows = []
    for arm, timing in timed:
        usual = [timing.median_step_seconds, timing.p95_step_seconds]
        apart = [timing.warmup_first_step_seconds, timing.warmup_epoch_seconds]
        cells = [number(seconds, "seconds") for seconds in (*usual, *apart)]
        rows.append([arm_label(findings.study, arm), count(timing.n_steps), *cells])
    return make_table(
        "Steps after the first epoch; the first step and epoch apart",
        ["arm", *numeric],
        rows,
        numeric=numeric,
    )
