"""Says what a reader must know before relying on the answer."""

from __future__ import annotations

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.core.record import WARNING
from ablations.report.words.simple_effects import pairs, warning
from ablations.text.formatting import counted, listing, number
from ablations.text.naming import change_label, effect_label
from ablations.text.sentences import (
    amount,
    decided_interactions,
    evidence,
    gap_sentence,
    revision_sentences,
    untrained_sentence,
)

GAP_LIMIT = (
    "Normally distributed seeds have such a wide gap in at most one study of 20. Where there are "
    "two kinds of seeds, an interval contains the mean less often than 95 times in 100: check "
    "these seeds before you rely on it."
)
_MOST = 3


def caveats(findings: Findings) -> tuple[str, ...]:
    """Says what a reader must know before relying on the answer."""
    decided = decided_interactions(findings)
    found = revision_sentences(findings)
    found += [line] if (line := _fraction(findings)) else []
    found += [_dependence(findings, effect) for effect in decided[:2]]
    if (further := len(decided) - 2) > 0:
        found.append(f"There {'is' if further == 1 else 'are'} "
                     f"{counted(further, 'further interaction')}.")  # fmt: skip
    hidden = (warning(findings, pair) for pair in pairs(findings) if pair not in decided)
    found += list(filter(None, hidden))[:2]
    found += _gaps(findings)
    found += [e.caption for e in findings.exhibits if e.name.startswith(WARNING)]
    if len(findings.environments) > 1:
        found.append(
            f"The trials ran in {len(findings.environments)} different environments, "
            "so part of a difference may come from there."
        )
    return tuple(found)


def _gaps(findings: Findings) -> list[str]:
    """Says whose seeds are of two kinds, and what that does to their intervals."""
    found = [
        gap_sentence(findings, arm, gap)
        for arm in findings.arms
        for gap in arm.gaps
        if gap.metric.name == findings.metric.name
    ]
    shown, rest = found[:_MOST], len(found) - _MOST
    if not shown:
        return []
    more = f" So do those of {counted(rest, 'other arm')}." if rest > 0 else ""
    return [f"{' '.join(shown)}{more} {GAP_LIMIT}"]


def _dependence(findings: Findings, effect: Effect) -> str:
    if any(abs(alias.weight) == 1 for alias in effect.aliases):
        either = effect_label(findings, effect)
        return f"Two changes depend on each other, though which is unknown: {either} " \
               f"({evidence(effect)})."  # fmt: skip
    if len(effect.changes) > 2:
        *others, last = (change.factor for change in effect.changes)
        return f"How {listing(others)} act together depends on {last} ({evidence(effect)})."
    first, second = effect.changes
    name = change_label(findings.study, first.factor, baseline=first.baseline, level=first.level)
    higher = "higher" if (effect.estimate or 0.0) >= 0 else "lower"
    return (
        f"What {name} does depends on {second.factor}: with {second.level} its effect is "
        f"{amount(effect)} {higher} than with {second.baseline} ({evidence(effect)}), "
        "which an average over both hides."
    )


def incomplete(findings: Findings) -> str:
    """Says how many trials failed or are missing; empty if none."""
    failed, missing = findings.n_failed, findings.n_missing
    if not findings.n_completed or (not failed and not missing):
        return ""
    parts = [f"{failed} failed"] if failed else []
    parts += [f"{missing} {'has' if missing == 1 else 'have'} not run"] if missing else []
    rest = number(findings.n_completed, "count")
    return (
        f"Of {counted(findings.n_planned, 'trial')}, {listing(parts)}: "
        f"the numbers rest on the {rest} that completed."
    )


def untrained_alarm(findings: Findings) -> str:
    """Says above all else that networks did not train; empty where all did."""
    lost = untrained_sentence(findings)
    if not lost or not findings.effects:
        return lost
    return (
        f"{lost} A verdict is given only if it is the same with and without the seeds of these "
        "networks."
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
