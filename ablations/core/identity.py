"""Which trial a record is of, by the rule of today and by the earlier ones.

A trial is named by what decides its results (`ablations.core.study.trial_key`). Two things have
joined that rule since records exist: the number of threads, and the entry's ``identity``, which
leaves out settings that an arm does not use. This module finds what a record of any age is called
today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from ablations.core.design import Settings
from ablations.core.record import RunRecord
from ablations.core.study import trial_key
from ablations.errors import StudyError

Identify = Callable[[Settings], Settings]
"""The entry's ``identity``: those settings that decide what is computed."""


def threads_of(facts: Mapping[str, str]) -> int:
    """Returns how many threads a trial had, by the facts of its record's environment.

    Records from before threads were a setting do not say it. Their trials had the cores of the
    machine divided by the workers. What a GPU computed does not depend on them, and of facts that
    are not there nothing is known; both count as one thread.

    Example:
        >>> threads_of({"cores": "8", "jobs": "2"}), threads_of({"threads": "1", "cores": "8"})
        (4, 1)
    """
    if facts.get("threads", "").isdecimal():
        return int(facts["threads"])
    cores, jobs = facts.get("cores", ""), facts.get("jobs", "1")
    device = facts.get("device", "cpu")
    on_gpu = "gpus" in facts or bool(device and "cpu" not in device.lower())
    if on_gpu or not cores.isdecimal() or not jobs.isdecimal():
        return 1
    return max(1, int(cores) // max(1, int(jobs)))


def _named(record: RunRecord, settings: Settings, *, threads: int | None = None) -> str:
    """Returns the key of a record's trial with these settings, and with these threads if given."""
    own = threads_of(record.environment) if threads is None else threads
    return trial_key(record.entry, settings, seed=record.seed, data=record.data, threads=own)


def with_threads(record: RunRecord) -> RunRecord:
    """Returns a record from before threads were a setting under the key that it has today.

    One that was named by another rule than the one of its time keeps its key.
    """
    if record.final and record.key == _named(record, record.settings, threads=1):
        return replace(record, key=_named(record, record.settings))
    return record


def present_keys(
    records: Iterable[RunRecord], planned: Collection[str], identify: Identify
) -> dict[str, str]:
    """Returns for stored keys the key of the planned trial that the record is of.

    That is its own key, or the one that today's rule gives to its facts. Of several records of one
    trial a completed one counts before one that failed, then the one with the trial's own key, then
    the oldest; the others keep the names that they have.

    Args:
        records: All records, oldest first.
        planned: Keys of the planned trials.
        identify: The entry's ``identity``.
    """
    claims: dict[str, RunRecord] = {}
    for record in records:
        key = _planned_key(record, planned, identify)
        if key is None:
            continue
        if key not in claims or _rank(record, key) > _rank(claims[key], key):
            claims[key] = record
    return {record.key: key for key, record in claims.items()}


def _planned_key(record: RunRecord, planned: Collection[str], identify: Identify) -> str | None:
    if record.key in planned:
        return record.key
    for settings in (record.settings, identified(record.settings, identify)):
        if (key := _named(record, settings)) in planned:
            return key
    return None


def identified(settings: Settings, identify: Identify) -> Settings:
    """Returns what counts of recorded settings; all of them where today's code cannot say."""
    try:
        return identify(settings)
    except StudyError:
        return settings


def _rank(record: RunRecord, key: str) -> tuple[bool, bool]:
    return record.completed, record.key == key


def other_threads(
    records: Iterable[RunRecord], wanted: Collection[str], *, threads: int, identify: Identify
) -> dict[int, int]:
    """Counts the records that would be of wanted trials, had these other threads.

    Args:
        records: All records.
        wanted: Keys of trials that have no record.
        threads: How many these trials are to have.
        identify: The entry's ``identity``.

    Returns:
        For each other number of threads, how many of the wanted trials are recorded with it.
    """
    found, names = dict[int, set[str]](), frozenset(wanted)
    for record in records:
        own = threads_of(record.environment)
        if own != threads and record.completed:
            counted = (record.settings, identified(record.settings, identify))
            keys = {_named(record, settings, threads=threads) for settings in counted}
            found.setdefault(own, set()).update(keys & names)
    return {number: len(keys) for number, keys in sorted(found.items()) if keys}
