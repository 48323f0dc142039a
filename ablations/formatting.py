"""The only place that turns numbers, levels and verdicts into words.

Everything here takes plain values, so that findings, the report and the command line say the same
thing in the same way. What is unknown prints as an en dash, never as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ablations.record import Better, Unit
from ablations.study import Arm, Gate, Study

UNKNOWN = "–"
MINUS = "−"
THIN = "\u202f"
"""A narrow space that does not break, between thousands and before units."""

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
_TIMES = ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (300.0, 1.0, "s"), (3600.0, 1 / 60, "min"))
_SIZES = ((1e3, 1.0, "B"), (1e6, 1e-3, "kB"), (1e9, 1e-6, "MB"))


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers of one unit and size are shown: multiplied, rounded, and with a suffix."""

    factor: float
    decimals: int
    suffix: str

    def show(self, value: float | None, *, signed: bool = False, suffix: bool = True) -> str:
        """Writes one number; ``signed`` puts a plus before gains."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        text = f"{abs(value) * self.factor:,.{self.decimals}f}".replace(",", THIN)
        zero = not any(digit in "123456789" for digit in text)
        sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
        return f"{sign}{text}{self.suffix if suffix else ''}"


def scale_for(unit: Unit, values: Iterable[float | None], *, signed: bool = False) -> Scale:
    """Chooses one scale for numbers that stand side by side, from the largest of them.

    Example:
        >>> scale_for("seconds", [0.0041, 0.0009]).show(0.0041)
        '4.1\u202fms'
    """
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    largest = max(known, default=0.0)
    if unit == "fraction":
        return Scale(100.0, 1, f"{THIN}pp" if signed else "%")
    if unit == "seconds":
        return _stepped(largest, _TIMES, last=(1 / 3600, "h"))
    if unit == "bytes":
        return _stepped(largest, _SIZES, last=(1e-9, "GB"))
    if unit == "count" and all(value == round(value) for value in known):
        return Scale(1.0, 0, "")
    return Scale(1.0, _decimals(largest), "/s" if unit == "per second" else "")


def _stepped(
    largest: float, steps: Sequence[tuple[float, float, str]], *, last: tuple[float, str]
) -> Scale:
    fitting = (step[1:] for step in steps if largest < step[0])
    factor, suffix = next(fitting, last)
    shown = largest * factor
    decimals = 0 if shown >= 100 or suffix == "B" else 1
    return Scale(factor, decimals, f"{THIN}{suffix}")


def _decimals(largest: float) -> int:
    """Three significant digits for the largest number, none beyond the point above 100."""
    return min(8, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 0


def number(value: float | None, unit: Unit = "number") -> str:
    """Writes a number by its unit.

    Example:
        >>> number(0.954, "fraction"), number(83.0, "seconds"), number(None)
        ('95.4%', '1\u202fmin 23\u202fs', '–')
    """
    if unit == "seconds" and value is not None and 60 <= abs(value) < math.inf:
        return duration(value)
    return scale_for(unit, [value]).show(value)


def duration(seconds: float) -> str:
    """Writes a minute or more as two whole parts, such as ``1 min 23 s`` or ``2 h 5 min``."""
    sign, whole = (MINUS if seconds < 0 else ""), round(abs(seconds))
    if whole < 3600:
        return f"{sign}{whole // 60}{THIN}min {whole % 60}{THIN}s"
    return f"{sign}{whole // 3600}{THIN}h {whole % 3600 // 60}{THIN}min"


def difference(value: float | None, unit: Unit = "number") -> str:
    """Writes a difference with its sign; fractions become percentage points.

    Example:
        >>> difference(0.032, "fraction"), difference(-0.5, "number")
        ('+3.2\u202fpp', '−0.500')
    """
    return scale_for(unit, [value], signed=True).show(value, signed=True)


def interval(
    low: float | None,
    high: float | None,
    unit: Unit = "number",
    *,
    signed: bool = False,
    suffix: bool = True,
) -> str:
    """Writes an interval, without its unit where that stands beside it (``suffix=False``).

    Example:
        >>> interval(0.931, 0.968, "fraction"), interval(-0.01, 0.02, "fraction", signed=True)
        ('[93.1, 96.8]%', '[−1.0, +2.0] pp')
    """
    scale = scale_for(unit, [low, high], signed=signed)
    shown = _brackets(low, high, scale, signed=signed)
    return shown + scale.suffix if suffix and shown != UNKNOWN else shown


def _brackets(low: float | None, high: float | None, scale: Scale, *, signed: bool) -> str:
    if low is None or high is None:
        return UNKNOWN
    bounds = (scale.show(bound, signed=signed, suffix=False) for bound in (low, high))
    return f"[{', '.join(bounds)}]"


def estimate(
    value: float | None, bounds: tuple[float, float] | None, unit: Unit, *, signed: bool = False
) -> str:
    """Writes a number with its interval beside it, in one scale.

    Example:
        >>> estimate(0.954, (0.931, 0.968), "fraction")
        '95.4% [93.1, 96.8]'
    """
    scale = scale_for(unit, [value, *(bounds or ())], signed=signed)
    shown = scale.show(value, signed=signed)
    return f"{shown} {_brackets(*bounds, scale, signed=signed)}" if bounds else shown


def reach(low: float | None, high: float | None, unit: Unit, *, signed: bool = False) -> str:
    """Writes two ends in running text, such as ``61.0 to 64.2%``."""
    scale = scale_for(unit, [low, high], signed=signed)
    if low is None or high is None:
        return UNKNOWN
    return f"{scale.show(low, signed=signed, suffix=False)} to {scale.show(high, signed=signed)}"


def p_value(p: float | None) -> str:
    """Writes a p value as papers do.

    Example:
        >>> p_value(0.0004), p_value(0.0123), p_value(0.34), p_value(None)
        ('p < 0.001', 'p = 0.012', 'p = 0.34', '–')
    """
    if p is None or math.isnan(p):
        return UNKNOWN
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def count(n: int | None) -> str:
    """Writes a whole number with thin separators."""
    return number(n, "count")


def counted(n: int, one: str, many: str = "") -> str:
    """Writes a number with its noun, such as ``1 seed`` or ``3 seeds``."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


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
    bare = name.removesuffix("_bytes")
    if bare.endswith("_seconds"):
        bare = f"{bare.removesuffix('_seconds')}_time"
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

    In a one-factor-out design it says what is left out of the full recipe instead.
    """
    if study.design == "one-factor-out":
        out = [
            level_label(study, f, old) for f, old in study.reference.levels if arm.level(f) != old
        ]
        return f"without {listing(out)}" if out else "full recipe"
    own = [level_label(study, f, lv) for f, lv in arm.levels if lv != study.baseline.level(f)]
    return " + ".join(own) or "baseline"


def named_arm(study: Study, arm: Arm) -> str:
    """Names an arm within a sentence: ``the baseline``, ``‘augmentation + transfer’``."""
    label = arm_label(study, arm)
    return f"the {label}" if label in ("baseline", "full recipe") else f"‘{label}’"


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


def day(moment: str | None) -> str:
    """Writes the day of an ISO 8601 moment, such as ``20 November 2026``."""
    if not moment:
        return UNKNOWN
    date = datetime.fromisoformat(moment)
    return f"{date.day} {date:%B %Y}"


def setting(value: Any) -> str:
    """Writes a setting as its study file does, such as ``"flip", 0.3, true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {setting(part)}' for key, part in value.items())}}}"
    return UNKNOWN if value is None else str(value)
