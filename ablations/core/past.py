"""The present compared with the past: frozen numbers without text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ablations.core.design import Arm
from ablations.core.estimates import Interval, MetricInfo, Verdict


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
