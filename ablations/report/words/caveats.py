"""Says what a reader must know before relying on the answer."""

from __future__ import annotations

from ablations.core.design import Change
from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.core.metrics import MAJORITY_ACCURACY, TEST_ACCURACY
from ablations.core.record import CODE, MACHINE, NODE, SEED_USE, WARNING
from ablations.report.words.imported import imported_caveats
from ablations.text.formatting import counted, listing, metric_name, number
from ablations.text.naming import change_label, effect_label
from ablations.text.sentences import (
    amount,
    decided_interactions,
    effect_estimate,
    evidence,
    gap_sentence,
    is_beyond_margin,
    revision_sentences,
    seed_sentence,
    signed_amount,
    size,
    untrained_sentence,
)

GAP_LIMIT = (
    "Normally distributed seeds have such a wide gap in at most one study of 20. Where there are "
    "two kinds of seeds, an interval contains the mean less often than 95 times in 100: check "
    "these seeds before you rely on it."
)
_MOST = 3
SET_BY_STUDIES = ("engine", "precision")
"""Facts of an environment that settings decide; another engine shows in the shortcuts as well."""
_SAID_APART = (*SET_BY_STUDIES, NODE, CODE, SEED_USE)


def caveats(findings: Findings) -> tuple[str, ...]:
    """Says what a reader must know before relying on the answer."""
    decided = decided_interactions(findings)
    further = len(decided) - 2
    more = f"There {'is' if further == 1 else 'are'} {counted(further, 'further interaction')}."
    hidden = (warning(findings, pair) for pair in pairs(findings) if pair not in decided)
    environments = _environments(findings)
    found = (
        *imported_caveats(findings),
        *revision_sentences(findings),
        _copies(findings),
        _guessing(findings),
        _fraction(findings),
        *(_dependence(findings, effect) for effect in decided[:2]),
        more if further > 0 else "",
        *list(filter(None, hidden))[:2],
        _gaps(findings),
        *(e.caption for e in findings.exhibits if e.name.startswith(WARNING)),
        f"The trials ran in {environments} different environments, so part of a difference may "
        "come from there." if environments > 1 else "",
        _machines(findings),
        _scattered(findings),
        _versions(findings),
        _seedless(findings),
    )  # fmt: skip
    return tuple(filter(None, found))


def _environments(findings: Findings) -> int:
    """Counts the environments, apart from what a study may set itself, such as the precision.

    Machines that differ in nothing but their name are the same one here.
    """
    kept = [
        {name: fact for name, fact in facts.items() if name not in _SAID_APART}
        for facts, _ in findings.environments
    ]
    return len({tuple(sorted(facts.items())) for facts in kept})


def _machines(findings: Findings) -> str:
    """Says over which kinds of machines speeds are averaged; empty if they are all alike."""
    facts = [facts for facts, _ in findings.environments]
    kinds = {tuple(own.get(name) for name in MACHINE) for own in facts}
    if len(kinds) < 2:
        return ""
    which = [name for name, *values in zip(MACHINE, *kinds, strict=True) if len(set(values)) > 1]
    return (
        f"The trials ran on {len(kinds)} kinds of machines, which differ in {listing(which)}, so a "
        "mean time or speed is one over these kinds, and depends on how many seeds each trained."
    )


def _versions(findings: Findings) -> str:
    """Says how many versions of the training function's code were used; empty if one or unknown."""
    number = len({facts[CODE] for facts, _ in findings.environments if CODE in facts})
    if number < 2:
        return ""
    return (
        f"The trials were trained by {number} versions of the training function's code, so part of "
        "a difference may come from there."
    )


def _copies(findings: Findings) -> str:
    """Says that seeds made no difference at all in any arm; empty where one did."""
    found = [arm.summaries.get(findings.metric.name) for arm in findings.arms]
    several = [own for own in found if own is not None and own.n > 1]
    if not several or any(own.minimum != own.maximum for own in several):
        return ""
    metric = metric_name(findings.metric.name)
    return (
        f"In each arm, all seeds gave the very same {metric}. Either the training function does "
        "not use its seed, so that these are copies of one training, or the metric has few "
        "possible values. More seeds do not help against the former."
    )


def no_arm_beats_guessing(findings: Findings) -> bool:
    """Whether no arm was shown to be better than always naming the most frequent class.

    It is known only where several seeds of each arm report test accuracy and that share.
    """
    if findings.metric.name != TEST_ACCURACY:
        return False
    names = (TEST_ACCURACY, MAJORITY_ACCURACY)
    pairs = [[arm.summaries.get(name) for name in names] for arm in findings.arms]
    limits = [
        (own.interval.low, guess.maximum)
        for own, guess in pairs
        if own and guess and own.interval and guess.maximum is not None
    ]
    return bool(limits) and len(limits) == len(pairs) and all(low <= top for low, top in limits)


def _guessing(findings: Findings) -> str:
    if not no_arm_beats_guessing(findings):
        return ""
    shares = [arm.summaries[MAJORITY_ACCURACY].mean or 0.0 for arm in findings.arms]
    return (
        "No arm could be shown to be better than always naming the most frequent class "
        f"({number(max(shares), 'fraction')}). A change cannot be judged on networks that have "
        "not learned: train longer, on more images or with another network, before adding seeds."
    )


