"""Puts the findings into words by rules: the answer in two sentences, and what limits it.

No sentence claims more than the adjusted interval and the verdict of an effect carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.core.estimates import Effect, ends
from ablations.core.findings import Findings
from ablations.report.words.caveats import caveats, incomplete, untrained_alarm
from ablations.text.formatting import counted, difference, estimate, listing, metric_name, sentence
from ablations.text.naming import arm_label, effect_name
from ablations.text.sentences import evidence, is_beyond_margin, moved, size

_MANY = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """The two sentences that a reader takes away, and what to know before relying on them.

    ``alarm`` says how many trials failed or are missing, and which networks did not train; it is
    empty if none.
    """

    sentences: tuple[str, str]
    alarm: str
    caveats: tuple[str, ...]


def answer(findings: Findings) -> Answer:
    """Answers the study's question from its findings."""
    alarms = filter(None, (incomplete(findings), untrained_alarm(findings)))
    return Answer(_sentences(findings), " ".join(alarms), caveats(findings))


def single_effects(findings: Findings) -> list[Effect]:
    """Returns the effects that are no interactions and have an estimate, largest first."""
    known = [e for e in findings.effects if e.kind != "interaction" and e.estimate is not None]
    return sorted(known, key=size, reverse=True)


def _sentences(findings: Findings) -> tuple[str, str]:
    effects = single_effects(findings)
    if not findings.n_completed:
        return _nothing_yet(findings)
    if not effects:
        return _no_comparison(findings)
    if all(effect.interval is None for effect in effects):
        several = max(effect.n for effect in effects) > 1
        return _no_spread(findings, effects) if several else _one_seed(findings, effects)
    if findings.metric.better == "neither":
        return _without_direction(findings, effects)
    if effects[0].trained is not None and effects[0].trained.estimate is None:
        return _none_trained(findings, effects[0])
    return _first(findings, effects), _second(findings, effects)


def _nothing_yet(findings: Findings) -> tuple[str, str]:
    planned, failed = counted(findings.n_planned, "trial"), counted(findings.n_failed, "trial")
    state = f"{failed} failed" if findings.n_failed else "none has run"
    return "There is no answer yet: no trial has completed.", f"Of {planned} planned, {state}."


def _no_comparison(findings: Findings) -> tuple[str, str]:
    best = (
        findings.arm(findings.best).summaries.get(findings.metric.name) if findings.best else None
    )
    metric = metric_name(findings.metric.name)
    of_arms = [arm.summaries.get(findings.metric.name) for arm in findings.arms]
    if all(summary is None or summary.mean is None for summary in of_arms):
        return f"No completed trial reports {metric}.", "So no two arms can be compared by it."
    if findings.best is None or best is None or best.mean is None:
        return "No arm can be named the best.", "No comparison of arms is possible yet."
    shown = estimate(best.mean, ends(best.interval), findings.metric.unit)
    label = arm_label(findings.study, findings.best)
    return (
        f"The arm ‘{label}’ came out best, with {metric} {shown} over {counted(best.n, 'seed')}.",
        "No comparison of arms is possible yet.",
    )


