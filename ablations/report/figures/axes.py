"""Fits numbers of any size onto an axis: as they are, in a power of ten, or by their logarithms.

Drawing works in places near 1, so the largest and smallest floats can be drawn like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator

from ablations.report.figures.layout import Bounds, plain_numbers
from ablations.text.formatting import power_of_ten

_DECADES = 6.0
"""Positive numbers that span more powers of ten than this are drawn by their logarithms."""

_LARGE, _SMALL = 1e9, 1e-6

LOGARITHMIC = "The axis is logarithmic: equal distances are equal factors."
CUT = "Intervals that reach to zero or below end at its left edge."
LEFT_OUT = "Numbers beyond what a computer can hold are left out."
CROWDED = (
    "Some numbers lie so far out that the others cannot be told apart here; the table has them."
)


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Turns numbers into places on an axis; ``least`` is the lowest place of a logarithmic one."""

    log: bool = False
    exponent: int = 0
    least: float = 0.0

    def place(self, value: float) -> float:
        """Returns where a number stands, or NaN where it cannot be drawn."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return math.nan
        if self.log:
            return math.log10(value)
        return float(Decimal(value).scaleb(-self.exponent)) if self.exponent else value

    def places(self, values: Iterable[float]) -> tuple[float, ...]:
        """Returns where those numbers stand that can be drawn."""
        return tuple(place for value in values if not math.isnan(place := self.place(value)))

    def point(self, value: float | None) -> float | None:
        """Returns where a number stands, or None."""
        return next(iter(self.places(() if value is None else (value,))), None)

    def bounds(self, found: Bounds | None) -> Bounds | None:
        """Returns where two ends stand; a logarithmic axis cuts the lower one off at zero."""
        if found is None or math.isnan(high := self.place(found[1])):
            return None
        low = self.place(found[0])
        if math.isnan(low) and self.log and found[0] <= 0:
            low = min(self.least, high)
        return None if math.isnan(low) else (low, high)

    def named(self, label: str) -> str:
        """Adds to an axis's label what its numbers are in."""
        if self.log:
            return f"{label}, logarithmic"
        return f"{label}, ×{power_of_ten(self.exponent)}" if self.exponent else label

    def tick(self, axis: Axis, locator: Locator) -> None:
        """Puts numbers at an axis."""
        axis.set_major_locator(MaxNLocator(5, integer=True) if self.log else locator)
        axis.set_major_formatter(FuncFormatter(_power) if self.log else plain_numbers())


PLAIN = AxisScale()


def _power(place: float, _: int | None) -> str:
    return power_of_ten(round(place))


def fit(points: Iterable[float], around: Iterable[float] = ()) -> AxisScale:
    """Chooses an axis for numbers, and what is drawn around them, such as intervals.

    Only the points decide whether it is logarithmic.
    """
    own = [value for value in points if math.isfinite(value)]
    if own and min(own) > 0 and math.log10(max(own)) - math.log10(min(own)) > _DECADES:
        return AxisScale(log=True, least=math.log10(min(own)) - 1)
    return plain_or_powers((*own, *around))


def plain_or_powers(values: Iterable[float]) -> AxisScale:
    """Chooses an axis on which equal distances are equal differences."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    if sizes and not _SMALL <= max(sizes) < _LARGE:
        return AxisScale(exponent=math.floor(math.log10(max(sizes))))
    return PLAIN


def notes(scale: AxisScale, points: Iterable[float], ends: Iterable[float] = ()) -> str:
    """Says in words what a reader must know of an axis that does not show all numbers as usual."""
    points, ends = list(points), list(ends)
    sizes = sorted(abs(value) for value in points if math.isfinite(value) and value)
    middle = sizes[(len(sizes) - 1) // 2] if sizes else 1.0
    crowded = bool(sizes) and math.log10(sizes[-1]) - math.log10(middle) > _DECADES
    found: dict[str, Callable[[], bool]] = {
        LOGARITHMIC: lambda: scale.log,
        CUT: lambda: scale.log and any(value <= 0 for value in ends),
        CROWDED: lambda: not scale.log and crowded,
        LEFT_OUT: lambda: not all(map(math.isfinite, (*points, *ends))),
    }
    return " ".join(text for text, applies in found.items() if applies())
