"""Fits numbers of any size onto an axis: as they are, in a power of ten, or by their logarithms.

What is drawn are places near 1, so that Matplotlib can draw the largest and smallest floats too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from ablations.report.figures.layout import Bounds
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
    """Turns numbers into places on an axis.

    ``factor`` brings them into the axis's unit, from which all else follows; ``least`` is the
    lowest place of a logarithmic axis.
    """

    log: bool = False
    exponent: int = 0
    least: float = 0.0
    factor: float = 1.0

    def place(self, value: float) -> float:
        """Returns the place of a number, or NaN where it cannot be drawn."""
        value *= self.factor
        if not math.isfinite(value) or (self.log and value <= 0):
            return math.nan
        if self.log:
            return math.log10(value)
        return float(Decimal(value).scaleb(-self.exponent)) if self.exponent else value

    def places(self, values: Iterable[float]) -> tuple[float, ...]:
        """Returns the places of those numbers that can be drawn."""
        return tuple(place for value in values if not math.isnan(place := self.place(value)))

    def point(self, value: float | None) -> float | None:
        """Returns the place of a number that is known and can be drawn, else None."""
        return next(iter(self.places(() if value is None else (value,))), None)

    def bounds(self, found: Bounds | None) -> Bounds | None:
        """Returns the places of two ends; a logarithmic axis cuts the lower one off at zero."""
        if found is None or math.isnan(high := self.place(found[1])):
            return None
        low = self.place(found[0])
        if math.isnan(low) and self.log and found[0] <= 0:
            low = min(self.least, high)
        return None if math.isnan(low) else (low, high)

    def label(self, label: str) -> str:
        """Adds to an axis's label how its numbers are written."""
        if self.log:
            return f"{label}, logarithmic"
        return f"{label}, ×{power_of_ten(self.exponent)}" if self.exponent else label

    def set_ticks(self, axis: Axis, locator: Locator) -> None:
        """Writes numbers at an axis, and no offset that they would have to be added to."""
        plain = ScalarFormatter(useOffset=False)
        axis.set_major_locator(MaxNLocator(5, integer=True) if self.log else locator)
        axis.set_major_formatter(FuncFormatter(_power) if self.log else plain)


PLAIN = AxisScale()


def _power(place: float, _: int | None) -> str:
    return power_of_ten(round(place))


def fit(points: Iterable[float], around: Iterable[float] = (), factor: float = 1.0) -> AxisScale:
    """Chooses an axis for numbers times a factor, and what is drawn around them, as intervals are.

    Only the points decide whether it is logarithmic.
    """
    own = _finite(points, factor)
    if own.size and own.min() > 0 and math.log10(own.max()) - math.log10(own.min()) > _DECADES:
        return AxisScale(log=True, least=math.log10(own.min()) - 1, factor=factor)
    shown = np.concatenate([own, _finite(around, factor)])
    return replace(plain_or_powers(shown), factor=factor)


def plain_or_powers(values: Iterable[float]) -> AxisScale:
    """Chooses an axis on which equal distances are equal differences."""
    largest = float(np.abs(_finite(values)).max(initial=0.0))
    if largest and not _SMALL <= largest < _LARGE:
        return AxisScale(exponent=math.floor(math.log10(largest)))
    return PLAIN


def notes(scale: AxisScale, points: Iterable[float], ends: Iterable[float] = ()) -> str:
    """Says what a reader must know of an axis that does not show all numbers as usual."""
    drawn, around = ([v * scale.factor for v in values] for values in (points, ends))
    sizes = np.sort(np.abs(_finite(drawn)))
    sizes = sizes[sizes > 0]
    middle = sizes[(len(sizes) - 1) // 2] if sizes.size else 1.0
    crowded = bool(sizes.size) and math.log10(sizes[-1]) - math.log10(middle) > _DECADES
    found = {
        LOGARITHMIC: scale.log,
        CUT: scale.log and any(value <= 0 for value in around),
        CROWDED: not scale.log and crowded,
        LEFT_OUT: not np.isfinite([*drawn, *around]).all(),
    }
    return joined(text for text, applies in found.items() if applies)


def _finite(values: Iterable[float], factor: float = 1.0) -> NDArray[np.float64]:
    """Returns numbers times a factor, but for those that are not finite."""
    with np.errstate(over="ignore"):
        found = np.fromiter(values, np.float64) * factor
    return np.asarray(found[np.isfinite(found)])


def joined(texts: Iterable[str]) -> str:
    """Joins sentences; each that is there more than once is written once."""
    return " ".join(dict.fromkeys(filter(None, texts)))
