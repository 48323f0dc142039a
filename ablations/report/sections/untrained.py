"""Shows how many networks did not train, and both readings of what that changes."""

from __future__ import annotations

from ablations.core.findings import ArmFinding, Findings
from ablations.report.blocks import Extras, Section, Table, prose
from ablations.report.tables import between, make_table
from ablations.text.formatting import metric_name, verdict
from ablations.text.naming import arm_label, effect_label
from ablations.text.sentences import effect_estimate, mean_estimate, untrained_count

READING = (
    "A network that did not train names one class for every example, and its accuracy is that of "
    "guessing. Its output may be the same for all examples; more epochs then change nothing, and "
    "the learning rate, the layers or the scale of the inputs are the cause. Or its output differs "
    "without being better than guessing; then a larger learning rate or more epochs may help.",
    "The seed of such a network does not vary around the same mean as the others, so a 95% "
    "interval from both kinds together contains the mean in fewer than 95 of 100 studies.",
    "So there are two questions. How good are the networks that train? The interval over the seeds "
    "that trained answers this. How many networks do not train? This share has an interval of its "
    "own (Clopper and Pearson), which is wide with few seeds.",
    "If you would notice such a network and train again, read the numbers without its seed; if "
    "not, those over all seeds. Verdicts are given, and gates pass or fail, only if both agree; "
    "otherwise they are inconclusive.",
)


def untrained(findings: Findings, _: Extras) -> Section | None:
    """Shows both readings beside each other, where a network did not train."""
    if not any(arm.untrained for arm in findings.arms):
        return None
    tables = [_arms(findings), *([_effects(findings)] if findings.untrained_effects else [])]
    return Section("untrained", "Networks that did not train", (*prose(READING), *tables))


def _arms(findings: Findings) -> Table:
    """One row per arm with such a network."""
    metric = metric_name(findings.metric.name)
    columns = ["did not train", "share, 95% interval", f"{metric}, all seeds", "seeds that trained"]
    rows = [
        [arm_label(findings.study, arm.arm), *_row(arm, findings.metric.name)]
        for arm in findings.arms
        if arm.untrained
    ]
    caption = "Arms with networks that did not train"
    return make_table(caption, ["arm", *columns], rows, numeric=columns, name="untrained-arm")


def _row(arm: ArmFinding, metric: str) -> list[str]:
    share = between(arm.training.share if arm.training else None, "fraction")
    readings = (arm.summaries.get(metric), arm.over_trained(metric))
    return [untrained_count(arm), share, *map(mean_estimate, readings)]


def _effects(findings: Findings) -> Table:
    """One row per effect that has such a network in one of its arms."""
    columns = ["all seeds, adjusted interval", "seeds that trained, adjusted interval"]
    rows = [
        [
            effect_label(findings, effect),
            *(effect_estimate(e, adjusted=True) for e in (effect, effect.trained)),
            verdict(effect.verdict),
        ]
        for effect in findings.untrained_effects
    ]
    return make_table(
        "Effects with and without the networks that did not train",
        ["effect", *columns, "verdict"],
        rows,
        numeric=columns,
        name="untrained-effect",
    )
