"""Sets the numbers behind each figure as a table."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import unit_of
from ablations.report.blocks import Table
from ablations.report.figures.panels import Panels
from ablations.report.tables import make_table
from ablations.text.formatting import difference, metric_name, number
from ablations.text.naming import arm_label, effect_label


def seed_table(findings: Findings) -> Table:
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


def contrast_table(findings: Findings) -> Table:
    """One row per effect, one column per seed: the dots of the second figure."""
    seeds = [f"seed {seed}" for seed in findings.study.seeds]
    rows = []
    for effect in findings.effects:
        values = dict(effect.per_seed)
        cells = [difference(values.get(s), effect.metric.unit) for s in findings.study.seeds]
        rows.append([effect_label(findings, effect), *cells])
    return make_table("effects by seed", ["effect", *seeds], rows, numeric=seeds)


def quantile_table(findings: Findings) -> Table | None:
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


def panel_table(chart: Panels, caption: str) -> Table:
    """One row per line of each panel and position on its horizontal axis."""
    rows = [
        [panel.title, f"{panel.x_axis}: {name}", line.label, number(value)]
        for panel in chart.panels
        for line in panel.lines
        for name, value in zip(panel.x_labels, line.mean, strict=True)
    ]
    columns = ["factors", "first", "second", chart.y_axis]
    return make_table(caption, columns, rows, numeric=[chart.y_axis])


def last_epoch_table(chart: Panels) -> Table:
    """One row per arm: where its mean curves end."""
    names = [line.label for line in chart.panels[0].lines] if chart.panels else []
    rows = [
        [panel.title, *(number(line.mean[-1] if line.mean else None) for line in panel.lines)]
        for panel in chart.panels
    ]
    return make_table(f"last epoch: {chart.y_axis}", ["arm", *names], rows, numeric=names)


def epoch_table(arm: ArmFinding) -> Table:
    """One row per epoch: the mean of each metric over the seeds that reached it."""
    means = {own.metric: own.values for own in arm.epoch_means}
    rows = [
        [str(epoch + 1), *(_mean_at(values, epoch, name) for name, values in means.items())]
        for epoch in range(max(map(len, means.values()), default=0))
    ]
    columns = [metric_name(name) for name in means]
    return make_table(
        "means over seeds, epoch by epoch", ["epoch", *columns], rows, numeric=columns
    )


def _mean_at(means: Sequence[float], epoch: int, name: str) -> str:
    return number(means[epoch] if epoch < len(means) else None, unit_of(name))
