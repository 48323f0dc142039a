"""Puts into words how several studies, or states of one, differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.core.past import ChangeSincePast
from ablations.core.several import ComparedArm, ComparedEffect, EffectDifference, Member, SideBySide
from ablations.text.formatting import (
    counted,
    difference,
    listing,
    low_to_high,
    magnitude,
    metric_name,
    sentence,
)
from ablations.text.members import MOST, adaptive_caveat, missing_caveat, shortened
from ablations.text.naming import arm_label, contrast_label

Compared = ComparedEffect | ComparedArm
Difference = EffectDifference | ChangeSincePast

SHORTCUTS = "shortcuts"
"""The fact of an environment that says which shortcuts a trial was trained with."""

_CHANGED = ("differs", "improved", "regressed")


def compared_label(found: SideBySide, item: Compared) -> str:
    """Names an effect or an arm, as the first member does."""
    study = found.members[0].study
    if isinstance(item, ComparedArm):
        return arm_label(study, item.arm)
    return contrast_label(study, item.kind, item.changes, item.given)


def what(found: SideBySide, *, many: bool = True) -> str:
    """Calls the members what they are: studies, or states of one study."""
    one = "state" if len({own.study.report_name for own in found.members}) == 1 else "study"
    return {"state": "states", "study": "studies"}[one] if many else one


def is_changed(own: Difference) -> bool:
    """Whether a difference is decided, and no equivalence."""
    return own.verdict in _CHANGED


def all_alike(found: SideBySide) -> bool:
    """Whether all results of all arms agree up to rounding."""
    every = [own for arm in found.arms for _, own in arm.differences]
    return bool(every) and all(own.alike for own in every)


def comparison_headline(found: SideBySide) -> str:
    """Counts the differences that are decided."""
    items: Sequence[Compared] = found.effects or found.arms
    noun = "effect" if found.effects else "arm"
    every = [own for item in items for _, own in item.differences]
    clear, total = sum(map(is_changed, every)), len(every)
    if all_alike(found):
        return "All results are the same"
    if len(found.members) > 2:
        return f"{clear or 'None'} of {total} differences of {noun}s could be shown"
    if total == 1:
        return f"The {noun} {'differs' if clear else 'could not be shown to differ'}"
    return f"{clear or 'None'} of {counted(total, noun)} could be shown to differ"


def comparison_sentences(found: SideBySide) -> tuple[str, ...]:
    """Answers what differs: first the count, then settings, effects and arms."""
    others = found.names[1:]
    metric = metric_name(found.metric.name)
    effects = (_verdicts(found, found.effects, name, f"Effects on {metric}") for name in others)
    arms = (_verdicts(found, found.arms, name, f"{sentence(metric)} of arms") for name in others)
    each = () if all_alike(found) else (*effects, *arms)
    return (f"{comparison_headline(found)}.", settings_sentence(found), *filter(None, each))


def settings_sentence(found: SideBySide) -> str:
    """Names the settings that differ, and counts those that do not."""
    names = list(dict.fromkeys(own.name for own in found.settings))
    same = counted(found.n_equal_settings, "setting")
    if not names:
        return f"All {same} of the {what(found)} are the same."
    verb = "is" if found.n_equal_settings == 1 else "are"
    number = counted(len(names), "setting")
    return f"The {what(found)} differ in {number}: {shortened(names)}; {same} {verb} the same."


def _verdicts(found: SideBySide, items: Sequence[Compared], name: str, noun: str) -> str:
    """Sorts the differences of one member from the first by their verdict, surest first."""
    own = [(item, diff) for item in items for other, diff in item.differences if other == name]
    changed = [_change(found, item, diff) for item, diff in own if is_changed(diff)]
    more = [f"{len(changed) - MOST} more changed"] if len(changed) > MOST else []
    parts = [*changed[:MOST], *more, *_undecided(found, own)]
    return f"{noun} in {name} against {found.names[0]}: {'; '.join(parts)}." if parts else ""


def _change(found: SideBySide, item: Compared, own: Difference) -> str:
    size = difference(own.change, found.metric.unit)
    bounds = ""
    if own.interval:
        unit = found.metric.unit
        ends = low_to_high(own.interval.low, own.interval.high, unit, signed=True)
        bounds = f" (adjusted interval {ends})"
    by = " by" if own.verdict == "differs" else ":"
    return f"{compared_label(found, item)} {own.verdict}{by} {size}{bounds}"


def _undecided(found: SideBySide, own: Sequence[tuple[Compared, Difference]]) -> Iterator[str]:
    within = magnitude(found.margin, found.metric.unit)
    for verdict, words in (
        ("equivalent", f"equivalent within ±{within}" if found.margin else "the same"),
        ("inconclusive", "inconclusive"),
    ):
        names = [compared_label(found, item) for item, diff in own if diff.verdict == verdict]
        if 1 < len(names) == len(own):
            yield f"all {len(names)} are {words}"
        elif names:
            yield f"{words}: {shortened(names)}"


def comparison_caveats(found: SideBySide) -> tuple[str, ...]:
    """Says what limits a comparison, the most important first."""
    return tuple(
        filter(
            None,
            (
                _settings_caveat(found),
                _data_caveat(found),
                _pairs_caveat(found),
                _untrained_caveat(found),
                _margin_caveat(found),
                _arms_caveat(found),
                time_caveat(found),
                _alone_caveat(found),
                missing_caveat(found.members),
                adaptive_caveat(found.members),
                family_caveat(found),
            ),
        )
    )


def _settings_caveat(found: SideBySide) -> str:
    names = {own.name for own in found.settings} - {"seeds", "smallest effect that matters"}
    if len(names) < 2:
        return ""
    return (
        f"{counted(len(names), 'setting')} differ at once, so a difference here is not the effect "
        "of one of them."
    )


def _data_caveat(found: SideBySide) -> str:
    if not all(own.data for own in found.members):
        return (
            f"It is not recorded which data all {what(found)} use, so a difference may be theirs."
        )
    others = [own.name for own in found.members[1:] if _other_data(found, own)]
    if not others:
        return ""
    verb = "uses" if len(others) == 1 else "use"
    return (
        f"{listing(others)} {verb} other data than {found.names[0]}. What differs may come from "
        "the data."
    )


def _other_data(found: SideBySide, own: Member) -> bool:
    return set(own.data) != set(found.members[0].data)


def _pairs_caveat(found: SideBySide) -> str:
    items: tuple[Compared, ...] = (*found.effects, *found.arms)
    every = [own for item in items for _, own in item.differences]
    paired = sum(own.paired or own.alike for own in every)
    pairs = (
        "differences are taken seed by seed. This supposes that a seed stands for the same split "
        "and order of the data in each of them"
    )
    apart = "as independent samples, each with a spread of its own (Welch)"
    if paired == len(every):
        return f"The {what(found)} have seeds and data in common, so {pairs}."
    if not paired:
        return (
            f"The {what(found)} do not have two or more seeds in common on the same data, so they "
            f"are compared {apart}."
        )
    return f"Where seeds and data are the same, {pairs}; elsewhere they are compared {apart}."


def _untrained_caveat(found: SideBySide) -> str:
    lost = [
        f"{name} ({counted(number, 'network')})"
        for name in found.names
        if (number := sum(len(a.found[name].untrained) for a in found.arms if name in a.found))
    ]
    if not lost:
        return ""
    return (
        f"Networks take part that did not train: {listing(lost)}. A difference counts as decided "
        "only where it is also decided in the same way without these seeds."
    )


def _margin_caveat(found: SideBySide) -> str:
    margins = {own.study.smallest_effect_that_matters for own in found.members}
    unit, first = found.metric.unit, found.names[0]
    if len(margins) > 1:
        return f"The margin is that of {first}: ±{magnitude(found.margin, unit)}."
    if found.margin:
        return ""
    return (
        f"{first} names no smallest effect that matters, so no difference can be called equivalent "
        "unless all results are the same."
    )


def _arms_caveat(found: SideBySide) -> str:
    names = [compared_label(found, own) for own in found.effects if not own.same_arms]
    if not names:
        return ""
    return (
        f"{sentence(shortened(names))}: not of the same arms in all {what(found)}, as these have "
        "other factors or another design. A part of such a difference may come from there."
    )


def time_caveat(found: SideBySide) -> str:
    """Says whose times are compared with those of the first, and how surely."""
    timed = {name for arm in found.arms for name in arm.found} - {*found.one_machine}
    elsewhere = [name for name in found.names[1:] if name in timed]
    apart = any(own.apart for arm in found.arms for _, own in arm.speeds)
    first = found.names[0]
    texts = []
    if elsewhere:
        texts.append(
            f"{listing(elsewhere)} did not run on the machine of {first} alone, or it is unknown. "
            "Times and memory stand beside their hardware and are not compared."
        )
    if any(own.name == SHORTCUTS for own in found.environment):
        texts.append(
            "They were trained with different shortcuts, which change times and, up to rounding, "
            "no results."
        )
    if apart:
        texts.append(
            "Speeds were not measured in turn, and a machine may differ by 10% between two days: "
            "their intervals are wider by that."
        )
    return " ".join(texts)


def _alone_caveat(found: SideBySide) -> str:
    arms = sum(map(len, found.alone.values()))
    parts = [
        counted(number, noun)
        for number, noun in ((arms, "arm"), (len(found.lone_effects), "effect"))
        if number
    ]
    if not parts:
        return ""
    return f"Not compared: {listing(parts)} without a counterpart of the same levels; see Studies."


def family_caveat(found: SideBySide) -> str:
    """Says over how many differences the intervals are adjusted."""
    effects = [own for item in found.effects for _, own in item.differences]
    arms = [own for item in found.arms for _, own in item.differences]
    parts = [
        f"{counted(own[0].family_size, 'comparison')} of {noun}"
        for own, noun in ((effects, "effects"), (arms, "arms"))
        if own
    ]
    speeds = " (with their speeds)" if any(arm.speeds for arm in found.arms) else ""
    return (
        f"Intervals of differences are adjusted for {listing(parts)}{speeds}, each table by "
        "itself: in each the chance of any false verdict is at most 5%."
    )


def shared_sentence(found: SideBySide) -> str:
    """Says what data, seeds and environment the members have in common."""
    first, *others = found.members
    data = "the same data" if all(set(own.data) == set(first.data) for own in others) else ""
    common = set(first.seeds).intersection(*(own.seeds for own in others))
    seeds = f"{counted(len(common), 'seed')} of the same number" if common else ""
    facts = counted(found.n_equal_facts, "fact") + " of the environment"
    shared = [*filter(None, (data if first.data else "", seeds)), facts]
    differing = counted(len(found.environment), "fact")
    verb = "differs" if len(found.environment) == 1 else "differ"
    return f"They share {listing(shared)}; {differing} of the environment {verb}."
