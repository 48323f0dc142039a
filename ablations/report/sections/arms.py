"""Every arm over its seeds, and the two kinds of noise in its numbers."""

from __future__ import annotations

from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import shown_in
from ablations.report import data_files
from ablations.report.blocks import DataFile, Extras, Prose, Section, Table, present
from ablations.report.sections.arm_pages import every_arm
from ablations.report.sections.noise import noise
from ablations.report.sections.variance import variance
from ablations.report.tables import make_table
from ablations.text.formatting import (
    UNKNOWN,
    count,
    low_to_high,
    metric_name,
    number,
    spread,
)
from ablations.text.naming import arm_label
from ablations.text.sentences import effect_estimate, mean_estimate, untrained_count


def arms(findings: Findings, _: Extras) -> Section:
    """Shows the numbers of every arm; a report without any trial has this section too."""
    trials = data_files.csv_file("trials", data_files.trials_frame(findings), link="all trials")
    own = data_files.some_files("arms", data_files.arms_frame(findings))
    table = arm_table(findings, (trials, *own))
    reading = Prose(_CHANGES) if any(arm.difference for arm in findings.arms) else None
    more = noise(findings), variance(findings)
    title = "All arms" if findings.study.factors else "The arm"
    return Section("arms", title, present(table, reading, every_arm(findings), *more))


_CHANGES = (
    "A change in this table is that of a single arm. It is not adjusted for the number of arms and "
    "has no verdict: the verdicts are those of the effects."
)


def arm_table(findings: Findings, data: tuple[DataFile, ...] = ()) -> Table:
    """One row per arm: its levels, and what the seeds gave."""
    factors = [factor.name for factor in findings.study.factors]
    metric = metric_name(findings.metric.name)
    measured = ["n", f"{metric}, 95% interval", "sd", "min to max"]
    changes = any(arm.difference for arm in findings.arms)
    compared = [f"change from {arm_label(findings.study, findings.study.reference)}, unadjusted"]
    lost = ["did not train"] if any(arm.untrained for arm in findings.arms) else []
    extra = [entry for entry in shown_in("arm") if _has(findings, entry.name)]
    numeric = [
        *lost,
        *measured,
        *(compared if changes else []),
        *(entry.tables["arm"] for entry in extra),
    ]
    rows = [
        [*findings.study.level_names(arm.arm, UNKNOWN)]
        + [untrained_count(arm) or UNKNOWN for _ in lost]
        + _measured(findings, arm)
        + ([effect_estimate(arm.difference)] if changes else [])
        + [_mean_of(arm, entry.name) for entry in extra]
        for arm in findings.arms
    ]
    caption = "Each arm over its seeds" if factors else "The arm over its seeds"
    return make_table(caption, [*factors, *numeric], rows, numeric=numeric, name="arm", data=data)


def _has(findings: Findings, name: str) -> bool:
    return name != findings.metric.name and any(name in arm.summaries for arm in findings.arms)


def _measured(findings: Findings, arm: ArmFinding) -> list[str]:
    summary, unit = arm.summaries.get(findings.metric.name), findings.metric.unit
    if summary is None:
        return ["0", UNKNOWN, UNKNOWN, UNKNOWN]
    return [
        count(summary.n),
        mean_estimate(summary),
        spread(summary.sd, unit),
        low_to_high(summary.minimum, summary.maximum, unit),
    ]


def _mean_of(arm: ArmFinding, name: str) -> str:
    summary = arm.summaries.get(name)
    return number(summary.mean, summary.metric.unit) if summary else UNKNOWN
