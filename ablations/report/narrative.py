"""Puts the findings into words by rules: the answer in two sentences, and what limits it.

No sentence claims more than the adjusted interval and the verdict of an effect carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.findings import Effect, Findings
from ablations.formatting import (
    arm_label,
    change_label,
    counted,
    difference,
    estimate,
    level_label,
    listing,
    metric_name,
    number,
    reach,
    sentence,
)

_HOW = {
    "full-factorial": "averaged over the other factors, it",
    "one-factor-in": "added alone to the baseline, it",
    "one-factor-out": "within the full recipe, it",
    "arms": "compared with the reference, it",
}
_MANY = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """The two sentences that a reader takes away, and what to know before relying on them."""

    sentences: tuple[str, str]
    caveats: tuple[str, ...]


def answer(findings: Findings) -> Answer:
    """Answers the study's question from its findings."""
    return Answer(_sentences(findings), caveats(findings))


def single_effects(findings: Findings) -> list[Effect]:
    """Returns the effects that are no interactions and have an estimate, largest first."""
    known = [e for e in findings.effects if e.kind != "interaction" and e.estimate is not None]
    return sorted(known, key=_size, reverse=True)


def _size(effect: Effect) -> float:
    return abs(effect.estimate or 0.0)


def _sentences(findings: Findings) -> tuple[str, str]:
    effects = single_effects(findings)
    if not findings.n_completed:
        return _nothing_yet(findings)
    if not effects:
        return _no_comparison(findings)
    if all(effect.interval is None for effect in effects):
        return _one_seed(findings, effects)
    return _first(findings, effects), _second(findings, effects)


def _nothing_yet(findings: Findings) -> tuple[str, str]:
    planned, failed = counted(findings.n_planned, "trial"), counted(findings.n_failed, "trial")
    state = f"{failed} failed" if findings.n_failed else "none has run"
    return "There is no answer yet: no trial has completed.", f"Of {planned} planned, {state}."


def _no_comparison(findings: Findings) -> tuple[str, str]:
    best = findings.arm(findings.best).summaries.get(findings.metric.name) if findings.best else None
    metric = metric_name(findings.metric.name)
    if findings.best is None or best is None or best.mean is None:
        return f"No completed trial reports {metric}.", "So no two arms can be compared by it."
    bounds = (best.interval.low, best.interval.high) if best.interval else None
    shown = estimate(best.mean, bounds, findings.metric.unit)
    label = arm_label(findings.study, findings.best)
    return (
        f"The arm ‘{label}’ came out best, with {metric} {shown} over {counted(best.n, 'seed')}.",
        "No comparison of arms is possible yet.",
    )


