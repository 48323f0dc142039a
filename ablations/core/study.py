"""What a study is: frozen values that every stage shares.

A study changes *factors*, each through two or more *levels*; one level per factor is an *arm*; an
arm trained with one seed is a *trial*. Nothing here reads files or imports a framework.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import numpy as np

from ablations.core.design import Adaptive, Arm, Design, Factor, Resources, Settings, without_nested
from ablations.core.metrics import TEST_ACCURACY, Better, Unit

Judge = Literal["lower", "mean", "every-seed"]
Take = Literal["last", "max", "min"]

PURPOSES = ("split", "order", "initialization", "augmentation", "dropout")
"""The independent random streams of a seed. Append only: a stream is found by its position."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that turns a metric of the matching arms into an exit code.

    ``judge`` says what must reach the threshold: the near bound of the 95% interval (``lower``; for
    ``at_most`` the upper bound), the ``mean`` over seeds, or ``every-seed``.
    """

    metric: str
    where: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    judge: Judge = "lower"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the report about the arms that ``where`` matches, one after the other."""

    title: str
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """What a published text reports of one run of the arm that ``where`` matches.

    ``epochs`` holds its metrics from the first epoch to the last, ``step_seconds`` the time of a
    step in each epoch; ``test_accuracy`` is ``None`` where the text gives none. ``settings`` are
    those that the run was made with, as far as they are known.
    """

    source: str
    where: Mapping[str, str]
    epochs: Mapping[str, tuple[float, ...]]
    step_seconds: tuple[float, ...] = ()
    test_accuracy: float | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A gain that a published text ascribes to one change: ``after`` against ``before``.

    ``given`` are the levels that the other factors had in both runs.
    """

    factor: str
    level: str
    before: PublishedRun
    after: PublishedRun
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedMetric:
    """One number of each trial, made of what another tool recorded under the name ``of``.

    ``take`` says which of a run's values counts: that of the last step, or the largest or smallest.
    One that was recorded in ``percent`` becomes a fraction.
    """

    name: str
    of: str
    unit: Unit = "number"
    better: Better = "neither"
    take: Take = "last"
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """Which runs of another tool are the trials of a study.

    ``seed`` is the parameter that holds the seed; where it is empty, the runs of each arm are
    numbered by their start. ``epochs`` has for each metric of epochs what the tool calls it.
    ``names`` is a regular expression whose groups are further parameters, found in a run's name.
    ``ignore`` lists parameters that may vary all the same, ``exclude`` runs that do not count.
    """

    seed: str
    metrics: tuple[ImportedMetric, ...]
    epochs: Mapping[str, str] = field(default_factory=dict)
    names: str = ""
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Shown:
    """What shows itself in a notebook, in the words of the report, which imports this module."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(import_module("ablations.report.showing").shown_html(self))

    def _repr_markdown_(self) -> str:
        return str(import_module("ablations.report.showing").shown_markdown(self))

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(self._repr_markdown_())  # in IPython without a notebook


