"""What each arm costs, in words: operations, speed, time, energy, and what they buy."""

from __future__ import annotations

from collections.abc import Callable

from ablations.core.estimates import TargetTime
from ablations.core.findings import Findings
from ablations.core.metrics import FROZEN_SECONDS, FULL_FIT_SECONDS, Unit, shown_in
from ablations.report.blocks import Block, Extras, Figure, Prose, Section, Table, present
from ablations.report.data_files import arms_frame, csv_file, steps_frame
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import quantile_table
from ablations.report.figures.headlines import dots_alt
from ablations.report.figures.training_charts import cost_chart, steps_chart
from ablations.report.many import MOST, costed_arms
from ablations.report.tables import bare_p, make_table
from ablations.text.formatting import (
    UNKNOWN,
    count,
    counted,
    listing,
    metric_name,
    number,
    operations,
)
from ablations.text.naming import arm_label, named_arm

OPERATIONS = (
    "Operations are counted from the shapes of the layers: a product with its sum counts as two, "
    "and the backward pass counts as far as training needs it. Operations a second, also as a "
    "share of the machine’s fastest matrix product, are those of the frozen layers where their "
    "outputs are computed separately, and otherwise those of the layers that train."
)
SHARED_WORK = (
    "All columns except the measured fit time include the work of the frozen layers, also where "
    "another trial did it."
)
MEDIANS = (
    "The median is the time by which half of the runs had reached the target, counting those "
    "that never did, so an arm in which only some runs reach it does not appear fast. It is "
    "unknown where fewer than half of the runs reached the target."
)
LOG_RANK = (
    "The log-rank p tests whether an arm reaches the target as fast as the reference; it is not "
    "adjusted and gives no verdict."
)
STEPS_READING = (
    "Each tick is a percentile of the steps after the first epoch, from the 1st to the 99th. "
    "The thick bar holds the middle half, the thin bar 90%; the mark is the median. The first "
    "epoch, with compilation and warm-up, is left out here; the table below has it."
)
COST_READING = (
    "One point per arm: means over seeds, with the 95% interval of the metric as a bar. The line "
    "joins each arm for which no cheaper arm is equally good or better (Pareto front). Where "
    "intervals overlap, the true line may be different."
)
FULL_TIME = (
    "Full fit time is what training takes if nothing is shared with other trials: it includes the "
    "work of the frozen layers that another trial did."
)


def cost(findings: Findings, _: Extras) -> Section | None:
    """Shows what training cost, where time was measured."""
    figures = present(_scatter(findings), _steps(findings))
    if not figures:
        return None
    costs, targets = cost_table(findings), target_table(findings)
    blocks: tuple[Block | None, ...] = (
        *figures,
        costs,
        Prose(cost_table_reading(findings), style="muted") if costs else None,
        targets,
        Prose(target_reading(findings), style="muted") if targets else None,
        _steps_table(findings),
    )
    return Section("cost", "Time and cost", present(*blocks))


def cost_table(findings: Findings) -> Table | None:
    """One row per arm: means over seeds of what training cost.

    None where it would only repeat columns of the table of arms.
    """
    shown = [
        entry
        for entry in shown_in("costs")
        if any(arm.mean(entry.name) is not None for arm in findings.arms)
        if entry.name != FULL_FIT_SECONDS or _is_shared(findings)
    ]
    if all("arm" in entry.tables or entry.name == FULL_FIT_SECONDS for entry in shown):
        return None
    titles = [entry.tables["costs"] for entry in shown]
    rows = [
        [arm_label(findings.study, arm.arm)]
        + [
            operations(arm.mean(entry.name), entry.symbol)
            if entry.symbol
            else number(arm.mean(entry.name), entry.unit)
            for entry in shown
        ]
        for arm in findings.arms
    ]
    caption = "What training costs, by arm: means over seeds"
    return make_table(caption, ["arm", *titles], rows, numeric=titles, name="costs")


def _is_shared(findings: Findings) -> bool:
    return any(arm.shares_work for arm in findings.arms)


