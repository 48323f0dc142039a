"""Words that reports and the command line share: effects, aliases, networks that did not train."""

from __future__ import annotations

from ablations.core.design import AliasSet, Fraction
from ablations.core.estimates import Effect, SeedGap, SeedPlan, Training
from ablations.core.findings import ArmFinding, Findings
from ablations.core.interim_looks import Revision
from ablations.text.formatting import (
    arm_label,
    change_label,
    count,
    counted,
    difference,
    level_label,
    listing,
    low_to_high,
    metric_name,
    named_arm,
    number,
)


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
        own = " × ".join(level_label(findings.study, c.factor, c.level) for c in effect.changes)
        rivals = [" × ".join(alias.factors) for alias in effect.aliases]
        return f"{own} or {listing(rivals, 'or')}" if 0 < len(rivals) < 4 else own
    return effect_name(findings, effect).strip("‘’")


def aliases(found: AliasSet) -> str:
    """Writes what else is in a number: ``c × d``, ``minus half of b × c``, or nothing.

    An interaction is a whole difference of differences, of which a main effect's number holds half.
    """
    if not found.aliases:
        return "nothing up to two factors"
    half = 0.5 if len(found.factors) == 1 else 1.0
    weights = [half * alias.weight for alias in found.aliases]
    if len(weights) > 3 and max(map(abs, weights)) < half:
        many = counted(len(weights), "two-factor interaction")
        return f"up to {max(map(abs, weights)):.0%} of each of {many}"
    parts = zip(weights, found.aliases, strict=True)
    return listing([f"{_weight(w)}{' × '.join(alias.factors)}" for w, alias in parts])


def _weight(weight: float) -> str:
    sizes = {1.0: "", 0.5: "half of "}
    part = sizes.get(abs(weight), f"{abs(weight):.0%} of ")
    return f"{'minus ' if weight < 0 else ''}{part}"


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


def seeds_needed(plan: SeedPlan, seeds: int | None) -> str:
    """Writes how many seeds a verdict needs; an effect with a verdict needs none."""
    return "decided" if plan.decided else count(seeds)


LOOKED = (
    "Intervals and verdicts assume that this was fixed before the first look; where it was not, "
    "they are wrong more often than promised. New seeds that nobody has looked at, with their "
    "number fixed before they are trained, give valid intervals."
)


def revision_sentences(findings: Findings) -> list[str]:
    """Says what was changed after a look, and what that does to intervals and verdicts."""
    sentences = [_revised(findings, revision) for revision in findings.revisions]
    return [*sentences[:-1], f"{sentences[-1]} {LOOKED}"] if sentences else []


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


def untrained_sentence(findings: Findings) -> str:
    """Says how many networks did not train and of which arms; empty where all did."""
    known = [arm for arm in findings.arms if arm.training]
    lost = [arm for arm in known if arm.untrained]
    if not lost:
        return ""
    every = sum(arm.training.n for arm in known if arm.training)
    many = sum(len(arm.untrained) for arm in lost)
    named = [f"{untrained_count(arm)} of {named_arm(findings.study, arm.arm)}" for arm in lost]
    ends = "ends" if many == 1 else "end"
    return (
        f"{many} of {counted(every, 'network')} did not train and {ends} with the same answer for "
        f"every example: {listing(named)}."
    )


def lost_share(found: Training) -> str:
    """Says how many networks did not train, and how many the seeds cannot exclude."""
    seeds = counted(found.n, "seed")
    if found.untrained:
        bounds = low_to_high(found.share.low, found.share.high, "fraction")
        return f"{len(found.untrained)} of {seeds} did not train (95% interval {bounds})"
    most = number(found.share.high, "fraction")
    return (
        f"all of {seeds} trained, and {seeds} cannot exclude that up to {most} of networks do not"
    )


def gap_sentence(findings: Findings, finding: ArmFinding, gap: SeedGap) -> str:
    """Says that the seeds of an arm fall into two groups, or that one lies far from the others."""
    arm, metric = named_arm(findings.study, finding.arm), metric_name(gap.metric.name)
    low, high = (number(value, gap.metric.unit) for value in (gap.low, gap.high))
    above = gap.n - gap.n_low
    if 1 not in (gap.n_low, above):
        groups = f"{gap.n_low} at {low} or less, {above} at {high} or more"
        return f"The {gap.n} seeds of {arm} fall into two groups by {metric}: {groups}."
    alone, rest = (low, f"{high} or more") if gap.n_low == 1 else (high, f"{low} or less")
    others = f"the other {gap.n - 1} at {rest}"
    return f"One seed of {arm} lies far from the others by {metric}: {alone}, {others}."


def gate_gap_sentences(findings: Findings) -> list[str]:
    """Says which gates rest on seeds that fall into two groups."""
    gaps = {(gate.arm, gate.gap) for gate in findings.gates if gate.gap}
    return [
        gap_sentence(findings, arm, gap)
        for arm in findings.arms
        for gap in arm.gaps
        if (arm.arm, gap) in gaps
    ]