@dataclass(frozen=True, slots=True)
class Study(Shown):
    """A set of trials that answers one question.

    ``design`` holds its arms and what is compared. ``source`` is what to write after ``ablations
    run`` to get this very study, and ``folder`` where its file lies, with modules beside it;
    ``file`` is that file, ``None`` for a built-in study. ``variant`` names the settings that were
    overridden, if any. ``published`` and ``claims`` hold what a published text reports, to be
    compared with the records. With ``adaptive`` not all of ``seeds`` need be trained.
    ``smallest_ratio_that_matters`` is for speeds against the past. ``threads`` is how many each
    trial computes with, whatever runs beside it. ``resources`` are what a cluster keeps free for a
    trial of each arm. ``in_python``: made without a file, so that no command can name it.
    ``imported`` is where the trials were recorded by another tool.
    """

    slug: str
    title: str
    question: str
    entry: str
    settings: Settings
    factors: tuple[Factor, ...]
    design: Design
    seeds: tuple[int, ...]
    gates: tuple[Gate, ...] = ()
    metric: str = TEST_ACCURACY
    smallest_effect_that_matters: float = 0.0
    smallest_ratio_that_matters: float = 1.05
    adaptive: Adaptive | None = None
    target_accuracy: float | None = None
    timeout_seconds: float | None = None
    memory_gib: float | None = None
    threads: int = 1
    resources: Mapping[Arm, Resources] = field(default_factory=dict)
    source: str = ""
    folder: str | None = None
    file: str | None = None
    variant: str = ""
    chapters: tuple[Chapter, ...] = ()
    published: tuple[PublishedRun, ...] = ()
    claims: tuple[Claim, ...] = ()
    in_python: bool = False
    imported: Import | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are trained, in their order of reading."""
        return self.design.arms

    @property
    def baseline(self) -> Arm:
        """The baseline level of every factor."""
        return self.design.baseline

    @property
    def reference(self) -> Arm:
        """The trained arm that the others are compared with."""
        return self.design.reference

    @property
    def report_name(self) -> str:
        """The folder of the report: with overridden settings, another than that of the study."""
        return f"{self.slug}-with-{self.variant}" if self.variant else self.slug

    def factor(self, name: str) -> Factor:
        """Returns the factor called ``name``; raises ``KeyError`` if there is none."""
        return {factor.name: factor for factor in self.factors}[name]

    def claimed_arms(self, claim: Claim) -> tuple[Arm, Arm]:
        """Returns the arms that a claim's two runs stand for, before and after the change."""
        before = {**dict(self.baseline.levels), **claim.given}
        return self.arm_at(before), self.arm_at(before | {claim.factor: claim.level})

    def arm_at(self, levels: Mapping[str, str]) -> Arm:
        """Returns the arm of these levels, of which those are left out that do not exist there."""
        ordered = {factor.name: levels[factor.name] for factor in self.factors}
        return without_nested(ordered, self.design.nestings)

    def level_names(self, arm: Arm, absent: str) -> tuple[str, ...]:
        """Returns an arm's level of each factor, and ``absent`` for those that it lacks."""
        own = dict(arm.levels)
        return tuple(own.get(factor.name, absent) for factor in self.factors)

    @property
    def from_full(self) -> bool:
        """Whether arms are compared with the full recipe instead of the baseline."""
        return self.reference != self.arm_at(dict(self.baseline.levels))

    def arm_settings(self, arm: Arm) -> dict[str, Any]:
        """Returns the shared settings overlaid with those of the arm's levels."""
        merged = dict(self.settings)
        for factor, level in arm.levels:
            merged.update(self.factor(factor).level(level).settings)
        return merged

    def arm_resources(self, arm: Arm) -> Resources:
        """Returns what a cluster keeps free for a trial of an arm; by default its threads."""
        return self.resources.get(arm) or Resources(self.threads, memory_gib=self.memory_gib)


@dataclass(frozen=True, slots=True)
class Trial:
    """One arm trained once with one seed: all that a training function receives.

    ``data`` is the fingerprint of the data set. ``data_dir`` and ``folder`` say where the data and
    the study's own modules lie on this machine and are not part of the trial's identity.
    ``threads`` is how many it computes with: sums that are split otherwise are rounded otherwise.
    ``identity`` holds those of the settings that decide what is computed; ``None`` says all.
    """

    study: str
    entry: str
    arm: Arm
    seed: int
    settings: Settings
    data: str = ""
    data_dir: str | None = None
    folder: str | None = None
    threads: int = 1
    identity: Settings | None = None
    _key: str = field(default="", init=False, repr=False, compare=False)

    @property
    def key(self) -> str:
        """The trial's identity, see `trial_key`; it is computed once."""
        if not self._key:
            (key,) = trial_keys(self.entry, self.counted, [(self.seed, self.data)], self.threads)
            self._note_key(key)
        return self._key

    @property
    def counted(self) -> Settings:
        """Those of its settings that its identity rests on."""
        return self.settings if self.identity is None else self.identity

    def _note_key(self, key: str) -> None:
        object.__setattr__(self, "_key", key)  # the one value that follows from the others

    def rng(self, purpose: str) -> np.random.Generator:
        """Returns the seed's own random stream for one of ``PURPOSES``.

        Streams of one seed are independent of each other and equal in all arms, which pairs the
        arms (``numpy.random.SeedSequence`` with the purpose's position as spawn key).
        """
        return np.random.default_rng(stream(self.seed, purpose))


