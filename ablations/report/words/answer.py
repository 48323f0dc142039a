"""Puts the findings into words by rules: the answer in two sentences, and what limits it.

No sentence claims more than the adjusted interval and the verdict of an effect support.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report.words.caveats import (
    caveats,
    incomplete,
    no_arm_beats_guessing,
    untrained_alarm,
)
from ablations.text.formatting import counted, listing, metric_name, sentence
from ablations.text.naming import arm_label, effect_name
from ablations.text.sentences import (
    decisive,
    evidence,
    is_beyond_margin,
    margin,
    mean_estimate,
    moved,
    side,
    signed_amount,
    size,
)

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


def _sentences(findings: Findings) -> tuple[str, str]:
    """Rests on the effects that are no interactions and have an estimate, largest first."""
    known = [e for e in findings.effects if e.kind != "interaction" and e.estimate is not None]
    effects = sorted(known, key=size, reverse=True)
    if not findings.n_completed:
        return _nothing_yet(findings)
    if not effects:
        return _no_comparison(findings)
    if all(effect.interval is None for effect in effects):
        return _no_interval(findings, effects)
    if findings.metric.better == "neither":
        return _without_direction(findings, effects)
    if effects[0].trained is not None and effects[0].trained.estimate is None:
        return _none_trained(findings, effects[0])
    return _first(findings, effects), _second(findings, effects) + _unknown(findings)


def _unknown(findings: Findings) -> str:
    """Names the changes of which nothing is known; empty if there are none."""
    unknown = [e for e in findings.effects if e.kind != "interaction" and e.estimate is None]
    if not unknown:
        return ""
    changes = _first_few([effect_name(findings, effect) for effect in unknown])
    what = "effect of" if len(unknown) == 1 else "effects of"
    verb = "is" if len(unknown) == 1 else "are"
    return f" The {what} {changes} {verb} not known: no seed has results of all arms compared."


def _nothing_yet(findings: Findings) -> tuple[str, str]:
    planned, failed = counted(findings.n_planned, "trial"), counted(findings.n_failed, "trial")
    state = f"{failed} failed" if findings.n_failed else "none has run"
    return "There is no answer yet: no trial has completed.", f"Of {planned} planned, {state}."


def _one_arm(findings: Findings) -> tuple[str, str]:
    metric, (arm,) = metric_name(findings.metric.name), findings.arms
    found = arm.summaries.get(findings.metric.name)
    judged = gate_headline(findings) if findings.gates else "The study has no gate that judges it"
    if found is None or found.mean is None:
        return f"No completed trial reports {metric}.", f"{judged}."
    return (
        f"{sentence(metric)} is {mean_estimate(found)} over {counted(found.n, 'seed')}.",
        f"{judged}.",
    )


def gate_headline(findings: Findings) -> str:
    """Counts the verdicts of the gates."""
    words = ("passed", "failed", "inconclusive", "incomplete")
    counts = {word: sum(g.status == word for g in findings.gates) for word in words}
    verdicts = listing([f"{n} {word}" for word, n in counts.items() if n])
    return f"Of {counted(len(findings.gates), 'check')}, {verdicts}"


def _no_comparison(findings: Findings) -> tuple[str, str]:
    if not findings.study.factors:
        return _one_arm(findings)
    metric, none = (
        metric_name(findings.metric.name),
        "No effect is known: no seed has results of all arms that one compares.",
    )
    of_arms = {arm.arm: arm.summaries.get(findings.metric.name) for arm in findings.arms}
    if all(summary is None or summary.mean is None for summary in of_arms.values()):
        return f"No completed trial reports {metric}.", "So no two arms can be compared by it."
    best = of_arms[findings.best] if findings.best else None
    if findings.best is None or best is None or best.mean is None:
        return "No arm can be named the best.", none
    label, seeds = arm_label(findings.study, findings.best), counted(best.n, "seed")
    return f"The best arm is ‘{label}’, with {metric} {mean_estimate(best)} over {seeds}.", none


def _no_interval(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    """Answers for one seed, or several that are too few for a look or give equal differences."""
    top, name = effects[0], effect_name(findings, effects[0])
    if max(effect.n for effect in effects) > 1:
        return (
            f"Over {counted(top.n, 'seed')}, {name} {moved(top)}.",
            "There is no interval. Either all seeds gave the same differences, which shows that "
            "the metric has few possible values and not that the result is certain, or there are "
            "fewer seeds than the first look needs.",
        )
    of = "" if len(effects) == 1 else f", the largest of {counted(len(effects), 'effect')}"
    return (
        f"In a single seed, {name} {moved(top)}{of}.",
        "One seed gives no interval, so this could be chance: add seeds.",
    )


def _none_trained(findings: Findings, top: Effect) -> tuple[str, str]:
    """Answers where no seed is left for an effect, as a network of one arm never trained."""
    name = effect_name(findings, top)
    return (
        f"The effect of {name} cannot be estimated for networks that train: in every seed, the "
        "network of at least one of the compared arms did not train.",
        f"Over all seeds it {moved(top)} ({evidence(top)}). "
        "To learn more, correct the recipe of the arm whose networks do not train, or compare with "
        "another arm.",
    )


def _without_direction(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    metric = metric_name(findings.metric.name)
    clear = [effect for effect in effects if is_beyond_margin(findings, effect)]
    first = (
        f"No direction of {metric} counts as better, so no change is an improvement or a "
        "regression."
    )
    if not clear:
        return first, f"No change could be shown to change {metric}."
    top = clear[0]
    return first, (
        f"{sentence(effect_name(findings, top))} changed it the most, by "
        f"{signed_amount(top)} ({evidence(top)})."
    )


def _first(findings: Findings, effects: Sequence[Effect]) -> str:
    helped = [effect for effect in effects if effect.verdict == "improved"]
    hurt = [effect for effect in effects if effect.verdict == "regressed"]
    if not helped:
        return _claim(findings, hurt[0], "hurt") if hurt else _nothing(findings, effects)
    if len(effects) == 1:
        claim = "helped"
    elif len(helped) == 1:
        claim = "is the only change that could be shown to help"
    elif all(_sizes(helped[0])[0] > _sizes(other)[1] for other in helped[1:]):
        claim = "helped the most"
    else:
        claim = "has the largest estimated gain"
    return _claim(findings, helped[0], claim)


def _claim(findings: Findings, effect: Effect, claim: str) -> str:
    phrase = findings.study.design.phrase
    how = f"{phrase}, it" if len(findings.study.factors) > 1 else "it"
    name = sentence(effect_name(findings, effect))
    return f"{name} {claim}: {how} {moved(effect)} ({evidence(effect)})."


def _nothing(findings: Findings, effects: Sequence[Effect]) -> str:
    top, beyond = effects[0], margin(findings)
    if all(effect.verdict == "equivalent" for effect in effects):
        mean, which = _about(findings, effects)
        return f"No change{mean} made a difference that matters: {which} lie within ±{beyond}."
    more = f" of more than {beyond}" if beyond else ""
    return (
        f"No change could be shown to make a difference{more}; the largest estimate belongs to "
        f"{effect_name(findings, top)}, {signed_amount(top)} "
        f"({evidence(top)})."
    )


def _about(findings: Findings, effects: Sequence[Effect]) -> tuple[str, str]:
    """Says of which changes and effects a sentence about all that are known is."""
    if len(effects) < sum(effect.kind != "interaction" for effect in findings.effects):
        return " that could be measured", "their effects"
    if _open_interactions(findings):
        return f", {findings.study.design.phrase},", "all main effects"
    return "", "all effects"


def _open_interactions(findings: Findings) -> int:
    """Counts the interactions that are not shown to be too small to matter."""
    effects = findings.effects
    return sum(e.kind == "interaction" and e.verdict != "equivalent" for e in effects)


def _second(findings: Findings, effects: Sequence[Effect]) -> str:
    helped, hurt, same, unclear = (
        [effect for effect in effects if effect.verdict == word]
        for word in ("improved", "regressed", "equivalent", "inconclusive")
    )
    limit, parts = margin(findings), []
    if helped[1:]:
        parts.append(f"{_named(findings, helped[1:])} helped as well")
    if hurt and helped:
        parts.append(f"{_named(findings, hurt)} hurt")
    elif hurt:
        parts += [f"{_named(findings, hurt[1:])} hurt as well"] if hurt[1:] else []
        parts += ["no change could be shown to help"] if len(effects) > len(hurt) else []
    if 0 < len(same) < len(effects):
        within = f"(within ±{limit})"
        parts.append(f"{_named(findings, same)} made no difference that matters {within}")
    if 0 < len(unclear) < len(effects):
        why = f"the margin is ±{limit}" if limit else "no effect cannot be excluded"
        are = "is" if len(unclear) == 1 else "are"
        parts.append(f"{_named(findings, unclear)} {are} inconclusive ({why})")
    return sentence("; ".join(parts)) + "." if parts else _closing(findings, effects)


def _closing(findings: Findings, effects: Sequence[Effect]) -> str:
    if len(findings.effects) == 1 and effects[0].verdict != "inconclusive":
        return "It is the only change that this study made."
    if effects[0].verdict == "equivalent":
        return _closing_equivalent(findings, effects[0].family_size)
    if effects[0].verdict != "inconclusive":
        return "It is the only change with results."
    if no_arm_beats_guessing(findings):
        return "There may still be a real effect, but networks that have not learned show none."
    return (
        "There may still be a real effect, as these intervals are wide: add seeds to narrow them."
    )


def _closing_equivalent(findings: Findings, family_size: int) -> str:
    if found := _open_interactions(findings):
        return (
            f"This is not shown of {counted(found, 'interaction')}: what a change does may depend "
            "on another one, and such effects cancel in an average."
        )
    family = counted(family_size, "comparison")
    if _unknown(findings):
        return f"The intervals are adjusted for {family}."
    return f"That holds for {family}, adjusted for their number."


def _sizes(effect: Effect) -> tuple[float, float]:
    """Returns the smallest and the largest size that an effect's deciding interval allows."""
    bounds = decisive(effect)
    if bounds is None:
        return 0.0, float("inf")
    low, high = sorted((abs(bounds.low), abs(bounds.high)))
    return (low if side(bounds) else 0.0), high


def _named(findings: Findings, effects: Sequence[Effect]) -> str:
    """Names a few effects with their sizes and counts the rest."""
    return _first_few([f"{effect_name(findings, e)} ({signed_amount(e)})" for e in effects])


def _first_few(words: Sequence[str]) -> str:
    rest = len(words) - _MANY
    return listing([*words[:_MANY], counted(rest, "other")] if rest > 0 else words)
