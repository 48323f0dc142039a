"""Phrases and sentences about effects, seeds and networks, for reports and the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ablations.core.design import Fraction
from ablations.text.formatting import (
    UNKNOWN,
    count,
    counted,
    difference,
    duration,
    estimate,
    exact,
    interval,
    listing,
    low_to_high,
    magnitude,
    metric_name,
    number,
    verdict,
)
from ablations.text.naming import arm_label, effect_label, named_arm

if TYPE_CHECKING:
    from ablations.core.estimates import (
        Effect,
        Interval,
        NeededSeeds,
        SeedGap,
        SeedPlan,
        Summary,
        Training,
    )
    from ablations.core.findings import ArmFinding, Findings
    from ablations.core.interim_looks import Revision

AFTER_A_LOOK = (
    "Intervals and verdicts assume that this was fixed before the first look; where it was not, "
    "they are wrong more often than promised. New seeds that nobody has looked at, with their "
    "number fixed before they are trained, give valid intervals."
)


_NAMED = 20
"""The most arms that a sentence names."""


def size(effect: Effect) -> float:
    """Returns how large an effect is, whichever its direction."""
    return abs(effect.estimate or 0.0)


def decisive(effect: Effect) -> Interval | None:
    """Returns the interval that decides the verdict: the adjusted one, where there is one."""
    return effect.adjusted or effect.interval


def side(bounds: Interval | None) -> int:
    """Returns 1 for an interval wholly above zero, -1 for one wholly below, and else 0."""
    return 0 if bounds is None else (bounds.low > 0) - (bounds.high < 0)


def mean_estimate(summary: Summary | None, *, signed: bool = False) -> str:
    """Writes a mean with its 95% interval."""
    from ablations.core.estimates import ends

    if summary is None:
        return UNKNOWN
    return estimate(summary.mean, ends(summary.interval), summary.metric.unit, signed=signed)


def effect_estimate(effect: Effect | None, *, adjusted: bool = False) -> str:
    """Writes an effect with its own 95% interval, or with the ``adjusted`` one."""
    from ablations.core.estimates import ends

    if effect is None:
        return UNKNOWN
    bounds = decisive(effect) if adjusted else effect.interval
    return estimate(effect.estimate, ends(bounds), effect.metric.unit, signed=True)


def arm_cells(findings: Findings) -> Iterator[tuple[str, str, str]]:
    """Yields the name of each arm, its mean with the interval, and its seeds."""
    for arm in findings.arms:
        own = arm.summaries.get(findings.metric.name)
        label = arm_label(findings.study, arm.arm)
        yield label, mean_estimate(own), count(own.n if own else 0)


def effect_cells(findings: Findings) -> Iterator[tuple[str, str, str, str]]:
    """Yields the name of each effect, its size with the deciding interval, seeds and verdict."""
    for own in findings.effects:
        size = effect_estimate(own, adjusted=True)
        yield effect_label(findings, own), size, count(own.n), verdict(own.verdict)


def plain_verdict(word: str) -> str:
    """Writes a verdict as the tables of a paper have it, in which nothing regresses.

    Example:
        >>> plain_verdict("regressed"), plain_verdict("inconclusive")
        ('worse', 'inconclusive')
    """
    return {"improved": "better", "regressed": "worse"}.get(word, word)


def _beside(effect: Effect) -> tuple[float, float] | None:
    from ablations.core.estimates import ends

    return ends(decisive(effect))


def signed_amount(effect: Effect) -> str:
    """Writes an effect with its sign, as finely as the interval that decides it."""
    return difference(effect.estimate, effect.metric.unit, _beside(effect))


def size_interval(effect: Effect, bounds: Interval) -> str:
    """Writes the size of an effect, without its sign, and of an interval on one side of zero."""
    low, high = sorted((abs(bounds.low), abs(bounds.high)))
    return f"{amount(effect)} {interval(low, high, effect.metric.unit, suffix=False)}"


def margin(findings: Findings) -> str:
    """Writes the smallest effect that matters in the study; empty if it names none."""
    size = findings.study.smallest_effect_that_matters
    return exact(size, findings.metric.unit, signed=True) if size > 0 else ""


def verb(effect: Effect) -> str:
    """Says which way an effect moved the metric."""
    return "raised" if (effect.estimate or 0.0) >= 0 else "lowered"


def amount(effect: Effect) -> str:
    """Writes the size of an effect without its sign."""
    return magnitude(effect.estimate or 0.0, effect.metric.unit, _beside(effect))


def moved(effect: Effect) -> str:
    """Says what an effect did to its metric: ``raised test accuracy by 3.2 pp``."""
    metric = metric_name(effect.metric.name)
    if size(effect) == 0:
        return f"did not change {metric}"
    return f"{verb(effect)} {metric} by {amount(effect)}"


def evidence(effect: Effect) -> str:
    """Writes the evidence for an effect: interval, adjustment and seeds."""
    bounds, unit = decisive(effect), effect.metric.unit
    shown = (
        f"95% interval {low_to_high(bounds.low, bounds.high, unit, signed=True)}" if bounds else ""
    )
    family = effect.family_size
    adjusted = f"adjusted for {counted(family, 'comparison')}" if family > 1 else ""
    lost = effect.n - effect.trained.n if effect.trained else 0
    untrained = f"{lost} of them with a network that did not train" if lost else ""
    return ", ".join(filter(None, (shown, adjusted, counted(effect.n, "seed"), untrained)))


def is_beyond_margin(findings: Findings, effect: Effect) -> bool:
    """Whether the whole adjusted interval lies beyond zero and the margin, in either direction.

    Where one direction is better this is a verdict of improved or regressed; where none is, there
    can be no such verdict, but a change all the same.
    """
    if effect.verdict in ("improved", "regressed"):
        return True
    bounds, margin = effect.adjusted, findings.study.smallest_effect_that_matters
    neutral = effect.metric.better == "neither"
    return neutral and bounds is not None and (bounds.low > margin or bounds.high < -margin)


def decided_interactions(findings: Findings) -> list[Effect]:
    """Returns the interactions whose interval lies beyond zero and the margin, largest first."""
    found = [
        e for e in findings.effects if e.kind == "interaction" and is_beyond_margin(findings, e)
    ]
    return sorted(found, key=size, reverse=True)


def saved(trials: int, *, arms: int, seeds: int, fixed: int) -> str:
    """Says how many trials adaptive seeds took, and how many a fixed design would take."""
    would = fixed * arms
    spent = f"Up to {counted(seeds, 'seed')} an arm were trained, {counted(trials, 'trial')}"
    design = f"{counted(fixed, 'seed')} each, {counted(would, 'trial')}"
    equal = f"a fixed design with intervals as narrow takes {design}"
    share = f": {round(100 * (1 - trials / would))}% saved" if trials < would else ""
    return f"{spent}; {equal}{share}."


def fraction_sentences(fraction: Fraction, arms: int) -> list[str]:
    """Says what a fraction saves, what it confounds, and which arms would separate that."""
    if fraction.resolution is None:
        return [f"All {count(fraction.full)} arms: nothing is confounded."]
    roman = {2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI"}.get(fraction.resolution, "above VI")
    rule = f": {'; '.join(fraction.generators)}" if fraction.generators else ""
    lines = [f"{arms} of {count(fraction.full)} arms, resolution {roman}{rule}"]
    if not fraction.confounded:
        lines.append("No main effect or two-factor interaction is confounded with another one.")
    if fraction.fold_over:
        every = len(fraction.fold_over) > 1
        mirrored = "all factors" if every else f"'{fraction.fold_over[0]}'"
        lines.append(
            f"Adding the mirror image in {mirrored} (design.fold_over, {fraction.more_arms} more "
            f"arms) would leave {fraction.left} instead of {fraction.confounded} main effects and "
            "two-factor interactions confounded."
        )
    return lines


def needed(plan: SeedPlan, case: NeededSeeds) -> list[tuple[str, str]]:
    """Writes at each power how many seeds a verdict needs, and how long the missing ones take.

    An effect with a verdict needs none.
    """
    if plan.decided:
        return [("decided", _more_time(0.0))] * len(plan.powers)
    return [(count(n), _more_time(s)) for n, s in zip(case.seeds, case.seconds, strict=True)]


def _more_time(seconds: float | None) -> str:
    """Writes how long something will take still; ``none`` where it is done."""
    return UNKNOWN if seconds is None else duration(seconds) if seconds > 0 else "none"


def revision_sentences(findings: Findings) -> list[str]:
    """Says what was changed after a look, and what that does to intervals and verdicts."""
    sentences = [_revised(findings, revision) for revision in findings.revisions]
    return [*sentences[:-1], f"{sentences[-1]} {AFTER_A_LOOK}"] if sentences else []


def _revised(findings: Findings, revision: Revision) -> str:
    steps = revision.steps
    if revision.kind == "added":
        shown = [str(n) for n in steps]
        return (
            "Seeds were added after a look at the results: "
            f"{listing(shown[:-1], 'then')} were planned, now {shown[-1]}."
        )
    if revision.kind == "left-out":
        seeds = listing([str(seed) for seed in steps])
        many = len(steps) > 1
        return (
            f"{'Seeds' if many else 'Seed'} {seeds} {'were' if many else 'was'} planned at an "
            f"earlier look and {'are' if many else 'is'} left out here."
        )
    if revision.kind in ("gone", "again"):
        trials = counted(int(steps[0]), "trial")
        were = "was" if steps[0] == 1 else "were"
        if revision.kind == "again":
            return f"{trials} {were} trained again after a look at the results."
        return f"{trials} {were} looked at whose records are no longer there."
    if revision.kind == "metric":
        was, now = (metric_name(str(name)) for name in steps)
        return f"The study's metric was changed from {was} to {now} after a look at the results."
    unit = findings.metric.unit
    was, now = (difference(float(step), unit).lstrip("+") for step in steps)
    return (
        f"The smallest effect that matters was changed from {was} to {now} after a look at the "
        "results."
    )


def untrained_count(finding: ArmFinding) -> str:
    """Writes how many of an arm's networks did not train: ``1 of 5``; nothing where unknown."""
    found = finding.training
    return f"{len(found.untrained)} of {found.n}" if found else ""


