"""The numbered sections of a study that names chapters: data, models and score."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ablations.core.estimates import Curve, Summary
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import (
    ACCURACY,
    CURVES,
    LOSS,
    OVERFIT_GAP,
    PARAMETERS,
    TRAINABLE_PARAMETERS,
    VAL_ACCURACY,
    VAL_LOSS,
    unit_of,
)
from ablations.core.record import RunRecord
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
from ablations.report.sections.models import chapter_places, of_the_study
from ablations.report.sections.score import score
from ablations.report.tables import make_table
from ablations.report.words.observations import last_epochs, majority, observe, tail_name
from ablations.text.formatting import (
    UNKNOWN,
    count,
    counted,
    difference,
    listing,
    metric_name,
    number,
)
from ablations.text.naming import arm_label
from ablations.text.progress import epoch_line
from ablations.text.sentences import mean_estimate


def chapters(findings: Findings, extras: Extras) -> tuple[Section, ...]:
    """Makes a numbered section of the data, of each chapter and of the score."""
    if not findings.study.chapters:
        return ()
    curves = data_files.csv_file("curves", data_files.curves_frame(findings))
    data = present(*of_the_study(findings, extras), majority(findings))
    parts = [("data", "Data", data)]
    named = zip(findings.study.chapters, chapter_places(findings), strict=True)
    for n, (chapter, places) in enumerate(named, start=2):
        own = tuple(block for place in places for block in _arm(findings, place, curves, extras))
        parts.append((f"chapter-{n}", chapter.title, own))
    parts.append(("score", "Score on test data", score(findings)))
    return tuple(
        Section(anchor, f"§{n} {title}", blocks)
        for n, (anchor, title, blocks) in enumerate(parts, start=1)
    )


def _arm(findings: Findings, place: int, curves: DataFile, extras: Extras) -> tuple[Block, ...]:
    """Shows one arm: its pictures and curves, what they say, and folded its tables and log."""
    arm = findings.arms[place - 1]
    label = arm_label(findings.study, arm.arm)
    exhibits, seen = show(f"arm-{place}", arm.exhibits), observe(findings, arm)
    tables = (one for one in exhibits if isinstance(one, Section) and not is_picture(one))
    return present(
        Prose(_parameters(arm), lead=label),
        *filter(is_picture, exhibits),
        _history(findings, place, curves),
        Items(seen, f"Observations on {label}") if seen else None,
        tail_table(arm, place),
        *(Fold(f"{table.title} of {label}", table.blocks, quiet=True) for table in tables),
        epoch_log(arm, label, extras.records),
    )


def whole(arm: ArmFinding, name: str) -> int | None:
    """Returns a metric that is the same whole number in every seed."""
    found = arm.summaries.get(name)
    return None if found is None or found.mean is None else round(found.mean)


def _parameters(arm: ArmFinding) -> str:
    """Counts what is trained and what is frozen; empty where nobody reported it."""
    every, trained = (whole(arm, name) for name in (PARAMETERS, TRAINABLE_PARAMETERS))
    if every is None:
        return ""
    if trained is None or trained == every:
        return f"{count(every)} parameters{', all of them trained' if trained else ''}."
    return f"{count(every)} parameters: {count(trained)} trained, {count(every - trained)} frozen."


def tail_table(arm: ArmFinding, place: int) -> Table | None:
    """One row per seed and one for all: validation accuracy and its gap in the last epochs."""
    found, training = last_epochs(arm), last_epochs(arm, ACCURACY)
    if not found:
        return None
    gaps = arm.summaries.get(OVERFIT_GAP)
    rows = [_seed_row(seed, own, training.get(seed), gaps) for seed, own in found.items()]
    if len(found) > 1:
        every = [value for own in found.values() for value in own]
        ends = [number(bound, "fraction") for bound in (min(every), max(every))]
        rows.append(["all seeds", *ends, UNKNOWN, UNKNOWN, mean_estimate(gaps, signed=True)])
    columns = ["validation, lowest", "highest", "validation, mean", "training, mean", "gap"]
    epochs = counted(max(map(len, found.values())), "epoch")
    return make_table(
        f"Accuracy over the last {epochs}, seed by seed",
        ["seed", *columns],
        rows,
        numeric=columns,
        name=tail_name(place),
    )


def _seed_row(
    seed: int, own: Sequence[float], training: Sequence[float] | None, gaps: Summary | None
) -> list[str]:
    shown = [min(own), max(own), fmean(own), fmean(training) if training else None]
    gap = dict(gaps.values).get(seed) if gaps else None
    numbers = [number(value, "fraction") for value in shown]
    return [f"seed {seed}", *numbers, difference(gap, "fraction")]


def epoch_log(arm: ArmFinding, label: str, records: Sequence[RunRecord]) -> Fold | None:
    """Folds the log of an arm's first seed, as Keras prints it; None where there are no epochs.

    Step times come from the seed's record, and are left out where there is none.
    """
    seed = min((curve.seed for curve in arm.curves), default=None)
    usual = (LOSS, ACCURACY, VAL_LOSS, VAL_ACCURACY)
    own = sorted(
        (curve for curve in arm.curves if curve.seed == seed),
        key=lambda curve: usual.index(curve.metric) if curve.metric in usual else len(usual),
    )
    total = min((len(curve.values) for curve in own), default=0)
    if not total:
        return None
    found = [r for r in records if r.completed and r.arm == arm.arm and r.seed == seed]
    record = max(found, key=lambda record: record.started_at, default=None)
    lines = [_epoch(own, epoch, total=total, record=record) for epoch in range(total)]
    title = f"Epoch log of seed {seed} of {label}"
    return Fold(title, (Code("\n".join(lines), "text"),), quiet=True)


def _epoch(own: Sequence[Curve], epoch: int, *, total: int, record: RunRecord | None) -> str:
    steps = record.steps[epoch] if record and epoch < len(record.steps) else ()
    return epoch_line(
        epoch + 1,
        total,
        steps=len(steps),
        # The mean over all steps, the first ones with their compilation included, as Keras has it.
        step_seconds=float(sum(steps) / len(steps)) if len(steps) else None,
        metrics={curve.metric: curve.values[epoch] for curve in own},
    )


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
