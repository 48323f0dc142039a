"""Puts into words what several studies say together."""

from __future__ import annotations

from ablations.core.estimates import Interval
from ablations.core.several import PooledEffect, Synthesis
from ablations.text.formatting import (
    counted,
    difference,
    listing,
    low_to_high,
    metric_name,
    sentence,
)
from ablations.text.members import adaptive_caveat, missing_caveat
from ablations.text.naming import contrast_label

SAME_DATA_ALL = (
    "All studies use the same data. The intervals are therefore about other recipes like these, "
    "trained and tested on these data; they say nothing about other data."
)


def pooled_label(synthesis: Synthesis, effect: PooledEffect) -> str:
    """Names an effect in a figure or table: ``augmentation × transfer``."""
    study = synthesis.study_of(effect)
    return contrast_label(study, effect.kind, effect.changes, effect.given)


def pooled_sentences(synthesis: Synthesis) -> tuple[str, str]:
    """Answers what the changes do over all studies, surest first, and in one more study."""
    mains = [effect for effect in synthesis.effects if effect.kind == "main"]
    shown = mains or list(synthesis.effects) or list(synthesis.simple_effects)
    clear = [effect for effect in shown if effect.side]
    unclear = [effect for effect in shown if not effect.side]
    parts = [_clear(synthesis, effect) for effect in clear]
    if unclear:
        names = listing([_with_interval(synthesis, effect) for effect in unclear])
        parts.append(f"for {names} no change could be shown")
    metric = metric_name(synthesis.metric.name)
    first = f"On average over {counted(len(synthesis.studies), 'study', 'studies')}, {metric}: "
    return f"{first}{'; '.join(parts)}.", _one_more(synthesis, clear or unclear)


def _clear(synthesis: Synthesis, effect: PooledEffect) -> str:
    verb = "raised" if effect.side > 0 else "lowered"
    found = effect.pooled
    size = difference(abs(found.estimate), synthesis.metric.unit).lstrip("+")
    bounds = _bounds(synthesis, found.interval)
    return f"{pooled_label(synthesis, effect)} {verb} it by {size} (95% interval {bounds})"


def _with_interval(synthesis: Synthesis, effect: PooledEffect) -> str:
    found = effect.pooled
    size = difference(found.estimate, synthesis.metric.unit)
    bounds = _bounds(synthesis, found.interval)
    return f"{pooled_label(synthesis, effect)} ({size}, 95% interval {bounds})"


def _one_more(synthesis: Synthesis, effects: list[PooledEffect]) -> str:
    parts = [
        f"{_bounds(synthesis, effect.pooled.prediction)} for {pooled_label(synthesis, effect)}"
        for effect in effects
    ]
    return f"One more study of this kind would measure, with 95% confidence, {listing(parts)}."


def _bounds(synthesis: Synthesis, found: Interval) -> str:
    return low_to_high(found.low, found.high, synthesis.metric.unit, signed=True)


def synthesis_caveats(synthesis: Synthesis) -> tuple[str, ...]:
    """Says what limits a synthesis, the most important first."""
    effects = (*synthesis.effects, *synthesis.simple_effects)
    return tuple(
        filter(
            None,
            (
                _data_caveat(synthesis),
                _seed_caveat(synthesis),
                _two_caveat(synthesis),
                _untrained_caveat(effects),
                _level_caveat(synthesis),
                _factor_caveat(synthesis),
                missing_caveat(synthesis.studies),
                adaptive_caveat(synthesis.studies),
                f"Each interval is a 95% interval by itself. They are not adjusted for the "
                f"{counted(len(effects), 'effect')} of this page."
                if len(effects) > 1
                else "",
            ),
        )
    )


def _data_caveat(synthesis: Synthesis) -> str:
    groups = synthesis.same_data
    if any(len(group) == len(synthesis.studies) for group in groups):
        return SAME_DATA_ALL
    if not all(own.data for own in synthesis.studies):
        return "It is not recorded which data all studies use, so they may share data."
    if not groups:
        return "No two studies use the same data."
    shown = "; ".join(listing(group) for group in groups)
    return (
        f"These studies use the same data: {shown}. They do not count as studies of different "
        "data, so for other data the intervals are too narrow."
    )


def _seed_caveat(synthesis: Synthesis) -> str:
    if not synthesis.same_seeds:
        return ""
    names = "; ".join(listing(group) for group in synthesis.same_seeds)
    if any(len(group) == len(synthesis.studies) for group in synthesis.same_seeds):
        names = "All of them"
    return (
        f"{names} also share seeds on these data, and where a seed draws the split, the same "
        "images. What is special about that draw moves these studies alike, and no interval "
        "here covers it."
    )


def _two_caveat(synthesis: Synthesis) -> str:
    few = [e for e in (*synthesis.effects, *synthesis.simple_effects) if e.pooled.n_studies == 2]
    if not few:
        return ""
    which = "All effects" if len(synthesis.studies) == 2 else "Some effects"
    return (
        f"{which} rest on two studies, whose difference is all that is known of the spread between "
        "studies. The intervals are therefore very wide; a third study narrows them most."
    )


def _untrained_caveat(effects: tuple[PooledEffect, ...]) -> str:
    found = sum(effect.trained is not None for effect in effects)
    if not found:
        return ""
    return (
        f"In {found} of {counted(len(effects), 'effect')} networks take part that did not train. "
        "They are also shown without these seeds, and a change is only named where both "
        "readings show it."
    )


def _level_caveat(synthesis: Synthesis) -> str:
    if not synthesis.unlike:
        return ""
    names = listing([f"‘{own.level}’ of {own.factor}" for own in synthesis.unlike])
    return f"{sentence(names)} set something else in some studies; see Settings."


def _factor_caveat(synthesis: Synthesis) -> str:
    sets = {frozenset(f.name for f in own.study.factors) for own in synthesis.studies}
    if len(sets) == 1:
        return ""
    return (
        "The studies do not have the same factors. A main effect is an average over the other "
        "factors of its study, and so over others in other studies."
    )
