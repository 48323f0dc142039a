"""Where everything of a figure is placed, in CSS pixels: plots, labels that fit, and legends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.report.figures.theme import LIGHT, SERIES, SMALL, TEXT

Bounds = tuple[float, float]

BESIDE: dict[str, Any] = {
    "xycoords": ("axes fraction", "data"),
    "textcoords": "offset points",
    "va": "center",
    "annotation_clip": False,
}
"""How to annotate a height of a plot at its left edge (0) or right edge (1)."""

_NUMBERS = 44.0
"""Pixels for the numbers at the left of a plot."""


def canvas(width: float, height: float) -> Figure:
    """Makes an empty figure."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def add_plot(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Adds a plot with its lower left corner at a place."""
    across, up = figure.bbox.size
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of plots of equal size, below ``head`` and above ``foot``.

    A plot leaves ``top``, ``bottom`` and ``right`` of its cell free. The numbers of the vertical
    axis are written once a row, unless each plot ``has_numbers`` of its own.
    """

    columns: int
    cell: float
    widest: float
    head: float
    top: float
    bottom: float
    right: float
    foot: float = 0.0
    has_numbers: bool = False


def lay_out(count: int, width: float, grid: Grid) -> tuple[Figure, list[Axes]]:
    """Makes a figure with so many plots, row by row."""
    height = grid.head + math.ceil(count / grid.columns) * grid.cell + grid.foot
    figure, plots = canvas(width, height), []
    own, shared = (_NUMBERS, 0.0) if grid.has_numbers else (0.0, _NUMBERS)
    wide = min((width - shared) / grid.columns, grid.widest)
    size = wide - own - grid.right, grid.cell - grid.bottom - grid.top
    for i in range(count):
        row, column = divmod(i, grid.columns)
        bottom = height - grid.head - (row + 1) * grid.cell + grid.bottom
        axes = add_plot(figure, _NUMBERS + column * wide, bottom, *size)
        axes.tick_params(axis="y", labelleft=grid.has_numbers or column == 0)
        plots.append(axes)
    return figure, plots


def write_head(figure: Figure, axis: str) -> None:
    """Names the vertical axis that all plots of a figure share."""
    width, height = figure.bbox.size
    figure.text(2 / width, 1 - 10 / height, shorten_axis(axis, width - 4), fontsize=SMALL,
                color=LIGHT["muted"], va="center")  # fmt: skip


def write_legend(figure: Figure, names: Sequence[str], *, top: float) -> None:
    """Names the colours of the lines, in a row at so many pixels below the top."""
    width, height = figure.bbox.size
    at = 2.0
    for name, colour in zip(names, SERIES, strict=False):
        figure.text(at / width, 1 - top / height, f"━ {name}", fontsize=SMALL,
                    color=LIGHT[colour], va="center", fontweight="bold")  # fmt: skip
        at += (len(name) + 4) * 0.56 * TEXT


def shorten(text: str, pixels: float, *, size: float = TEXT) -> str:
    """Cuts a label so that it fits; the full text is in the table below the figure."""
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
