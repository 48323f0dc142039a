"""Writes what a reader would observe, by rules; `docs/observations.md` lists them.

A rule reads findings and returns one sentence with the address of the rows that it was computed
from, or nothing. No sentence claims more than its interval supports.
"""

from __future__ import annotations

from collections.abc import Callable

from ablations.core.estimates import Effect, Interval, Summary
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import LAST_EPOCHS, MAJORITY_ACCURACY, OVERFIT_GAP, VAL_ACCURACY
from ablations.report.blocks import Prose, linked
from ablations.text.formatting import (
    counted,
    low_to_high,
    magnitude,
    metric_name,
    number,
    sentence,
)
from ablations.text.naming import arm_label
from ablations.text.sentences import (
    amount,
    decisive,
    effect_estimate,
    margin,
    mean_estimate,
    named_seeds,
    side,
    size_interval,
    untrained_count,
)

OVERFIT_MARGIN = 0.05
"""An arm overfits when the interval of its gap lies wholly above this: five percentage points."""

Rule = Callable[[Findings, ArmFinding], Prose | None]


def observe(findings: Findings, arm: ArmFinding) -> tuple[Prose, ...]:
    """Applies all rules about one arm."""
    found = (rule(findings, arm) for rule in RULES)
    return tuple(observation for observation in found if observation)


def untrained(_: Findings, arm: ArmFinding) -> Prose | None:
    """Says first of all that networks of the arm did not train."""
    if not arm.untrained:
        return None
    one = len(arm.untrained) == 1
    text = (
        f"{untrained_count(arm)} networks did not train ({named_seeds(arm.untrained)}): "
        f"{'it names' if one else 'each names'} one class for every example."
    )
    return linked(text, "#untrained-arm-table", "both readings")


def last_epochs(arm: ArmFinding, metric: str = VAL_ACCURACY) -> dict[int, tuple[float, ...]]:
    """Returns a metric in the last epochs of each seed that has any."""
    return {
        curve.seed: curve.values[-LAST_EPOCHS:]
        for curve in arm.curves
        if curve.metric == metric and curve.values
    }


def tail_name(place: int) -> str:
    """Names the table of the last epochs of the arm at a place, from 1."""
    return f"last-epochs-{place}"


