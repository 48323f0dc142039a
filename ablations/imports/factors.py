"""Which parameters of runs are likely factors: those that divide the runs into groups."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.imports.values import plain, same, shown
from ablations.records.tools.run import SourceRun

Parts = tuple[int, ...]
"""For each run the number of the group that it is in, groups being numbered as they appear."""

_FIRST = frozenset(
    [
        "off",
        "no",
        "none",
        "false",
        "0",
        "baseline",
        "base",
        "absent",
        "scratch",
        "default",
        "control",
        "without",
    ]
)
_LONGEST = 60
_CODE = re.compile(r"(^|[^a-z])(commit|git|revision|sha)([^a-z]|$)", re.IGNORECASE)
"""The name of a parameter that says at which state of the code a run was made."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Parameters that always change together, and the groups that they divide the runs into."""

    keys: tuple[str, ...]
    parts: Parts
    is_label: bool

    @property
    def size(self) -> int:
        """How many groups there are."""
        return max(self.parts) + 1


@dataclass(frozen=True, slots=True)
class Proposed:
    """A factor: its levels with what they set, the one first that a baseline is likely to be."""

    name: str
    levels: Mapping[str, Mapping[str, Any]]
    of_runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variation:
    """What varies among runs.

    Args:
        seed: The key of the seed, empty where there is none.
        factors: What is likely a factor.
        fixed: The parameters that all runs share.
        ignored: Parameters that vary and are no factors, with the reason.
        confounded: The factors of which no state of the code has runs of two levels.
    """

    seed: str
    factors: tuple[Proposed, ...]
    fixed: Mapping[str, Any]
    ignored: Mapping[str, str]
    confounded: tuple[str, ...]


def variation(runs: Sequence[SourceRun], skip: Iterable[str]) -> Variation:
    """Returns what varies among runs.

    Args:
        runs: At least one.
        skip: Keys that are decided already, or results.
    """
    values = [{**run.labels, **run.params} for run in runs]
    params = dict.fromkeys(key for run in runs for key in run.params)
    labels = dict.fromkeys(key for run in runs for key in run.labels if key not in params)
    skipped = {*skip}
    parts = {key: _parts(values, key) for key in (*params, *labels) if key not in skipped}
    seed = _seed(values, parts)
    fixed = {key: plain(values[0][key]) for key in parts
             if key in params and max(parts[key]) == 0 and key in values[0]}  # fmt: skip
    code = [key for key, own in parts.items() if _CODE.search(key) and max(own) > 0]
    others = {key: own for key, own in parts.items() if key not in code}
    chosen, ignored = _chosen(_candidates(others, labels, seed), parts.get(seed), len(runs))
    ignored |= dict.fromkeys(code, "a state of the code")
    ignored = {key: why for key, why in ignored.items() if key in params}
    factors = tuple(_named(own, values, chosen) for own in chosen)
    states = [_numbered(run.facts.get("commit") for run in runs), *(parts[key] for key in code)]
    confounded = tuple(
        factor.name
        for factor, own in zip(factors, chosen, strict=True)
        if any(max(one) > 0 and _follows(own.parts, [one]) for one in states)
    )
    return Variation(seed, factors, fixed, ignored, confounded)


def _parts(values: Sequence[Mapping[str, Any]], key: str) -> Parts:
    return _numbered(same(own[key]) if key in own else None for own in values)


def _numbered(found: Iterable[Hashable]) -> Parts:
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(own, len(numbers)) for own in found)


def _seed(values: Sequence[Mapping[str, Any]], parts: Mapping[str, Parts]) -> str:
    """Returns the key whose name ends in ``seed`` and that varies; empty where there is none."""
    found = [
        key
        for key, own in parts.items()
        if re.search(r"seed$", key, re.IGNORECASE) and max(own) > 0
        and all(type(plain(one.get(key, 0))) is int for one in values)
    ]  # fmt: skip
    return min(found, key=lambda key: (_short(key).lower() != "seed", -max(parts[key])), default="")


def _short(key: str) -> str:
    return re.split(r"[/.]", key)[-1] or key


def _candidates(parts: Mapping[str, Parts], labels: Iterable[str], seed: str) -> list[Candidate]:
    """Returns what varies; keys with the same groups are one candidate, without its labels."""
    alike: dict[Parts, list[str]] = {}
    for key, own in parts.items():
        if key != seed and max(own) > 0:
            alike.setdefault(own, []).append(key)
    found, only = [], {*labels}
    for own, keys in alike.items():
        params = [key for key in keys if key not in only]
        found.append(Candidate(tuple(params or keys[:1]), own, not params))
    return found


def _chosen(
    candidates: Sequence[Candidate], seeds: Parts | None, runs: int
) -> tuple[list[Candidate], dict[str, str]]:
    """Returns the likely factors, and of the other keys why they are none."""
    chosen: list[Candidate] = []
    ignored: dict[str, str] = {}
    for own in sorted(candidates, key=lambda one: (one.is_label, one.size)):
        why = ""
        if seeds is not None and _follows(own.parts, [seeds]):
            continue  # it is a part of the seed, and may vary with it
        if any(key.lower().endswith("seed") for key in own.keys):
            why = "a seed besides"
        elif 2 * own.size > runs:
            why = "another value in nearly every run"
        elif _follows(own.parts, [one.parts for one in chosen]):
            why = "follows from the factors"
        if why:
            ignored |= dict.fromkeys(own.keys, why)
        else:
            chosen.append(own)
    return chosen, ignored


def _follows(parts: Parts, others: Sequence[Parts]) -> bool:
    """Whether the group of a run is known where its groups by the others are."""
    known: dict[tuple[int, ...], int] = {}
    return bool(others) and all(
        known.setdefault(joint, own) == own
        for own, joint in zip(parts, zip(*others, strict=True), strict=True)
    )


def _named(
    own: Candidate, values: Sequence[Mapping[str, Any]], chosen: Sequence[Candidate]
) -> Proposed:
    first = own.keys[0]
    once = sum(_short(one.keys[0]) == _short(first) for one in chosen) == 1
    levels: dict[str, Mapping[str, Any]] = {}
    names: dict[int, str] = {}
    examples = dict(zip(own.parts, values, strict=True))
    for part, found in sorted(examples.items(), key=lambda one: _order(one[1], first)):
        name = _level(found, first)
        names[part] = f"{name} ({part + 1})" if name in levels else name
        levels[names[part]] = {key: plain(found[key]) for key in own.keys if key in found}
    of_runs = tuple(names[part] for part in own.parts)
    return Proposed(_short(first) if once else first, levels, of_runs)


def _order(own: Mapping[str, Any], key: str) -> tuple[bool, bool, float, str]:
    """Orders levels: what is likely a baseline, then numbers by size, then texts."""
    found, text = plain(own.get(key)), shown(own.get(key)).lower()
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    size = float(found) if isinstance(found, int | float) and is_number else 0.0
    return text not in _FIRST, not is_number, size, text


def _level(found: Mapping[str, Any], key: str) -> str:
    if key not in found:
        return "absent"
    value = plain(found[key])
    text = {True: "on", False: "off"}[value] if isinstance(value, bool) else shown(value)
    return " ".join(text.split())[:_LONGEST] or "empty"