NO_SEED_PLAN = (
    "Where networks of a compared arm did not train, no number is given: a verdict needs the same "
    "result with and without their seeds, and more seeds may not lead to that."
)
"""Why an effect has no plan of seeds."""

_FAR = (
    "A dash in place of a number of seeds: it is above 10\u202f000, as the estimate lies too close "
    "to the margin, or the margin is small beside the spread over seeds."
)


def far_seeds(findings: Findings) -> str:
    """Says why a number of seeds is missing that could be computed; empty where none is."""
    margin = findings.study.smallest_effect_that_matters
    found = [
        case.seeds
        for plan in findings.plans
        if plan.effect.sd and plan.effect.trained is None and not plan.decided
        for case, is_shown in ((plan.as_measured, plan.effect.metric.better != "neither"),
                               (plan.no_effect, margin > 0))
        if is_shown
    ]  # fmt: skip
    return _FAR if any(None in seeds for seeds in found) else ""


def named_seeds(seeds: Sequence[int]) -> str:
    """Names seeds, such as ``seed 1`` or ``seeds 0, 1 and 2``."""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {listing([str(seed) for seed in seeds])}"


def untrained_sentence(findings: Findings) -> str:
    """Says how many networks did not train and of which arms; empty where all did."""
    known = [arm for arm in findings.arms if arm.training]
    lost = [arm for arm in known if arm.untrained]
    if not lost:
        return ""
    every = sum(arm.training.n for arm in known if arm.training)
    many = sum(len(arm.untrained) for arm in lost)
    named = [f"{untrained_count(arm)} of {named_arm(findings.study, arm.arm)}" for arm in lost]
    if (rest := len(named) - _NAMED) > 1:
        named = [*named[:_NAMED], f"networks of {rest} other arms"]
    names = "names" if many == 1 else "name"
    which = f": {listing(named)}" if len(findings.arms) > 1 else ""
    return (
        f"{many} of {counted(every, 'network')} did not train and {names} one class for every "
        f"example{which}."
    )