def trial_key(entry: str, settings: Settings, *, seed: int, data: str, threads: int = 1) -> str:
    """Returns a trial's identity: a hash of what decides its results, as 16 hex digits.

    The arm's name takes no part, so that renaming a factor keeps its records. One thread takes no
    part either, so that the keys of trials from before threads were a setting stay.

    Args:
        entry: The training function.
        settings: Those that decide what is computed.
        seed: The trial's seed.
        data: The fingerprint of the data.
        threads: How many the trial computes with.
    """
    (key,) = trial_keys(entry, settings, [(seed, data)], threads)
    return key


def trial_keys(
    entry: str, settings: Settings, blocks: Iterable[tuple[int, str]], threads: int = 1
) -> Iterator[str]:
    """Yields the `trial_key` of one arm with each of these seeds and data.

    What all have in common, which is the most of it, is written and hashed once.
    """
    head = hashlib.sha256(f"[{_text(entry)},{_text(settings)},".encode())
    end = f",{_text(threads)}]" if threads != 1 else "]"
    ends: dict[str, str] = {}
    for seed, data in blocks:
        if data not in ends:
            ends[data] = f",{_text(data)}{end}"
        found = head.copy()
        found.update(f"{seed}{ends[data]}".encode())
        yield found.hexdigest()[:16]


def name_trials(trials: Iterable[Trial]) -> None:
    """Computes the keys of many trials at once."""
    alike: dict[tuple[str, int, int], list[Trial]] = {}
    for trial in trials:  # settings that are one object need no comparison
        alike.setdefault((trial.entry, id(trial.counted), trial.threads), []).append(trial)
    for (entry, _, threads), own in alike.items():
        found = trial_keys(entry, own[0].counted, ((t.seed, t.data) for t in own), threads)
        for trial, key in zip(own, found, strict=True):
            trial._note_key(key)


_text = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def stream(seed: int, purpose: str) -> np.random.SeedSequence:
    """Returns the seed sequence of ``seed`` for one of ``PURPOSES``.

    Raises:
        ValueError: if ``purpose`` is none of them.

    Example:
        >>> stream(0, "split").spawn_key
        (0,)
    """
    if purpose not in PURPOSES:
        known = ", ".join(PURPOSES)
        raise ValueError(f"there is no random stream for '{purpose}'; there are {known}")
    return np.random.SeedSequence(seed, spawn_key=(PURPOSES.index(purpose),))


def one_per_arm(trials: Iterable[Trial]) -> list[Trial]:
    """Returns the first trial of each arm."""
    found: dict[Arm, Trial] = {}
    for trial in trials:
        found.setdefault(trial.arm, trial)
    return list(found.values())


def blocks(study: Study) -> Iterator[tuple[int, tuple[Arm, ...]]]:
    """Yields (seed, arms) with the arms of each seed in an order of their own.

    Blocks come one after another, so that a study which is stopped early is still balanced; the
    order inside a block is drawn from the seed, so that drift of the machine hits no arm by rule.
    """
    for seed in study.seeds:
        order = np.random.default_rng(np.random.SeedSequence([seed, len(study.arms)]))
        yield seed, tuple(study.arms[i] for i in order.permutation(len(study.arms)))
