"""The files that only a synthesis has: its summary for machines, its numbers, its card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from ablations.core.estimates import Interval, ends
from ablations.core.synthesis import PooledEffect, StudyEffect, Synthesis
from ablations.errors import StudyError
from ablations.report.blocks import (
    Page,
)
from ablations.report.data_files import both_ends, csv_file
from ablations.report.figures.dots import thumbnail_figure
from ablations.report.figures.forests import pooled_chart
from ablations.report.figures.headlines import dots_alt
from ablations.report.figures.svg import draw, themed
from ablations.report.publish.summaries import SUMMARY
from ablations.report.words.synthesis import (
    pooled_headline,
)
from ablations.text.formatting import (
    metric_name,
)
from ablations.text.synthesis import pooled_label, pooled_sentences, synthesis_caveats


def own_files(synthesis: Synthesis, page: Page) -> dict[str, str | bytes]:
    """Returns what only a synthesis has: its summary, the effects by study, and its card."""
    chart = pooled_chart(synthesis)
    alt = dots_alt(chart, f"mean effects on {metric_name(synthesis.metric.name)}")
    frame = pd.DataFrame([
        row for effect in (*synthesis.effects, *synthesis.simple_effects)
        for row in study_rows(synthesis, effect)
    ])  # fmt: skip
    found = _summary(synthesis, page)
    return {
        SUMMARY: f"{json.dumps(found, indent=2, ensure_ascii=False)}\n",
        page.numbers.address: csv_file("studies", frame).text,
        "figures/thumbnail.svg": themed(draw(thumbnail_figure(chart)), alt=alt),
    }


def _summary(synthesis: Synthesis, page: Page) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "synthesis",
        "slug": page.name,
        "title": page.title,
        "question": question(synthesis),
        "answer": list(pooled_sentences(synthesis)),
        "caveats": list(synthesis_caveats(synthesis)),
        "finished_at": synthesis.finished_at,
        "metric": asdict(synthesis.metric),
        "trials": {"completed": sum(own.n_completed for own in synthesis.studies)},
        "picture": pooled_headline(synthesis),
        "studies": [{"name": own.name, "title": own.study.title, "seeds": list(own.seeds),
                     "data": list(own.data)} for own in synthesis.studies],
        "same_data": [list(group) for group in synthesis.same_data],
        "same_seeds": [list(group) for group in synthesis.same_seeds],
        "effects": [_effect_card(synthesis, e)
                    for e in (*synthesis.effects, *synthesis.simple_effects)],
        "gates": [],
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
        | _weighted_row(e.weighted.estimate, e.weighted.interval)
        for e in (*synthesis.effects, *synthesis.simple_effects)
    ])  # fmt: skip


def _weighted_row(estimate: float, interval: Interval) -> dict[str, Any]:
    return {"weighted_estimate": estimate} | both_ends("weighted_interval", interval)


def require_synthesis(folder: Path) -> None:
    """Makes sure that no report of a study would be replaced.

    Raises:
        StudyError: if there is one.
    """
    path = folder / SUMMARY
    if path.is_file() and '"kind": "synthesis"' not in path.read_text(encoding="utf-8"):
        raise StudyError(
            f"{folder} is the report of a study",
            received=str(path),
            cure="Name another folder with --reports-dir",
        )


def question(synthesis: Synthesis) -> str:
    """Returns what a synthesis answers."""
    return (
        f"What does each change do to {metric_name(synthesis.metric.name)}, on average over "
        "recipes like these, and how much does it differ between them?"
    )
