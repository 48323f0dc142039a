"""From the findings of several studies to what they say together, where they can be combined."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, starmap

import numpy as np

from ablations.analyze.compare.comparable import SPEED_UNITS
from ablations.analyze.compare.members import (
    data_and_seeds,
    factors_of,
    groups,
    member,
    require_findings,
    require_one_metric,
    weights_of,
)
from ablations.analyze.compare.pooling import pool, weighted
from ablations.analyze.describe.networks import over_trained
from ablations.analyze.inference.effects import unadjusted_effect
from ablations.analyze.inference.intervals import LEVEL, Estimate, summarize
from ablations.core.design import Arm, Change
from ablations.core.estimates import Effect, Summary
from ablations.core.findings import Findings
from ablations.core.record import MACHINE
from ablations.core.several import (
    LeftOut,
    Pooled,
    PooledEffect,
    StudyEffect,
    Synthesis,
    Unlike,
)
from ablations.errors import StudyError

Key = tuple[bool, frozenset[Change], frozenset[tuple[str, str]]]
"""What makes effects of two studies the same one: the kind, what is changed, what is held."""

_KINDS = ("main", "interaction", "simple")


def synthesize(found: Iterable[Findings] | Mapping[str, Findings]) -> Synthesis:
    """Returns what several studies say together.

    Args:
        found: What each study found; names, as `compare` takes them, are left out.

    Raises:
        StudyError: if they cannot be combined: they measure other things, count the same records
            twice, or one of them shares no effect with another.
    """
    found = [*found.values()] if isinstance(found, Mapping) else [*found]
    require_findings(found, "Write ablations.synthesize([findings_a, findings_b])")
    _require_several(found)
    named = {own.study.report_name: own for own in found}
    require_one_metric(named)
    _require_records_once(found)
    pooled = tuple(_pooled_effects(found))
    _require_parts(found, pooled)
    return Synthesis(
        metric=found[0].metric,
        studies=tuple(starmap(member, named.items())),
        effects=tuple(effect for effect in pooled if effect.kind != "simple"),
        simple_effects=tuple(effect for effect in pooled if effect.kind == "simple"),
        same_data=groups(named, lambda own: set(own.data)),
        same_seeds=groups(named, data_and_seeds),
        unlike=tuple(_unlike(found)),
        left_out=tuple(_left_out(found, pooled)),
        n_machines=_n_machines(found) if found[0].metric.unit in SPEED_UNITS else 1,
    )


def _n_machines(found: Sequence[Findings]) -> int:
    """Counts the kinds of machines by their facts, an unknown one as one of its own."""
    every = (facts for own in found for facts, _ in own.environments)
    return len({tuple(facts.get(name) for name in MACHINE) for facts in every})


def _require_several(found: Sequence[Findings]) -> None:
    names = [own.study.report_name for own in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if len(found) < 2 or twice:
        raise StudyError(
            "a synthesis needs at least two studies, each named once",
            received=f"{twice[0]} twice" if twice else ", ".join(names) or "none",
            cure="Name two or more studies, each once"
            + ("; where two files have one name, rename one" if twice else ""),
        )


def _require_records_once(found: Sequence[Findings]) -> None:
    """Raises `StudyError` where two studies hold the same trials."""
    for one, other in combinations(found, 2):
        keys = [{trial.key for trial in own.trials} for own in (one, other)]
        if same := keys[0] & keys[1]:
            names = f"{one.study.report_name} and {other.study.report_name}"
            raise StudyError(
                "the same records would count twice",
                received=f"{len(same)} trials that both {names} have",
                cure=f"Leave out {other.study.report_name} or {one.study.report_name}",
            )


def _require_parts(found: Sequence[Findings], pooled: Sequence[PooledEffect]) -> None:
    """Raises `StudyError` where a study would count in the title of a page, and in no mean."""
    if not pooled:
        raise StudyError(
            "no two studies have an effect in common whose standard error is known",
            received="; ".join(map(_factors, found)),
            cure="Name studies with a factor of the same name whose levels and baseline have the "
            "same names, each with two seeds or more that differ",
        )
    parts = {own.study for effect in pooled for own in effect.studies}
    idle = [own for own in found if own.study.report_name not in parts]
    if idle:
        names = ", ".join(own.study.report_name for own in idle)
        raise StudyError(
            f"no effect of {names} is one that another study has, with a known standard error",
            received="; ".join(map(_factors, found)),
            cure=f"Leave out {names}: combined are effects between levels of the same names, "
            "without aliases, over two seeds or more that differ",
        )


def _factors(own: Findings) -> str:
    """Names a study, its factors, and how many of its seeds completed."""
    found = member(own.study.report_name, own)
    seeds = len(found.seeds)
    return f"{found.name}: {factors_of(own)}, {seeds} seed{'' if seeds == 1 else 's'}"


def _pooled_effects(found: Sequence[Findings]) -> Iterator[PooledEffect]:
    """Yields each effect that two studies or more have, in the order of the studies."""
    every = {own.study.report_name: _effects(own, trained=False) for own in found}
    trained = {own.study.report_name: _effects(own, trained=True) for own in found}
    for key in dict.fromkeys(key for effects in every.values() for key in effects):
        pooled = _pooled(key, every)
        if pooled is not None:
            names = [own.study for own in pooled.studies]
            differs = any(trained[name][key].per_seed != every[name][key].per_seed
                          for name in names)  # fmt: skip
            reading = _pooled(key, trained) if differs else None
            yield replace(pooled, has_lost=differs, trained=reading)


def _effects(own: Findings, *, trained: bool) -> dict[Key, Effect]:
    """Returns a study's effects: all of them, whether or not its report shows them.

    A report shows simple effects only where factors depend on each other. To pool those that are
    shown would select studies by their results.
    """
    summaries, design = _summaries(own, trained=trained), own.study.design
    effects: dict[Key, Effect] = {}
    for contrast in (*design.contrasts, *design.simple_contrasts):
        if contrast.kind in _KINDS and not contrast.aliases:
            effect = unadjusted_effect(own.study, contrast, own.metric, summaries=summaries)
            effects.setdefault(_key(effect), effect)
    return effects


def _summaries(own: Findings, *, trained: bool) -> Mapping[Arm, Summary]:
    name = own.metric.name
    every = {a.arm: a.summaries.get(name, summarize(own.metric, ())) for a in own.arms}
    return (over_trained(own.arms, every) or every) if trained else every


def _key(effect: Effect | PooledEffect) -> Key:
    return effect.kind == "interaction", frozenset(effect.changes), frozenset(effect.given)


def _pooled(key: Key, effects: Mapping[str, Mapping[Key, Effect]]) -> PooledEffect | None:
    """Returns the effect over the studies that know its standard error, if they are two or more."""
    having = {name: own[key] for name, own in effects.items() if key in own}
    known = [one for name, own in having.items() if (one := _study_effect(name, own))]
    if len(known) < 2:
        return None
    first, kinds = having[known[0].study], [having[own.study].kind for own in known]
    return PooledEffect(
        kind=next((kind for kind in kinds if kind != "simple"), first.kind),
        changes=first.changes,
        given=first.given,
        studies=tuple(known),
        pooled=_pool(known),
        weighted=weighted(_estimates(known), _variances(known)),
        without=_leave_one_out(known),
        same_arms=all(weights_of(having[o.study]) == weights_of(first) for o in known),
    )


def _study_effect(name: str, effect: Effect) -> StudyEffect | None:
    """Returns a study's effect with its standard error; ``None`` where that is unknown."""
    if effect.estimate is None or not effect.sd or not math.isfinite(effect.sd):
        return None
    over_seeds = Estimate(effect.n, effect.estimate, effect.sd)
    interval = over_seeds.interval(level=LEVEL, method="Student t over seeds")
    assert interval is not None  # noqa: S101 - its spread is known
    error = effect.sd / math.sqrt(effect.n)
    return StudyEffect(name, effect.estimate, error, effect.n - 1, interval, effect.per_seed)


