"""Tells of networks that did not train: how many, and both readings of what that changes."""

from __future__ import annotations

from ablations.core.estimates import Effect, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.report.blocks import Extras, Section, Table, prose
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, estimate, interval, metric_name, verdict
from ablations.text.naming import arm_label, effect_label
from ablations.text.sentences import untrained_count

READING = (
    "A network that did not train gives every example the same answer, so its accuracy is that of "
    "guessing, and another epoch changes nothing. Its result does not vary around the same mean as "
    "the others. A 95% interval computed from both kinds together contains the mean in fewer than "
    "95 of 100 studies.",
    "So there are two questions. How good are the networks that train? That is what the interval "
    "over the seeds that trained speaks of. How many do not train? That is a share with an "
    "interval of its own (Clopper and Pearson), which is wide with few seeds.",
    "If you would notice such a network and train again, ignore its seed; if not, count it. "
    "Verdicts and gates decide only if both ways of counting agree; otherwise they are "
    "inconclusive.",
)


def untrained(findings: Findings, _: Extras) -> Section | None:
    """Puts both readings beside each other, where a network did not train."""
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
    found = arm.training
    share = interval(found.share.low, found.share.high, "fraction") if found else UNKNOWN
    readings = (arm.summaries.get(metric), arm.over_trained(metric))
    shown = [estimate(s.mean, ends(s.interval), s.metric.unit) if s else UNKNOWN
             for s in readings]  # fmt: skip
    return [untrained_count(arm), share, *shown]


def _effects(findings: Findings) -> Table:
    """One row per effect that has such a network in one of its arms."""
    columns = ["all seeds, adjusted interval", "seeds that trained, adjusted interval"]
    rows = [
        [effect_label(findings, e), _shown(e), _shown(e.trained), verdict(e.verdict)]
        for e in findings.untrained_effects
    ]
    return make_table(
        "Effects with and without the networks that did not train",
        ["effect", *columns, "verdict"],
        rows,
        numeric=columns,
        name="untrained-effect",
    )


def _shown(effect: Effect | None) -> str:
    if effect is None:
        return UNKNOWN
    return estimate(effect.estimate, ends(effect.adjusted), effect.metric.unit, signed=True)
