"""How many networks of an arm trained, and its metrics over those that did.

Source: Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the
case of the binomial", Biometrika 26(4), for the share that does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.analyze.inference.intervals import LEVEL, summarize
from ablations.analyze.inference.quantiles import clopper_pearson
from ablations.analyze.outcomes import TrialOutcome
from ablations.core.design import Arm
from ablations.core.estimates import Interval, Summary, Training
from ablations.core.findings import ArmFinding


def training_of(
    outcomes: Sequence[TrialOutcome], summaries: Mapping[str, Summary]
) -> Training | None:
    """Returns how many of one arm's networks trained; ``None`` where no record shows it."""
    by_seed = {o.trial.seed: o.trained for o in outcomes if o.completed}
    lost = tuple(sorted(seed for seed, is_trained in by_seed.items() if is_trained is False))
    known = sum(is_trained is not None for is_trained in by_seed.values())
    if not known:
        return None
    return Training(lost, known, share_of(len(lost), known), without(summaries, lost))


def share_of(lost: int, n: int) -> Interval:
    """Returns the 95% interval of the share of networks that do not train."""
    low, high = clopper_pearson(lost, n, alpha=1 - LEVEL)
    return Interval(low, high, LEVEL, "Clopper-Pearson")


def without(summaries: Mapping[str, Summary], lost: Sequence[int]) -> dict[str, Summary]:
    """Leaves seeds out of the metrics that depend on training; nothing where there are none."""
    if not lost:
        return {}
    return {
        name: leaving_out(summary, lost)
        for name, summary in summaries.items()
        if summary.metric.depends_on_training
    }


def leaving_out(summary: Summary, lost: Sequence[int]) -> Summary:
    """Returns a summary without some of its seeds."""
    return summarize(summary.metric, [(s, v) for s, v in summary.values if s not in set(lost)])


def over_trained(
    arms: Sequence[ArmFinding], summaries: Mapping[Arm, Summary]
) -> dict[Arm, Summary] | None:
    """Returns one metric of each arm over the seeds that trained; ``None`` where all did."""
    if not any(arm.over_trained(summaries[arm.arm].metric.name) for arm in arms):
        return None
    return {
        arm.arm: arm.over_trained(summaries[arm.arm].metric.name) or summaries[arm.arm]
        for arm in arms
    }