def _one_seed(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    top = effects[0]
    first = "" if len(effects) == 1 else f", the largest of {counted(len(effects), 'effect')}"
    return (
        f"In a single seed, {effect_name(findings, top)} {moved(top)}{first}.",
        "One seed gives no interval, so none of this can be told apart from chance: add seeds.",
    )


def _no_spread(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    """Tells of several seeds that are too few for a look, or that all say the same."""
    top = effects[0]
    return (
        f"Over {counted(top.n, 'seed')}, {effect_name(findings, top)} {moved(top)}.",
        "There is no interval: all seeds gave the same differences, which is coarse rather than "
        "certain, or there are fewer seeds than the first look takes.",
    )


def _none_trained(findings: Findings, top: Effect) -> tuple[str, str]:
    """Tells of an effect that no seed is left for, because a network of one arm never trained."""
    name = effect_name(findings, top)
    return (
        f"The effect of {name} on networks that learn cannot be estimated: in every seed, at "
        "least one of the compared arms gave a network that did not learn.",
        f"Over all seeds it {moved(top)} ({evidence(top)}); "
        "correct the recipe of the arm whose networks do not learn, or compare with another arm.",
    )


def _without_direction(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    metric = metric_name(findings.metric.name)
    clear = [effect for effect in effects if is_beyond_margin(findings, effect)]
    first = f"No direction of {metric} counts as better, so no change is said to help or hurt."
    if not clear:
        return first, f"No change could be shown to move {metric} at all."
    top = clear[0]
    return first, (
        f"{sentence(effect_name(findings, top))} moved it the furthest, by "
        f"{difference(top.estimate, top.metric.unit)} ({evidence(top)})."
    )


def _first(findings: Findings, effects: Sequence[Effect]) -> str:
    helped = [effect for effect in effects if effect.verdict == "improved"]
    if not helped:
        hurt = [effect for effect in effects if effect.verdict == "regressed"]
        return _claim(findings, _worst(hurt), "hurt") if hurt else _nothing(findings, effects)
    top = helped[0]
    if len(effects) == 1:
        claim = "helped"
    elif len(helped) == 1:
        claim = "is the only change that could be shown to help"
    elif _stands_apart(top, helped[1:]):
        claim = "helped the most"
    else:
        claim = "showed the largest gain"
    return _claim(findings, top, claim)


def _claim(findings: Findings, effect: Effect, claim: str) -> str:
    return (
        f"{sentence(effect_name(findings, effect))} {claim}: {_how(findings)} {moved(effect)} "
        f"({evidence(effect)})."
    )


def _worst(hurt: Sequence[Effect]) -> Effect:
    return max(hurt, key=lambda effect: abs(effect.estimate or 0.0))


def _how(findings: Findings) -> str:
    return f"{findings.study.design.phrase}, it" if len(findings.study.factors) > 1 else "it"


def _nothing(findings: Findings, effects: Sequence[Effect]) -> str:
    top = effects[0]
    if all(effect.verdict == "equivalent" for effect in effects):
        margin = _margin(findings)
        return f"No change made a difference that matters: all effects lie within {margin}."
    beyond = f" of more than {_margin(findings).lstrip('±')}" if _has_margin(findings) else ""
    return (
        f"No change could be shown to make a difference{beyond}; the largest estimate belongs to "
        f"{effect_name(findings, top)}, {difference(top.estimate, top.metric.unit)} "
        f"({evidence(top)})."
    )


def _second(findings: Findings, effects: Sequence[Effect]) -> str:
    sorted_by = {
        word: [effect for effect in effects if effect.verdict == word]
        for word in ("improved", "regressed", "equivalent", "inconclusive")
    }
    others = sorted_by["improved"][1:]
    parts = []
    if others:
        parts.append(f"{_named(findings, others)} helped as well")
    hurt = sorted_by["regressed"]
    if hurt and sorted_by["improved"]:
        parts.append(f"{_named(findings, hurt)} hurt")
    elif hurt:
        also = [effect for effect in hurt if effect is not _worst(hurt)]
        parts.extend([f"{_named(findings, also)} hurt as well"] if also else [])
        if len(effects) > len(hurt):
            parts.append("no change could be shown to help")
    if sorted_by["equivalent"] and len(sorted_by["equivalent"]) < len(effects):
        same = _named(findings, sorted_by["equivalent"])
        parts.append(f"{same} made no difference that matters (within {_margin(findings)})")
    if sorted_by["inconclusive"] and len(sorted_by["inconclusive"]) < len(effects):
        parts.append(f"{_named(findings, sorted_by['inconclusive'])} {_undecided(findings)}")
    return sentence("; ".join(parts)) + "." if parts else _closing(effects)


def _closing(effects: Sequence[Effect]) -> str:
    if len(effects) == 1 and effects[0].verdict != "inconclusive":
        return "It is the only change that this study made."
    if effects[0].verdict == "equivalent":
        return (
            f"That holds for {counted(len(effects), 'comparison')}, each adjusted for the others."
        )
    return "A real effect may still hide in intervals this wide: more seeds would narrow them."


def _undecided(findings: Findings) -> str:
    if findings.study.smallest_effect_that_matters > 0:
        return f"stayed undecided against the margin of {_margin(findings)}"
    return "could not be told apart from no effect"


def _has_margin(findings: Findings) -> bool:
    return findings.study.smallest_effect_that_matters > 0


def _margin(findings: Findings) -> str:
    shown = difference(findings.study.smallest_effect_that_matters, findings.metric.unit)
    return shown.replace("+", "±")


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
