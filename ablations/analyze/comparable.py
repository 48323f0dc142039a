"""What past and present must share before their numbers may be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.drift import Past
from ablations.errors import StudyError
from ablations.findings import Findings

MACHINE = ("cpu", "cores", "memory", "system", "device", "gpus", "jobs")
"""Facts of an environment that make speeds comparable."""

SAME = {"data": (), "device": ("device",), "precision": ("precision",)}
"""What past and present must share for any number to be comparable, with its facts."""


def require_comparable(findings: Findings, past: Past, *, despite: Sequence[str]) -> None:
    """Raises `StudyError` where past and present differ in what they must share."""
    for what, names in SAME.items():
        if what not in despite:
            _require_same(findings, past, what, names)


def _require_same(findings: Findings, past: Past, what: str, names: Sequence[str]) -> None:
    now, then = _facts(findings, names), _past_facts(past, names)
    if what == "data":
        now, then = set(findings.data), set(past.data)
    if now and then and now != then:
        raise StudyError(
            f"{past.source} was measured with other {what}",
            received=f"now {', '.join(sorted(now))}; then {', '.join(sorted(then))}",
            cure=f"Compare like with like, or add --despite {what}",
        )


def _facts(findings: Findings, names: Sequence[str]) -> set[str]:
    return _named([facts for facts, _ in findings.environments], names)


def _past_facts(past: Past, names: Sequence[str]) -> set[str]:
    return _named(past.environments, names)


def _named(environments: Sequence[Mapping[str, str]], names: Sequence[str]) -> set[str]:
    """Returns the distinct values of some facts, each set in words; nothing of unknown ones."""
    said = (
        ", ".join(f"{name} {facts[name]}" for name in names if name in facts)
        for facts in environments
    )
    return {words for words in said if words}


def other_machines(
    findings: Findings, past: Past
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Returns the facts of both machines where they differ or are unknown; else ``None``."""
    now, then = _facts(findings, MACHINE), _past_facts(past, MACHINE)
    return None if len(now) == 1 and now == then else (tuple(sorted(now)), tuple(sorted(then)))
