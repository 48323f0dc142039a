"""What a study file requires of its trials, checked with each record as it comes.

A metric that nobody reports, or a threshold in percent for a fraction, would otherwise show only
when all trials have been trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from ablations.core.metrics import TARGET_SECONDS
from ablations.core.record import Metric, RunRecord, known_metric
from ablations.core.study import Study
from ablations.errors import ReportingError, StudyError, meant
from ablations.records.agreement import require_fractions
from ablations.run.execute import REPORTING


class Requirements:
    """What a study file requires that no record has met yet.

    Args:
        study: Its metric and gates name what trials must report.
        recorded: The completed records that there are already; they are not kept.
        go_on: Whether later trials may be the first to report a metric.
    """

    def __init__(self, study: Study, recorded: Iterable[RunRecord], *, go_on: bool = False) -> None:
        self._study = study
        named = [
            (f"gates[{i}].metric", gate.metric, gate.where) for i, gate in enumerate(study.gates)
        ]
        self._unreported = [] if go_on else [("analysis.metric", study.metric, {}), *named]
        first = None
        for record in recorded:
            first = first or record
            self._note(record)
        if first is not None:
            self._require_reported(first)

    def check(self, record: RunRecord) -> None:
        """Raises `StudyError` where a new record does not meet them."""
        if record.message.startswith(REPORTING):
            raise ReportingError(
                f"{self._study.entry} does not report as it must, so the run stops here",
                received=record.message.removeprefix(REPORTING).rstrip("."),
                cure="Correct it; the same command then tries again",
            )
        if record.completed:
            self._note(record)
            self._require_reported(record)

    def _note(self, record: RunRecord) -> None:
        """Removes what a record reports from what no record has reported."""
        require_fractions(self._study, {m.name: m.unit for m in record.metrics})
        if self._unreported:
            reported = _reported(record, {metric for _, metric, _ in self._unreported})
            self._unreported = [named for named in self._unreported if named[1] not in reported]

    def _require_reported(self, record: RunRecord) -> None:
        for place, metric, where in self._unreported:
            if record.arm.matches(where):
                raise _missing(place, metric, record, self._study)


def _reported(record: RunRecord, wanted: Set[str]) -> Mapping[str, Metric]:
    """Returns a record's metrics; those that follow from others only where they are wanted."""
    logged = {metric.name: metric for metric in record.metrics}
    if wanted <= set(logged):
        return logged
    from ablations.analyze.derived import measured

    # Not every trial reaches the target.
    return {**measured(record), TARGET_SECONDS: known_metric(TARGET_SECONDS, 0.0)}


def _missing(place: str, metric: str, record: RunRecord, study: Study) -> StudyError:
    reported = sorted({own.name for own in record.metrics})
    return StudyError(
        f"{study.slug}: no trial has reported '{metric}', which {place} names, so the "
        "run stops here",
        received=f"{record.arm.name}, seed {record.seed}, reported {', '.join(reported)}",
        cure=f"{meant(metric, reported)}Name one that is reported; or have the training "
        "function report it, and train again into another --runs-dir; or, if later trials report "
        "it, add --go-on",
    )
