"""Draws dot plots; reads no findings.

More seeds than can be told apart are shown by the quantiles of their distribution. Source: Kay,
Kola, Hullman and Munson (2016), "When (ish) is my bus?", CHI '16.

One point is one CSS pixel (72 dpi), so the sizes of `theme` are those on the page.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ablations.report.figures.axes import AxisScale, fit, joined, notes
from ablations.report.figures.layout import (
    BESIDE,
    Bounds,
    add_plot,
    canvas,
    shorten,
    shorten_axis,
    text_width,
)
from ablations.report.figures.svg import say
from ablations.report.figures.theme import LIGHT, MARKS, SMALL, WIDE

MOST = 50
"""The most dots of a row, and the most curves of a panel."""

_AROUND = 40.0
"""Pixels at both sides of a row's label and number on a phone, and between them."""

QUANTILES = (
    f"Where there are more than {MOST} seeds, each of {MOST} dots stands for an equal part of them "
    "(a quantile); the data file has every seed."
)


def crowded(rows: Iterable[Collection[object]]) -> bool:
    """Whether any row has more seeds than are drawn one by one."""
    return any(len(row) > MOST for row in rows)


def dots_of(values: tuple[float, ...]) -> tuple[float, ...]:
    """Returns the values themselves, or of more than ``MOST`` that many quantiles."""
    if len(values) <= MOST:
        return values
    # Whole numbers, since a level such as 0.07 times n would be rounded up or down.
    places = ((2 * np.arange(MOST) + 1) * len(values) - 1) // (2 * MOST)
    found: list[float] = np.sort(values)[places].tolist()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a dot plot: dots, and below them a mark with a thick and a thin bar.

    ``diamond`` is a number from elsewhere to compare them with. ``says`` is what each dot says
    where a reader points at it.
    """

    label: str
    dots: tuple[float, ...]
    middle: float | None
    bar: Bounds | None
    thin: Bounds | None = None
    note: str = ""
    detail: str = ""
    colour: str = "blue"
    hollow: bool = False
    group: str = ""
    diamond: float | None = None
    says: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """What the row is, where it stands alone."""
        return f"{self.group}, {self.label}" if self.group else self.label


@dataclass(frozen=True, slots=True)
class DotPlot:
    """Rows from top to bottom, on one axis, with a line to compare them with.

    ``factor`` brings all numbers into the unit of the axis, ``left_out`` says which rows are not
    drawn. The axis also holds the numbers ``beside``, which other figures draw.
    """

    rows: tuple[Row, ...]
    axis: str
    line: float | None = None
    line_label: str = ""
    band: Bounds | None = None
    ticks_for_dots: bool = False
    factor: float = 1.0
    left_out: str = ""
    beside: tuple[float, ...] = ()

    @property
    def _points(self) -> list[float]:
        """Every number that is drawn by itself, rather than as an end of an interval."""
        single = [n for row in self.rows for n in (row.middle, row.diamond)]
        found = [*(dot for row in self.rows for dot in row.dots), *single, self.line]
        return [number for number in found if number is not None]

    @property
    def _ends(self) -> list[float]:
        """Both ends of every interval."""
        bars = [bar for row in self.rows for bar in (row.bar, row.thin)]
        return [*self.beside, *(end for bar in (*bars, self.band) if bar for end in bar)]

    @property
    def scale(self) -> AxisScale:
        """The axis that all numbers fit on, which of a row's dots the two outer ones decide."""
        single = [n for row in self.rows for n in (row.middle, row.diamond)]
        outer = [end for row in self.rows for end in self._outer(row.dots)]
        points = [number for number in (*outer, *single, self.line) if number is not None]
        return fit(points, self._ends, self.factor)

    def _outer(self, dots: tuple[float, ...]) -> list[float]:
        """Returns the least and the largest of the numbers that can be drawn."""
        own = np.asarray(dots)
        with np.errstate(over="ignore", invalid="ignore"):
            own = own[np.isfinite(own * self.factor)]
        return [float(own.min()), float(own.max())] if own.size else []

    @property
    def notes(self) -> str:
        """What a reader must know of an axis that does not show all numbers as usual."""
        thinned = not self.ticks_for_dots and crowded(row.dots for row in self.rows)
        own = notes(self.scale, self._points, self._ends)
        return joined((self.left_out, QUANTILES if thinned else "", own))

    def figure(self, width: int) -> Figure:
        """Lays out the rows: labels at the left, or on a phone above each row."""
        narrow = width < WIDE
        places, headings, depth = _places(self.rows, 1.5 if narrow else 1.0)
        top, bottom, unit = (30.0 if self.line_label else 10.0), 48.0, 36.0
        figure = canvas(width, top + depth * unit + bottom)
        left = 10.0 if narrow else min(330.0, text_width([r.label for r in self.rows]) + 24)
        notes = [f"{row.note} {row.detail}" for row in self.rows]
        right = 14.0 if narrow else text_width(notes, size=SMALL) + 28
        axes = add_plot(figure, left, bottom, width - left - right, depth * unit)
        axes.set_ylim(depth, 0)
        plot_rows(axes, self, places, reach=0.3 if narrow else 0.5)
        axis = shorten_axis(self.scale.label(self.axis), width - right - 4)
        axes.set_xlabel(axis, labelpad=6)
        _label_rows(axes, self.rows, places, room=width if narrow else left, narrow=narrow)
        for heading, place in headings:
            axes.annotate(heading, (0, place), xytext=(10 - left, 0), fontweight="bold", **BESIDE)
        return figure


