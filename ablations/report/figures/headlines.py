"""The headline of a report's first figure, and the alt texts of figures."""

from __future__ import annotations

from ablations.core.design import Arm
from ablations.core.findings import Findings
from ablations.report.figures.dots import DotPlot
from ablations.report.figures.panels import Panels
from ablations.text.formatting import counted, listing, metric_name, number, sentence
from ablations.text.naming import arm_label, named_arm


def arms_headline(findings: Findings) -> str:
    """Says which arm came out best, where the reference lies, and if that may be chance."""
    metric = metric_name(findings.metric.name)
    if findings.best is None or _mean(findings, findings.best) == number(None):
        known = any(_mean(findings, arm.arm) != number(None) for arm in findings.arms)
        return f"{sentence(metric)} of each arm" if known else f"No arm has a value of {metric} yet"
    if not findings.study.factors:
        return f"{sentence(metric)} is {_mean(findings, findings.best)}, the mean over seeds"
    compared = [effect for effect in findings.effects if effect.kind != "interaction"]
    if not compared or any(effect.verdict == "improved" for effect in compared):
        return sentence(_best(findings, findings.best))
    return f"No change is shown to help; {_best(findings, findings.best)}"


def _best(findings: Findings, best: Arm) -> str:
    study, metric = findings.study, metric_name(findings.metric.name)
    chosen = findings.best_by or findings.metric.name
    by = "" if chosen == findings.metric.name else f"chosen by {metric_name(chosen)}, "
    verb = f"has {metric}" if by else f"has the best {metric.removeprefix('best ')}:"
    claim = f"{by}{named_arm(study, best)} {verb} {_mean(findings, best)}"
    if best == study.reference or _mean(findings, study.reference) == number(None):
        return claim
    reference = f"{_mean(findings, study.reference)} for {named_arm(study, study.reference)}"
    return f"{claim}, against {reference}"


def _mean(findings: Findings, arm: Arm) -> str:
    found = findings.arm(arm).summaries.get(findings.metric.name)
    return number(found.mean if found else None, findings.metric.unit)


def arms_reading(findings: Findings) -> str:
    """Says what the marks of the first figure are; there is no interval of one seed."""
    label = arm_label(findings.study, findings.study.reference)
    of = f" of ‘{label}’" if findings.study.factors else ""
    line = f"The vertical line is the mean{of}."
    if len(findings.study.seeds) == 1:
        return f"Each dot is the one seed of an arm, so there are no intervals. {line}"
    return (
        f"Each dot is one seed; below them are the mean and its 95% interval, not adjusted. {line}"
    )


CURVES_READING = "Thin lines are seeds, the thick line is their mean."


def dots_alt(chart: DotPlot, what: str) -> str:
    """Describes a dot plot by its ends."""
    known = [(row.middle, row) for row in chart.rows if row.middle is not None]
    if not known:
        return f"Dot plot of {what}, without any value yet."
    low, high = min(known, key=lambda k: k[0])[1], max(known, key=lambda k: k[0])[1]
    ends = f"from {low.note} ({low.label}) to {high.note} ({high.label})"
    return f"Dot plot of {what}: {counted(len(chart.rows), 'row')}, {ends}. Axis: {chart.axis}."


def panels_alt(chart: Panels, what: str) -> str:
    """Describes small multiples by their titles."""
    titles = listing([panel.title for panel in chart.panels])
    return f"{counted(len(chart.panels), 'small plot')} of {what}: {titles}."
