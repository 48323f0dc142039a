"""What a study takes for granted of its trials, held against each record as it comes.

A metric that nobody reports, or a bar in percent on a fraction, would otherwise show only when all
trials have been trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablations.core.metrics import TARGET_SECONDS
from ablations.core.record import Metric, RunRecord, known_metric
from ablations.core.study import Study, Trial
from ablations.errors import ReportingError, StudyError, meant
from ablations.records.agreement import require_fractions
from ablations.run.execute import REPORTING
from ablations.run.observer import Observer


@dataclass(frozen=True, slots=True)
class _Named:
    """A metric that the study file names, of the arms that ``where`` matches."""

    place: str
    metric: str
    where: Mapping[str, str]


def _named(study: Study) -> Iterator[_Named]:
    yield _Named("analysis.metric", study.metric, {})
    for place, gate in enumerate(study.gates):
        yield _Named(f"gates[{place}].metric", gate.metric, gate.where)


class Promises(Observer):
    """Watches a run, and stops it at the first record that breaks what the study takes for granted.

    Such a record is stored before, so that no finished work is lost.

    Args:
        study: Its metric and gates say what trials must report.
        recorded: The completed records that there are already.
        then: Hears of everything as well.
        go_on: Whether later trials may be the first to report a metric.
    """

    def __init__(
        self, study: Study, recorded: Iterable[RunRecord], *, then: Observer, go_on: bool = False
    ) -> None:
        self._study, self._then = study, then
        self._open = [] if go_on else list(_named(study))
        first: RunRecord | None = None
        for record in recorded:
            first = first or record
            require_fractions(study, {m.name: m.unit for m in record.metrics})
            self._close(record)
            if not self._open:
                break
        if first is not None:
            self._require_reported(first)

    def added(self, trials: Sequence[Trial]) -> None:
        """Hands it on."""
        self._then.added(trials)

    def started(self, trial: Trial) -> None:
        """Hands it on."""
        self._then.started(trial)

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Hands it on."""
        self._then.epoch(trial, number, metrics)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Hands it on, and raises `StudyError` where the record breaks a promise."""
        self._then.finished(trial, record)
        if record.message.startswith(REPORTING):
            raise ReportingError(
                f"{self._study.entry} does not report as it must, so the run stops here",
                received=record.message.removeprefix(REPORTING).rstrip("."),
                cure="Mend it; the same command then tries again",
            )
        if record.completed:
            require_fractions(self._study, {m.name: m.unit for m in record.metrics})
            self._close(record)
            self._require_reported(record)

    def _close(self, record: RunRecord) -> None:
        """Takes what a record reports off the list of what is awaited."""
        if self._open:
            reported = _reported(record, [own.metric for own in self._open])
            self._open = [own for own in self._open if own.metric not in reported]

    def _require_reported(self, record: RunRecord) -> None:
        for own in self._open:
            if record.arm.matches(own.where):
                raise _missing(own, record, self._study)


def _reported(record: RunRecord, wanted: Sequence[str]) -> Mapping[str, Metric]:
    """Returns a record's metrics; those that follow from others only where they are wanted."""
    logged = {metric.name: metric for metric in record.metrics}
    if set(wanted) <= set(logged):
        return logged
    from ablations.analyze import measured

    # Not every trial reaches the target.
    return {**measured(record), TARGET_SECONDS: known_metric(TARGET_SECONDS, 0.0)}


def _missing(named: _Named, record: RunRecord, study: Study) -> StudyError:
    reported = sorted({metric.name for metric in record.metrics})
    return StudyError(
        f"{study.slug}: no trial has reported '{named.metric}', which {named.place} names, so the "
        "run stops here",
        received=f"{record.arm.name}, seed {record.seed}, reported {', '.join(reported)}",
        cure=f"{meant(named.metric, reported)}Name one that is reported; or have the training "
        "function report it, and train again into another --runs-dir; or, if later trials report "
        "it, add --go-on",
    )
