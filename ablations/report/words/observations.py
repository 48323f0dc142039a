"""Writes down what a reader would observe, by rules; `docs/observations.md` lists them.

A rule looks at findings and returns one sentence with the address of the rows that it was computed
from, or nothing. No sentence says more than its interval carries.
"""

from __future__ import annotations

from collections.abc import Callable

from ablations.core.estimates import Effect, Summary, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import MAJORITY_ACCURACY, OVERFIT_GAP
from ablations.report.blocks import Prose, linked
from ablations.report.words.last_epochs import LAST_EPOCHS, reach_of, tail_name, tails
from ablations.text.formatting import (
    counted,
    difference,
    estimate,
    interval,
    listing,
    low_to_high,
    metric_name,
    number,
    sentence,
)
from ablations.text.naming import arm_label
from ablations.text.sentences import amount, untrained_count

OVERFIT_MARGIN = 0.05
"""An arm overfits when the interval of its gap lies wholly above this: five percentage points."""

Rule = Callable[[Findings, ArmFinding], Prose | None]


def observe(findings: Findings, arm: ArmFinding) -> tuple[Prose, ...]:
    """Applies all rules about one arm."""
    found = (rule(findings, arm) for rule in RULES)
    return tuple(observation for observation in found if observation)


def untrained(_: Findings, arm: ArmFinding) -> Prose | None:
    """Says that networks of the arm did not train, before anything is said of the others."""
    if not arm.untrained:
        return None
    seeds = listing([str(seed) for seed in arm.untrained])
    one = len(arm.untrained) == 1
    text = (
        f"{untrained_count(arm)} networks did not train (seed{'' if one else 's'} {seeds}): "
        f"{'it gives' if one else 'each gives'} the same answer for every example."
    )
    return linked(text, "#untrained-arm", "both readings")


