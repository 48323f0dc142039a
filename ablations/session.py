"""The façade: a study with its trials and records, for the command line, notebooks and scripts."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.core.design import Arm
from ablations.core.identity import other_threads
from ablations.core.metrics import DEVICE_MEMORY_BYTES, FROM_CONTENTS
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial, one_per_arm
from ablations.core.training import untrained
from ablations.entry import Entry, ReportBytes, describe_nothing, find_entry, without_shortcuts
from ablations.errors import StoreError
from ablations.plan import (
    PlannedStore,
    Progress,
    imported_records,
    match_records,
    plan_trials,
    progress_of,
    remaining,
    require_trains,
    trials_of_records,
)
from ablations.records.agreement import Units, agreed_infos, none_planned
from ablations.records.origins import claim_records, require_own_records
from ablations.records.sqlite.store import Store
from ablations.reporting import findings_of, note_look
from ablations.run.executors import Executor, Work
from ablations.run.observer import Observer

if TYPE_CHECKING:  # what analyzes and what trains is imported when it is needed
    from ablations.analyze.adaptive import AskedTrials
    from ablations.core.findings import Findings
    from ablations.core.metrics import MetricInfo

Place = str | Path


@dataclass(frozen=True)
class Session:
    """A study with its planned trials and the records that belong to them.

    Args:
        study: From `load_study`.
        data_dir: Where the data lie, for data sets that need it.
        runs_dir: Folder of the record files, one sub-folder a study.
        source: What to read in place of the store; imported records lie beside the study file.
        samples: Whether records keep the exhibits that show examples of the data.
        executor: Trains the trials; worker processes on this machine if left out.
        plain: Whether training functions leave out their shortcuts.
        part: Folder of the store in that of the study; a shard, whose seeds the study has, has one.
    """

    study: Study
    data_dir: Place | None = None
    runs_dir: Place = "runs"
    source: Path | None = None
    samples: bool = True
    executor: Executor | None = None
    plain: bool = False
    part: str = ""

    def __post_init__(self) -> None:
        if self.source is None:
            object.__setattr__(self, "source", imported_records(self.study))

    @cached_property
    def store(self) -> Store:
        """The study's record file, which need not exist yet.

        Raises:
            StoreError: if ``runs_dir`` is a file.
        """
        if Path(self.runs_dir).is_file():
            raise StoreError(
                "'runs_dir' must be a folder",
                received=str(self.runs_dir),
                cure="Name a folder; it need not exist yet",
            )
        return Store(Path(self.runs_dir) / self.study.slug / self.part / "records.sqlite")

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials of the plan; with adaptive seeds those that the records so far ask for."""
        if self.study.adaptive is None:
            return self.possible_trials
        from ablations.analyze.adaptive import asked

        return asked(self.study, self.records(), planned=self.possible_trials)

    @cached_property
    def possible_trials(self) -> tuple[Trial, ...]:
        """All trials up to the last seed; those of a file of records have the data it names."""
        if self.source is not None:
            return trials_of_records(self.study, self._file)
        return plan_trials(self.study, data_dir=self.data_dir)

    @cached_property
    def planned_store(self) -> PlannedStore:
        """The store, in which the trials of the plan are found under their own keys.

        Raises:
            StoreError: if it belongs to another study.
        """
        require_own_records(self.study, self.store.path.parent)
        return PlannedStore(self.store.path, self.study, self.possible_trials)

    @property
    def log_dir(self) -> Path:
        """Where workers write what they print."""
        return self.store.path.parent / "logs"

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(trial.key for trial in self.possible_trials)

    def claim(self) -> None:
        """Notes in the store's folder whose it is, before anything is written there.

        Raises:
            StoreError: if it belongs to another study.
            StudyError: if a training function that was given in Python has changed since.
        """
        require_trains(self.study)
        self._entry.require_unchanged()
        store = self.planned_store
        claim_records(self.study, store.path.parent)
        if not all(outcome.training for outcome in store.outcomes()):
            store.judge()

    def records(self) -> tuple[RunRecord, ...]:
        """Returns the records of the planned trials, oldest first.

        Raises:
            StoreError: if they cannot be read or disagree, or a file has none of this study.
        """
        stored = self._matched if self.source else self._described(self.planned_store.records())
        return self._agreed(self._shown(self._own(stored)))

    def gate_records(self) -> tuple[RunRecord, ...]:
        """Returns the same records; without what no gate needs, where nothing needs it.

        Whole records are checked all the same.
        """
        if self.source is not None or self.study.adaptive is not None:
            return self.records()
        wanted = {self.study.metric, *(gate.metric for gate in self.study.gates)}
        if wanted & FROM_CONTENTS or not wanted <= {metric.name for metric in self.reported()}:
            return self.records()
        return self._agreed(self._own(self.planned_store.records(parts=("metrics",))))

    def stream(self) -> Iterator[RunRecord]:
        """Yields what `records` returns, and raises what it does; a store is read as it goes."""
        if self.source is not None:
            return iter(self.records())
        self.reported()
        return self._shown(self._own(self._described(self.planned_store.stream())))

    def _agreed(self, records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
        own = tuple(records)
        if self.source is not None and not own:
            raise none_planned(self.source, self._matched, self.study, threads=self.other_threads)
        try:
            agreed_infos((r, r.metrics) for r in own if r.completed)
        except StoreError as error:
            raise error.at(str(self.source or self.planned_store.path)) from error
        return own

    def _shown(self, records: Iterator[RunRecord]) -> Iterator[RunRecord]:
        """Yields records without samples of the data, if they are not to be shown."""
        if self.samples:
            return records
        return (replace(r, exhibits=tuple(e for e in r.exhibits if not e.sample)) for r in records)

    def reported(self) -> tuple[MetricInfo, ...]:
        """Returns the metrics of the planned trials that completed; their values are not checked.

        Raises:
            StoreError: if two records give one another unit or direction.
        """
        if self.source is not None:
            own = ((r, r.metrics) for r in self.records() if r.completed)
            return tuple(agreed_infos(own).values())
        found = self.planned_store.planned_metrics()
        if len({metric.name for metric in found}) < len(found):
            self.records()  # says which records they are
        return found

    def untrained(self) -> tuple[RunRecord, ...]:
        """Returns the outcomes of the planned trials whose networks did not train.

        It is read from what was noted when they were stored; their results are not checked.
        """
        own = [outcome for outcome in self._outcomes() if outcome.completed]
        known = all(outcome.training for outcome in own)
        return tuple(untrained(own if known else self.records()))

    def _outcomes(self) -> Iterator[RunRecord]:
        """Yields how the planned trials ended, of the store or of the file that is read."""
        return self._own(self.planned_store.outcomes() if self.source is None else self._matched)

    @cached_property
    def _file(self) -> tuple[RunRecord, ...]:
        """All records of the file that is read in place of the store."""
        from ablations.records.readers import read_records_of

        assert self.source is not None  # noqa: S101 - asked for only where there is one
        return read_records_of(str(self.source), self.study)

    @cached_property
    def _matched(self) -> tuple[RunRecord, ...]:
        """The same, with those of planned trials under the keys of these trials."""
        return match_records(self._file, self.possible_trials, self.study)

    def left_out(self) -> int:
        """Returns how many records of the file belong to no planned trial."""
        return sum(record.key not in self._keys for record in self._matched) if self.source else 0

    def _own(self, records: Iterable[RunRecord]) -> Iterator[RunRecord]:
        return (record for record in records if record.key in self._keys)

    def _described(self, records: Iterable[RunRecord]) -> Iterator[RunRecord]:
        """Yields stored records with what ``describe`` showed of their trials."""
        shown = self.planned_store.descriptions()
        for record in records:
            own = shown.get(record.key)
            yield replace(record, exhibits=(*own, *record.exhibits)) if own else record

    def failures(self) -> tuple[RunRecord, ...]:
        """Returns the failed outcomes of trials that have not completed since."""
        outcomes = tuple(self._outcomes())
        completed = {outcome.key for outcome in outcomes if outcome.completed}
        latest = {outcome.key: outcome for outcome in outcomes if outcome.key not in completed}
        return tuple(latest.values())

    def others(self) -> int:
        """Returns how many stored records belong to no planned trial."""
        stored = self.planned_store.outcomes()
        return sum(o.key not in self._keys for o in stored) - sum(self.other_threads.values())

    @cached_property
    def other_threads(self) -> dict[int, int]:
        """How many trials without a record have one with other threads, by their number."""
        records = self.planned_store.outcomes() if self.source is None else self._matched
        wanted = self._keys - {record.key for record in records if record.final}
        identify = self._entry.identity
        return other_threads(records, wanted, threads=self.study.threads, identify=identify)

    def findings(self, records: Sequence[RunRecord]) -> Findings:
        """Returns what the records say, and what was changed after earlier looks at them.

        This look is noted in the store; records of another file bring no looks with them.
        """
        found = findings_of(self.study, records, planned=self.possible_trials)
        if self.source is not None or all(arm.n_completed < 2 for arm in found.arms):
            return found
        revised = note_look(self.study, self.possible_trials, records, store=self.planned_store)
        return replace(found, revisions=revised)

    def progress(
        self, *, jobs: int | None = None, measured: Mapping[Arm, float] | None = None
    ) -> Progress:
        """Counts what is done, what failed and what is to do."""
        found = progress_of(self.trials, self._outcomes(), measured=measured, code=self._entry.code)
        if not found.seconds_to_go:  # then it does not matter how many workers there are
            return found
        return replace(found, seconds_to_go=found.seconds_to_go / (jobs or self.best_jobs))

    @cached_property
    def best_jobs(self) -> int:
        """How many workers train fastest on this machine, by what earlier trials took."""
        from ablations.run.machine.hardware import best_jobs, gpus

        if not gpus():
            return best_jobs(threads=self.study.threads)
        return best_jobs(self.planned_store.largest(DEVICE_MEMORY_BYTES))

    def prepare(
        self, trials: Sequence[Trial], report: ReportBytes = lambda _done, _total: None
    ) -> None:
        """Fetches what the trials need, once, before any of them starts."""
        with without_shortcuts(self.plain):
            for trial in one_per_arm(trials):
                self._entry.prepare_data(trial.settings, trial.data_dir, report)

    def notes(self) -> tuple[str, ...]:
        """Returns the training function's notes on the data, each once."""
        trials, own = one_per_arm(self.trials), self._entry
        notes = (own.notes(trial.settings, trial.data_dir) for trial in trials)
        return tuple(dict.fromkeys(line for lines in notes for line in lines))

    def run(
        self,
        trials: Sequence[Trial],
        *,
        jobs: int | None = None,
        observer: Observer | None = None,
        go_on: bool = False,
    ) -> None:
        """Trains the trials.

        Raises:
            StudyError: at the first trial that does not report what the study names; with ``go_on``
                later trials may.
        """
        from ablations.analyze.adaptive import AskedTrials
        from ablations.analyze.derived import measured
        from ablations.requirements import Requirements
        from ablations.run.runner import run_trials

        self.claim()
        check = Requirements(self.study, self._completed(), go_on=go_on).check
        work = self._work(trials)
        if self.study.adaptive:
            seen = AskedTrials(self.study, self.possible_trials)
            work = replace(work, more=partial(self._asked_next, seen))
        store, units = self.planned_store, Units(self._completed(), measured)
        with without_shortcuts(self.plain):
            run_trials(
                work, self._executor(jobs), store, observer=observer, units=units, check=check
            )

    def _completed(self) -> Iterator[RunRecord]:
        return (own for own in self._own(self.planned_store.stream()) if own.completed)

    def _asked_next(self, seen: AskedTrials) -> tuple[Trial, ...]:
        """Returns the trials that the next look needs, from the records that it has not seen."""
        seen.add(self.planned_store.records(skip=len(seen.records)))
        return remaining(seen.trials(), self.planned_store.outcomes())

    def recorded(self) -> tuple[tuple[Trial, RunRecord], ...]:
        """Returns the planned trials that ended for good, each with its record, by the plan.

        The plan has each arm once before it has any twice.
        """
        trials = plan_trials(self.study, data_dir=self.data_dir)
        if self.source is None:
            stored: Iterable[RunRecord] = self.planned_store.records()
        else:
            stored = match_records(self._file, trials, self.study)
        found = {record.key: record for record in stored if record.final}
        return tuple((trial, found[trial.key]) for trial in trials if trial.key in found)

    def rerun(
        self, trials: Sequence[Trial], *, jobs: int | None = None, observer: Observer | None = None
    ) -> Generator[tuple[Trial, RunRecord], None, None]:
        """Trains trials and yields their records, which are not stored."""
        work = replace(self._work(trials), log_dir=self.log_dir / "rerun")
        with without_shortcuts(self.plain):
            yield from self._executor(jobs).run(work, observer or Observer())

    def describe(self, jobs: int | None = None) -> None:
        """Stores what the entry shows of each arm and its data, where that is not stored yet."""
        from ablations.run.runner import describe_trials

        if self._entry.describe is describe_nothing:
            return
        known = self.planned_store.descriptions()
        to_do = [trial for trial in one_per_arm(self.trials) if trial.key not in known]
        if to_do:
            work = replace(
                self._work(to_do), task="describe", timeout_seconds=None, memory_bytes=None
            )
            with without_shortcuts(self.plain):
                describe_trials(work, self._executor(jobs), self.store)

    def measure(self, jobs: int | None = None) -> dict[Arm, float]:
        """Returns the seconds that a trial of each arm will take, from two short epochs."""
        from ablations.run.measure import measure_arms

        self.prepare(self.trials)
        return measure_arms(self._work(self.trials), self._executor(jobs))

    @property
    def _entry(self) -> Entry:
        return find_entry(self.study.entry, self.study.folder)

    def _work(self, trials: Sequence[Trial]) -> Work:
        require_trains(self.study)
        gib = self.study.memory_gib
        return Work(
            trials,
            plain=self.plain,
            log_dir=self.log_dir,
            timeout_seconds=self.study.timeout_seconds,
            memory_bytes=None if gib is None else int(gib * 2**30),
            resources=self.study.arm_resources,
        )

    def _executor(self, jobs: int | None) -> Executor:
        from ablations.run.executors.choosing import choose

        return choose(self.executor, jobs, lambda: self.best_jobs, entry=self.study.entry)