def untrained_share(found: Training) -> str:
    """Says how many networks did not train, and how many the seeds cannot exclude."""
    seeds = counted(found.n, "seed")
    if found.untrained:
        bounds = low_to_high(found.share.low, found.share.high, "fraction")
        return (
            f"{len(found.untrained)} of {seeds} did not train (95% interval of the share: {bounds})"
        )
    most = number(found.share.high, "fraction")
    return (
        f"all of {seeds} trained, which does not exclude that up to {most} of such networks do not "
        "train (95% interval of the share)"
    )


def gap_sentence(findings: Findings, finding: ArmFinding, gap: SeedGap) -> str:
    """Says that the seeds of an arm fall into two groups, or that one lies far from the others."""
    arm, metric = named_arm(findings.study, finding.arm), metric_name(gap.metric.name)
    low, high = (number(value, gap.metric.unit) for value in (gap.low, gap.high))
    above = gap.n - gap.n_low
    if 1 not in (gap.n_low, above):
        groups = f"{gap.n_low} at {low} or less, {above} at {high} or more"
        return f"The {gap.n} seeds of {arm} fall into two groups by {metric}: {groups}."
    one, rest = (low, f"{high} or more") if gap.n_low == 1 else (high, f"{low} or less")
    others = f"the other {gap.n - 1} at {rest}"
    return f"One seed of {arm} lies far from the others by {metric}: {one}, {others}."


def gate_gap_sentences(findings: Findings) -> list[str]:
    """Says which gates rest on seeds that fall into two groups."""
    gaps = {(gate.arm, gate.gap) for gate in findings.gates if gate.gap}
    return [
        gap_sentence(findings, arm, gap)
        for arm in findings.arms
        for gap in arm.gaps
        if (arm.arm, gap) in gaps
    ]


def seed_sentence(function: str) -> str:
    """Says what it means that a training function never asked for the seed."""
    return (
        f"{function} never asked for trial.seed or trial.rng, so seeds only number the "
        "repetitions: they pair no arms, and no trial can be repeated exactly. Take what draws "
        "random numbers from trial.rng('order'), or seed it with trial.seed."
    )


def seedless_sentence(number: int) -> str:
    """Says of how many trials the training function never asked for the seed."""
    return seed_sentence(f"the training function of {counted(number, 'trial')}")


def other_code_sentence(number: int) -> str:
    """Says that trials were trained by other code than there is now, and what to do."""
    return (
        f"{number} of the completed trials were trained by other code than the training function "
        "has now. 'ablations rerun' shows whether it trains the same; with a new setting, such as "
        "version = 2 under [trial.settings], 'run' trains all again and keeps these."
    )
