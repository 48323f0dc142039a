"""What a notebook shows: the arms with their intervals, and how far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from ablations.core.estimates import MetricInfo, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import CURVES, unit_of
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.text.formatting import UNKNOWN, counted, duration, estimate, metric_name, number
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


_WATCHED = tuple(name for pair in CURVES for name in reversed(pair))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many trials of a run have completed and failed, of how many, and in what time."""

    done: int
    failed: int
    total: int
    seconds: float
    ended: bool = False


def progress_words(found: Counted) -> str:
    r"""Says how many trials have ended, and how long the others will take.

    Example:
        >>> progress_words(Counted(6, 0, 24, 30.0))
        '6 of 24 trials, about 1\u202fmin 30\u202fs left'
        >>> progress_words(Counted(5, 1, 6, 30.0, ended=True))
        '6 of 6 trials in 30.0\u202fs, 1 of which failed'
        >>> progress_words(Counted(1, 0, 6, 30.0, ended=True))
        '1 of 6 trials in 30.0\u202fs, then stopped: run it again to go on'
    """
    ended = found.done + found.failed
    words = f"{ended} of {counted(found.total, 'trial')}"
    if found.ended:
        words += f" in {duration(round(found.seconds, 1))}"
    elif ended:
        left = found.seconds / ended * (found.total - ended)
        words += f", about {duration(round(left))} left"
    if found.failed:
        words += f", {found.failed} of which failed"
    if found.ended and ended < found.total:
        words += ", then stopped: run it again to go on"
    return words


def trial_words(study: Study, trial: Trial) -> str:
    """Names a trial."""
    return f"{arm_label(study, trial.arm)}, seed {trial.seed}"


def epoch_words(epoch: int, metrics: Mapping[str, float]) -> str:
    """Gives the number of an epoch and its first metric."""
    return f"epoch {epoch}: {latest(metrics)}"


def failed_words(record: RunRecord) -> str:
    """Says why a trial failed."""
    return f"FAILED ({record.reason}): {record.message}"


def latest(metrics: Mapping[str, float]) -> str:
    """Returns the first metric of an epoch, by their importance, with its value.

    Example:
        >>> latest({"loss": 0.3, "val_accuracy": 0.9375})
        'val accuracy 93.8%'
    """
    for name in (*_WATCHED, *metrics):
        if name in metrics:
            shown = number(metrics[name], unit_of(name))
            return f"{name.replace('_', ' ')} {shown}"
    return UNKNOWN
