"""Several studies, or states of one, on one page: what they must share, and what they do share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.core.several import Member
from ablations.errors import StudyError


def member(name: str, own: Findings) -> Member:
    """Returns what a page says of one of its studies or states.

    Args:
        name: What tells it from the others.
        own: What it found.
    """
    done = {trial.seed for trial in own.trials if trial.status == "completed"}
    seeds = tuple(seed for seed in own.study.seeds if seed in done)
    completed, planned = own.n_completed, own.n_planned
    return Member(name, own.study, completed, planned, seeds, own.data, own.finished_at)


def factors_of(own: Findings) -> str:
    """Names the factors of a study with their levels."""
    factors = own.study.factors
    levels = [f"{f.name} ({', '.join(level.name for level in f.levels)})" for f in factors]
    return ", ".join(levels) or "no factors"


def require_findings(found: Iterable[object], cure: str) -> None:
    """Makes sure that each is what one study found, as a notebook may be given anything.

    Raises:
        StudyError: if one is not.
    """
    for own in found:
        if not isinstance(own, Findings):
            raise StudyError(
                "several studies are read by what each of them found",
                received=f"{type(own).__name__}: {str(own)[:40]}",
                cure=cure,
            )


def require_one_metric(found: Mapping[str, Findings]) -> None:
    """Makes sure that all members measure the same, in one unit and with one better direction.

    Raises:
        StudyError: if they do not, or one has no value of its metric.
    """
    for name, own in found.items():
        if not any(own.metric.name in arm.summaries for arm in own.arms):
            raise StudyError(
                f"{name} has no value of its metric, '{own.metric.name}'",
                received=f"{own.n_completed} of {own.n_planned} trials completed",
                cure="Train it first, or name the records that have the metric",
            )
    (first, then), *others = found.items()
    for name, own in others:
        if _facts(own) != _facts(then):
            raise StudyError(
                "studies are read together in one metric, of one unit and better direction",
                received=f"{_measured(first, then)}; {_measured(name, own)}",
                cure="Give both study files the same 'metric' under [analysis], and log it alike",
            )


def _facts(own: Findings) -> tuple[str, str, str]:
    return own.metric.name, own.metric.unit, own.metric.better


def _measured(name: str, own: Findings) -> str:
    metric, unit, better = _facts(own)
    return f"{name}: {metric} ({unit}, better {better})"


def weights_of(effect: Effect) -> dict[frozenset[tuple[str, str]], float]:
    """Returns the weight of each arm in an effect, by its levels in any order."""
    return {frozenset(arm.levels): round(weight, 9) for arm, weight in effect.weights}


def data_and_seeds(own: Findings) -> set[tuple[str, int]]:
    """Returns each seed that completed with each fingerprint of the data."""
    return {(data, seed) for data in own.data for seed in member("", own).seeds}


def groups(
    found: Mapping[str, Findings], having: Callable[[Findings], Iterable[object]]
) -> tuple[tuple[str, ...], ...]:
    """Returns the largest groups of members of which each two share something, by first member."""
    owners: dict[object, list[str]] = {}
    for name, own in found.items():
        for thing in having(own):
            owners.setdefault(thing, []).append(name)
    several = {tuple(names) for names in owners.values() if len(names) > 1}
    largest = [g for g in several if not any(set(g) < set(other) for other in several)]
    order = list(found)
    return tuple(sorted(largest, key=lambda group: [order.index(name) for name in group]))
