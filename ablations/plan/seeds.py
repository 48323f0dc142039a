"""Reads which seeds a study asks for."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.design import Adaptive, Arm
from ablations.core.metrics import TARGET_SECONDS
from ablations.core.study import Study
from ablations.plan.schema import AdaptiveSeeds
from ablations.plan.validation import require

MOST_TRIALS = 100_000
_MOST_SEEDS = 10_000

SeedsTable = int | Sequence[int] | AdaptiveSeeds


def adaptive_seeds(seeds: SeedsTable) -> Adaptive | None:
    """Returns the bounds of seeds that are added one by one; ``None`` where they are fixed."""
    if not isinstance(seeds, AdaptiveSeeds):
        return None
    require(
        seeds.at_least < seeds.at_most,
        "design.seeds needs at_least below at_most",
        received=f"at_least={seeds.at_least}, at_most={seeds.at_most}",
        cure="Raise at_most, or write a fixed number of seeds",
    )
    return Adaptive(seeds.at_least, seeds.at_most)


def listed_seeds(seeds: SeedsTable) -> tuple[int, ...]:
    """Returns all seeds that a study may use, in their order.

    Raises:
        StudyError: if there are none or too many, or one is named twice.
    """
    if isinstance(seeds, AdaptiveSeeds):
        return tuple(range(seeds.at_most))
    listed = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    require(bool(listed), "design.seeds is empty", received="[]", cure="Name at least one seed")
    require(
        len(listed) <= _MOST_SEEDS,
        f"design.seeds takes up to {_MOST_SEEDS} seeds",
        received=f"{len(listed)} seeds",
        cure="Remove some",
    )
    require(
        len(set(listed)) == len(listed),
        "design.seeds names a seed twice",
        received=str(list(listed)),
        cure="Each seed is one replicate; name each once",
    )
    return listed


def require_few_trials(arms: Sequence[Arm], seeds: int) -> None:
    """Raises `StudyError` where arms and seeds make more trials than can be planned."""
    require(
        len(arms) * seeds <= MOST_TRIALS,
        f"a study takes up to {MOST_TRIALS} trials",
        received=f"{len(arms)} arms at {seeds} seeds",
        cure=f"Use at most {MOST_TRIALS // len(arms)} seeds",
    )


def require_fixed_seeds(seeds: object, *, override: int) -> None:
    """Raises `StudyError` where ``--seeds`` would replace the seeds of an adaptive study."""
    require(
        not isinstance(seeds, dict),
        "--seeds would drop the allowance for looking after each seed",
        received=f"--seeds {override}, design.seeds = {seeds}",
        cure="Change at_most before the first look, or write a fixed number into the file",
    )


def require_fixed_target(study: Study) -> None:
    """Raises `StudyError` where each new seed would move what earlier looks have seen."""
    require(
        not study.adaptive or study.metric != TARGET_SECONDS or study.target_accuracy is not None,
        "adaptive seeds on target_seconds need analysis.target_accuracy",
        received="no target_accuracy",
        cure="Name it: a target taken from the seeds so far would move with each of them",
    )
