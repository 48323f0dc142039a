"""How far a run is, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.core.metrics import CURVES, unit_of
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.text.formatting import UNKNOWN, counted, duration, metric_name, number
from ablations.text.naming import arm_label

_WATCHED = tuple(name for pair in CURVES for name in reversed(pair))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many trials of a run have completed and failed, of how many, and in what time."""

    done: int
    failed: int
    total: int
    seconds: float
    ended: bool = False


def progress_words(found: Counted) -> str:
    r"""Says how many trials have ended, and how long the others will take.

    Example:
        >>> progress_words(Counted(6, 0, 24, 30.0))
        '6 of 24 trials, about 1\u202fmin 30\u202fs left'
        >>> progress_words(Counted(5, 1, 6, 30.0, ended=True))
        '6 of 6 trials in 30.0\u202fs, 1 of which failed'
        >>> progress_words(Counted(1, 0, 6, 30.0, ended=True))
        '1 of 6 trials in 30.0\u202fs, then stopped: run it again to go on'
    """
    ended = found.done + found.failed
    words = f"{ended} of {counted(found.total, 'trial')}"
    if found.ended:
        words += f" in {duration(round(found.seconds, 1))}"
    elif 0 < ended < found.total:
        left = found.seconds / ended * (found.total - ended)
        words += f", about {duration(round(left))} left"
    if found.failed:
        words += f", {found.failed} of which failed"
    if found.ended and ended < found.total:
        words += ", then stopped: run it again to go on"
    return words


def trial_words(study: Study, trial: Trial) -> str:
    """Names a trial."""
    return f"{arm_label(study, trial.arm)}, seed {trial.seed}"


def epoch_words(epoch: int, metrics: Mapping[str, float]) -> str:
    """Gives the number of an epoch and its first metric."""
    return f"epoch {epoch}: {latest(metrics)}"


def failed_words(record: RunRecord) -> str:
    """Says why a trial failed."""
    return f"FAILED ({record.reason}): {record.message}"


def result(study: Study, record: RunRecord) -> str | None:
    """Returns what a trial reached in the study's metric; ``None`` if it does not report it."""
    found = next((own for own in record.metrics if own.name == study.metric), None)
    return None if found is None else f"{metric_name(found.name)} {number(found.value, found.unit)}"


def latest(metrics: Mapping[str, float]) -> str:
    """Returns the first metric of an epoch, by their importance, with its value.

    Example:
        >>> latest({"loss": 0.3, "val_accuracy": 0.9375})
        'val accuracy 93.8%'
    """
    for name in (*_WATCHED, *metrics):
        if name in metrics:
            shown = number(metrics[name], unit_of(name))
            return f"{name.replace('_', ' ')} {shown}"
    return UNKNOWN


def epoch_line(
    number: int, total: int, *, steps: int, step_seconds: float | None, metrics: Mapping[str, float]
) -> str:
    """Writes one line of a training's log, as Keras prints it.

    Example:
        >>> epoch_line(1, 20, steps=63, step_seconds=0.071, metrics={"loss": 0.69})
        'Epoch 1/20 – 63 steps – 71 ms/step – loss 0.6900'
    """
    pace = f"{step_seconds * 1000:.0f} ms/step" if step_seconds is not None else ""
    shown = [
        f"{name} {value:.4{'f' if abs(value) < 1e9 else 'e'}}" for name, value in metrics.items()
    ]
    counts = f"{steps} steps" if steps else ""
    return " – ".join(filter(None, (f"Epoch {number}/{total}", counts, pace, *shown)))
