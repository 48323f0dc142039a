"""What was judged about a study, in words: by its gates, by its past, or by its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ablations.core.findings import Decision, Findings, GateStatus
from ablations.core.past import AllFailed, History, SeriesFinding
from ablations.core.study import Study
from ablations.text.checks import (
    SEVERITY,
    STATUS_OF_CODE,
    STATUS_OF_VERDICT,
    Check,
    change_cell,
    count_verdicts,
    gate_checks,
    past_checks,
    trial_checks,
    undecided_lines,
)
from ablations.text.commits.history import (
    answer_lines,
    change_cells,
    change_line,
    commit_label,
    failed_line,
    history_lines,
    series_answer,
    series_labels,
)
from ablations.text.formatting import UNKNOWN, count, counted, listing, metric_name, sentence
from ablations.text.naming import arm_label, named_arm


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged about a study, as every format of checks shows it.

    Each of ``headlines`` says what one kind of checks decided, with its status; ``notes`` are
    further sentences. ``trials`` are checks as well, which no headline and no badge counts.
    ``findings`` are those of a study's gates; there are none behind a history.
    """

    study: Study
    headlines: tuple[tuple[str, GateStatus], ...]
    checks: tuple[Check, ...]
    trials: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    findings: Findings | None = None

    def of_kind(self, kind: str) -> tuple[Check, ...]:
        """Returns the checks of one kind."""
        return tuple(check for check in (*self.checks, *self.trials) if check.kind == kind)

    @property
    def status(self) -> GateStatus:
        """The most severe of what the headlines say."""
        found = {status for _, status in self.headlines}
        return next(status for status in SEVERITY if status in found)

    @property
    def open_checks(self) -> tuple[Check, ...]:
        """The checks that need attention: what did not pass, and decides."""
        checks = (*self.checks, *self.trials)
        return tuple(check for check in checks if check.status != "passed" and check.decides)

    @property
    def brief(self) -> str:
        """What was decided in a few words, as a badge has room for."""
        if self.status == "passed" and not self.checks:
            return "no gates"
        own = sum(check.status == self.status and check.decides for check in self.checks)
        if self.status == "passed" or not own:
            return self.status
        return f"{count(own)} of {counted(len(self.checks), 'check')} {self.status}"


def judged_decision(decision: Decision) -> Judged:
    """Says what the gates of a study decided, and its comparison with the past, if there is one."""
    findings = decision.findings
    return Judged(
        findings.study,
        tuple(_headlines(decision)),
        (*gate_checks(findings), *past_checks(decision)),
        trial_checks(findings),
        notes=tuple(_notes(decision)),
        findings=findings,
    )


def _notes(decision: Decision) -> Iterator[str]:
    if decision.past is not None:
        for line in undecided_lines(decision.findings, decision.past):
            yield f"{sentence(line)}."


def _headlines(decision: Decision) -> Iterator[tuple[str, GateStatus]]:
    gates = count_verdicts(gate_checks(decision.findings), ("passed", "failed"))
    judged = f"Gates: {gates}" if gates else "Nothing was judged: this study has no gates"
    yield f"{judged}{_without_result(decision)}.", STATUS_OF_CODE[decision.code]
    if decision.past is not None and decision.past_code is not None:
        words = count_verdicts(
            past_checks(decision), ("improved", "regressed", "equivalent", "gone")
        )
        line = f"Against {decision.past.past.source}: {words or 'nothing is comparable'}."
        yield line, STATUS_OF_CODE[decision.past_code]


def _without_result(decision: Decision) -> str:
    """Counts the trials without a result."""
    counts = {"not trained yet": decision.findings.n_missing, "failed": decision.findings.n_failed}
    lost = [f"{counted(n, 'trial')} {what}" for what, n in counts.items() if n]
    return f"; {listing(lost)}" if lost else ""


def judged_history(study: Study, found: History, code: int) -> Judged:
    """Says how the newest commit of a history was judged by those before it.

    Args:
        study: Whose history it is.
        found: What happened over its commits.
        code: The exit code of that.
    """
    first, *tallies = answer_lines(found, series_labels(study, found))
    return Judged(
        study,
        ((first, STATUS_OF_CODE[code]),),
        tuple(_series_check(study, own) for own in found.series),
        (_complete_check(_completeness(found), complete=not found.missing),),
        notes=(*tallies, *(f"{sentence(line)}." for line in history_lines(study, found))),
    )


def _series_check(study: Study, own: SeriesFinding) -> Check:
    """Returns the check of one arm's metric; a speed without a verdict decides nothing."""
    then, now, change, bounds, *_ = change_cells(own)
    metric = metric_name(own.metric.name)
    alarm = f" {sentence(change_line(own, own.alarm))}." if own.alarm else ""
    return Check(
        kind="history",
        name=f"history {own.metric.name} / {own.arm.name}",
        rule=f"{metric} against the commits before",
        arm=arm_label(study, own.arm),
        status=STATUS_OF_VERDICT[own.verdict],
        verdict=own.verdict,
        then=then,
        now=now,
        bounds=change_cell(change, bounds),
        seeds=count(own.levels[-1].n),
        text=f"Of {named_arm(study, own.arm)}: {series_answer(own)}{alarm}",
        decides=own.verdict != "inconclusive" or not own.is_ratio,
    )


def judged_failed(study: Study, lost: AllFailed) -> Judged:
    """Says that nothing of the present commit can be judged, as all of its trials failed."""
    headline = "There is nothing to judge: no trial of the present commit has completed."
    check = _complete_check(f"{sentence(failed_line(lost))}.", complete=False)
    return Judged(study, ((headline, "incomplete"),), (), (check,))


def _completeness(found: History) -> str:
    newest, missing = commit_label(found.commits[-1]), found.missing
    lost = f"lacks {counted(missing, 'trial')}" if missing else "has all trials"
    return f"The newest commit, {newest}, {lost} of which the commit before has the metric."


def _complete_check(text: str, *, complete: bool) -> Check:
    return Check(
        kind="trials",
        name="trials / history",
        rule="all trials of the commit before are there",
        arm="all arms",
        status="passed" if complete else "incomplete",
        verdict="completed" if complete else "incomplete",
        then=UNKNOWN,
        now=UNKNOWN,
        bounds=UNKNOWN,
        seeds=UNKNOWN,
        text=text,
    )