def stabilised(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Gives the range of validation accuracy over the last epochs of all seeds."""
    found = tuple(tail for tail in tails(arm) if tail.seed not in arm.untrained)
    if not found:
        return None
    last, longest = max(len(t.values) for t in found), max(t.epochs for t in found)
    verb = "stabilised" if longest > LAST_EPOCHS else "ranged"
    low, high = reach_of(found)
    text = (
        f"The validation accuracy {verb} between {number(low, 'fraction')} and "
        f"{number(high, 'fraction')} ({_over(last)}, {_seeds(arm, len(found))})."
    )
    return linked(text, _tail_anchor(findings, arm), "these epochs")


def _seeds(arm: ArmFinding, n: int) -> str:
    """Counts the seeds that a sentence rests on, and says if only seeds that trained are meant."""
    return f"{counted(n, 'seed')}{' that trained' if arm.untrained else ''}"


def _over(epochs: int) -> str:
    return f"last {counted(epochs, 'epoch')}"


def _tail_anchor(findings: Findings, arm: ArmFinding) -> str:
    return f"#{tail_name(findings.arms.index(arm) + 1)}-table"


def overfits(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Holds the gap between training and validation accuracy against the margin."""
    gap = arm.over_trained(OVERFIT_GAP) or arm.summaries.get(OVERFIT_GAP)
    if gap is None or gap.mean is None:  # none was measured, or no network trained
        return None
    text = _gap_text(gap, gap.mean, _seeds(arm, gap.n), trained_alone=bool(arm.untrained))
    return linked(text, _tail_anchor(findings, arm), "the gap by seed")


def _gap_text(gap: Summary, mean: float, seeds: str, *, trained_alone: bool) -> str:
    margin = _points(OVERFIT_MARGIN)
    side = "above" if mean >= 0 else "below"
    apart = f"training accuracy lies {_points(mean)} {side} validation accuracy"
    if gap.interval is None:
        one = "seed that trained," if trained_alone else "seed"
        return f"In the one {one} {apart}; one seed cannot tell whether the model overfits."
    shown = f"{apart} (gap {_gap_shown(gap)}, {seeds})"
    if gap.interval.low > OVERFIT_MARGIN:
        return f"It overfits: {shown}."
    if gap.interval.high < OVERFIT_MARGIN:
        return f"It does not overfit by as much as {margin}: {shown}."
    return f"Whether it overfits by more than {margin} cannot be told: {shown}."


def _gap_shown(gap: Summary) -> str:
    return estimate(gap.mean, ends(gap.interval), "fraction", signed=True)


def _points(share: float) -> str:
    return difference(abs(share), "fraction").lstrip("+")


def compared(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Compares an arm with the reference, and the reference with guessing."""
    if arm.is_reference:
        return above_guessing(findings, arm)
    effect, anchor, source = _comparison(findings, arm)
    if effect is None or effect.estimate is None:
        return None
    own = arm_label(findings.study, arm.arm)
    return linked(sentence(_compared_text(findings, effect, own)), anchor, source)


def _comparison(findings: Findings, arm: ArmFinding) -> tuple[Effect | None, str, str]:
    """Prefers the study's own, adjusted effect to the difference that only describes."""
    wanted = {arm.arm: 1.0, findings.study.reference: -1.0}
    for place, effect in enumerate(findings.effects, start=1):
        if {a: w for a, w in effect.weights if w} == wanted:
            return effect, f"#effect-{place}", "this effect"
    return arm.difference, f"#arm-{findings.arms.index(arm) + 1}", "this arm"


def _compared_text(findings: Findings, effect: Effect, own: str) -> str:
    other = arm_label(findings.study, findings.study.reference)
    metric, found = metric_name(effect.metric.name), effect.adjusted or effect.interval
    if effect.trained is not None:
        return _in_both_readings(effect, effect.trained, own=own, other=other)
    if found is None:
        return (
            f"{own} came out {amount(effect)} {_side(effect)} {other} in {metric}; one seed gives "
            "no interval, so the two cannot be told apart from chance."
        )
    if found.low <= 0 <= found.high:
        shown = estimate(effect.estimate, (found.low, found.high), effect.metric.unit, signed=True)
        return f"{own} is not distinguishable from {other} in {metric}: {shown} {_basis(effect)}."
    ends = sorted((abs(found.low), abs(found.high)))
    within = interval(ends[0], ends[1], effect.metric.unit, suffix=False)
    return (
        f"{own} is {_than(effect)} {other} by {amount(effect)} {within} in {metric} "
        f"{_basis(effect)}{_against_margin(findings, effect, ends)}."
    )


def _in_both_readings(effect: Effect, trained: Effect, *, own: str, other: str) -> str:
    """Compares two arms with and without the seeds of which a network did not train."""
    metric, every = metric_name(effect.metric.name), _shown(effect)
    if trained.estimate is None:
        return (
            f"{own} and {other} share no seed in which both trained, so that their networks cannot "
            f"be compared; over all seeds the difference in {metric} is {every}."
        )
    seeds = counted(trained.n, "seed")
    told = [_than(e) for e in (effect, trained) if _excludes_zero(e)]
    same = len(told) == 2 and len(set(told)) == 1
    ends = f"{told[0]} {other} in both" if same else f"not distinguishable from {other} in both"
    return (
        f"{own} is {ends} readings of {metric}: {every} over all seeds, {_shown(trained)} over the "
        f"{seeds} in which both trained."
    )


def _shown(effect: Effect) -> str:
    found = effect.adjusted or effect.interval
    return estimate(effect.estimate, ends(found), effect.metric.unit, signed=True)


def _excludes_zero(effect: Effect) -> bool:
    found = effect.adjusted or effect.interval
    return found is not None and (found.low > 0 or found.high < 0)


def _side(effect: Effect) -> str:
    return "above" if (effect.estimate or 0.0) >= 0 else "below"


def _than(effect: Effect) -> str:
    up = (effect.estimate or 0.0) >= 0
    if effect.metric.better == "neither":
        return "higher than" if up else "lower than"
    return "better than" if up == (effect.metric.better == "higher") else "worse than"


def _basis(effect: Effect) -> str:
    """Says what the brackets are."""
    family = effect.family_size
    adjusted = f" adjusted for {counted(family, 'comparison')}" if family > 1 else ""
    return f"(95% interval{adjusted}, {counted(effect.n, 'seed')})"


def _against_margin(findings: Findings, effect: Effect, ends: list[float]) -> str:
    """Adds what the margin of the study asks for, where the interval does not clear it."""
    margin = findings.study.smallest_effect_that_matters
    shown = difference(margin, effect.metric.unit).lstrip("+")
    if ends[0] > margin:
        return ""
    if ends[1] < margin:
        return f", which is less than the {shown} that matter here"
    return f", though not surely by the {shown} that matter here"


def above_guessing(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Compares an arm with always guessing the most frequent class."""
    own, guess = (arm.summaries.get(name) for name in (findings.metric.name, MAJORITY_ACCURACY))
    if own is None or guess is None or own.mean is None or guess.maximum is None:
        return None
    label, metric = arm_label(findings.study, arm.arm), metric_name(findings.metric.name)
    shown = estimate(own.mean, ends(own.interval), own.metric.unit)
    guessing = f"guessing the most frequent class, {_span(guess)}"
    if own.interval is None:
        text = f"{label} reaches {metric} {shown} in one seed, against {guessing}"
    elif own.interval.low > guess.maximum:
        text = f"{label} is better than {guessing}: {metric} {shown}"
    elif own.interval.high < (guess.minimum or 0.0):
        text = f"{label} is worse than {guessing}: {metric} {shown}"
    else:
        text = f"{label} is not distinguishable from {guessing}: {metric} {shown}"
    return linked(f"{sentence(text)}.", f"#arm-{findings.arms.index(arm) + 1}", "this arm")


def _span(found: Summary) -> str:
    """Writes what all seeds agree on as one number, else its range."""
    if found.minimum == found.maximum:
        return number(found.mean, found.metric.unit)
    return low_to_high(found.minimum, found.maximum, found.metric.unit)


def majority(findings: Findings) -> Prose | None:
    """Says what always guessing the most frequent class would score."""
    found = findings.arm(findings.study.reference).summaries.get(MAJORITY_ACCURACY)
    if found is None or found.mean is None:
        return None
    text = (
        "Always guessing the class that is most frequent in training would score "
        f"{_span(found)} on the test data. A useful model must beat this."
    )
    return linked(text, "data/trials.csv", "all trials (CSV)")


RULES: tuple[Rule, ...] = (untrained, stabilised, overfits, compared)
