"""The only place that turns numbers, levels and verdicts into words.

Everything here takes plain values, so that findings, the report and the command line say the same
thing in the same way. What is unknown prints as an en dash, never as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ablations.core.checks import grouped, plain
from ablations.core.metrics import METRICS, Better, Unit
from ablations.core.study import Arm, Gate, Study
from ablations.text.quantities import (
    MINUS,
    THIN,
    UNKNOWN,
    Scale,
    count,
    counted,
    difference,
    duration,
    estimate,
    gibibytes,
    interval,
    low_to_high,
    magnitude,
    number,
    operations,
    p_value,
    power_of_ten,
    scale_for,
    times,
    times_interval,
)

__all__ = [
    "MINUS",
    "THIN",
    "UNKNOWN",
    "Scale",
    "arm_label",
    "better_direction",
    "change_label",
    "count",
    "counted",
    "day",
    "difference",
    "duration",
    "epoch_line",
    "estimate",
    "gate_count",
    "gate_rule",
    "gate_status",
    "gibibytes",
    "grouped",
    "interval",
    "level_label",
    "listing",
    "low_to_high",
    "magnitude",
    "metric_name",
    "more_time",
    "named_arm",
    "number",
    "operations",
    "p_value",
    "plain",
    "power_of_ten",
    "saved",
    "scale_for",
    "sentence",
    "setting",
    "times",
    "times_interval",
    "verdict",
]

ON = frozenset({"on", "yes", "true"})
OFF = frozenset({"off", "no", "false", "none"})
VERDICT_SIGNS = {"improved": "▲", "regressed": "▼", "equivalent": "=", "inconclusive": "?"}
GATE_SIGNS = {"passed": "✓", "failed": "✗", "inconclusive": "?", "incomplete": "…"}
_JUDGED = {
    ("lower", True): "lower bound of the 95% interval",
    ("lower", False): "upper bound of the 95% interval",
    ("mean", True): "mean over seeds",
    ("mean", False): "mean over seeds",
    ("every-seed", True): "every seed",
    ("every-seed", False): "every seed",
}


def listing(words: Sequence[str], last: str = "and") -> str:
    """Joins words as a sentence does.

    Example:
        >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
        ('a', 'a and b', 'a, b and c')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """Starts with a capital and leaves the rest as it is."""
    return text[:1].upper() + text[1:]


def metric_name(name: str) -> str:
    """Writes a metric's name in words; the unit stands with the number.

    Example:
        >>> metric_name("val_accuracy"), metric_name("fit_seconds"), metric_name("p95_bytes")
        ('validation accuracy', 'fit time', 'p95')
    """
    if name in METRICS:
        return METRICS[name].title
    bare = name.removesuffix("_bytes")
    if bare.endswith("_seconds"):
        bare = bare.removesuffix("_seconds") + ("" if "time" in bare else "_time")
    words = bare.split("_")
    return " ".join("validation" if word == "val" else word for word in words).strip() or name


def better_direction(better: Better) -> str:
    """Says which way is better, for an axis."""
    return {"higher": "higher is better →", "lower": "← lower is better", "neither": ""}[better]


def level_label(study: Study, factor: str, level: str) -> str:
    """Names a level as briefly as is clear: ``augmentation``, ``transfer``, ``width 64``."""
    if level.lower() in ON:
        return factor
    if level.lower() in OFF:
        return f"no {factor}"
    shared = sum(level in (own.name for own in other.levels) for other in study.factors) > 1
    wordy = any(character.isalpha() for character in level)
    return level if wordy and not shared else f"{factor} {level}"


def change_label(study: Study, factor: str, *, baseline: str, level: str) -> str:
    """Names a change in full: ``augmentation``, ``transfer instead of scratch``."""
    if level.lower() in ON and baseline.lower() in OFF:
        return factor
    if level.lower() in OFF and baseline.lower() in ON:
        return f"no {factor}"
    short = level_label(study, factor, level)
    return f"{short} instead of {baseline}"


def arm_label(study: Study, arm: Arm) -> str:
    """Names an arm by what sets it apart: ``baseline``, ``augmentation + transfer``.

    Where arms are compared with the full recipe, it says what is left out of that instead. A study
    of a single factor names its baseline as well: ``model1``.
    """
    if study.reference != study.baseline:
        out = [
            level_label(study, f, old) for f, old in study.reference.levels if arm.level(f) != old
        ]
        return f"without {listing(out)}" if out else "full recipe"
    own = [level_label(study, f, lv) for f, lv in arm.levels if lv != study.baseline.level(f)]
    return " + ".join(own) or _baseline_label(study)


def _baseline_label(study: Study) -> str:
    """Calls the baseline by its own level where that is a name such as ``model1``."""
    factor, level = study.baseline.levels[0]
    switch = level.lower() in ON | OFF
    return "baseline" if len(study.factors) > 1 or switch else level_label(study, factor, level)


def named_arm(study: Study, arm: Arm) -> str:
    """Names an arm within a sentence: ``the baseline``, ``‘augmentation + transfer’``."""
    label = arm_label(study, arm)
    return f"the {label}" if label in ("baseline", "full recipe") else f"‘{label}’"


def saved(trials: int, *, arms: int, seeds: int, fixed: int) -> str:
    """Says how many trials adaptive seeds took, and how many a fixed design would take."""
    would = fixed * arms
    spent = f"Up to {counted(seeds, 'seed')} an arm were trained, {counted(trials, 'trial')}"
    design = f"{counted(fixed, 'seed')} each, {counted(would, 'trial')}"
    equal = f"a fixed design with intervals as narrow takes {design}"
    share = f": {round(100 * (1 - trials / would))}% saved" if trials < would else ""
    return f"{spent}; {equal}{share}."


def more_time(seconds: float | None) -> str:
    """Writes how long something will take still; ``none`` where it is done."""
    return UNKNOWN if seconds is None else duration(seconds) if seconds > 0 else "none"


def verdict(word: str) -> str:
    """Writes a verdict with its sign, so that no reader depends on colour."""
    return f"{VERDICT_SIGNS[word]}\u00a0{word}"


def gate_rule(gate: Gate, unit: Unit) -> str:
    """Writes what a gate asks for."""
    where = listing([f"{factor} is {level}" for factor, level in gate.where.items()])
    metric, judge = metric_name(gate.metric), gate.judge
    bars = [
        f"{metric} {word} {number(bar, unit)}, judged by {_JUDGED[judge, up]}"
        for bar, word, up in ((gate.at_least, "at least", True), (gate.at_most, "at most", False))
        if bar is not None
    ]
    return listing(bars) + (f", where {where}" if where else "")


def gate_status(status: str) -> str:
    """Writes a gate's status with its sign."""
    return f"{GATE_SIGNS[status]}\u00a0{status}"


def gate_count(n: int, status: str) -> str:
    """Writes how many gates have a status: ``✓ 2 passed``."""
    return f"{GATE_SIGNS[status]}\u00a0{n}\u00a0{status}"


def day(moment: str | None) -> str:
    """Writes the day of an ISO 8601 moment, such as ``20 November 2026``."""
    if not moment:
        return UNKNOWN
    date = datetime.fromisoformat(moment)
    return f"{date.day} {date:%B %Y}"


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


def setting(value: Any) -> str:
    """Writes a setting as its study file does, such as ``"flip", 0.3, true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {setting(part)}' for key, part in value.items())}}}"
    return UNKNOWN if value is None else str(value)
