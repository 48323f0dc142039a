"""The present compared with the past, and the past over commits: frozen numbers without text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ablations.core.design import Arm
from ablations.core.estimates import Interval, Verdict
from ablations.core.metrics import MetricInfo

HORIZON = 200
"""For how many commits the level holds at which a history calls something a change."""


@dataclass(frozen=True, slots=True)
class PastArm:
    """What an earlier state of the study measured of one arm: values by metric and seed.

    ``untrained`` are the seeds whose network did not train, as far as its records show it.
    """

    arm: Arm
    values: Mapping[str, Mapping[int, float]]
    untrained: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier state of the study, to compare the present one with.

    ``source`` says where it comes from. ``data`` are the fingerprints of its data, ``environments``
    the distinct environments of its records, ``started`` when its trials began (ISO 8601),
    ``metrics`` what is known of their metrics by name.
    """

    source: str
    arms: tuple[PastArm, ...]
    data: tuple[str, ...]
    environments: tuple[Mapping[str, str], ...]
    started: tuple[str, ...] = ()
    metrics: Mapping[str, MetricInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSincePast:
    """One metric of one arm, now against then.

    ``change`` is the difference of means (now - then) or, where ``is_ratio``, the quotient of
    geometric means (now / then), for speeds. ``interval`` is adjusted for all ``family_size`` of
    them and decides the verdict against ``margin``, which is a difference or a quotient alike.
    ``paired`` says whether equal seeds on equal data were compared; ``alike`` that all their
    results agree up to rounding. ``apart`` marks speeds that were not measured in turn, so that the
    interval is widened by what a machine may drift.
    """

    arm: Arm
    metric: MetricInfo
    is_ratio: bool
    n: int
    n_past: int
    mean: float | None
    past_mean: float | None
    change: float | None
    interval: Interval | None
    margin: float
    paired: bool
    alike: bool
    family_size: int
    verdict: Verdict
    apart: bool = False


@dataclass(frozen=True, slots=True)
class ComparisonWithPast:
    """The changes of all arms since the past, and what was not compared.

    ``machines`` holds the facts of the present and the past machine where they differ, so that
    speeds were not compared. ``added`` and ``gone`` are the arms that only one side has.
    """

    past: Past
    changes: tuple[ChangeSincePast, ...]
    machines: tuple[tuple[str, ...], tuple[str, ...]] | None
    added: tuple[Arm, ...]
    gone: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How often the gate against the past errs, by comparing halves of a study's own seeds.

    ``false_alarms`` is the share of ``splits`` random halvings, of the ``n_seeds`` that the arms
    share, in which some arm was called improved or regressed, though nothing had changed. ``found``
    says how often one arm that was made worse by each of ``planted`` was called regressed.
    """

    splits: int
    false_alarms: float
    interval: Interval
    planted: tuple[float, ...]
    found: tuple[float, ...]
    n_seeds: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its full name, and the date when it was committed, ISO 8601 in UTC."""

    name: str
    date: str


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of one metric of one arm that lasted, or did until it ``vanished``.

    It came with ``commit`` by the best fit, with 95% confidence after ``after`` and not later than
    ``latest``, and was ``found`` when that commit was added. ``change`` is a difference, or
    a quotient of speeds. ``interval`` has the level of a false alarm in the whole history.
    """

    commit: Commit
    after: Commit
    latest: Commit
    found: Commit
    change: float
    interval: Interval
    verdict: Verdict
    vanished: Commit | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """What one commit measured: the mean over ``n`` seeds, ``None`` without any.

    ``interval`` is the 95% interval of the mean (Student t over seeds). There is none below two
    seeds, and none of speeds, whose seeds share a day of the machine.
    """

    commit: Commit
    mean: float | None
    n: int
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One metric of one arm over commits, and the newest of them against those before.

    ``levels`` are of all commits, ``changes`` those that were found, in their order. The newest
    commit is compared with the ``n_before`` different states since the last change, whose values
    spread by ``sd`` around those of their seeds (logarithms of speeds). ``same`` says that all its
    results are those of the commit before, to the last bit. ``change`` and ``margin`` are
    quotients where ``is_ratio``. ``untrained`` counts the newest commit's networks that did not
    train, which no mean includes.
    """

    arm: Arm
    metric: MetricInfo
    is_ratio: bool
    levels: tuple[Level, ...]
    changes: tuple[PastChange, ...]
    n_before: int
    before: float | None
    sd: float | None
    change: float | None
    interval: Interval | None
    margin: float
    same: bool
    untrained: int
    verdict: Verdict

    @property
    def alarm(self) -> PastChange | None:
        """The change that the newest commit has brought to light, if it did."""
        newest = self.levels[-1].commit
        return self.changes[-1] if self.changes and self.changes[-1].found == newest else None


@dataclass(frozen=True, slots=True)
class History:
    """A study over its commits, as the newest one sees it.

    ``n_other_data`` counts commits that were measured on other data, and ``n_other_machines``
    those measured on other machines, whose speeds were not compared. The newest commit was measured
    on ``n_machines``. ``missing`` counts the trials of which the commit before has the metric and
    the newest one has not; ``gone`` are arms of any commit before that it lacks.
    """

    study: str
    commits: tuple[Commit, ...]
    series: tuple[SeriesFinding, ...]
    n_other_data: int
    n_other_machines: int
    n_machines: int
    missing: int
    gone: tuple[Arm, ...] = ()


@dataclass(frozen=True, slots=True)
class AllFailed:
    """The ``n`` trials of a commit, of which none has completed; ``message`` is of the first."""

    commit: Commit
    n: int
    message: str


CommitVerdict = Literal["good", "bad", "undecided", "skipped"]
BisectionEnding = Literal["found", "left", "same", "no-regression", "untrainable"]


@dataclass(frozen=True, slots=True)
class ArmChange:
    """The study's metric of one arm at two commits, over ``n`` seeds that both have.

    ``change`` is later minus earlier. ``interval`` has the level of a false verdict in the whole
    bisection, over all looks at more and more seeds. ``untrained`` counts the networks that did not
    train, before and after.
    """

    arm: Arm
    n: int
    before: float
    after: float
    change: float
    interval: Interval | None
    untrained: tuple[int, int]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TriedCommit:
    """A commit at which arms were trained, by its place on the path, and what it was called.

    ``seeds`` are how many of an arm it took. ``same``: because its results are those of a good or
    bad commit to the last bit.
    """

    place: int
    verdict: CommitVerdict
    seeds: int
    same: bool = False


@dataclass(frozen=True, slots=True)
class Bisected:
    """What a bisection has found on a path of commits, of which 0 is good and the last one bad.

    ``found``: the arms of ``changes`` regressed with the commit at ``bad``, whose parent on the
    path is at ``good``. ``left``: with one of those after ``good``, up to ``bad``. Else the two
    ends have the same results to the last bit (``same``), or no arm is shown to have regressed
    between them (``no-regression``); or the end at ``bad`` could not be trained (``untrainable``).
    """

    ending: BisectionEnding
    good: int
    bad: int
    changes: tuple[ArmChange, ...] = ()
    tried: tuple[TriedCommit, ...] = ()
