"""What every figure is drawn on: pixels, labels that fit, and places that do not collide."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from ablations.report.figures.theme import SMALL, TEXT

Bounds = tuple[float, float]


def canvas(width: float, height: float) -> Figure:
    """Makes an empty figure of a size in CSS pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def shorten(text: str, pixels: float, *, size: float = TEXT) -> str:
    """Cuts a label so that it fits; the full text stands in the table below the figure."""
    room = max(4, int(pixels / (0.5 * size)))
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


def shorten_axis(text: str, pixels: float) -> str:
    """Cuts the name in an axis's label, and keeps the unit and direction that follow it."""
    name, comma, rest = text.partition(", ")
    return shorten(name, pixels - text_width([comma + rest], size=SMALL), size=SMALL) + comma + rest


def wrapped(title: str, room: float) -> str:
    """Breaks small text at its spaces into two lines at most."""
    if len(shorten(title, room, size=SMALL)) == len(title) or " " not in title:
        return shorten(title, room, size=SMALL)
    words, first = title.split(" "), ""
    while words and shorten(f"{first}{words[0]}", room, size=SMALL)[-1] != "…":
        first += f"{words.pop(0)} "
    rest = shorten(" ".join(words), room, size=SMALL)
    return f"{first.rstrip()}\n{rest}" if first else rest


def text_width(texts: Sequence[str], *, size: float = TEXT) -> float:
    """Estimates the pixels of the longest text; measuring would depend on the machine's fonts."""
    return max((len(text) for text in texts), default=0) * 0.5 * size


def spaced(places: Sequence[float], gap: float, *, top: float) -> list[float]:
    """Moves sorted places apart to at least ``gap``, as little as needed, below ``top``."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    ceiling = top
    for i in range(len(moved) - 1, -1, -1):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved


def plain_numbers() -> ScalarFormatter:
    """Returns a tick formatter that never hides an offset beside the axis."""
    return ScalarFormatter(useOffset=False)
