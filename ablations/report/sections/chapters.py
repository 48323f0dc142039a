"""The chapters that a study names: each shows the models, curves and scores of its arms."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.estimates import Summary, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import ACCURACY, CURVES, OVERFIT_GAP, unit_of
from ablations.report import data_files
from ablations.report.blocks import (
    Block,
    Code,
    DataFile,
    Extras,
    Figure,
    Fold,
    Items,
    Prose,
    Section,
    Table,
    present,
)
from ablations.report.exhibits import is_picture, show
from ablations.report.figures.drawings import drawn
from ablations.report.figures.figure_tables import epoch_table
from ablations.report.figures.headlines import CURVES_READING
from ablations.report.figures.panels import Histories, Panels
from ablations.report.figures.training_charts import history_charts
from ablations.report.tables import make_table
from ablations.report.words.chapters import chapter_places, chapter_titles, parameters
from ablations.report.words.epoch_logs import epoch_log
from ablations.report.words.last_epochs import Tail, reach_of, tail_name, tails
from ablations.report.words.observations import observe
from ablations.text.formatting import (
    UNKNOWN,
    counted,
    difference,
    estimate,
    listing,
    metric_name,
    number,
)
from ablations.text.naming import arm_label


def chapters(findings: Findings, extras: Extras) -> tuple[Section, ...]:
    """Makes one section of each chapter."""
    titles, places = chapter_titles(findings), chapter_places(findings)
    if not titles:
        return ()
    curves = data_files.csv_file("curves", data_files.curves_frame(findings))
    return tuple(
        Section(
            f"chapter-{n}",
            title,
            tuple(block for place in own for block in _arm(findings, place, curves, extras)),
        )
        for n, (title, own) in enumerate(zip(titles, places, strict=True), start=2)
    )


def _arm(findings: Findings, place: int, curves: DataFile, extras: Extras) -> tuple[Block, ...]:
    """Shows one arm: its pictures and curves, what they say, and folded its tables and log."""
    arm = findings.arms[place - 1]
    label, size = arm_label(findings.study, arm.arm), parameters(arm)
    exhibits, seen = show(f"arm-{place}", arm.exhibits), observe(findings, arm)
    tables = (one for one in exhibits if isinstance(one, Section) and not is_picture(one))
    return present(
        Prose(size, lead=label),
        *filter(is_picture, exhibits),
        _history(findings, place, curves),
        Items(seen, f"Observations on {label}") if seen else None,
        tail_table(arm, place),
        *(Fold(f"{table.title} of {label}", table.blocks, quiet=True) for table in tables),
        _log(arm, label, extras),
    )


def _log(arm: ArmFinding, label: str, extras: Extras) -> Fold | None:
    found = epoch_log(arm, extras.records)
    if found is None or not found[1]:
        return None
    seed, lines = found
    return Fold(f"Epoch log of seed {seed} of {label}", (Code(lines, "text"),), quiet=True)


def tail_table(arm: ArmFinding, place: int) -> Table | None:
    """One row per seed and one for all: validation accuracy and its gap in the last epochs."""
    found = tails(arm)
    if not found:
        return None
    gaps, training = arm.summaries.get(OVERFIT_GAP), {t.seed: t for t in tails(arm, ACCURACY)}
    rows = [_seed_row(tail, training.get(tail.seed), gaps) for tail in found]
    low, high = reach_of(found)
    ends = [number(low, "fraction"), number(high, "fraction")]
    rows.append(["all seeds", *ends, UNKNOWN, UNKNOWN, _gap(gaps)])
    columns = ["validation, lowest", "highest", "validation, mean", "training, mean", "gap"]
    epochs = counted(max(len(tail.values) for tail in found), "epoch")
    return make_table(
        f"Accuracy over the last {epochs}, seed by seed",
        ["seed", *columns],
        rows if len(found) > 1 else rows[:1],
        numeric=columns,
        name=tail_name(place),
    )


def _seed_row(tail: Tail, training: Tail | None, gaps: Summary | None) -> list[str]:
    shown = [min(tail.values), max(tail.values), _mean(tail), _mean(training)]
    gap = dict(gaps.values).get(tail.seed) if gaps else None
    numbers = [number(value, "fraction") for value in shown]
    return [f"seed {tail.seed}", *numbers, difference(gap, "fraction")]


def _mean(tail: Tail | None) -> float | None:
    return sum(tail.values) / len(tail.values) if tail else None


def _gap(gaps: Summary | None) -> str:
    if gaps is None:
        return UNKNOWN
    return estimate(gaps.mean, ends(gaps.interval), "fraction", signed=True)


def _history(findings: Findings, place: int, data: DataFile) -> Figure | None:
    """Draws accuracy and loss over the epochs of the arm at a place, from 1."""
    arm = findings.arms[place - 1]
    found = history_charts(findings, arm)
    if not found:
        return None
    label = arm_label(findings.study, arm.arm)
    axes = listing([chart.y_axis for chart in found])
    return drawn(
        Histories(found),
        name=f"history-{place}",
        headline=_history_headline(arm),
        reading=_history_reading(arm, found),
        alt=f"Training and validation of ‘{label}’ over the epochs: {axes}.",
        table=epoch_table(arm),
        data=data,
    )


def _history_headline(arm: ArmFinding) -> str:
    """Says where training and validation end, averaged over the seeds."""
    pair = next(pair for pair in CURVES if set(pair) <= {c.metric for c in arm.curves})
    means = {own.metric: own.last for own in arm.epoch_means}
    trained, validated = (number(means.get(name), unit_of(pair[0])) for name in pair)
    epochs = counted(max(len(curve.values) for curve in arm.curves), "epoch")
    name = metric_name(pair[0])
    return f"After {epochs}, {name} is {trained} in training and {validated} in validation"


def _history_reading(arm: ArmFinding, charts: Sequence[Panels]) -> str:
    """Says what the lines are, and what lies outside of the plot."""
    losses = [c.values for c in arm.curves if c.metric in CURVES[1]]
    top = max((value for run in losses for value in run[:1]), default=0.0)
    drawn = max(
        (chart.bounds[1] for chart in charts if chart.y_axis == metric_name(CURVES[1][0])),
        default=top,
    )
    spike = f" The first epoch's loss, up to {number(top)}, lies outside." if top > drawn else ""
    if len({curve.seed for curve in arm.curves}) == 1:
        return f"One seed, so the line is no mean.{spike}"
    return f"{CURVES_READING}{spike}"
