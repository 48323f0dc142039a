"""What each arm costs, in words: operations, speed, time, energy, and what they buy."""

from __future__ import annotations

from collections.abc import Callable

from ablations.core.estimates import Summary, TargetTime
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import FIT_SECONDS, FULL_FIT_SECONDS, KnownMetric, shown_in
from ablations.report.blocks import Extras, Figure, Prose, Section, Table, present
from ablations.report.data_files import arms_frame, csv_file, steps_frame
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import quantile_table
from ablations.report.figures.headlines import dots_alt
from ablations.report.figures.scatter import Scatter
from ablations.report.figures.training_charts import cost_chart, steps_chart
from ablations.report.tables import bare_p, make_table
from ablations.text.formatting import (
    UNKNOWN,
    count,
    counted,
    duration,
    metric_name,
    number,
    operations,
)
from ablations.text.naming import arm_label, named_arm


def cost(findings: Findings, _: Extras) -> Section | None:
    """Puts together what training cost, where time was measured."""
    scatter, steps = _scatter(findings), _steps(findings)
    if not scatter and not steps:
        return None
    costs, targets = cost_table(findings), target_table(findings)
    blocks = present(
        scatter,
        steps,
        costs,
        Prose(cost_table_reading(findings), style="muted") if costs else None,
        targets,
        Prose(target_reading(findings), style="muted") if targets else None,
        _warmup_table(findings),
    )
    return Section("cost", "Time and cost", blocks)


def cost_table(findings: Findings) -> Table | None:
    """One row per arm: means over seeds of what training cost.

    None where it would only repeat columns of the table of arms.
    """
    shown = [
        entry
        for entry in shown_in("costs")
        if any(_has(arm, entry.name) for arm in findings.arms)
        if entry.name != FULL_FIT_SECONDS or _is_shared(findings)
    ]
    if all("arm" in entry.tables or entry.name == FULL_FIT_SECONDS for entry in shown):
        return None
    titles = [entry.tables["costs"] for entry in shown]
    rows = [
        [arm_label(findings.study, arm.arm), *(_cell(arm, entry) for entry in shown)]
        for arm in findings.arms
    ]
    caption = "What training costs, by arm: means over seeds"
    return make_table(caption, ["arm", *titles], rows, numeric=titles, name="costs")


def _is_shared(findings: Findings) -> bool:
    """Whether another trial did a part of any arm's work, so that its time is not all of it."""
    return any(
        arm.summaries[FULL_FIT_SECONDS].mean != arm.summaries[FIT_SECONDS].mean
        for arm in findings.arms
        if _has(arm, FULL_FIT_SECONDS) and _has(arm, FIT_SECONDS)
    )


def _has(arm: ArmFinding, name: str) -> bool:
    return name in arm.summaries and arm.summaries[name].mean is not None


def _cell(arm: ArmFinding, entry: KnownMetric) -> str:
    if not _has(arm, entry.name):
        return UNKNOWN
    summary = arm.summaries[entry.name]
    if entry.symbol:
        return operations(summary.mean, entry.symbol)
    return number(summary.mean, summary.metric.unit)


def target_table(findings: Findings) -> Table | None:
    """One row per arm: how many runs reached the target, and when half of them had."""
    timed = [(arm, arm.target_time) for arm in findings.arms if arm.target_time]
    if not timed:
        return None
    reference = arm_label(findings.study, findings.study.reference)
    columns: dict[str, Callable[[TargetTime], str]] = {
        "reached": lambda time: f"{time.reached} of {time.n}",
        "median time": lambda time: UNKNOWN if time.median is None else duration(time.median),
    }
    if any(time.low is not None or time.high is not None for _, time in timed):
        columns["95% interval"] = _span
    if _is_compared(findings):
        columns[f"log-rank p against {reference}"] = lambda time: bare_p(time.p)
    numeric = list(columns)
    rows = [
        [arm_label(findings.study, arm.arm), *(cell(time) for cell in columns.values())]
        for arm, time in timed
    ]
    target = number(findings.target, "fraction")
    caption = f"Training time until validation accuracy reached {target}"
    if findings.study.target_accuracy is None:
        caption += f", the mean at which {named_arm(findings.study, findings.study.reference)} ends"
    return make_table(caption, ["arm", *numeric], rows, numeric=numeric, name="target")


def _span(found: TargetTime) -> str:
    """Writes the interval; a bound beyond the longest run is open."""
    if found.low is None and found.high is None:
        return UNKNOWN
    low, high = (UNKNOWN if b is None else duration(b) for b in (found.low, found.high))
    return f"{low} or more" if found.high is None else f"{low} to {high}"


def _is_compared(findings: Findings) -> bool:
    return any(arm.target_time and arm.target_time.p is not None for arm in findings.arms)


def target_reading(findings: Findings) -> str:
    """Explains the table of times to the target."""
    return f"{_MEDIANS} {_LOG_RANK}" if _is_compared(findings) else _MEDIANS


