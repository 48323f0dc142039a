"""Sets a synthesis as tables: the means, their spread, other analyses, and settings."""

from __future__ import annotations

from ablations.core.estimates import ends
from ablations.core.several import Pooled, PooledEffect, Synthesis
from ablations.report.blocks import (
    Table,
)
from ablations.report.tables import between, make_table
from ablations.text.formatting import (
    count,
    estimate,
    number,
    sentence,
    spread,
)
from ablations.text.naming import setting
from ablations.text.synthesis import mean_words, pooled_label

_PLACES = ("mean", "95% interval", "one more study")
_SPREADS = ("SD between studies", "its 95% interval", "I²")


def pooled_table(synthesis: Synthesis, shown: tuple[PooledEffect, ...], caption: str) -> Table:
    """One row per effect: over all seeds, and over those whose networks trained."""
    rows = []
    for effect in shown:
        label = sentence(pooled_label(synthesis, effect))
        rows.append([label, *_cells(synthesis, effect.pooled)])
        if effect.trained:
            rows.append([f"{label}: networks that trained",
                         *_cells(synthesis, effect.trained.pooled)])  # fmt: skip
    numeric = ["studies", *_PLACES]
    return make_table(caption, ["effect", *numeric], rows, numeric=numeric)


def _cells(synthesis: Synthesis, found: Pooled) -> list[str]:
    unit = synthesis.metric.unit
    return [
        count(found.n_studies),
        mean_words(found, unit),
        between(found.interval, unit, signed=True),
        between(found.prediction, unit, signed=True),
    ]


def spread_table(synthesis: Synthesis) -> Table:
    """One row per effect: how much the studies differ besides the noise of their seeds."""
    unit = synthesis.metric.unit
    rows = [
        [sentence(pooled_label(synthesis, e)), spread(e.pooled.tau, unit),
         between(e.pooled.tau_interval, unit, signed=True).replace("+", ""),
         estimate(e.pooled.inconsistency, ends(e.pooled.inconsistency_interval), "fraction")]
        for e in synthesis.effects
    ]  # fmt: skip
    caption = "How much the true effects differ between studies"
    numeric = [*_SPREADS[:-1], f"{_SPREADS[-1]}, 95% interval"]
    return make_table(caption, ["effect", *numeric], rows, numeric=numeric)


def weighted_table(synthesis: Synthesis) -> Table:
    """One row per effect: the second opinion."""
    unit = synthesis.metric.unit
    rows = [
        [sentence(pooled_label(synthesis, e)), mean_words(e.weighted, unit),
         between(e.weighted.interval, unit, signed=True),
         between(e.weighted.prediction, unit, signed=True),
         spread(e.weighted.tau, unit),
         between(e.weighted.tau_interval, unit, signed=True).replace("+", ""),
         number(e.weighted.inconsistency, "fraction"), e.weighted.method]
        for e in synthesis.effects
    ]  # fmt: skip
    numeric = [*_PLACES, *_SPREADS]
    caption = "Studies weighted by their precision"
    return make_table(caption, ["effect", *numeric, "by"], rows, numeric=numeric)


def without_table(synthesis: Synthesis) -> Table | None:
    """One row per effect and study that is left out; none where there are two studies."""
    unit = synthesis.metric.unit
    rows = [
        [sentence(pooled_label(synthesis, e)), name, mean_words(found, unit),
         between(found.interval, unit, signed=True)]
        for e in synthesis.effects for name, found in e.without
    ]  # fmt: skip
    numeric = ["mean", "95% interval"]
    caption = "Without one study after the other"
    table = make_table(caption, ["effect", "without", *numeric], rows, numeric=numeric)
    return table if rows else None


def level_table(synthesis: Synthesis) -> Table | None:
    """One row per level and study, of the levels that do not set the same in all of them."""
    rows = [
        [own.factor, own.level, name,
         ", ".join(f"{key} = {setting(v)}" for key, v in settings.items()) or "nothing"]
        for own in synthesis.unlike for name, settings in own.settings.items()
    ]  # fmt: skip
    caption = "Levels that do not set the same in all studies"
    return make_table(caption, ["factor", "level", "study", "settings"], rows) if rows else None


def other_settings_table(synthesis: Synthesis) -> Table | None:
    """One row per setting of all arms that differs between studies."""
    every = {own.name: {"training function": own.study.entry, **own.study.settings}
             for own in synthesis.studies}  # fmt: skip
    keys = sorted({key for own in every.values() for key in own})
    rows = [
        [key, *(setting(own.get(key)) for own in every.values())]
        for key in keys
        if any(own.get(key) != next(iter(every.values())).get(key) for own in every.values())
    ]
    caption = "Settings of all arms that differ between the studies"
    return make_table(caption, ["setting", *every], rows) if rows else None
