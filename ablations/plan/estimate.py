"""How far a study is, and how long the rest will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ablations.core.design import Arm
from ablations.core.record import CODE, SEED_USE, RunRecord
from ablations.core.study import Trial
from ablations.plan.trials import remaining


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a study's trials; ``seconds_to_go`` is ``None`` where it is unknown.

    ``other_code`` counts the completed ones whose training function had other files than now, and
    ``seedless`` those whose training function never asked for its seed.
    """

    planned: int
    completed: int
    failed: int
    to_do: tuple[Trial, ...]
    seconds_to_go: float | None
    other_code: int = 0
    seedless: int = 0


def progress_of(
    trials: Sequence[Trial],
    outcomes: Iterable[RunRecord],
    *,
    jobs: int = 1,
    measured: Mapping[Arm, float] | None = None,
    code: str = "",
) -> Progress:
    """Compares the plan with the recorded outcomes, of which those of other plans are ignored.

    Args:
        trials: The plan.
        outcomes: How recorded trials ended, oldest first.
        jobs: Trials that run at a time, for the estimate.
        measured: Seconds of a trial per arm, where they were measured beforehand.
        code: The digest of the training function's files; empty if it has none of its own.
    """
    arms = {trial.key: trial.arm for trial in trials}
    status: dict[str, RunRecord] = {}
    for outcome in outcomes:
        earlier = status.get(outcome.key)
        if outcome.key in arms and (earlier is None or earlier.status != "completed"):
            status[outcome.key] = outcome
    known = {arm: [seconds] for arm, seconds in (measured or {}).items()}
    for key, outcome in status.items():
        if outcome.status == "completed":
            known.setdefault(arms[key], []).append(outcome.seconds)
    counts = Counter(outcome.status for outcome in status.values())
    facts = [own.environment for own in status.values() if own.completed]
    to_do = remaining(trials, status.values())
    return Progress(
        planned=len(trials),
        completed=counts["completed"],
        failed=counts["failed"],
        to_do=to_do,
        seconds_to_go=seconds_to_go(to_do, known, jobs=jobs),
        other_code=sum(own.get(CODE, code) != code for own in facts),
        seedless=sum(SEED_USE in own for own in facts),
    )


def seconds_to_go(
    to_do: Sequence[Trial], measured: Mapping[Arm, Sequence[float]], *, jobs: int = 1
) -> float | None:
    """Adds up what the remaining trials will take, from the mean of their arm's earlier ones.

    An arm without a measurement counts with the mean of the others; with none at all the answer is
    ``None``, unless nothing is left to do.
    """
    if not to_do:
        return 0.0
    means = {arm: fmean(seconds) for arm, seconds in measured.items() if seconds}
    if not means:
        return None
    typical = fmean(means.values())
    return sum(means.get(trial.arm, typical) for trial in to_do) / jobs
