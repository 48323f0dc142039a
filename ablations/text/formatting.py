"""Turns numbers, dates and verdicts into words, the same in reports and on the command line.

What is unknown prints as an en dash, never as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ablations.core.metrics import Better, Unit

UNKNOWN = "–"
MINUS = "−"
THIN = "\u202f"
"""A narrow space that does not break, between thousands and before units."""

_LARGE, _TINY = 10**12, Decimal("5e-8")
"""From where on, and below what, numbers become powers of ten."""
MOST_DECIMALS = 8
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Ends = tuple[float | None, float | None]
"""The lower and the upper end of an interval."""

_TIMES = ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (300.0, 1.0, "s"), (3600.0, 1 / 60, "min"))
_SIZES = ((1e3, 1.0, "B"), (1e6, 1e-3, "kB"), (1e9, 1e-6, "MB"))

VERDICT_SIGNS = {"improved": "▲", "regressed": "▼", "equivalent": "=", "inconclusive": "?"}


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
        text = self._digits(abs(value))
        sign = "" if reads_as_zero(text) else MINUS if value < 0 else "+" if signed else ""
        return f"{sign}{text}{self.suffix if suffix else ''}"

    def bare(self, value: float | None) -> str:
        """Writes one number for programs: no unit, no separators; empty where it is unknown.

        Example:
            >>> Scale(100.0, 1, "%").bare(-0.0123), Scale(1.0, 0, "").bare(1234567.0)
            ('-1.2', '1234567')
        """
        if value is None or not math.isfinite(value):
            return ""
        exact = abs(Decimal(value) * Decimal(self.factor))
        if exact >= _LARGE or (exact and self.decimals == MOST_DECIMALS and exact < _TINY):
            return f"{value * self.factor:.2e}"
        text = f"{value * self.factor:.{self.decimals}f}"
        return text.lstrip("-") if reads_as_zero(text) else text

    def _digits(self, size: float) -> str:
        exact = None if 1e-6 < size * self.factor < 1e11 else Decimal(size) * Decimal(self.factor)
        if exact and (exact >= _LARGE or (self.decimals == MOST_DECIMALS and exact < _TINY)):
            digits, _, exponent = f"{exact:.2e}".partition("e")
            return f"{digits}×{power_of_ten(int(exponent))}"
        return f"{size * self.factor:,.{self.decimals}f}".replace(",", THIN)


def power_of_ten(exponent: int) -> str:
    """Writes a power of ten: ``10⁻³``."""
    return f"10{str(exponent).translate(_RAISED)}"


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
    for limit, factor, suffix in (*steps, (math.inf, *last)):
        shown = largest * factor
        decimals = 0 if shown >= 100 or suffix == "B" else 1
        # What would be rounded up to the limit is shown in the next unit: 1.0 s, not 1 000 ms.
        if round(shown, decimals) < round(limit * factor, 6):
            break
    return Scale(factor, decimals, f"{THIN}{suffix}")


def _decimals(largest: float) -> int:
    """Three significant digits for the largest number, none beyond the point above 100."""
    return min(MOST_DECIMALS, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 0


def reads_as_zero(text: str) -> bool:
    """Says whether a number was written as 0, whatever it is."""
    return not any(digit in "123456789" for digit in text)


def number(value: float | None, unit: Unit = "number") -> str:
    """Writes a number by its unit.

    Example:
        >>> number(0.954, "fraction"), number(83.0, "seconds"), number(None)
        ('95.4%', '1\u202fmin 23\u202fs', '–')
    """
    if unit == "seconds" and value is not None and math.isfinite(value):
        return duration(value)
    return scale_for(unit, [value]).show(value)


def percent(share: float) -> str:
    """Writes a share that is known only roughly, in whole percent.

    Example:
        >>> percent(0.903)
        '90%'
    """
    return f"{round(100 * share)}%"


def operations(value: float | None, unit: str) -> str:
    """Writes floating-point operations with three digits and a prefix.

    Example:
        >>> operations(151668480, "FLOP"), operations(3.2e12, "FLOP/s")
        ('152\u202fMFLOP', '3.20\u202fTFLOP/s')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    prefixes = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
    rounded = float(f"{abs(value):.2e}")  # 999 960 is 1.00 M and not 1 000 k
    size, prefix = next((p for p in prefixes if rounded >= p[0]), prefixes[-1])
    shown = Scale(1.0, _decimals(rounded / size), f"{THIN}{prefix}{unit}")
    return shown.show(value / size)


