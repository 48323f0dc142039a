"""Turns findings into tables of words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablations.findings import ArmFinding, Effect, Findings, Interval
from ablations.formatting import (
    UNKNOWN,
    arm_label,
    count,
    counted,
    difference,
    estimate,
    gate_rule,
    gate_status,
    interval,
    metric_name,
    number,
    p_value,
    reach,
    setting,
    verdict,
)
from ablations.record import Table, Unit
from ablations.report.narrative import effect_label
from ablations.report.panels import Panels
from ablations.report.views import Column, TableView


def make_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Iterable[str] = (),
) -> TableView:
    """Makes a table; ``numeric`` names the columns that hold numbers."""
    numbers = set(numeric)
    heads = tuple(Column(name, name in numbers) for name in columns)
    return TableView(caption, heads, tuple(tuple(row) for row in rows))


def bounds(found: Interval | None) -> tuple[float, float] | None:
    """Returns the two ends of an interval."""
    return (found.low, found.high) if found else None


def arm_table(findings: Findings) -> TableView:
    """One row per arm: its levels, and what the seeds gave."""
    factors = [factor.name for factor in findings.study.factors]
    metric = metric_name(findings.metric.name)
    measured = ["n", f"{metric} [95% interval]", "sd", "min to max"]
    changes = any(_difference(findings, arm) for arm in findings.arms)
    compared = [f"change from {arm_label(findings.study, findings.study.reference)}"]
    extra = [(name, title) for name, title in _EXTRA if _has(findings, name)]
    numeric = [*measured, *(compared if changes else []), *(title for _, title in extra)]
    rows = [
        [level for _, level in arm.arm.levels]
        + _measured(findings, arm)
        + ([_compared(findings, arm)] if changes else [])
        + [_mean_of(arm, name) for name, _ in extra]
        for arm in findings.arms
    ]
    return make_table("Each arm over its seeds", [*factors, *numeric], rows, numeric=numeric)


_EXTRA = (
    ("images_per_second", "images/s"),
    ("fit_seconds", "fit time"),
    ("peak_memory_bytes", "peak memory"),
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
    return make_table("Each effect, with its interval alone and adjusted for all comparisons", ["effect", *numeric, "verdict"], rows, numeric=numeric)


def _effect_numbers(effect: Effect) -> list[str]:
    unit = effect.metric.unit
    return [
        difference(effect.estimate, unit),
        _signed(effect.interval, unit),
        _signed(effect.adjusted, unit),
        p_value(effect.p_adjusted).removeprefix("p = ").removeprefix("p "),
        count(effect.n),
    ]


def _signed(found: Interval | None, unit: Unit) -> str:
    return interval(found.low, found.high, unit, signed=True) if found else UNKNOWN


def seed_table(findings: Findings) -> TableView:
    """One row per arm, one column per seed: the dots of the first figure."""
    seeds = [f"seed {seed}" for seed in findings.study.seeds]
    rows = []
    for arm in findings.arms:
        summary = arm.summaries.get(findings.metric.name)
        values = dict(summary.values) if summary else {}
        cells = [number(values.get(seed), findings.metric.unit) for seed in findings.study.seeds]
        rows.append([arm_label(findings.study, arm.arm), *cells])
    caption = f"{metric_name(findings.metric.name)} by arm and seed"
    return make_table(caption, ["arm", *seeds], rows, numeric=seeds)


def contrast_table(findings: Findings) -> TableView:
    """One row per effect, one column per seed: the dots of the second figure."""
    seeds = [f"seed {seed}" for seed in findings.study.seeds]
    rows = []
    for effect in findings.effects:
        values = dict(effect.per_seed)
        cells = [difference(values.get(s), effect.metric.unit) for s in findings.study.seeds]
        rows.append([effect_label(findings, effect), *cells])
    return make_table("effects by seed", ["effect", *seeds], rows, numeric=seeds)


def gate_table(findings: Findings) -> TableView | None:
    """One row per gate and arm."""
    if not findings.gates:
        return None
    rows = []
    for found in findings.gates:
        unit = found.metric.unit if found.metric else "number"
        n = found.summary.n if found.summary else 0
        rows.append(
            [gate_rule(found.gate, unit), arm_label(findings.study, found.arm), count(n)]
            + [number(found.judged, unit), gate_status(found.status)]
        )
    columns = ["gate", "arm", "seeds", "judged", "status"]
    return make_table("Each gate, applied to each arm that it names", columns, rows, numeric=["seeds", "judged"])


def failure_table(findings: Findings) -> TableView | None:
    """One row per failed trial."""
    if not findings.failures:
        return None
    rows = [
        [arm_label(findings.study, f.arm), str(f.seed), f.reason, f.message or UNKNOWN]
        for f in findings.failures
    ]
    return make_table("Each trial that did not complete", ["arm", "seed", "reason", "message"], rows)


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
    return make_table("Step times; warm-up apart", ["arm", *numeric], rows, numeric=numeric)


def quantile_table(findings: Findings) -> TableView | None:
    """One row per arm, one column per percentile: some of the ticks of the step figure."""
    shown = (1, 5, 25, 50, 75, 95, 99)
    timed = [(a.arm, a.timing.quantiles) for a in findings.arms if a.timing and a.timing.quantiles]
    if not timed:
        return None
    columns = [f"{percentile}%" for percentile in shown]
    rows = [
        [arm_label(findings.study, arm), *(number(values[i], "seconds") for i in shown)]
        for arm, values in timed
    ]
    caption = "step time: percentiles by arm"
    return make_table(caption, ["arm", *columns], rows, numeric=columns)


def panel_table(chart: Panels, caption: str) -> TableView:
    """One row per line of each panel and position on its horizontal axis."""
    rows = [
        [panel.title, f"{panel.x_axis}: {name}", line.label, number(value)]
        for panel in chart.panels
        for line in panel.lines
        for name, value in zip(panel.x_labels, line.mean, strict=True)
    ]
    columns = ["factors", "first", "second", chart.y_axis]
    return make_table(caption, columns, rows, numeric=[chart.y_axis])


def last_epoch_table(chart: Panels) -> TableView:
    """One row per arm: where its mean curves end."""
    names = [line.label for line in chart.panels[0].lines] if chart.panels else []
    rows = [
        [panel.title, *(number(line.mean[-1] if line.mean else None) for line in panel.lines)]
        for panel in chart.panels
    ]
    return make_table(f"last epoch: {chart.y_axis}", ["arm", *names], rows, numeric=names)


def level_table(findings: Findings) -> TableView:
    """One row per level of each factor: what it sets."""
    study = findings.study
    rows = [
        [factor.name, level.name, _settings(level.settings)]
        for factor in study.factors
        for level in factor.levels
    ]
    return make_table("What each level sets", ["factor", "level", "settings"], rows)


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {setting(value)}" for key, value in settings.items()) or "nothing"


def shared_table(findings: Findings) -> TableView:
    """One row per setting that all arms share."""
    study = findings.study
    rows = [[key, setting(value)] for key, value in sorted(study.settings.items())]
    fixed = [["training function", study.entry], ["seeds", ", ".join(map(str, study.seeds))]]
    return make_table("What all arms share", ["setting", "value"], [*fixed, *rows])


def environment_table(findings: Findings) -> TableView | None:
    """One row per fact, one column per distinct environment."""
    found = findings.environments
    if not found:
        return None
    facts = sorted({key for environment, _ in found for key in environment})
    several = len(found) > 1
    names = [
        f"{f'{i}: ' if several else ''}{counted(n, 'trial')}"
        for i, (_, n) in enumerate(found, start=1)
    ]
    rows = [[fact, *(environment.get(fact, UNKNOWN) for environment, _ in found)] for fact in facts]
    return make_table("Environment", ["fact", *names], rows)


def exhibit_table(title: str, table: Table) -> TableView:
    """Sets a table that the training function gave."""
    numeric = [
        name
        for i, name in enumerate(table.columns)
        if all(isinstance(row[i], int | float | None) for row in table.rows)
    ]
    rows = [[_cell(value) for value in row] for row in table.rows]
    return make_table(title, table.columns, rows, numeric=numeric)


def _cell(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return UNKNOWN if value is None else value
    return count(value) if isinstance(value, int) else number(value)
