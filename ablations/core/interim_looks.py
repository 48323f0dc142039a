"""Interim looks at the results: whether seeds were added or left out after a look.

An interval has its confidence level where the seeds were fixed beforehand, or the looks declared
(adaptive seeds). Adding seeds by hand until a verdict comes, or deleting those that contradict
it, breaks that, and nothing in the records shows it. So each time that verdicts are shown is stored
beside the records (`ablations.records.sqlite.interim_looks`), and later ones are compared with it
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ablations.core.record import moment_of

RevisionKind = Literal["added", "left-out", "gone", "again", "margin", "metric"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a study had declared when it was looked at.

    ``arms`` identify what was trained, as keys of trials do, but for the seed; ``seeds`` are all
    that the study may use.
    """

    arms: frozenset[str]
    seeds: tuple[int, ...]
    metric: str
    margin: float


@dataclass(frozen=True, slots=True)
class InterimLook:
    """One time that verdicts were shown: when (ISO 8601), and under which rule.

    ``keys`` are the completed trials that no earlier look had shown.
    """

    at: str
    rule: Rule
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Revision:
    """What was changed after a look.

    ``steps`` holds for ``added`` the number of seeds planned at each look and now, for
    ``left-out`` the seeds, for ``gone`` and ``again`` the number of trials whose records are no
    longer there or were made after the look, for ``margin`` and ``metric`` what it was and is.
    """

    kind: RevisionKind
    steps: tuple[float | str, ...]


def revisions(
    rule: Rule,
    looks: Sequence[InterimLook],
    *,
    stored: Iterable[str],
    started: Mapping[str, str],
) -> tuple[Revision, ...]:
    """Returns what was changed since earlier looks at this study.

    A look at other arms, or at none of the present seeds, is another study's.

    Args:
        rule: What the study declares now.
        looks: Earlier looks, oldest first.
        stored: The keys of all completed trials in the record file.
        started: When each completed trial of this plan started, by its key.
    """
    related = [look for look in looks if _same_study(rule, look.rule)]
    if not related:
        return ()
    found = (
        _added(rule, related),
        _left_out(rule, related),
        _gone(related, frozenset(stored)),
        _again(related, started),
        _changed("margin", [look.rule.margin for look in related], rule.margin),
        _changed("metric", [look.rule.metric for look in related], rule.metric),
    )
    return tuple(revision for revision in found if revision)


def _same_study(now: Rule, then: Rule) -> bool:
    return bool(now.arms & then.arms and set(now.seeds) & set(then.seeds))


def _added(rule: Rule, looks: Sequence[InterimLook]) -> Revision | None:
    """Returns that there are seeds which an earlier look did not plan for."""
    now = set(rule.seeds)
    sizes = [len(look.rule.seeds) for look in looks if now - set(look.rule.seeds)]
    return Revision("added", (*dict.fromkeys(sizes), len(now))) if sizes else None


def _left_out(rule: Rule, looks: Sequence[InterimLook]) -> Revision | None:
    """Returns the seeds that an earlier look planned for and that do not count now."""
    planned = {seed for look in looks for seed in look.rule.seeds}
    missing = sorted(planned - set(rule.seeds))
    return Revision("left-out", tuple(missing)) if missing else None


def _gone(looks: Sequence[InterimLook], stored: frozenset[str]) -> Revision | None:
    seen = {key for look in looks for key in look.keys}
    missing = seen - stored
    return Revision("gone", (len(missing),)) if missing else None


def _again(looks: Sequence[InterimLook], started: Mapping[str, str]) -> Revision | None:
    """Returns how many trials started after a look that had seen them complete."""
    again = {
        key
        for look in looks
        for key in look.keys & started.keys()
        if moment_of(started[key]) > moment_of(look.at)
    }
    return Revision("again", (len(again),)) if again else None


def _changed(
    kind: RevisionKind, earlier: Sequence[float | str], now: float | str
) -> Revision | None:
    was = [value for value in earlier if value != now]
    return Revision(kind, (was[-1], now)) if was else None
