"""Several studies, or states of one, side by side: each compared with the first.

Arms are compared as a gate compares them with the past, `regression`. Effects are compared by the
difference of the two: in pairs where both have the same seeds and data, else as independent samples
(Welch 1947).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import starmap
from math import sqrt

from ablations.analyze.compare.comparable import SAME
from ablations.analyze.compare.differing import differs, environments, setting_differences
from ablations.analyze.compare.members import (
    factors_of,
    groups,
    member,
    require_findings,
    require_one_metric,
    weights_of,
)
from ablations.analyze.compare.regression import compare_with_past, in_pairs, welch
from ablations.analyze.inference.effects import ALPHA, judge
from ablations.analyze.inference.intervals import estimate
from ablations.analyze.inference.resolution import of_contrast
from ablations.core.design import Arm
from ablations.core.estimates import Effect
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import Step
from ablations.core.past import ComparisonWithPast, Past, PastArm
from ablations.core.record import MACHINE
from ablations.core.several import (
    ComparedArm,
    ComparedEffect,
    DifferenceVerdict,
    EffectDifference,
    SideBySide,
)
from ablations.errors import StudyError

_VERDICTS: Mapping[str, DifferenceVerdict] = {
    "improved": "differs",
    "regressed": "differs",
    "equivalent": "equivalent",
    "inconclusive": "inconclusive",
}
Key = tuple[object, ...]


def compare(found: Mapping[str, Findings]) -> SideBySide:
    """Returns studies, or states of one study, side by side, each compared with the first.

    Args:
        found: What each found, by a name that tells it from the others.

    Raises:
        StudyError: if they are fewer than two, measure different things, or one of them shares
            neither an effect nor an arm with the first.
    """
    named = isinstance(found, Mapping) and all(isinstance(name, str) for name in found)
    cure = 'Write ablations.compare({"a": findings_a, "b": findings_b})'
    require_findings(found.values() if named else [found], cure)
    _require_several(found)
    require_one_metric(found)
    (_, first), *others = found.items()
    pasts = {name: _against(first, own, pasts=len(others)) for name, own in others}
    effects, arms = tuple(_effects(found, pasts)), tuple(_arms(found, pasts))
    _require_shared(found, (*effects, *arms))
    (settings, n_settings), facts = setting_differences(found), environments(found)
    return SideBySide(
        metric=first.metric,
        margin=first.study.smallest_effect_that_matters,
        members=tuple(starmap(member, found.items())),
        effects=effects,
        arms=arms,
        settings=settings,
        n_equal_settings=n_settings,
        environment=tuple(filter(differs, facts)),
        n_equal_facts=len(facts) - sum(map(differs, facts)),
        machine=tuple(fact for fact in facts if fact.name in MACHINE),
        alone=_alone(found, {_levels(item.arm) for item in arms}),
        lone_effects=_lone_effects(found, effects),
        one_machine=tuple(n for n, past in pasts.items() if past and not past.machines),
        same_data=groups(found, lambda own: set(own.data)),
    )


def _require_several(found: Mapping[str, Findings]) -> None:
    if len(found) < 2:
        raise StudyError(
            "a comparison needs at least two studies, or two states of one",
            received=", ".join(found) or "none",
            cure="Name two or more: study files, built-in studies, or records of another state",
        )


def _require_shared(
    found: Mapping[str, Findings], items: Collection[ComparedEffect | ComparedArm]
) -> None:
    """Raises `StudyError` where one shares nothing with the first."""
    first, *others = found
    for name in others:
        if not any(name in item.found for item in items):
            both = {first: found[first], name: found[name]}
            raise StudyError(
                f"{first} and {name} have neither an effect nor a trained arm in common",
                received="; ".join(f"{one}: {factors_of(own)}" for one, own in both.items()),
                cure="Compare studies with a factor of the same name, whose levels have the same "
                "names",
            )


def _levels(arm: Arm) -> frozenset[tuple[str, str]]:
    return frozenset(arm.levels)


def _measured(own: Findings) -> dict[frozenset[tuple[str, str]], ArmFinding]:
    """Returns the arms that have a value of the metric, by their levels in any order."""
    return {_levels(arm.arm): arm for arm in own.arms if arm.mean(own.metric.name) is not None}


def _alone(
    found: Mapping[str, Findings], shared: Collection[frozenset[tuple[str, str]]]
) -> dict[str, tuple[Arm, ...]]:
    """Returns the trained arms of each that take part in no comparison."""
    return {
        name: tuple(arm.arm for key, arm in _measured(own).items() if key not in shared)
        for name, own in found.items()
    }


def _lone_effects(
    found: Mapping[str, Findings], effects: tuple[ComparedEffect, ...]
) -> tuple[tuple[str, Effect], ...]:
    """Returns the effects of each that take part in no comparison."""
    shared = {key for item in effects for key in map(_key, item.found.values())}
    every = ((name, effect) for name, own in found.items() for effect in own.effects)
    return tuple((name, effect) for name, effect in every if _key(effect) not in shared)


def _against(first: Findings, own: Findings, *, pasts: int) -> ComparisonWithPast | None:
    """Compares the arms of one with those of the first; ``None`` where they share none."""
    ours, theirs = _measured(own), _measured(first)
    shared = [key for key in theirs if key in ours]
    if not shared:
        return None
    margins = replace(
        own.study,
        smallest_effect_that_matters=first.study.smallest_effect_that_matters,
        smallest_ratio_that_matters=first.study.smallest_ratio_that_matters,
    )
    now = replace(own, study=margins, arms=tuple(ours[key] for key in shared))
    past = Past(
        first.study.report_name,
        tuple(_past_arm(theirs[key], ours[key].arm) for key in shared),
        first.data,
        tuple(facts for facts, _ in first.environments),
        first.started,
        {info.name: info for info in first.metrics},
    )
    return compare_with_past(now, past, despite=SAME, pasts=pasts, whole_trials=False)


def _past_arm(finding: ArmFinding, arm: Arm) -> PastArm:
    values = {name: dict(summary.values) for name, summary in finding.summaries.items()}
    return PastArm(arm, values, finding.untrained)


def _arms(
    found: Mapping[str, Findings], pasts: Mapping[str, ComparisonWithPast | None]
) -> Iterator[ComparedArm]:
    """Yields the arms that the first one shares with any other, in the order of the first."""
    measured = {name: _measured(own) for name, own in found.items()}
    first = next(iter(found))
    for key, finding in measured[first].items():
        own = {name: arms[key] for name, arms in measured.items() if key in arms}
        if len(own) > 1:
            changes = [
                (name, change)
                for name, past in pasts.items()
                for change in (past.changes if past else ())
                if _levels(change.arm) == key
            ]
            differences = tuple(pair for pair in changes if not pair[1].is_ratio)
            speeds = tuple(pair for pair in changes if pair[1].is_ratio)
            yield ComparedArm(finding.arm, own, differences, speeds)


def _key(effect: Effect) -> Key:
    """What makes effects of two studies the same one; the order of factors does not."""
    changes, given = frozenset(effect.changes), frozenset(effect.given)
    return effect.kind, changes, given, frozenset(effect.aliases)


def _effects(
    found: Mapping[str, Findings], pasts: Mapping[str, ComparisonWithPast | None]
) -> Iterator[ComparedEffect]:
    """Yields the effects that the first one shares with any other, in the order of the first."""
    known = {
        name: {_key(e): e for e in own.effects if e.estimate is not None}
        for name, own in found.items()
    }
    (first, effects), *others = known.items()
    family = sum(key in own for key in effects for _, own in others)
    for key, then in effects.items():
        having = {name: own[key] for name, own in others if key in own}
        if having:
            yield ComparedEffect(
                then.kind,
                then.changes,
                then.given,
                {first: then, **having},
                tuple(
                    (name, _difference(name, (now, then), found, past=pasts[name], family=family))
                    for name, now in having.items()
                ),
                same_arms=all(weights_of(now) == weights_of(then) for now in having.values()),
            )


def _difference(
    name: str,
    pair: tuple[Effect, Effect],
    found: Mapping[str, Findings],
    *,
    past: ComparisonWithPast | None,
    family: int,
) -> EffectDifference:
    """Returns the difference of two effects, with the verdict of both readings if they agree."""
    first, (now, then) = next(iter(found.values())), pair
    same_data = set(found[name].data) == set(first.data)
    changes = past.changes if past else ()
    alike = {change.arm for change in changes if change.alike and not change.is_ratio}
    every = EffectDifference(
        now.n, then.n, None, None,
        margin=first.study.smallest_effect_that_matters,
        paired=False,
        alike=all(arm in alike for arm, _ in now.weights),
        family_size=family,
        verdict="inconclusive",
    )  # fmt: skip
    shown = _judged(every, pair, same_data=same_data)
    if shown.alike or not (now.trained or then.trained):
        return shown
    trained = _judged(every, (now.trained or now, then.trained or then), same_data=same_data)
    same_side = shown.verdict != "differs" or _up(shown) == _up(trained)
    agree = shown.verdict == trained.verdict and same_side
    return replace(shown, trained=trained, verdict=shown.verdict if agree else "inconclusive")


def _up(found: EffectDifference) -> bool:
    return (found.change or 0.0) > 0


def _judged(
    found: EffectDifference, pair: tuple[Effect, Effect], *, same_data: bool
) -> EffectDifference:
    """Adds the difference, its interval and its verdict."""
    if found.alike:
        return replace(found, change=0.0, paired=True, verdict="equivalent")
    own, other = (dict(effect.per_seed) for effect in pair)
    now, then, paired = in_pairs(own, other) if same_data else (own, other, False)
    step, alpha = _step(pair), ALPHA / found.family_size
    if paired:
        over_seeds = estimate([now[seed] - then[seed] for seed in now])
        floored = over_seeds.floored(step and step.times(sqrt(2)))
        change = floored.mean
        interval = floored.interval(level=1 - alpha, method="paired Student t, Bonferroni")
    else:
        change, interval = welch([*now.values()], [*then.values()], alpha=alpha, step=step)
    verdict = _VERDICTS[judge(interval, margin=found.margin, better="higher")]
    return replace(
        found, n=len(now), n_past=len(then), change=change, interval=interval, paired=paired,
        verdict=verdict,
    )  # fmt: skip


def _step(pair: tuple[Effect, Effect]) -> Step | None:
    """Returns the least standard deviation of an effect over seeds, by the coarser of both."""
    steps = [of_contrast(effect.metric.step, effect.weights) for effect in pair]
    known = [step for step in steps if step]
    if len(known) < len(steps):
        return None
    return Step(max(step.size for step in known), known=all(step.known for step in known))
