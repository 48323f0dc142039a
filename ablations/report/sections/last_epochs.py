"""The last epochs of an arm, which most observations rest on."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding
from ablations.report.tables import bounds, make_table
from ablations.report.views import TableView
from ablations.text.formatting import UNKNOWN, counted, difference, estimate, number

LAST_EPOCHS = 10
"""How many epochs at the end of a training speak for where it settled."""

GAP = "overfit_gap"
"""The metric that holds training minus validation accuracy over the last epochs."""

TRAINING, VALIDATION = "accuracy", "val_accuracy"


@dataclass(frozen=True, slots=True)
class Tail:
    """One metric of one seed over its last epochs, from ``epochs`` in all."""

    seed: int
    epochs: int
    values: tuple[float, ...]


def tails(arm: ArmFinding, metric: str = VALIDATION) -> tuple[Tail, ...]:
    """Returns the last epochs of every seed that has any."""
    return tuple(
        Tail(curve.seed, len(curve.values), curve.values[-LAST_EPOCHS:])
        for curve in arm.curves
        if curve.metric == metric and curve.values
    )


def reach_of(found: tuple[Tail, ...]) -> tuple[float, float]:
    """Returns the lowest and the highest value over all epochs and seeds; needs at least one."""
    values = [value for tail in found for value in tail.values]
    return min(values), max(values)


def tail_name(place: int) -> str:
    """Names the table of the arm at a place, from 1."""
    return f"last-epochs-{place}"


def tail_table(arm: ArmFinding, place: int) -> TableView | None:
    """One row per seed and one for all: validation accuracy and its gap in the last epochs."""
    found = tails(arm)
    if not found:
        return None
    gaps, training = arm.summaries.get(GAP), {t.seed: t for t in tails(arm, TRAINING)}
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
    return estimate(gaps.mean, bounds(gaps.interval), "fraction", signed=True)
