"""Writes places, paths and words of a drawing as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ablations.text.escaping import printable


def px(value: float) -> str:
    """Writes a place or a length in tenths of a pixel.

    Example:
        >>> px(3), px(2.06)
        ('3', '2.1')
    """
    return f"{value:.1f}".removesuffix(".0")


def path(points: Iterable[tuple[float, float]]) -> str:
    """Writes a line through points.

    Example:
        >>> path([(0, 1), (2.5, 3)])
        'M0 1L2.5 3'
    """
    return "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points)


def words(text: str) -> str:
    """Writes text that is only text, whatever it holds.

    Example:
        >>> words('a < "b"')
        'a &lt; &quot;b&quot;'
    """
    return escape(printable(text))
