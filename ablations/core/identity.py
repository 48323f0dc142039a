"""Which trial a record is of, by the rule of today and by the earlier ones.

A trial is named by what decides its results (`ablations.core.study.trial_key`). Two things have
joined that rule since records exist: the number of threads, and the entry's ``identity``, which
leaves out settings that an arm does not use. This module finds what a record of any age is called
today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ablations.core.design import Settings
from ablations.core.record import RunRecord
from ablations.core.study import trial_key
from ablations.errors import StudyError

Identify = Callable[[Settings], Settings]
"""The entry's ``identity``: those settings that decide what is computed."""


@dataclass(frozen=True, slots=True)
class Head:
    """What of a record names its trial; ``key`` is the one that it was stored under."""

    key: str
    entry: str
    settings: Settings
    seed: int
    data: str
    threads: int
    completed: bool

    @classmethod
    def of(cls, record: RunRecord) -> Head:
        """Takes a record's own facts."""
        return cls(
            key=record.key,
            entry=record.entry,
            settings=record.settings,
            seed=record.seed,
            data=record.data,
            threads=threads_of(record.environment),
            completed=record.completed,
        )

    def named(self, settings: Settings, *, threads: int | None = None) -> str:
        """Returns the key of its trial with these settings, and with these threads if given."""
        own = self.threads if threads is None else threads
        return trial_key(self.entry, settings, seed=self.seed, data=self.data, threads=own)


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


def key_with_threads(key: str, head: Head) -> str:
    """Returns the key that a record from before threads were a setting has today.

    One that was named by another rule than the one of its time keeps its key.
    """
    return head.named(head.settings) if key == head.named(head.settings, threads=1) else key


def with_threads(record: RunRecord) -> RunRecord:
    """Returns a record from before threads were a setting under the key that it has today."""
    if not record.final:
        return record
    return replace(record, key=key_with_threads(record.key, Head.of(record)))


def present_keys(
    heads: Iterable[Head], planned: Collection[str], identify: Identify
) -> dict[str, str]:
    """Returns for stored keys the key of the planned trial that the record is of.

    That is its own key, or the one that today's rule gives to its facts. Of several records of one
    trial a completed one counts before one that failed, then the one with the trial's own key, then
    the oldest; the others keep the names that they have.

    Args:
        heads: Of all records, oldest first.
        planned: Keys of the planned trials.
        identify: The entry's ``identity``.
    """
    claims: dict[str, Head] = {}
    for head in heads:
        key = _planned_key(head, planned, identify)
        if key is not None and (key not in claims or _rank(head, key) > _rank(claims[key], key)):
            claims[key] = head
    return {head.key: key for key, head in claims.items()}


def _planned_key(head: Head, planned: Collection[str], identify: Identify) -> str | None:
    if head.key in planned:
        return head.key
    for settings in (head.settings, identified(head.settings, identify)):
        if (key := head.named(settings)) in planned:
            return key
    return None


def identified(settings: Settings, identify: Identify) -> Settings:
    """Returns what counts of recorded settings; all of them where today's code cannot say."""
    try:
        return identify(settings)
    except StudyError:
        return settings


def _rank(head: Head, key: str) -> tuple[bool, bool]:
    return head.completed, head.key == key


def other_threads(
    heads: Iterable[Head], wanted: Collection[str], *, threads: int, identify: Identify
) -> dict[int, int]:
    """Counts the records that would be of wanted trials, had these other threads.

    Args:
        heads: Of all records.
        wanted: Keys of trials that have no record.
        threads: How many these trials are to have.
        identify: The entry's ``identity``.

    Returns:
        For each other number of threads, how many of the wanted trials are recorded with it.
    """
    found: dict[int, set[str]] = {}
    for head in heads:
        if head.threads != threads and head.completed:
            counted = (head.settings, identified(head.settings, identify))
            keys = {head.named(settings, threads=threads) for settings in counted}
            found.setdefault(head.threads, set()).update(keys & set(wanted))
    return {number: len(keys) for number, keys in sorted(found.items()) if keys}