def _places(rows: Sequence[Row], step: float) -> tuple[list[float], list[tuple[str, float]], float]:
    """Gives each row and each group's heading its place, counted in rows from the top."""
    places: list[float] = []
    headings: list[tuple[str, float]] = []
    at, group = 0.0, ""
    for row in rows:
        if row.group != group:
            at += 0.35 if places else 0.0
            headings.append((row.group, at + 0.5))
            at, group = at + 0.9, row.group
        places.append(at + step - 0.5)
        at += step
    return places, headings, at


def plot_rows(ax: Axes, data: DotPlot, places: Sequence[float], *, reach: float) -> None:
    """Draws the marks of a dot plot, the line to compare with and the axis.

    Vertical lines keep to ``reach`` above and below each row, so that a label between two rows
    stays free of them.
    """
    scale = data.scale
    line, band = scale.point(data.line), scale.bounds(data.band)
    for row, place in zip(data.rows, places, strict=True):
        _plot_row(ax, row, place, scale=scale, ticks=data.ticks_for_dots)
    for reached in (line, *map(scale.point, data.beside)):
        if reached is not None:
            ax.plot([reached], [places[0]], linestyle="none")
    ax.set_yticks([])
    ax.tick_params(pad=6)
    scale.set_ticks(ax.xaxis, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    _upright(ax, list(ax.get_xticks()), places, reach=reach, colour="grid")
    if band:
        for place in places:
            ax.fill_between(band, place - reach, place + reach, color=LIGHT["grid"],
                            linewidth=0, zorder=0, alpha=0.6)  # fmt: skip
    if line is not None:
        _upright(ax, [line], places, reach=reach, colour="rule")
        _above_line(ax, data.line_label, line)


def _upright(
    ax: Axes, at: Sequence[float], places: Sequence[float], *, reach: float, colour: str
) -> None:
    low, high = ax.get_xlim()
    for x in (x for x in at if low <= x <= high):
        ends = [end for place in places for end in (place - reach, place + reach, math.nan)]
        ax.plot([x] * len(ends), ends, "-", color=LIGHT[colour], linewidth=1.1, zorder=0,
                scalex=False, solid_capstyle="butt")  # fmt: skip


def _plot_row(ax: Axes, row: Row, place: float, *, scale: AxisScale, ticks: bool) -> None:
    colour, up, down = LIGHT[row.colour], place - 0.2, place + 0.16
    dots, middle = scale.places(row.dots), scale.point(row.middle)
    if ticks:
        # One broken line is a tenth of the bytes of a hundred markers.
        x = [value for dot in dots for value in (dot, dot, math.nan)]
        y = [up - 0.1, up + 0.18, math.nan] * len(dots)
        ax.plot(x, y, "-", color=colour, linewidth=MARKS["adjusted"], alpha=0.6)
    elif dots:
        # Seeds that agree are drawn beside each other rather than on each other.
        shown = dots_of(dots)
        seaborn.swarmplot(x=_told_apart(shown), y=[up] * len(shown), ax=ax, orient="h",
                          color=colour, size=MARKS["dot"], alpha=0.55, linewidth=0,
                          native_scale=True, warn_thresh=1.0)  # fmt: skip
        say(ax.collections[-1], row.head, each=_said(row, scale) if len(shown) == len(dots) else ())
    bars = []
    for bar, weight in ((row.thin, "adjusted"), (row.bar, "interval")):
        if ends := scale.bounds(bar):
            bars += ax.plot(ends, [down, down], "-", color=colour, linewidth=MARKS[weight])
    if middle is not None:
        face = LIGHT["paper"] if row.hollow else colour
        bars += ax.plot([middle], [down], "o", color=colour, markersize=MARKS["mean"],
                        markerfacecolor=face, markeredgewidth=1.6)  # fmt: skip
        say(bars[-1], row.head, each=[f"{row.note} {row.detail}"])
    if (diamond := scale.point(row.diamond)) is not None:
        ax.plot([diamond], [place], "D", color=LIGHT["ink"], markersize=MARKS["mean"] + 1,
                markerfacecolor="none", markeredgewidth=1.5, zorder=5)  # fmt: skip


def _told_apart(values: tuple[float, ...]) -> NDArray[np.float64]:
    """Moves each value by far less than a pixel, so that ties fall in the order of the seeds.

    What a sort makes of equal numbers depends on the processor, and places depend on the sort.
    """
    at = np.asarray(values, dtype=np.float64)
    step = 1e-12 * (np.ptp(at) or np.abs(at).max() or 1.0)
    at[np.argsort(at, kind="stable")] += step * np.arange(at.size)
    return at


def _said(row: Row, scale: AxisScale) -> list[str]:
    """Returns what those dots say that can be drawn."""
    known = zip(row.dots, row.says, strict=False)
    return [says for dot, says in known if not math.isnan(scale.place(dot))]


def _label_rows(
    ax: Axes, rows: Sequence[Row], places: Sequence[float], *, room: float, narrow: bool
) -> None:
    notes = _notes_above(rows, room) if narrow else [f"{row.note} {row.detail}" for row in rows]
    for row, place, note in zip(rows, places, notes, strict=True):
        if narrow:
            label = shorten(row.label, room - text_width([note], size=SMALL) - _AROUND)
            ax.annotate(label, (0, place - 0.7), xytext=(0, 0), **BESIDE)
            ax.annotate(note, (1, place - 0.7), xytext=(0, 0), ha="right", fontsize=SMALL,
                        **BESIDE)  # fmt: skip
        else:
            ax.annotate(shorten(row.label, room - 20), (0, place), xytext=(-12, 0), ha="right",
                        **BESIDE)  # fmt: skip
            ax.annotate(note, (1, place), xytext=(14, 0), fontsize=SMALL, **BESIDE)


def _notes_above(rows: Sequence[Row], room: float) -> list[str]:
    """Returns each row's number, with its interval where that cuts no label short."""
    whole = [f"{row.note} {row.detail}".rstrip() for row in rows]
    taken = (
        text_width([row.label]) + text_width([note], size=SMALL)
        for row, note in zip(rows, whole, strict=True)
    )
    return whole if max(taken) <= room - _AROUND else [row.note for row in rows]


def _above_line(ax: Axes, text: str, at: float) -> None:
    low, high = ax.get_xlim()
    third = (high - low) * 0.3
    align = "left" if at < low + third else "right" if at > high - third else "center"
    ax.annotate(
        text, (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 8),
        textcoords="offset points", ha=align, fontsize=SMALL, color=LIGHT["muted"],
    )  # fmt: skip


def thumbnail_figure(data: DotPlot) -> Figure:
    """Draws a dot plot without words, for the card of a study."""
    scale, figure = data.scale, canvas(320, 150)
    axes = figure.add_axes((0.03, 0.04, 0.94, 0.92))
    axes.set_axis_off()
    axes.set_ylim(len(data.rows) - 0.4, -0.6)
    size = min(MARKS["mean"], 110 / max(1, len(data.rows)))
    if (line := scale.point(data.line)) is not None:
        axes.axvline(line, color=LIGHT["rule"], linewidth=1.2)
    for place, row in enumerate(data.rows):
        colour = LIGHT[row.colour]
        if bar := scale.bounds(row.bar):
            axes.plot(bar, [place] * 2, "-", color=colour, linewidth=size / 2.5)
        if (middle := scale.point(row.middle)) is not None:
            axes.plot([middle], [place], "o", color=colour, markersize=size, markeredgewidth=0)
    return figure
