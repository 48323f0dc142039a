"""From the records of a study to findings and a report, with checks and a note of each look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.core.interim_looks import InterimLook, Revision, Rule, revisions
from ablations.core.record import CODE, RunRecord
from ablations.core.study import Study, Trial, one_per_arm
from ablations.entry import find_entry
from ablations.plan import PlannedStore, match_records, plan_trials
from ablations.records.agreement import (
    distinct,
    none_planned,
    require_fractions,
    require_usable_metrics,
)
from ablations.records.sqlite.interim_looks import keep_look, read_looks

if TYPE_CHECKING:  # pandas, SciPy and matplotlib are imported when they are needed
    from ablations.core.findings import Findings
    from ablations.core.several import SideBySide, Synthesis


def analyze_records(
    study: Study, records: Iterable[RunRecord], *, data_dir: str | Path | None = None
) -> Findings:
    """Returns what the records say: arms, effects, gates and failures.

    Raises:
        StoreError: if none of the records is of the study's trials, two completed records of a
            trial differ, or two records give a metric another unit or direction.
    """
    planned = plan_trials(study, data_dir=data_dir)
    matched = match_records(distinct(tuple(records)), planned, study)
    if matched and not {record.key for record in matched} & {trial.key for trial in planned}:
        raise none_planned("analyze_records", matched, study, threads=())
    return findings_of(study, matched, planned=planned)


def findings_of(
    study: Study, records: Sequence[RunRecord], *, planned: Sequence[Trial]
) -> Findings:
    """Analyses the trials that the study asks for, as a study of the seeds that they have.

    Raises:
        StudyError: if a threshold or a value is given in percent for a metric that is a fraction.
    """
    from ablations.analyze.adaptive import asked
    from ablations.analyze.analysis import analyze

    trials = asked(study, records, planned=planned)
    used = {trial.seed for trial in trials}
    seeds = tuple(seed for seed in study.seeds if seed in used)
    require_usable_metrics(records)
    findings = analyze(replace(study, seeds=seeds), records, planned=trials)
    require_fractions(study, {metric.name: metric.unit for metric in findings.metrics})
    return findings


def n_of_other_code(findings: Findings) -> int:
    """Counts the trials whose training function had other files than now; 0 where it has none."""
    study = findings.study
    if study.file is None or study.imported is not None:
        return 0
    now = find_entry(study.entry, study.folder).code
    return sum(n for facts, n in findings.environments if facts.get(CODE, now) != now)


def note_look(
    study: Study, trials: Sequence[Trial], records: Sequence[RunRecord], *, store: PlannedStore
) -> tuple[Revision, ...]:
    """Notes a look at these records; returns what was changed after earlier looks.

    Args:
        study: What was asked.
        trials: All that may be planned.
        records: Those of this look.
        store: The study's.
    """
    started = {record.key: record.started_at for record in records if record.completed}
    rule = Rule(
        frozenset(replace(trial, seed=0).key for trial in one_per_arm(trials)),
        study.seeds,
        study.metric,
        study.smallest_effect_that_matters,
    )
    ended = (*store.stored_outcomes(), *store.outcomes())  # an earlier look may have either key
    stored = {outcome.key for outcome in ended if outcome.completed}
    found = revisions(rule, read_looks(store.path), stored=stored, started=started)
    keep_look(store.path, InterimLook(datetime.now(UTC).isoformat(), rule, frozenset(started)))
    return found


def render_report(
    findings: Findings | Synthesis | SideBySide,
    reports_dir: str | Path = "reports",
    *,
    records: Sequence[RunRecord] = (),
    samples: bool = True,
) -> Path:
    """Writes the HTML page, the Markdown post and their data; returns the page's path.

    Args:
        findings: From `analyze_records`, or of several studies from `synthesize` or `compare`.
        reports_dir: Folder of all reports.
        records: The records behind the findings of one study, for the step times of epoch logs.
        samples: Whether the report of one study shows examples of the data, such as photographs.
    """
    from ablations.analyze.inference.selftest import with_self_test
    from ablations.core.findings import Findings as OfOneStudy
    from ablations.report.writing import render_combined
    from ablations.report.writing import render_report as render

    if not isinstance(findings, OfOneStudy):
        return render_combined(findings, Path(reports_dir))
    if findings.gates:  # the report says with them how often such a gate errs
        findings = with_self_test(findings)
    return render(findings, Path(reports_dir), records=records, samples=samples)
