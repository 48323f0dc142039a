"""Draws dot plots on given axes; nothing here computes or reads findings.

All numbers arrive in the units that the axis shows. One point is one CSS pixel (72 dpi), so sizes
in `palette` hold on the page as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import PLAIN, AxisScale, fit, notes
from ablations.report.figures.layout import Bounds, canvas, shorten, shorten_axis, text_width
from ablations.report.figures.theme import LIGHT, MARKS, SMALL, TEXT, WIDE


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a dot plot: dots, and beside them a mark with a thick and a thin bar.

    ``diamond`` is a number from elsewhere that they are held against.
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


@dataclass(frozen=True, slots=True)
class DotPlot:
    """Rows from top to bottom, on one axis, with a line to compare them with."""

    rows: tuple[Row, ...]
    axis: str
    line: float | None = None
    line_label: str = ""
    band: Bounds | None = None
    ticks_for_dots: bool = False
    scale: AxisScale = PLAIN

    @property
    def points(self) -> list[float]:
        """Every number that stands for itself, rather than for an interval."""
        single = [n for row in self.rows for n in (row.middle, row.diamond)]
        found = [*(dot for row in self.rows for dot in row.dots), *single, self.line]
        return [number for number in found if number is not None]

    @property
    def ends(self) -> list[float]:
        """Both ends of every interval."""
        bars = [bar for row in self.rows for bar in (row.bar, row.thin)]
        return [end for bar in (*bars, self.band) if bar for end in bar]

    @property
    def notes(self) -> str:
        """What a reader must know of an axis that does not show all numbers as usual."""
        return notes(fit(self.points, self.ends), self.points, self.ends)


def fitted(data: DotPlot) -> DotPlot:
    """Brings a dot plot's numbers to their places on an axis that they all fit on."""
    scale = fit(data.points, data.ends)
    if scale == PLAIN and all(map(math.isfinite, (*data.points, *data.ends))):
        return data
    return replace(
        data,
        rows=tuple(_fitted_row(row, scale) for row in data.rows),
        axis=scale.named(data.axis),
        line=scale.point(data.line),
        band=scale.bounds(data.band),
        scale=scale,
    )


def _fitted_row(row: Row, scale: AxisScale) -> Row:
    return replace(
        row,
        dots=scale.places(row.dots),
        middle=scale.point(row.middle),
        bar=scale.bounds(row.bar),
        thin=scale.bounds(row.thin),
        diamond=scale.point(row.diamond),
    )


def dot_figure(data: DotPlot, width: int) -> Figure:
    """Lays out a dot plot: labels at the left, or on a phone above their rows."""
    data = fitted(data)
    narrow = width < WIDE
    places, headings, depth = _places(data.rows, 1.35 if narrow else 1.0)
    top, bottom, unit = (30.0 if data.line_label else 10.0), 48.0, 36.0
    height = top + depth * unit + bottom
    left = 10.0 if narrow else min(330.0, text_width([row.label for row in data.rows]) + 24)
    notes = [f"{row.note} {row.detail}" for row in data.rows]
    right = 14.0 if narrow else text_width(notes, size=SMALL) + 28
    figure = canvas(width, height)
    size = ((width - left - right) / width, depth * unit / height)
    axes = figure.add_axes((left / width, bottom / height, *size))
    axes.set_ylim(depth, 0)
    data = replace(data, axis=shorten_axis(data.axis, width - right - 4))
    plot_rows(axes, data, places, reach=0.3 if narrow else 0.5)
    _label_rows(axes, data.rows, places=places, room=width if narrow else left, narrow=narrow)
    for heading, place in headings:
        _write(axes, _Text(heading, place, shift=(10 - left, 0), weight="bold"))
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


def plot_rows(ax: Axes, data: DotPlot, places: Sequence[float], *, reach: float = 0.5) -> None:
    """Draws the marks of a dot plot, the line to compare with and the axis.

    Vertical lines keep to ``reach`` above and below each row, so that a label between two rows
    stays free of them.
    """
    for row, place in zip(data.rows, places, strict=True):
        _plot_row(ax, row, place, ticks=data.ticks_for_dots)
    if data.line is not None:
        ax.plot([data.line], [places[0]], linestyle="none")  # the axis reaches the line
    _bottom_axis(ax, data)
    _upright(ax, list(ax.get_xticks()), places, reach=reach, colour="grid")
    if data.band:
        for place in places:
            ax.fill_between(data.band, place - reach, place + reach, color=LIGHT["grid"],
                            linewidth=0, zorder=0, alpha=0.6)  # fmt: skip
    if data.line is not None:
        _upright(ax, [data.line], places, reach=reach, colour="rule")
        _above_line(ax, data.line_label, data.line)


