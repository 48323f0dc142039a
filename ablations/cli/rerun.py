"""What the command ``rerun`` shows: a line per trial, its JSON, its exit code. Prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablations.analyze.compare.reruns import Comparison, Mismatch, compare_rerun
from ablations.core.record import SEED_USE, RunRecord
from ablations.core.study import Study, Trial
from ablations.text import formatting, naming
from ablations.text.sentences import seed_sentence


@dataclass(frozen=True, slots=True)
class Rerun:
    """A recorded trial that was trained again; ``failed`` says what kept it from its end.

    ``seedless``: its training function never asked for the seed.
    """

    trial: Trial
    comparison: Comparison
    failed: str | None = None
    seedless: bool = False

    @property
    def status(self) -> str:
        """``equal``, ``differs`` or ``failed``."""
        if self.failed is not None:
            return "failed"
        return "equal" if self.comparison.equal else "differs"


def rerun_of(trial: Trial, before: RunRecord, again: RunRecord) -> Rerun:
    """Compares the new record of a trial with the stored one."""
    failed = None if again.final else f"{again.reason}: {again.message}"
    return Rerun(trial, compare_rerun(before, again), failed, SEED_USE in again.environment)


def exit_code(reruns: Sequence[Rerun]) -> int:
    """Returns 0 if all are equal, 1 if one differs, 4 if one failed or there is none."""
    status = {rerun.status for rerun in reruns}
    if "differs" in status:
        return 1
    return 0 if status == {"equal"} else 4


def trial_lines(study: Study, rerun: Rerun) -> list[str]:
    """Returns whether one trial gave the same results, and if not where they first differ."""
    found = rerun.comparison
    label = f"{naming.arm_label(study, rerun.trial.arm)}, seed {rerun.trial.seed}"
    if rerun.failed is not None:
        return [f"{label}: FAILED ({rerun.failed})"]
    if found.equal:
        counts = (
            formatting.counted(found.epochs, "epoch"),
            formatting.counted(found.metrics, "metric"),
            formatting.counted(found.predictions, "prediction"),
        )
        return [f"{label}: equal to the last bit ({', '.join(counts)})"]
    lines = [f"{label}: DIFFERS", *(f"  first in {_mismatch(m)}" for m in found.mismatches)]
    facts = [f"{name}: {_then_now(then, now)}" for name, then, now in found.environment]
    lines.append(f"  in the environment differs {'; '.join(facts) or 'nothing recorded'}")
    if rerun.seedless:
        lines.append(f"  {seed_sentence('the training function')}")
    elif {name for name, *_ in found.environment} <= {"jobs"}:
        lines.append(
            "  so something draws random numbers that no seed sets: take them from trial.rng"
        )
    return lines


def summary_line(reruns: Sequence[Rerun]) -> str:
    """Returns the counts in one line."""
    if not reruns:
        return "no trial of this study is recorded, so that there is nothing to compare"
    equal = sum(rerun.status == "equal" for rerun in reruns)
    return f"{equal} of {formatting.counted(len(reruns), 'trial')} equal to the last bit"


def reruns_json(study: Study, reruns: Sequence[Rerun]) -> dict[str, Any]:
    """Returns the comparisons as JSON values."""
    return {
        "study": study.slug,
        "exit_code": exit_code(reruns),
        "trials": [_trial_json(rerun) for rerun in reruns],
    }


def _trial_json(rerun: Rerun) -> dict[str, Any]:
    found = rerun.comparison
    return {
        "key": rerun.trial.key,
        "arm": dict(rerun.trial.arm.levels),
        "seed": rerun.trial.seed,
        "status": rerun.status,
        "failed": rerun.failed,
        "compared": {
            "epochs": found.epochs,
            "metrics": found.metrics,
            "predictions": found.predictions,
        },
        "first_differences": [
            {
                "what": m.what,
                "name": m.name,
                "place": list(m.place),
                "then": _shown(m.before),
                "now": _shown(m.again),
            }
            for m in found.mismatches
        ],
        "environment": {name: {"then": then, "now": now} for name, then, now in found.environment},
    }


def _mismatch(found: Mismatch) -> str:
    return f"{place_of(found)}: {_then_now(found.before, found.again)}"


def place_of(found: Mismatch) -> str:
    """Returns which result of a trial it is that two records give with other values."""
    place = ", example {}, class {}".format(*found.place) if len(found.place) > 1 else ""
    places = {
        "outcome": "how it ended",
        "epoch": f"epoch {next(iter(found.place), 0)}, {found.name}",
        "metric": f"metric {found.name}",
        "predictions": f"predictions of {found.name}{place}",
    }
    return places[found.what]


def _then_now(then: float | str | None, now: float | str | None) -> str:
    """Returns both values, so that the last bit shows."""
    return f"{in_full(then)} then, {in_full(now)} now"


def in_full(value: float | str | None) -> str:
    """Returns a value with all of its digits."""
    return formatting.UNKNOWN if value is None else value if isinstance(value, str) else repr(value)


def _shown(value: float | str | None) -> float | str | None:
    """Returns what JSON can hold; it has no numbers that are not finite."""
    return repr(value) if isinstance(value, float) and not abs(value) < float("inf") else value
