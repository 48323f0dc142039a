"""What differs in the settings and environments of several studies, and how much does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ablations.core.design import Arm, Settings
from ablations.core.findings import Findings
from ablations.core.several import Beside

Place = tuple[Arm, Sequence[Settings | None]]
"""An arm, or some of its levels, with its settings in each member; ``None`` where it lacks it."""

ALL_ARMS = Arm(())


def setting_differences(found: Mapping[str, Findings]) -> tuple[tuple[Beside, ...], int]:
    """Returns the settings that differ, and how many are the same wherever two members have them.

    Settings are those of the arms that members share by their levels. Where they share none, those
    that all arms of a member have, and those of the levels that members share.
    """
    every = list(found.values())
    places = _shared_arms(every) or [(ALL_ARMS, [*map(_common, every)]), *_shared_levels(every)]
    places = [(arm, own) for arm, own in places if sum(one is not None for one in own) > 1]
    names = dict.fromkeys(name for _, own in places for one in own if one for name in one)
    differing = [(name, _differing(name, places)) for name in names]
    facts = _study_facts(every)
    rows = [Beside(name, values) for name, values in facts.items() if not _equal(values)]
    rows += [row for _, own in differing for row in own]
    equal = sum(not own for _, own in differing) + sum(map(_equal, facts.values()))
    return tuple(rows), equal


def _study_facts(every: Sequence[Findings]) -> dict[str, tuple[Any, ...]]:
    """Returns what is set for a whole study, besides its settings."""
    return {
        "training function": tuple(own.study.entry for own in every),
        "seeds": tuple(list(own.study.seeds) for own in every),
        "smallest effect that matters": tuple(
            own.study.smallest_effect_that_matters for own in every
        ),
    }


def _shared_arms(every: Sequence[Findings]) -> list[Place]:
    """Returns each trained arm that two members have, in the order of the first that has it."""
    by_levels = [{frozenset(a.arm.levels): a for a in own.arms if a.n_completed} for own in every]
    keys = dict.fromkeys(key for own in by_levels for key in own)
    found = [(key, [own.get(key) for own in by_levels]) for key in keys]
    return [
        (next(arm.arm for arm in arms if arm), [arm.settings if arm else None for arm in arms])
        for _, arms in found
        if sum(arm is not None for arm in arms) > 1
    ]


def _common(own: Findings) -> Settings:
    """Returns the settings that all arms have alike."""
    first, *others = [arm.settings for arm in own.arms]
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def _shared_levels(every: Sequence[Findings]) -> list[Place]:
    """Returns the settings of each level, by its factor and name."""
    by_name = [
        {(f.name, level.name): level.settings for f in own.study.factors for level in f.levels}
        for own in every
    ]
    keys = dict.fromkeys(key for own in by_name for key in own)
    return [(Arm((key,)), [own.get(key) for own in by_name]) for key in keys]


def _differing(name: str, places: Sequence[Place]) -> list[Beside]:
    """Returns a setting's rows: one for all arms where it differs in each alike, else several."""
    rows: dict[str, tuple[tuple[Any, ...], list[Arm]]] = {}
    for arm, settings in places:
        values = tuple(None if own is None else own.get(name) for own in settings)
        if not _equal([own.get(name) for own in settings if own is not None]):
            rows.setdefault(_text(values), (values, []))[1].append(arm)
    return [
        Beside(name, values, () if len(arms) == len(places) else tuple(arms))
        for values, arms in rows.values()
    ]


def _equal(values: Sequence[Any]) -> bool:
    return len({_text(value) for value in values}) < 2


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def environments(found: Mapping[str, Findings]) -> tuple[Beside, ...]:
    """Returns the facts of the environments, each with all values that a member has."""
    sides = [_facts(own) for own in found.values()]
    names = dict.fromkeys(name for own in sides for name in own)
    return tuple(Beside(name, tuple(own.get(name) for own in sides)) for name in names)


def differs(row: Beside) -> bool:
    """Whether the values of two members are not the same."""
    return not _equal(row.values)


def _facts(own: Findings) -> dict[str, str]:
    """Returns each fact with all values that it has in a member's trials."""
    values: dict[str, dict[str, None]] = {}
    for facts, _ in own.environments:
        for name, value in facts.items():
            values.setdefault(name, {})[value] = None
    return {name: "; ".join(found) for name, found in values.items()}