def _upright(
    ax: Axes, at: Sequence[float], places: Sequence[float], *, reach: float, colour: str
) -> None:
    low, high = ax.get_xlim()
    for x in (x for x in at if low <= x <= high):
        ends = [end for place in places for end in (place - reach, place + reach, math.nan)]
        ax.plot([x] * len(ends), ends, "-", color=LIGHT[colour], linewidth=1.1, zorder=0,
                scalex=False, solid_capstyle="butt")  # fmt: skip


def _plot_row(ax: Axes, row: Row, place: float, *, ticks: bool) -> None:
    colour, up, down = LIGHT[row.colour], place - 0.2, place + 0.16
    if ticks:
        # One broken line is a tenth of the bytes of a hundred markers.
        x = [value for dot in row.dots for value in (dot, dot, math.nan)]
        y = [up - 0.1, up + 0.18, math.nan] * len(row.dots)
        ax.plot(x, y, "-", color=colour, linewidth=MARKS["adjusted"], alpha=0.6)
    elif row.dots:
        # Seeds that agree stand beside each other rather than on each other.
        seaborn.swarmplot(x=row.dots, y=[up] * len(row.dots), ax=ax, orient="h", color=colour,
                          size=MARKS["dot"], alpha=0.55, linewidth=0, native_scale=True,
                          warn_thresh=1.0)  # fmt: skip
    for bounds, weight in ((row.thin, "adjusted"), (row.bar, "interval")):
        if bounds:
            ax.plot(bounds, [down, down], "-", color=colour, linewidth=MARKS[weight])
    if row.middle is not None:
        face = LIGHT["paper"] if row.hollow else colour
        ax.plot([row.middle], [down], "o", color=colour, markersize=MARKS["mean"],
                markerfacecolor=face, markeredgewidth=1.6)  # fmt: skip
    if row.diamond is not None:
        ax.plot([row.diamond], [place], "D", color=LIGHT["ink"], markersize=MARKS["mean"] + 1,
                markerfacecolor="none", markeredgewidth=1.5, zorder=5)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Text:
    """Words at the left (``end`` 0) or right (1) edge of the axes, shifted by pixels."""

    words: str
    place: float
    end: int = 0
    shift: Bounds = (0.0, 0.0)
    align: Literal["left", "right"] = "left"
    size: float = TEXT
    weight: str = "normal"


def _label_rows(
    ax: Axes, rows: Sequence[Row], *, places: Sequence[float], room: float, narrow: bool
) -> None:
    for row, place in zip(rows, places, strict=True):
        if narrow:
            space = room - text_width([row.note], size=SMALL) - 40
            label = _Text(shorten(row.label, space), place - 0.58)
            note = _Text(row.note, place - 0.58, end=1, align="right", size=SMALL)
        else:
            label = _Text(shorten(row.label, room - 20), place, shift=(-12, 0), align="right")
            note = _Text(f"{row.note} {row.detail}", place, end=1, shift=(14, 0), size=SMALL)
        _write(ax, label)
        _write(ax, note)


def _write(ax: Axes, text: _Text) -> None:
    ax.annotate(
        text.words,
        (text.end, text.place),
        xycoords=("axes fraction", "data"),
        xytext=text.shift,
        textcoords="offset points",
        ha=text.align,
        va="center",
        fontsize=text.size,
        fontweight=text.weight,
        annotation_clip=False,
    )


def _above_line(ax: Axes, text: str, at: float) -> None:
    low, high = ax.get_xlim()
    align = (
        "left"
        if at < low + (high - low) * 0.3
        else "right"
        if at > high - (high - low) * 0.3
        else "center"
    )
    ax.annotate(
        text, (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 8),
        textcoords="offset points", ha=align, fontsize=SMALL, color=LIGHT["muted"],
    )  # fmt: skip


def _bottom_axis(ax: Axes, data: DotPlot) -> None:
    ax.set_xlabel(data.axis, loc="right", labelpad=6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    data.scale.tick(ax.xaxis, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.tick_params(length=0, pad=6)


def thumbnail_figure(data: DotPlot) -> Figure:
    """Draws a dot plot without words, for the card of a study."""
    data, figure = fitted(data), canvas(320, 150)
    axes = figure.add_axes((0.03, 0.04, 0.94, 0.92))
    axes.set_axis_off()
    axes.set_ylim(len(data.rows) - 0.4, -0.6)
    size = min(MARKS["mean"], 110 / max(1, len(data.rows)))
    if data.line is not None:
        axes.axvline(data.line, color=LIGHT["rule"], linewidth=1.2)
    for place, row in enumerate(data.rows):
        colour = LIGHT[row.colour]
        if row.bar:
            axes.plot(row.bar, [place] * 2, "-", color=colour, linewidth=size / 2.5)
        if row.middle is not None:
            axes.plot([row.middle], [place], "o", color=colour, markersize=size, markeredgewidth=0)
    return figure
