"""Gates: a metric of an arm compared with a threshold, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.analyze.inference.intervals import at_or_beyond
from ablations.core.estimates import Summary, ends
from ablations.core.findings import ArmFinding, Findings, GateFinding, GateStatus
from ablations.core.metrics import MetricInfo
from ablations.core.study import Gate

_SEVERITY: tuple[GateStatus, ...] = ("passed", "inconclusive", "failed")

Judged = tuple[float | None, GateStatus]


def gate_findings(
    gates: Sequence[Gate], arms: Sequence[ArmFinding], *, metrics: Mapping[str, MetricInfo]
) -> tuple[GateFinding, ...]:
    """Returns each gate applied to each arm that it matches, in the study's order.

    ``lower`` passes if the whole 95% interval is at or beyond the threshold, fails if the whole
    interval is short of it, and else is inconclusive, as it is below two seeds. ``mean`` and
    ``every-seed`` pass or fail. A gate is incomplete while a planned seed of the arm has no value
    of the metric, unless a seed that has one already fails ``every-seed``.

    Where networks of the arm did not train, ``lower`` and ``mean`` have to give one verdict with
    and without their seeds, else the gate is inconclusive. An arm of which no network trained
    passes neither.
    """
    return tuple(
        _gate_finding(gate, arm, metric=metrics.get(gate.metric))
        for gate in gates
        for arm in arms
        if arm.arm.matches(gate.where)
    )


def exit_code(findings: Findings) -> int:
    """Returns what a command ends with; the first of these that holds.

    1: a gate failed. 4: a trial is missing or failed, or a gate is incomplete because its metric
    was not reported. 3: a gate is inconclusive. 0: all well. Inconclusive effects do not count:
    they answer the study's question and break no rule.
    """
    statuses = {finding.status for finding in findings.gates}
    if "failed" in statuses:
        return 1
    if "incomplete" in statuses or findings.n_completed < findings.n_planned:
        return 4
    return 3 if "inconclusive" in statuses else 0


def _gate_finding(gate: Gate, arm: ArmFinding, *, metric: MetricInfo | None) -> GateFinding:
    summary = arm.summaries.get(gate.metric)
    if summary is None or summary.n == 0:
        return GateFinding(gate, arm.arm, metric, summary, None, "incomplete")
    judged, status = _judged(gate, summary)
    training = arm.training if summary.metric.depends_on_training else None
    if (trained := arm.over_trained(gate.metric)) is not None and gate.judge != "every-seed":
        status = _in_both(status, _judged(gate, trained)[1] if trained.n else None)
    decided = gate.judge == "every-seed" and status == "failed"
    if summary.n < arm.n_planned and not decided:
        status = "incomplete"
    gap = next((gap for gap in arm.gaps if gap.metric.name == gate.metric), None)
    return GateFinding(gate, arm.arm, metric, summary, judged, status, training, gap)


def _in_both(every: GateStatus, trained: GateStatus | None) -> GateStatus:
    """Returns the verdict that both readings give; without any network that trained, no pass."""
    if trained is None:
        return "inconclusive" if every == "passed" else every
    return every if every == trained else "inconclusive"


def _judged(gate: Gate, summary: Summary) -> Judged:
    """Returns the more severe verdict of the gate's thresholds."""
    sides = [
        _side(gate, summary, threshold=threshold, sign=sign)
        for threshold, sign in ((gate.at_least, 1), (gate.at_most, -1))
        if threshold is not None
    ]
    return max(sides, key=lambda side: _SEVERITY.index(side[1]))


def _side(gate: Gate, summary: Summary, *, threshold: float, sign: int) -> Judged:
    """Judges one threshold; ``sign`` -1 mirrors the axis, so that "at most" is "at least" too."""
    if gate.judge == "lower":
        return _by_interval(summary, threshold=threshold, sign=sign)
    worst = min((value for _, value in summary.values), key=lambda value: sign * value)
    judged = summary.mean if gate.judge == "mean" else worst
    passed = judged is not None and at_or_beyond(sign * judged, sign * threshold)
    return judged, "passed" if passed else "failed"


def _by_interval(summary: Summary, *, threshold: float, sign: int) -> Judged:
    if (both := ends(summary.interval)) is None:
        return None, "inconclusive"
    near, far = both[::sign]
    if at_or_beyond(sign * near, sign * threshold):
        return near, "passed"
    return near, "inconclusive" if at_or_beyond(sign * far, sign * threshold) else "failed"
