"""The files that only a comparison has: its summary for machines, and all its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ablations.core.estimates import ends
from ablations.core.several import ComparedEffect, SideBySide
from ablations.report.blocks import Page
from ablations.report.combined import card_of, summary_files
from ablations.report.comparison.charts import arms_chart, curve_metric, effects_chart, reading
from ablations.report.data_files import both_ends, csv_file
from ablations.report.figures.headlines import dots_alt
from ablations.report.words.comparison import question
from ablations.text.formatting import metric_name
from ablations.text.side_by_side import (
    Compared,
    Difference,
    compared_label,
    comparison_caveats,
    comparison_headline,
    comparison_sentences,
)


def own_files(found: SideBySide, page: Page) -> dict[str, str | bytes]:
    """Returns what only a comparison has: its summary, all its numbers, and its card."""
    chart = effects_chart(found) if found.effects else arms_chart(found)
    return summary_files(
        _summary(found, page),
        csv_file("comparison", comparison_frame(found, (*found.effects, *found.arms))),
        chart=chart,
        alt=dots_alt(chart, metric_name(found.metric.name)),
    )


def _summary(found: SideBySide, page: Page) -> dict[str, Any]:
    card = card_of(
        page,
        found.members,
        kind="comparison",
        metric=found.metric,
        picture=comparison_headline(found),
    )
    return card | {
        "question": question(found),
        "answer": list(comparison_sentences(found)),
        "caveats": list(comparison_caveats(found)),
        "margin": found.margin,
        "settings": [
            {"setting": own.name, "arms": [dict(arm.levels) for arm in own.arms],
             "values": dict(zip(found.names, own.values, strict=True))}
            for own in found.settings
        ],
        "equal_settings": found.n_equal_settings,
        "environment": {own.name: dict(zip(found.names, own.values, strict=True))
                        for own in found.environment},
        "effects": [_card(found, item) for item in found.effects],
        "arms": [_card(found, item) for item in found.arms],
    }  # fmt: skip


def _card(found: SideBySide, item: Compared) -> dict[str, Any]:
    values = {name: reading(found, item, name) for name in item.found}
    card: dict[str, Any] = {
        "name": compared_label(found, item),
        "values": {name: {"n": len(dots), "mean": mean, "interval": ends(own)}
                   for name, (dots, mean, own) in values.items()},
        "differences": {
            name: {"change": own.change, "interval": ends(own.interval), "paired": own.paired,
                   "alike": own.alike, "comparisons": own.family_size, "verdict": own.verdict}
            for name, own in item.differences
        },
    }  # fmt: skip
    if isinstance(item, ComparedEffect):
        return card
    speeds = {
        name: {"metric": own.metric.name, "quotient": own.change, "interval": ends(own.interval),
               "verdict": own.verdict}
        for name, own in item.speeds
    }  # fmt: skip
    return card | {"levels": dict(item.arm.levels), "speeds": speeds}


def comparison_frame(found: SideBySide, items: tuple[Compared, ...]) -> pd.DataFrame:
    """Returns one row per effect or arm and member, with its difference from the first."""
    return pd.DataFrame([row for item in items for row in _rows(found, item)])


def _rows(found: SideBySide, item: Compared) -> Iterator[dict[str, Any]]:
    differences: dict[str, Difference] = dict(item.differences)
    kind = "effect" if isinstance(item, ComparedEffect) else "arm"
    for name in item.found:
        dots, mean, interval = reading(found, item, name)
        own = differences.get(name)
        yield (
            {"kind": kind, "which": compared_label(found, item), "member": name, "n": len(dots)}
            | {"mean": mean}
            | both_ends("interval", interval)
            | {"difference": own.change if own else None}
            | both_ends("difference", own.interval if own else None)
            | {"paired": own.paired if own else None, "verdict": own.verdict if own else None}
        )


def curves_frame(found: SideBySide) -> pd.DataFrame:
    """Returns one row per arm, member and epoch: the mean over seeds that is drawn."""
    metric = curve_metric(found)
    return pd.DataFrame([
        {"arm": compared_label(found, arm), "member": name, "metric": metric, "epoch": epoch,
         "mean": value}
        for arm in found.arms for name, one in arm.found.items() for own in one.epoch_means
        if own.metric == metric for epoch, value in enumerate(own.values[: own.shared], start=1)
    ])  # fmt: skip
