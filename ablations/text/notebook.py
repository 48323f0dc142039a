"""What a notebook shows of findings: the arms with their intervals, as a small table."""

from __future__ import annotations

from html import escape

from ablations.core.estimates import MetricInfo, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.text.formatting import UNKNOWN, counted, estimate, metric_name
from ablations.text.naming import arm_label

_MOST, _SHOWN = 24, 20
"""The most arms that are all shown, and how many are shown of more."""


def findings_html(findings: Findings) -> str:
    """Returns the title, what was completed, and each arm's mean of the study's metric."""
    name, every = metric_name(findings.metric.name), len(findings.arms)
    shown = findings.arms if every <= _MOST else findings.ranked[:_SHOWN]
    rest = f"<p>{_left_out(findings)}</p>" if every > _MOST else ""
    rows = "".join(
        f"<tr><td>{escape(arm_label(findings.study, arm.arm))}</td>"
        f"{_cells(arm, findings.metric)}</tr>"
        for arm in shown
    )
    return (
        f"<p><strong>{escape(findings.study.title)}</strong><br>"
        f"{findings.n_completed} of {counted(findings.n_planned, 'trial')} completed</p>"
        f"<table><thead><tr><th>arm</th><th>n</th><th>{escape(name)}, 95% interval</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>{rest}"
    )


def _left_out(findings: Findings) -> str:
    which = "largest" if findings.metric.better == "neither" else "best"
    reference = arm_label(findings.study, findings.study.reference)
    others = len(findings.arms) - 1
    return f"These are {escape(reference)} and the {which} {_SHOWN - 1} of the other {others} arms."


def _cells(arm: ArmFinding, metric: MetricInfo) -> str:
    """Sets one arm's number of seeds and its mean with the interval."""
    found = arm.summaries.get(metric.name)
    if found is None:
        return f"<td>0</td><td>{UNKNOWN}</td>"
    return f"<td>{found.n}</td><td>{estimate(found.mean, ends(found.interval), metric.unit)}</td>"
