"""The files that only a synthesis has: its summary for machines, its numbers, its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from ablations.core.estimates import Interval, ends
from ablations.core.several import PooledEffect, StudyEffect, Synthesis
from ablations.report.blocks import Page
from ablations.report.combined import card_of, summary_files
from ablations.report.data_files import both_ends, csv_file
from ablations.report.figures.forests import pooled_chart
from ablations.report.figures.headlines import dots_alt
from ablations.report.words.synthesis import pooled_headline
from ablations.text.formatting import metric_name
from ablations.text.synthesis import (
    left_out_label,
    pooled_label,
    pooled_sentences,
    synthesis_caveats,
)


def own_files(synthesis: Synthesis, page: Page) -> dict[str, str | bytes]:
    """Returns what only a synthesis has: its summary, the effects by study, and its card."""
    chart = pooled_chart(synthesis)
    frame = pd.DataFrame([
        row for effect in (*synthesis.effects, *synthesis.simple_effects)
        for row in study_rows(synthesis, effect)
    ])  # fmt: skip
    return summary_files(
        _summary(synthesis, page),
        csv_file("studies", frame),
        chart=chart,
        alt=dots_alt(chart, f"mean effects on {metric_name(synthesis.metric.name)}"),
    )


def _summary(synthesis: Synthesis, page: Page) -> dict[str, Any]:
    card = card_of(
        page,
        synthesis.studies,
        kind="synthesis",
        metric=synthesis.metric,
        picture=pooled_headline(synthesis),
    )
    return card | {
        "question": question(synthesis),
        "answer": list(pooled_sentences(synthesis)),
        "caveats": list(synthesis_caveats(synthesis)),
        "same_data": [list(group) for group in synthesis.same_data],
        "same_seeds": [list(group) for group in synthesis.same_seeds],
        "effects": [_effect_card(synthesis, e)
                    for e in (*synthesis.effects, *synthesis.simple_effects)],
        "left_out": [
            {"study": own.study, "effect": left_out_label(synthesis, own), "reason": own.reason}
            for own in synthesis.left_out
        ],
    }  # fmt: skip


def _effect_card(synthesis: Synthesis, effect: PooledEffect) -> dict[str, Any]:
    return {
        "effect": pooled_label(synthesis, effect),
        "kind": effect.kind,
        "studies": [_study_card(own) for own in effect.studies],
        "pooled": _bare(asdict(effect.pooled)),
        "weighted": _bare(asdict(effect.weighted)),
        "without": {name: _bare(asdict(found)) for name, found in effect.without},
        "trained": effect.trained and _bare(asdict(effect.trained.pooled)),
    }


def _study_card(own: StudyEffect) -> dict[str, Any]:
    return {
        "study": own.study,
        "estimate": own.estimate,
        "standard_error": own.standard_error,
        "df": own.df,
        "interval": ends(own.interval),
    }


def _bare(values: Mapping[str, Any]) -> dict[str, Any]:
    """Writes intervals by their two ends."""
    return {
        key: [value["low"], value["high"]] if isinstance(value, dict) else value
        for key, value in values.items()
    }


def study_rows(synthesis: Synthesis, effect: PooledEffect) -> Iterator[dict[str, Any]]:
    """Yields one row per study of an effect."""
    for own in effect.studies:
        yield (
            {"effect": pooled_label(synthesis, effect), "kind": effect.kind, "study": own.study}
            | {"estimate": own.estimate, "standard_error": own.standard_error, "df": own.df}
            | both_ends("interval", own.interval)
        )


def pooled_frame(synthesis: Synthesis) -> pd.DataFrame:
    """Returns one row per effect, over all studies."""
    return pd.DataFrame([
        {"effect": pooled_label(synthesis, e), "kind": e.kind, "studies": e.pooled.n_studies,
         "estimate": e.pooled.estimate}
        | both_ends("interval", e.pooled.interval) | both_ends("prediction", e.pooled.prediction)
        | {"tau": e.pooled.tau} | both_ends("tau", e.pooled.tau_interval)
        | {"inconsistency": e.pooled.inconsistency}
        | both_ends("inconsistency", e.pooled.inconsistency_interval)
        | _weighted_row(e.weighted.estimate, e.weighted.interval)
        for e in (*synthesis.effects, *synthesis.simple_effects)
    ])  # fmt: skip


def _weighted_row(estimate: float, interval: Interval) -> dict[str, Any]:
    return {"weighted_estimate": estimate} | both_ends("weighted_interval", interval)


def question(synthesis: Synthesis) -> str:
    """Returns what a synthesis answers."""
    return (
        f"What does each change do to {metric_name(synthesis.metric.name)}, on average over "
        "recipes like these, and how much does it differ between them?"
    )
