"""Sets a comparison as tables: settings, differences, cost, and what the members share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.core.estimates import ends
from ablations.core.metrics import (
    FIT_SECONDS,
    FULL_FIT_SECONDS,
    MEDIAN_STEP_SECONDS,
    PEAK_MEMORY_BYTES,
)
from ablations.core.several import (
    Beside,
    ComparedArm,
    ComparedEffect,
    EffectDifference,
    SideBySide,
)
from ablations.report.blocks import Table
from ablations.report.comparison.charts import reading
from ablations.report.tables import between, make_table
from ablations.text.formatting import (
    UNKNOWN,
    count,
    difference,
    estimate,
    metric_name,
    number,
    times,
    times_interval,
    verdict,
)
from ablations.text.naming import arm_label, contrast_label, setting
from ablations.text.sentences import effect_estimate
from ablations.text.side_by_side import Compared, Difference, compared_label

_COSTS = (
    ("fit time", (FULL_FIT_SECONDS, FIT_SECONDS)),
    ("median step", (MEDIAN_STEP_SECONDS,)),
    ("peak memory", (PEAK_MEMORY_BYTES,)),
)


def settings_table(found: SideBySide) -> Table | None:
    """One row per setting that differs, and per group of arms that it differs in alike."""
    rows = [[own.name, _arms(found, own), *map(setting, own.values)] for own in found.settings]
    caption = "Settings that differ"
    return make_table(caption, ["setting", "in", *found.names], rows) if rows else None


def _arms(found: SideBySide, own: Beside) -> str:
    study = found.members[0].study
    return "; ".join(arm_label(study, arm) for arm in own.arms) or "all arms"


def environment_table(found: SideBySide) -> Table | None:
    """One row per fact of the environments that differs."""
    rows = [[own.name, *map(setting, own.values)] for own in found.environment]
    caption = "Environment: what differs"
    return make_table(caption, ["fact", *found.names], rows) if rows else None


def differences_table(found: SideBySide, items: Sequence[Compared], caption: str) -> Table:
    """One row per effect or arm and other member: both values, and the difference."""
    several = len(found.members) > 2
    noun = "effect" if items and isinstance(items[0], ComparedEffect) else "arm"
    first, other = (found.names[0], "the other" if several else found.names[1])
    numeric = [first, other, "difference", "adjusted interval", "seeds"]
    head = [noun, *(["compared"] if several else []), *numeric, "verdict"]
    shown = [True, several, *[True] * (len(numeric) + 1)]
    rows = [
        [cell for cell, is_shown in zip(row, shown, strict=True) if is_shown]
        for item in items
        for row in _difference_rows(found, item)
    ]
    return make_table(caption, head, rows, numeric=numeric)


def _difference_rows(found: SideBySide, item: Compared) -> Iterator[list[str]]:
    """Yields a row for each other member, and one over the networks that trained."""
    label, first = compared_label(found, item), _value(found, item, found.names[0])
    for name, own in item.differences:
        value = _value(found, item, name)
        yield [label, name, first, value, *_difference_cells(found, own)]
        if isinstance(own, EffectDifference) and own.trained and isinstance(item, ComparedEffect):
            trained = (effect_estimate(item.found[n].trained or item.found[n])
                       for n in (found.names[0], name))  # fmt: skip
            cells = _difference_cells(found, own.trained)
            yield [f"{label}: networks that trained", name, *trained, *cells]


def _value(found: SideBySide, item: Compared, name: str) -> str:
    _, mean, own = reading(found, item, name)
    signed = isinstance(item, ComparedEffect)
    return estimate(mean, ends(own), found.metric.unit, signed=signed)


def _difference_cells(found: SideBySide, own: Difference) -> list[str]:
    unit, together = found.metric.unit, own.paired or own.alike
    kind = "alike" if own.alike else "pairs"
    return [
        difference(own.change, unit),
        between(own.interval, unit, signed=True),
        f"{own.n} {kind}" if together else f"{own.n_past} + {own.n}",
        difference_verdict(own),
    ]


def difference_verdict(own: Difference) -> str:
    """Writes a verdict with its sign; an effect that differs has none."""
    return f"≠\u00a0{own.verdict}" if own.verdict == "differs" else verdict(own.verdict)


def cost_table(found: SideBySide) -> Table | None:
    """One row per arm and member: what its training cost, and the speed beside the first one's."""
    rows = [
        [compared_label(found, arm), name, *(_cost(arm, name, of) for _, of in _COSTS),
         *_speed(arm, name)]
        for arm in found.arms for name in arm.found
    ]  # fmt: skip
    if all(cell == UNKNOWN for row in rows for cell in row[2:5]):
        return None
    speeds = {own.metric.name for arm in found.arms for _, own in arm.speeds}
    quotient = f"{' or '.join(map(metric_name, sorted(speeds))) or 'speed'} against the first"
    numeric = [*(title for title, _ in _COSTS), quotient, "adjusted interval"]
    caption = "What training costs, by arm: means over seeds"
    return make_table(caption, ["arm", "of", *numeric], rows, numeric=numeric)


def _cost(arm: ComparedArm, name: str, metrics: Sequence[str]) -> str:
    """Writes the first of some metrics that the arm has."""
    summaries = arm.found[name].summaries
    means = (summaries[metric] for metric in metrics if metric in summaries)
    own = next((summary for summary in means if summary.mean is not None), None)
    return number(own.mean, own.metric.unit) if own else UNKNOWN


def _speed(arm: ComparedArm, name: str) -> tuple[str, str]:
    own = dict(arm.speeds).get(name)
    if own is None or own.change is None:
        return UNKNOWN, UNKNOWN
    low, high = ends(own.interval) or (None, None)
    return times(own.change), times_interval(low, high)


def machine_table(found: SideBySide) -> Table:
    """One row per member: its hardware."""
    by_member = zip(*(own.values for own in found.machine), strict=True)
    sides = zip(found.members, by_member, strict=True)
    rows = [[own.name, *map(setting, values)] for own, values in sides]
    names = [own.name for own in found.machine]
    return make_table("The hardware of these times", ["of", *names], rows)


def members_table(found: SideBySide) -> Table:
    """One row per member: its trials, seeds and data."""
    rows = [
        [own.name, own.study.title, f"{count(own.n_completed)} of {count(own.n_planned)}",
         ", ".join(map(str, own.seeds)), ", ".join(own.data) or UNKNOWN]
        for own in found.members
    ]  # fmt: skip
    columns = ["name", "study", "trials", "seeds", "data"]
    return make_table("What is compared", columns, rows)


def alone_table(found: SideBySide) -> Table | None:
    """One row per arm and effect that only one member has."""
    studies = {own.name: own.study for own in found.members}
    rows = [
        [name, "arm", arm_label(studies[name], arm)]
        for name, arms in found.alone.items()
        for arm in arms
    ]
    rows += [
        [name, "effect", contrast_label(studies[name], e.kind, e.changes, e.given)]
        for name, e in found.lone_effects
    ]
    caption = "What has no counterpart of the same levels"
    return make_table(caption, ["name", "kind", "which"], rows) if rows else None