def _one_seed(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    top, unit = effects[0], findings.metric.unit
    moved = f"{_verb(top)} {metric_name(findings.metric.name)} by {_amount(top)}"
    return (
        f"In a single seed, {effect_name(findings, top)} {moved}, the largest change of "
        f"{counted(len(effects), 'comparison')} ({difference(top.estimate, unit)}).",
        "One seed gives no interval, so none of this can be told apart from chance: add seeds.",
    )


def _first(findings: Findings, effects: Sequence[Effect]) -> str:
    helped = [effect for effect in effects if effect.verdict == "improved"]
    if not helped:
        return _nothing_helped(findings, effects)
    top = helped[0]
    if len(effects) == 1:
        claim = _helped(findings)
    elif len(helped) == 1:
        claim = f"is the only change that {_helped(findings)}"
    elif _stands_apart(top, helped[1:]):
        claim = f"{_helped(findings)} the most"
    else:
        claim = "showed the largest gain"
    metric = metric_name(findings.metric.name)
    return (
        f"{sentence(effect_name(findings, top))} {claim}: {_HOW[findings.study.design]} "
        f"{_verb(top)} {metric} by {_amount(top)} ({_evidence(top)})."
    )


def _nothing_helped(findings: Findings, effects: Sequence[Effect]) -> str:
    top = effects[0]
    if all(effect.verdict == "equivalent" for effect in effects):
        margin = _margin(findings)
        return f"No change made a difference that matters: all effects lie within {margin}."
    if any(effect.verdict == "regressed" for effect in effects):
        return "No change could be shown to help."
    return (
        f"No change could be shown to make a difference; the largest estimate belongs to "
        f"{effect_name(findings, top)}, {difference(top.estimate, top.metric.unit)} "
        f"({_evidence(top)})."
    )


def _second(findings: Findings, effects: Sequence[Effect]) -> str:
    sorted_by = {
        word: [effect for effect in effects if effect.verdict == word]
        for word in ("improved", "regressed", "equivalent", "inconclusive")
    }
    others = sorted_by["improved"][1:]
    parts = []
    if others:
        parts.append(f"{_named(findings, others)} {_helped(findings)} as well")
    if sorted_by["regressed"]:
        hurt = "lowered it" if findings.metric.better == "neither" else "hurt"
        parts.append(f"{_named(findings, sorted_by['regressed'])} {hurt}")
    if sorted_by["equivalent"] and len(sorted_by["equivalent"]) < len(effects):
        same = _named(findings, sorted_by["equivalent"])
        parts.append(f"{same} made no difference that matters (within {_margin(findings)})")
    if sorted_by["inconclusive"] and len(sorted_by["inconclusive"]) < len(effects):
        parts.append(f"{_named(findings, sorted_by['inconclusive'])} {_undecided(findings)}")
    return sentence("; ".join(parts)) + "." if parts else _closing(findings, effects)


def _closing(findings: Findings, effects: Sequence[Effect]) -> str:
    if len(effects) == 1 and effects[0].verdict != "inconclusive":
        return "It is the only change that this study made."
    if effects[0].verdict == "equivalent":
        return f"That holds for {counted(len(effects), 'comparison')}, each adjusted for the others."
    return "A real effect may still hide in intervals this wide: more seeds would narrow them."


def _undecided(findings: Findings) -> str:
    if findings.study.smallest_effect_that_matters > 0:
        return f"stayed undecided against the margin of {_margin(findings)}"
    return "could not be told apart from no effect"


def _helped(findings: Findings) -> str:
    return "raised it" if findings.metric.better == "neither" else "helped"


def _margin(findings: Findings) -> str:
    shown = difference(findings.study.smallest_effect_that_matters, findings.metric.unit)
    return shown.replace("+", "±")


def _verb(effect: Effect) -> str:
    return "raised" if (effect.estimate or 0.0) >= 0 else "lowered"


def _amount(effect: Effect) -> str:
    return difference(_size(effect), effect.metric.unit).lstrip("+")


def _evidence(effect: Effect) -> str:
    bounds, unit = effect.adjusted or effect.interval, effect.metric.unit
    shown = f"95% interval {reach(bounds.low, bounds.high, unit, signed=True)}" if bounds else ""
    family = effect.family_size
    adjusted = f"adjusted for {counted(family, 'comparison')}" if family > 1 else ""
    return ", ".join(filter(None, (shown, adjusted, counted(effect.n, "seed"))))


def _stands_apart(top: Effect, others: Sequence[Effect]) -> bool:
    """Whether the top effect's adjusted interval lies beyond all others', in absolute size."""
    return all(_reach_of(top)[0] > _reach_of(other)[1] for other in others)


def _reach_of(effect: Effect) -> tuple[float, float]:
    bounds = effect.adjusted or effect.interval
    if bounds is None:
        return 0.0, float("inf")
    ends = sorted((abs(bounds.low), abs(bounds.high)))
    return (0.0 if bounds.low <= 0 <= bounds.high else ends[0]), ends[1]


def _named(findings: Findings, effects: Sequence[Effect]) -> str:
    """Names a few effects with their sizes and counts the rest."""
    words = [
        f"{effect_name(findings, e)} ({difference(e.estimate, e.metric.unit)})"
        for e in effects[:_MANY]
    ]
    rest = len(effects) - _MANY
    return listing([*words, counted(rest, "other")] if rest > 0 else words)


def effect_name(findings: Findings, effect: Effect) -> str:
    """Names an effect in running text: ``transfer instead of scratch``."""
    if effect.kind == "arm":
        arm = max(effect.weights, key=lambda pair: pair[1])[0]
        return f"‘{arm_label(findings.study, arm)}’"
    names = [
        change_label(findings.study, c.factor, baseline=c.baseline, level=c.level)
        for c in effect.changes
    ]
    return listing(names)


def effect_label(findings: Findings, effect: Effect) -> str:
    """Names an effect in a figure or table: ``augmentation × transfer``."""
    if effect.kind == "interaction":
        return " × ".join(level_label(findings.study, c.factor, c.level) for c in effect.changes)
    return effect_name(findings, effect).strip("‘’")


def decided_interactions(findings: Findings) -> list[Effect]:
    """Returns the interactions whose verdict says that there is one, largest first."""
    decided = ("improved", "regressed")
    found = [e for e in findings.effects if e.kind == "interaction" and e.verdict in decided]
    return sorted(found, key=_size, reverse=True)


def caveats(findings: Findings) -> tuple[str, ...]:
    """Says what a reader must know before relying on the answer."""
    found = [_dependence(findings, effect) for effect in decided_interactions(findings)[:2]]
    further = len(decided_interactions(findings)) - 2
    if further > 0:
        found.append(f"There {'is' if further == 1 else 'are'} "
                     f"{counted(further, 'further interaction')}.")  # fmt: skip
    found.append(incomplete(findings))
    if len(findings.environments) > 1:
        found.append(
            f"The trials ran in {len(findings.environments)} different environments, "
            "so part of a difference may come from there."
        )
    return tuple(filter(None, found))


def _dependence(findings: Findings, effect: Effect) -> str:
    first, second = effect.changes[:2]
    name = change_label(findings.study, first.factor, baseline=first.baseline, level=first.level)
    higher = "higher" if (effect.estimate or 0.0) >= 0 else "lower"
    return (
        f"What {name} does depends on {second.factor}: with {second.level} its effect is "
        f"{_amount(effect)} {higher} than with {second.baseline} ({_evidence(effect)}), "
        "which an average over both hides."
    )


def incomplete(findings: Findings) -> str:
    """Says how many trials failed or are missing; empty if none."""
    failed, missing = findings.n_failed, findings.n_missing
    if not failed and not missing:
        return ""
    parts = [f"{failed} failed"] if failed else []
    parts += [f"{missing} {'has' if missing == 1 else 'have'} not run"] if missing else []
    rest = number(findings.n_completed, "count")
    return (
        f"Of {counted(findings.n_planned, 'trial')}, {listing(parts)}: "
        f"the numbers rest on the {rest} that completed."
    )