_MEDIANS = (
    "The median is the time by which half of the runs had reached the target, counting those "
    "that never did, so an arm in which only some runs reach it does not look fast. It is unknown "
    "where fewer than half of the runs reached the target."
)
_LOG_RANK = (
    "The log-rank p tests whether an arm reaches the target as fast as the reference; it is not "
    "adjusted and gives no verdict."
)


def cost_table_reading(findings: Findings) -> str:
    """Explains the table of costs; what is said of shared work only where there was some."""
    return f"{_OPERATIONS} {_SHARED_WORK}" if _is_shared(findings) else _OPERATIONS


_OPERATIONS = (
    "Operations are counted from the shapes of the layers, two for a product and its sum, forwards "
    "and backwards as far as training needs them. Operations a second and their share of the "
    "machine’s best matrix product are those of the frozen layers, if their outputs are "
    "computed separately, and otherwise those of the layers that train."
)
_SHARED_WORK = (
    "Apart from the measured fit time, each column includes the work of the frozen layers, also "
    "where another trial did it."
)


def _warmup_table(findings: Findings) -> Table | None:
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


def _steps(findings: Findings) -> Figure | None:
    """Draws the distribution of step times of every arm."""
    chart = steps_chart(findings)
    table = quantile_table(findings)
    if chart is None or table is None:
        return None
    return drawn(
        chart,
        name="steps",
        headline=_steps_headline(findings),
        reading=_STEPS_READING,
        alt=dots_alt(chart, "step times by arm"),
        table=table,
        data=csv_file("steps", steps_frame(findings)),
    )


def _steps_headline(findings: Findings) -> str:
    """Gives the range of the typical training step."""
    typical = [
        (arm.timing.median_step_seconds, arm_label(findings.study, arm.arm))
        for arm in findings.arms
        if arm.timing and arm.timing.median_step_seconds is not None
    ]
    (low, fast), (high, slow) = min(typical), max(typical)
    if number(low, "seconds") == number(high, "seconds"):
        return f"A typical training step takes {number(low, 'seconds')}"
    return (
        f"The median training step was {number(low, 'seconds')} (‘{fast}’) "
        f"to {number(high, 'seconds')} (‘{slow}’)"
    )


_STEPS_READING = (
    "Each tick is a percentile of the steps after the first epoch, from the 1st to the 99th. "
    "The thick bar holds the middle half, the thin bar 90%; the mark is the median. "
    "Compilation and warm-up are left out here and stand in the table below."
)


def _scatter(findings: Findings) -> Figure | None:
    """Draws what each arm reaches against what it costs."""
    chart, cost = cost_chart(findings), findings.cost_metric
    if chart is None or cost is None:
        return None
    table = _means_table(findings, cost)
    _, across, upward = (column.name for column in table.columns)
    return drawn(
        chart,
        name="cost",
        headline=_cost_headline(findings, chart, cost),
        reading=cost_reading(findings, cost),
        alt=f"Scatter plot of {upward} over {across}, one point for each arm.",
        table=table,
        data=csv_file("cost", arms_frame(findings)),
    )


def _means_table(findings: Findings, cost: str) -> Table:
    """One row per arm: the two means that its point stands for."""
    metric = findings.metric.name
    numeric = [metric_name(cost), metric_name(metric)]
    means = [(arm, arm.summaries.get(cost), arm.summaries.get(metric)) for arm in findings.arms]
    rows = [
        [arm_label(findings.study, arm.arm)]
        + [number(s.mean if s else None, s.metric.unit if s else "number") for s in found]
        for arm, *found in means
    ]
    return make_table("means by arm", ["arm", *numeric], rows, numeric=numeric)


def _cost_headline(findings: Findings, chart: Scatter, cost: str) -> str:
    """Compares the cost of the best arm with that of the reference."""
    best, reference = _best_and_reference(findings, cost)
    if findings.best == findings.study.reference or not (best and best.mean):
        return f"What {counted(len(chart.points), 'arm')} cost, and what they reach"
    if not (reference and reference.mean):
        return f"The best arm takes {number(best.mean, 'seconds')}"
    other = named_arm(findings.study, findings.study.reference)
    return (
        f"The best arm took {number(best.median, 'seconds')}, {other} "
        f"{number(reference.median, 'seconds')}"
    )


def _best_and_reference(findings: Findings, cost: str) -> list[Summary | None]:
    arms = (findings.best, findings.study.reference)
    return [findings.arm(arm).summaries.get(cost) if arm else None for arm in arms]


def cost_reading(findings: Findings, cost: str) -> str:
    """Explains the figure of costs, and the medians where its headline has any."""
    costs = _best_and_reference(findings, cost)
    apart = findings.best != findings.study.reference
    medians = apart and all(found and found.mean for found in costs)
    return f"{_COST_READING} {_TYPICAL}" if medians else _COST_READING


_COST_READING = (
    "One point per arm: means over seeds, with the 95% interval of the metric as a bar. The line "
    "joins each arm for which no cheaper arm is equally good or better (Pareto front). Where "
    "intervals overlap, the true line may be different."
)
_TYPICAL = "The headline gives medians, which a slow first trial does not move."