def _leave_one_out(known: Sequence[StudyEffect]) -> tuple[tuple[str, Pooled], ...]:
    if len(known) < 3:
        return ()
    return tuple((own.study, _pool([o for o in known if o is not own])) for own in known)


def _pool(known: Sequence[StudyEffect]) -> Pooled:
    return pool(_estimates(known), _variances(known), np.array([own.df for own in known], float))


def _estimates(known: Sequence[StudyEffect]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([own.estimate for own in known], float)


def _variances(known: Sequence[StudyEffect]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([own.standard_error**2 for own in known], float)


def _left_out(found: Sequence[Findings], pooled: Sequence[PooledEffect]) -> Iterator[LeftOut]:
    """Yields each main effect and interaction that no mean holds, with the reason."""
    parts = {(own.study, _key(effect)) for effect in pooled for own in effect.studies}
    for own in found:
        name, summaries = own.study.report_name, _summaries(own, trained=False)
        for contrast in own.study.design.contrasts:
            effect = unadjusted_effect(own.study, contrast, own.metric, summaries=summaries)
            if contrast.kind in _KINDS and (name, _key(effect)) not in parts:
                known = _study_effect(name, effect) is not None
                yield LeftOut(
                    name,
                    effect.kind,
                    effect.changes,
                    effect.given,
                    "aliased" if contrast.aliases else "alone" if known else "unknown",
                )


def _unlike(found: Sequence[Findings]) -> Iterator[Unlike]:
    """Yields the levels of shared factors that set something else in some of the studies."""
    settings: dict[tuple[str, str], dict[str, Mapping[str, object]]] = {}
    for own in found:
        for factor in own.study.factors:
            for level in factor.levels:
                named = settings.setdefault((factor.name, level.name), {})
                named[own.study.report_name] = level.settings
    for (factor_name, level_name), by_study in settings.items():
        first = next(iter(by_study.values()))
        if any(own != first for own in by_study.values()):
            yield Unlike(factor_name, level_name, by_study)