def _seedless(findings: Findings) -> str:
    """Says how many trials did not use their seed; empty if all did."""
    number = sum(number for facts, number in findings.environments if SEED_USE in facts)
    return seed_sentence(f"The training function of {counted(number, 'trial')}") if number else ""


def _scattered(findings: Findings) -> str:
    """Says of how many seeds the arms were trained on several machines; empty if of none."""
    if not (number := findings.scattered_seeds):
        return ""
    which = "1 seed" if number == 1 else f"each of {number} seeds"
    return (
        f"The arms of {which} were trained on different machines of a cluster, so a difference in "
        "speed between arms may be one between machines."
    )


def _gaps(findings: Findings) -> str:
    """Says whose seeds are of two kinds, and what that does to their intervals; empty if none."""
    found = [
        gap_sentence(findings, arm, gap)
        for arm in findings.arms
        for gap in arm.gaps
        if gap.metric.name == findings.metric.name
    ]
    if not found:
        return ""
    rest = len(found) - _MOST
    more = [f"So do those of {counted(rest, 'other arm')}."] if rest > 0 else []
    return " ".join([*found[:_MOST], *more, GAP_LIMIT])


def _dependence(findings: Findings, effect: Effect) -> str:
    if any(abs(alias.weight) == 1 for alias in effect.aliases):
        either = effect_label(findings, effect)
        return (
            "The effects of two factors depend on each other, but this fraction of all arms cannot "
            f"show which two: {either} ({evidence(effect)})."
        )
    if len(effect.changes) > 2:
        *others, last = (change.factor for change in effect.changes)
        return f"How {listing(others)} act together depends on {last} ({evidence(effect)})."
    first, second = effect.changes
    name = _change(findings, first)
    higher = "higher" if (effect.estimate or 0.0) >= 0 else "lower"
    return (
        f"The effect of {name} depends on {second.factor}: with {second.level} it is "
        f"{amount(effect)} {higher} than with {second.baseline} ({evidence(effect)}). An average "
        "over both hides this."
    )


def pairs(findings: Findings) -> list[Effect]:
    """Returns the interactions of two changes, largest first."""
    found = [e for e in findings.effects if e.kind == "interaction" and len(e.changes) == 2]
    return sorted(found, key=size, reverse=True)


def warning(findings: Findings, pair: Effect) -> str:
    """Says what the average of a change hides, if the pair has simple effects; else nothing.

    It is about the change whose average hides more: the one with the smaller main effect.
    """
    moved, other = sorted(pair.changes, key=lambda change: _main(findings, change))
    own = [
        effect
        for level in (other.baseline, other.level)
        for effect in findings.simple_effects
        if effect.changes == (moved,) and effect.given == ((other.factor, level),)
    ]
    if not own or not pair.excludes_zero:
        return ""
    parts = [f"{_simple(e)} where {other.factor} is {e.given[0][1]}" for e in own]
    misleads = "misleads" if is_beyond_margin(findings, pair) else "may mislead"
    return (
        f"The average effect of {_change(findings, moved)} {misleads}: the effect is "
        f"{listing(parts)} (unadjusted intervals)."
    )


def _change(findings: Findings, change: Change) -> str:
    return change_label(findings.study, change.factor, baseline=change.baseline, level=change.level)


def _main(findings: Findings, change: Change) -> float:
    mains = [e for e in findings.effects if e.kind == "main" and e.changes == (change,)]
    return max(map(size, mains), default=0.0)


def _simple(effect: Effect) -> str:
    if effect.interval is None and len({value for _, value in effect.per_seed}) == 1:
        return f"exactly {signed_amount(effect)} at every seed"
    return effect_estimate(effect)


def incomplete(findings: Findings) -> str:
    """Says how many trials failed or are missing; empty if none."""
    failed, missing = findings.n_failed, findings.n_missing
    if not findings.n_completed or (not failed and not missing):
        return ""
    parts = [f"{failed} failed"] if failed else []
    if missing and findings.study.imported:
        parts.append(f"{missing} {'is' if missing == 1 else 'are'} without a run that counts")
    elif missing:
        parts.append(f"{missing} {'has' if missing == 1 else 'have'} not run")
    rest = number(findings.n_completed, "count")
    return (
        f"Of {counted(findings.n_planned, 'trial')}, {listing(parts)}: "
        f"the numbers are from the {rest} that completed."
    )


def untrained_alarm(findings: Findings) -> str:
    """Says before all else that networks did not train; empty where all did."""
    lost = untrained_sentence(findings)
    if not lost or not findings.effects:
        return lost
    return (
        f"{lost} A change is called improved, regressed or equivalent only if this is so with and "
        "without the seeds of these networks."
    )


def _fraction(findings: Findings) -> str:
    """Says in one line that effects are confounded; empty if none are."""
    found = findings.study.design.fraction
    if found is None or not found.confounded:
        return ""
    mains = [own for own in found.sets if len(own.factors) == 1]
    mixed = sum(bool(own.aliases) for own in mains)
    arms = f"Only {len(findings.study.arms)} of {found.full} arms were trained"
    if not mixed:
        return f"{arms}: some interactions share a number, which the table below names."
    which = "every main effect" if mixed == len(mains) else f"{mixed} of {len(mains)} main effects"
    return f"{arms}: the number for {which} contains interactions, which the table below names."
