"""Sets the numbers behind each figure as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import unit_of
from ablations.report.blocks import Table
from ablations.report.figures.dots import MOST
from ablations.report.figures.panels import Panels
from ablations.report.many import drawn_arms, fewer_arms, first_ones
from ablations.report.tables import make_table
from ablations.text.formatting import difference, metric_name, number
from ablations.text.naming import arm_label, effect_label


def seed_table(findings: Findings, arms: Sequence[ArmFinding] = ()) -> Table:
    """One row per arm (by default those of the first figure), one column per seed."""
    unit = findings.metric.unit
    rows = [
        (arm_label(findings.study, arm.arm), dict(summary.values if summary else ()))
        for arm in arms or drawn_arms(findings)
        for summary in [arm.summaries.get(findings.metric.name)]
    ]
    title = f"{metric_name(findings.metric.name)} by arm"
    captions = f"{title} and seed", f"{title}: percentiles over seeds"
    return _by_seed(findings, "arm", captions, rows, lambda value: number(value, unit))


def contrast_table(findings: Findings) -> Table:
    """One row per effect, one column per seed: the dots of the second figure."""
    unit = findings.metric.unit
    shown = first_ones(findings.effects)
    rows = [(effect_label(findings, own), dict(own.per_seed)) for own in shown]
    captions = "effects by seed", "effects: percentiles over seeds"
    return _by_seed(findings, "effect", captions, rows, lambda value: difference(value, unit))


def _by_seed(
    findings: Findings,
    what: str,
    captions: tuple[str, str],
    rows: Sequence[tuple[str, dict[int, float]]],
    show: Callable[[float | None], str],
) -> Table:
    """Sets each seed's value, or of more seeds than are drawn one by one, percentiles.

    ``captions`` are those of the two.
    """
    seeds = findings.study.seeds
    if len(seeds) > MOST:
        columns = [f"{level}%" for level in _PERCENTILES]
        cells = [[label, *map(show, _percentiles(own.values()))] for label, own in rows]
        return make_table(captions[1], [what, *columns], cells, numeric=columns)
    columns = [f"seed {seed}" for seed in seeds]
    cells = [[label, *(show(own.get(seed)) for seed in seeds)] for label, own in rows]
    return make_table(captions[0], [what, *columns], cells, numeric=columns)


_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


def _percentiles(values: Iterable[float]) -> list[float | None]:
    own = list(values)
    return list(np.percentile(own, _PERCENTILES)) if own else [None] * len(_PERCENTILES)


def quantile_table(findings: Findings) -> Table | None:
    """One row per arm, one column per percentile: some of the ticks of the step figure."""
    shown = (1, 5, 25, 50, 75, 95, 99)
    arms = fewer_arms(findings)
    timed = [(a.arm, a.timing.quantiles) for a in arms if a.timing and a.timing.quantiles]
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