def ranged(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Gives the range of validation accuracy in the last epochs of all seeds."""
    found = [own for seed, own in last_epochs(arm).items() if seed not in arm.untrained]
    if not found:
        return None
    values = [value for own in found for value in own]
    text = (
        f"The validation accuracy ranged from {number(min(values), 'fraction')} to "
        f"{number(max(values), 'fraction')} (last {counted(max(map(len, found)), 'epoch')}, "
        f"{_seeds(arm, len(found))})."
    )
    return linked(text, _tail_anchor(findings, arm), "these epochs")


def _seeds(arm: ArmFinding, n: int) -> str:
    """Counts the seeds that a sentence rests on, and says if only seeds that trained are meant."""
    return f"{counted(n, 'seed')}{' that trained' if arm.untrained else ''}"


def _tail_anchor(findings: Findings, arm: ArmFinding) -> str:
    return f"#{tail_name(findings.arms.index(arm) + 1)}-table"


def overfits(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Compares the gap between training and validation accuracy with the margin."""
    gap = arm.over_trained(OVERFIT_GAP) or arm.summaries.get(OVERFIT_GAP)
    if gap is None or gap.mean is None:  # none was measured, or no network trained
        return None
    where = "above" if gap.mean >= 0 else "below"
    apart = f"training accuracy is {magnitude(gap.mean, 'fraction')} {where} validation accuracy"
    if gap.interval is None:
        one = " that trained" if arm.untrained else ""
        text = f"In the only seed{one}, {apart}; one seed cannot show whether the model overfits."
    else:
        size = f"gap {mean_estimate(gap, signed=True)} in the last epochs"
        shown = f"{size}, 95% interval, {_seeds(arm, gap.n)}"
        text = f"{_overfitting(gap.interval)}: {apart} ({shown})."
    return linked(text, _tail_anchor(findings, arm), "the gap by seed")


def _overfitting(gap: Interval) -> str:
    margin = magnitude(OVERFIT_MARGIN, "fraction")
    if gap.low > OVERFIT_MARGIN:
        return "It overfits"
    if gap.high < OVERFIT_MARGIN:
        return f"It does not overfit by as much as {margin}"
    return f"It is inconclusive whether it overfits by more than {margin}"


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
    metric, bounds = metric_name(effect.metric.name), decisive(effect)
    if effect.trained is not None:
        return _in_both_readings(effect, effect.trained, own=own, other=other)
    if bounds is None:
        above = "above" if (effect.estimate or 0.0) >= 0 else "below"
        return (
            f"{own} is {amount(effect)} {above} {other} in {metric}; one seed gives no interval, "
            "so this could be chance."
        )
    family = effect.family_size
    adjusted = f" adjusted for {counted(family, 'comparison')}" if family > 1 else ""
    basis = f"(95% interval{adjusted}, {counted(effect.n, 'seed')})"
    if not side(bounds):
        shown = effect_estimate(effect, adjusted=True)
        return f"{own} is not distinguishable from {other} in {metric}: {shown} {basis}."
    return (
        f"{own} is {_than(effect)} {other} by {size_interval(effect, bounds)} in {metric} "
        f"{basis}{_against_margin(findings, bounds)}."
    )


def _in_both_readings(effect: Effect, trained: Effect, *, own: str, other: str) -> str:
    """Compares two arms with and without the seeds of which a network did not train."""
    metric, every = metric_name(effect.metric.name), effect_estimate(effect, adjusted=True)
    if trained.estimate is None:
        return (
            f"{own} and {other} have no seed in which both trained, so their trained networks "
            f"cannot be compared; over all seeds the difference in {metric} is {every}."
        )
    clear = [_than(e) for e in (effect, trained) if side(decisive(e))]
    same = len(clear) == 2 and len(set(clear)) == 1
    than = clear[0] if same else "not distinguishable from"
    return (
        f"{own} is {than} {other} in both readings of {metric}: {every} over all seeds, "
        f"{effect_estimate(trained, adjusted=True)} over the {counted(trained.n, 'seed')} in which "
        "both trained."
    )


def _than(effect: Effect) -> str:
    up = (effect.estimate or 0.0) >= 0
    if effect.metric.better == "neither":
        return "higher than" if up else "lower than"
    return "better than" if up == (effect.metric.better == "higher") else "worse than"


def _against_margin(findings: Findings, bounds: Interval) -> str:
    """Adds what the margin of the study asks for, where the interval does not clear it."""
    least = findings.study.smallest_effect_that_matters
    low, high = sorted((abs(bounds.low), abs(bounds.high)))
    if low > least:
        return ""
    than = "which is less than" if high < least else "but not shown to be more than"
    return f", {than} the margin of {margin(findings)}"


def above_guessing(findings: Findings, arm: ArmFinding) -> Prose | None:
    """Compares an arm with always guessing the most frequent class."""
    own, guess = (arm.summaries.get(name) for name in (findings.metric.name, MAJORITY_ACCURACY))
    if own is None or guess is None or own.mean is None or guess.maximum is None:
        return None
    label, metric = arm_label(findings.study, arm.arm), metric_name(findings.metric.name)
    shown, guessing = mean_estimate(own), f"guessing the most frequent class, {_span(guess)}"
    if own.interval is None:
        text = f"{label} has {metric} {shown} in one seed, compared with {guessing}"
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
        "Always guessing the class that is most frequent in training would have a test accuracy of "
        f"{_span(found)}, depending on the test images. A useful model must be better than this."
    )
    return linked(text, "data/trials.csv", "all trials (CSV)")


RULES: tuple[Rule, ...] = (untrained, ranged, overfits, compared)