def duration(seconds: float) -> str:
    """Writes a span of time: ``4.1 ms``, ``1 min 23 s`` or ``2 h 5 min``."""
    sign, whole = (MINUS if seconds < 0 else ""), round(abs(seconds))
    minutes = round(abs(seconds) / 60)
    if abs(seconds) < 59.95 or abs(seconds) >= _LARGE:
        return scale_for("seconds", [seconds]).show(seconds)
    if whole < 3600:
        return f"{sign}{whole // 60}{THIN}min {whole % 60}{THIN}s"
    return f"{sign}{minutes // 60}{THIN}h {minutes % 60}{THIN}min"


def difference(value: float | None, unit: Unit = "number", beside: Ends | None = None) -> str:
    """Writes a difference with its sign, as finely as the interval ``beside`` it.

    Fractions become percentage points.

    Example:
        >>> difference(0.032, "fraction"), difference(-0.5, "number")
        ('+3.2\u202fpp', '−0.500')
    """
    scale = scale_for(unit, [value], signed=True)
    return resolved(scale, beside).show(value, signed=True)


def spread(value: float | None, unit: Unit = "number") -> str:
    """Writes the size of a difference, such as a standard deviation, never as 0 where it is small.

    Example:
        >>> spread(0.0123, "fraction"), spread(0.0002, "fraction"), spread(0.0, "fraction")
        ('1.2\u202fpp', '0.02\u202fpp', '0.0\u202fpp')
    """
    scale = scale_for(unit, [value], signed=True)
    size = abs(value or 0.0) * scale.factor
    return finer(scale, lambda own: not size or size >= 10.0**-own.decimals).show(value)


def exact(value: float, unit: Unit = "number", *, signed: bool = False) -> str:
    """Writes a number that someone chose, such as a threshold, with all of its digits.

    Example:
        >>> exact(0.85, "fraction"), exact(0.8545, "fraction"), exact(1.83, "seconds")
        ('85.0%', '85.45%', '1.83\u202fs')
    """
    if unit == "bytes" or (unit == "seconds" and value >= 60):
        return number(value, unit)
    scale = scale_for(unit, [value], signed=signed)
    shown = value * scale.factor
    rounding = 1e-9 * abs(shown)
    return finer(scale, lambda s: abs(round(shown, s.decimals) - shown) <= rounding).show(value)


def magnitude(value: float, unit: Unit = "number", beside: Ends | None = None) -> str:
    """Writes the size of a difference, without its sign and never as nothing where it is small.

    It is as fine as the interval ``beside`` it.

    Example:
        >>> magnitude(-0.032, "fraction"), magnitude(0.0001, "fraction"), magnitude(0.0, "fraction")
        ('3.2\u202fpp', 'less than 0.05\u202fpp', '0.0\u202fpp')
    """
    scale = resolved(scale_for(unit, [value], signed=True), beside)
    shown = scale.show(abs(value))
    if value == 0 or not reads_as_zero(shown):
        return shown
    half = 0.5 * 10.0**-scale.decimals / scale.factor
    return f"less than {replace(scale, decimals=scale.decimals + 1).show(half)}"


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
    scale = resolved(scale_for(unit, [low, high], signed=signed), (low, high))
    shown = _brackets(low, high, scale, signed=signed)
    return shown + scale.suffix if suffix and shown != UNKNOWN else shown


def finer(scale: Scale, enough: Callable[[Scale], bool]) -> Scale:
    """Adds decimals until there are ``enough``, or the most that are shown."""
    while scale.decimals < MOST_DECIMALS and not enough(scale):
        scale = replace(scale, decimals=scale.decimals + 1)
    return scale


