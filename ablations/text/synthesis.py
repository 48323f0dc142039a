"""Puts into words what several studies say together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ablations.core.estimates import Interval
from ablations.core.metrics import Unit
from ablations.core.several import (
    LeftOut,
    Pooled,
    PooledEffect,
    StudyEffect,
    Synthesis,
    WeightedMean,
)
from ablations.text.formatting import (
    MINUS,
    count,
    counted,
    listing,
    low_to_high,
    metric_name,
    scale_for,
    sentence,
)
from ablations.text.members import adaptive_caveat, missing_caveat, shortened
from ablations.text.naming import contrast_label

SAME_DATA_ALL = (
    "All studies use the same data. The intervals are therefore about other recipes like these, "
    "trained and tested on these data; they say nothing about other data."
)


def pooled_label(synthesis: Synthesis, effect: PooledEffect) -> str:
    """Names an effect in a figure or table: ``augmentation × transfer``."""
    study = synthesis.study_of(effect)
    return contrast_label(study, effect.kind, effect.changes, effect.given)


def mean_words(found: Pooled | WeightedMean | StudyEffect, unit: Unit) -> str:
    """Writes an estimate in the scale of its interval: ``−0.3 s``, beside −1.0 to +0.5 s."""
    own = found.interval
    scale = scale_for(unit, [found.estimate, own.low, own.high], signed=True)
    return scale.show(found.estimate, signed=True)


def pooled_sentences(synthesis: Synthesis) -> tuple[str, str]:
    """Answers what the changes do over all studies, those that are shown first, and in one more."""
    mains = [effect for effect in synthesis.effects if effect.kind == "main"]
    shown = mains or list(synthesis.effects) or list(synthesis.simple_effects)
    clear = [effect for effect in shown if effect.side]
    unclear = [effect for effect in shown if not effect.side]
    over, named = _over(synthesis, shown)
    parts = [_clear(synthesis, effect, named(effect)) for effect in clear]
    if unclear:
        names = listing([_with_interval(synthesis, e, named(e)) for e in unclear])
        parts.append(f"for {names} no change could be shown")
    first = f"On average over {over}, {metric_name(synthesis.metric.name)}: "
    return f"{first}{'; '.join(parts)}.", _one_more(synthesis, clear or unclear)


def _over(
    synthesis: Synthesis, shown: Sequence[PooledEffect]
) -> tuple[str, Callable[[PooledEffect], str]]:
    """Says how many studies the means are of, once or with the name of each effect."""
    numbers, total = {effect.pooled.n_studies for effect in shown}, len(synthesis.studies)
    every = counted(total, "study", "studies")
    if len(numbers) == 1:
        over = every if numbers == {total} else f"{count(numbers.pop())} of {every}"
        return over, lambda effect: pooled_label(synthesis, effect)
    return (
        f"those of {every} that have an effect",
        lambda effect: (
            f"{pooled_label(synthesis, effect)} in {count(effect.pooled.n_studies)} of them"
        ),
    )


def _clear(synthesis: Synthesis, effect: PooledEffect, label: str) -> str:
    verb = "raised" if effect.side > 0 else "lowered"
    found = effect.pooled
    size = mean_words(found, synthesis.metric.unit).lstrip(f"+{MINUS}")
    bounds = _bounds(synthesis, found.interval)
    return f"{label} {verb} it by {size} (95% interval {bounds})"


def _with_interval(synthesis: Synthesis, effect: PooledEffect, label: str) -> str:
    found = effect.pooled
    size = mean_words(found, synthesis.metric.unit)
    return f"{label} ({size}, 95% interval {_bounds(synthesis, found.interval)})"


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
                _machine_caveat(synthesis),
                _left_out_caveat(synthesis),
                _two_caveat(synthesis),
                _untrained_caveat(effects),
                _level_caveat(synthesis),
                _arms_caveat(synthesis, effects),
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


def _machine_caveat(synthesis: Synthesis) -> str:
    if synthesis.n_machines == 1:
        return ""
    return (
        f"The studies ran on {count(synthesis.n_machines)} kinds of machines, and what a change "
        "does to a time depends on the machine: means are over these recipes and machines together."
    )


def _two_caveat(synthesis: Synthesis) -> str:
    few = [e for e in (*synthesis.effects, *synthesis.simple_effects) if e.pooled.n_studies == 2]
    if not few:
        return ""
    which = "All effects" if len(synthesis.studies) == 2 else "Some effects"
    return (
        f"{which} rest on two studies, whose difference is all that is known of the spread between "
        "studies. Their intervals reach 13 standard errors to either side; a third study narrows "
        "them most."
    )


def _untrained_caveat(effects: tuple[PooledEffect, ...]) -> str:
    found = sum(effect.has_lost for effect in effects)
    if not found:
        return ""
    alone = sum(effect.has_lost and effect.trained is None for effect in effects)
    left = f"; in {count(alone)} of them too few seeds are left for that" if alone else ""
    return (
        f"In {found} of {counted(len(effects), 'effect')} networks take part that did not train. "
        f"They are also shown without these seeds{left}, and a change is only named where both "
        "readings show it."
    )


def _level_caveat(synthesis: Synthesis) -> str:
    if not synthesis.unlike:
        return ""
    names = listing([f"‘{own.level}’ of {own.factor}" for own in synthesis.unlike])
    return f"{sentence(names)} set something else in some studies; see Settings."


def _arms_caveat(synthesis: Synthesis, effects: Sequence[PooledEffect]) -> str:
    names = [pooled_label(synthesis, effect) for effect in effects if not effect.same_arms]
    if not names:
        return ""
    which = "Each effect" if len(names) == len(effects) else sentence(shortened(names))
    return (
        f"{which}: not of the same arms in all studies, as these have other factors or another "
        "design. An effect is an average over the other factors of its study, so that a part of "
        "the differences between studies may come from there."
    )


_REASONS = {
    "alone": "no other study has the same change of the same levels, with a known standard error",
    "unknown": "their standard error is unknown without two seeds that differ",
    "aliased": "a fraction cannot separate them from others",
}


def _left_out_caveat(synthesis: Synthesis) -> str:
    """Names effects that are in no mean, and why."""
    parts = []
    for reason, why in _REASONS.items():
        by_study: dict[str, list[LeftOut]] = {}
        for own in synthesis.left_out:
            if own.reason == reason:
                by_study.setdefault(own.study, []).append(own)
        if by_study:
            named = [
                f"{name} ({shortened([left_out_label(synthesis, one) for one in own])})"
                for name, own in by_study.items()
            ]
            parts.append(f"{listing(named)}, as {why}")
    return f"Not combined: {'; '.join(parts)}." if parts else ""


def left_out_label(synthesis: Synthesis, own: LeftOut) -> str:
    """Names an effect that is in no mean, as its study does."""
    study = {member.name: member.study for member in synthesis.studies}[own.study]
    return contrast_label(study, own.kind, own.changes, own.given)