def target_table(findings: Findings) -> Table | None:
    """One row per arm: how many runs reached the target, and when half of them had."""
    timed = [(arm, arm.target_time) for arm in findings.arms if arm.target_time]
    if not timed:
        return None
    reference = arm_label(findings.study, findings.study.reference)
    columns: dict[str, Callable[[TargetTime], str]] = {
        "reached": lambda time: f"{time.reached} of {time.n}",
        "median time": lambda time: number(time.median, "seconds"),
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
    low, high = (number(bound, "seconds") for bound in (found.low, found.high))
    return f"{low} or more" if found.high is None else f"{low} to {high}"


def _is_compared(findings: Findings) -> bool:
    return any(arm.target_time and arm.target_time.p is not None for arm in findings.arms)


def target_reading(findings: Findings) -> str:
    """Explains the table of times to the target."""
    compared = LOG_RANK if _is_compared(findings) else ""
    return " ".join(filter(None, (MEDIANS, compared, _untimed(findings))))


def _untimed(findings: Findings) -> str:
    """Names the arms with frozen layers whose times to the target are unknown; empty if none."""
    arms = [
        named_arm(findings.study, arm.arm)
        for arm in findings.arms
        if arm.target_time is None and arm.mean(FROZEN_SECONDS) is not None
    ]
    if not arms:
        return ""
    named = listing(arms) if len(arms) <= MOST else counted(len(arms), "arm")
    return (
        f"The times of {named} are not known: layers are unfrozen there during the training, and "
        "how long the frozen ones took is recorded for the whole training only."
    )


def cost_table_reading(findings: Findings) -> str:
    """Explains the table of costs, and shared work only where there was some."""
    return f"{OPERATIONS} {SHARED_WORK}" if _is_shared(findings) else OPERATIONS


def _steps_table(findings: Findings) -> Table | None:
    """One row per arm: how long its steps take, and what came before."""
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
    caption = "Step times after the first epoch, and the times of the first step and first epoch"
    return make_table(caption, ["arm", *numeric], rows, numeric=numeric)


def frozen_note(findings: Findings) -> str:
    """Says which step times leave out frozen layers, as these are computed separately."""
    arms = [
        named_arm(findings.study, arm.arm)
        for arm in findings.arms
        if arm.mean(FROZEN_SECONDS) is not None
    ]
    if len(arms) > MOST:
        arms = [counted(len(arms), "arm")]
    if not arms:
        return ""
    return (
        f"The frozen layers of {listing(arms)} are computed once and their outputs cached, so our "
        "step times there are those of the other layers only."
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
        reading=f"{STEPS_READING} {frozen_note(findings)}".rstrip(),
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
    shortest, longest = number(low, "seconds"), number(high, "seconds")
    if shortest == longest:
        return f"The median training step took {shortest}"
    return f"The median training step took {shortest} (‘{fast}’) to {longest} (‘{slow}’)"


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
        headline=cost_headline(findings, cost),
        reading=f"{COST_READING} {FULL_TIME}" if _is_shared(findings) else COST_READING,
        alt=f"Scatter plot of {upward} over {across}, one point for each arm.",
        table=table,
        data=csv_file("cost", arms_frame(findings)),
    )


def _means_table(findings: Findings, cost: str) -> Table:
    """One row per arm: the two means that place its point."""
    metric = findings.metric.name
    numeric = [metric_name(cost), metric_name(metric)]
    units: tuple[tuple[str, Unit], ...] = ((cost, "seconds"), (metric, findings.metric.unit))
    rows = [
        [arm_label(findings.study, arm.arm), *(number(arm.mean(name), u) for name, u in units)]
        for arm in costed_arms(findings)
    ]
    return make_table("means by arm", ["arm", *numeric], rows, numeric=numeric)


def cost_headline(findings: Findings, cost: str) -> str:
    """Compares the mean cost of the best arm with that of the reference."""
    study, best = findings.study, findings.best
    reference = findings.arm(study.reference).mean(cost)
    own = findings.arm(best).mean(cost) if best else None
    if best is None or best == study.reference or not own:
        return "What the arms cost, and what they reach"
    name = metric_name(cost)
    first = f"Mean {name}: {number(own, 'seconds')} for the best arm, {named_arm(study, best)}"
    if not reference:
        return first
    return f"{first}, and {number(reference, 'seconds')} for {named_arm(study, study.reference)}"