def resolved(scale: Scale, ends: Ends | None) -> Scale:
    """Adds decimals until an interval that has a width also shows one.

    Else different seeds would look like equal ones: 1.8 s [1.8, 1.8].
    """
    low, high = ends or (None, None)
    if low is None or high is None or not math.isfinite(high - low):
        return scale
    if high - low <= 1e-9 * abs(high):  # only rounding
        return scale
    return finer(scale, lambda own: (high - low) * own.factor >= 2 * 10.0**-own.decimals)


def _brackets(low: float | None, high: float | None, scale: Scale, *, signed: bool = False) -> str:
    if low is None or high is None:
        return UNKNOWN
    bounds = (scale.show(bound, signed=signed, suffix=False) for bound in (low, high))
    return f"[{', '.join(bounds)}]"


def estimate(value: float | None, bounds: Ends | None, unit: Unit, *, signed: bool = False) -> str:
    """Writes a number with its interval beside it, in one scale.

    Example:
        >>> estimate(0.954, (0.931, 0.968), "fraction")
        '95.4% [93.1, 96.8]'
    """
    scale = resolved(scale_for(unit, [value, *(bounds or ())], signed=signed), bounds)
    shown = scale.show(value, signed=signed)
    return f"{shown} {_brackets(*bounds, scale, signed=signed)}" if bounds else shown


def low_to_high(low: float | None, high: float | None, unit: Unit, *, signed: bool = False) -> str:
    """Writes a range in running text, such as ``61.0 to 64.2%``."""
    scale = resolved(scale_for(unit, [low, high], signed=signed), (low, high))
    if low is None or high is None:
        return UNKNOWN
    return f"{scale.show(low, signed=signed, suffix=False)} to {scale.show(high, signed=signed)}"


_RATIO = Scale(1.0, 2, "")


def times(ratio: float | None) -> str:
    """Writes a quotient, such as ``×0.97``."""
    return UNKNOWN if ratio is None else f"×{_RATIO.show(ratio)}"


def times_interval(low: float | None, high: float | None) -> str:
    """Writes an interval of quotients.

    Example:
        >>> times(0.974), times_interval(0.951, 1.012)
        ('×0.97', '×[0.95, 1.01]')
    """
    shown = _brackets(low, high, _RATIO)
    return shown if shown == UNKNOWN else f"×{shown}"


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


def gibibytes(size: float, decimals: int) -> str:
    """Writes a size of memory as limits of memory are given: ``23.5 GiB``."""
    return f"{size / 2**30:.{decimals}f} GiB"


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


def few(names: Sequence[object], most: int = 3) -> str:
    """Returns the first names, and how many more there are.

    Example:
        >>> few([0, 1, 2, 3, 4])
        '0; 1; 2 and 2 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{'; '.join(map(str, names[:most]))}{more}"


def sentence(text: str) -> str:
    """Starts with a capital and leaves the rest as it is."""
    return text[:1].upper() + text[1:]


def metric_name(name: str) -> str:
    """Writes a metric's name in words, without the unit, which stands with the number.

    Example:
        >>> metric_name("val_accuracy"), metric_name("fit_seconds"), metric_name("p95_bytes")
        ('validation accuracy', 'fit time', 'p95')
    """
    bare = name.removesuffix("_bytes")
    if bare.endswith("_seconds"):
        bare = bare.removesuffix("_seconds") + ("" if "time" in bare else "_time")
    words = bare.split("_")
    return " ".join("validation" if word == "val" else word for word in words).strip() or name


def better_direction(better: Better) -> str:
    """Says which way is better, for an axis."""
    return {"higher": "higher is better →", "lower": "← lower is better", "neither": ""}[better]


def verdict(word: str) -> str:
    """Writes a verdict with its sign, so that no reader depends on colour."""
    return f"{VERDICT_SIGNS[word]}\u00a0{word}"


def day(moment: str | None) -> str:
    """Writes the day of an ISO 8601 moment, such as ``20 November 2026``."""
    if not moment:
        return UNKNOWN
    date = datetime.fromisoformat(moment)
    return f"{date.day} {date:%B %Y}"
