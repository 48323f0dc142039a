"""Draws small multiples: interaction plots and learning curves. Computes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import PLAIN, AxisScale, fit, notes
from ablations.report.figures.layout import canvas, shorten, shorten_axis, spaced, wrapped
from ablations.report.figures.theme import LIGHT, MARKS, SERIES, SMALL, TEXT, WIDE


@dataclass(frozen=True, slots=True)
class Line:
    """One mean line and the seeds behind it; all of shape (x,)."""

    label: str
    mean: tuple[float, ...]
    seeds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One small plot. Without ``x_labels`` the lines run over epochs from 1."""

    title: str
    lines: tuple[Line, ...]
    x_labels: tuple[str, ...] = ()
    x_axis: str = ""


@dataclass(frozen=True, slots=True)
class Panels:
    """Small plots that share the vertical axis."""

    panels: tuple[Panel, ...]
    y_axis: str
    bounds: tuple[float, float]
    legend: tuple[str, ...] = ()
    scale: AxisScale = PLAIN

    @property
    def points(self) -> list[float]:
        """Every number that lies within the bounds."""
        low, high = self.bounds
        lines = [line for panel in self.panels for line in panel.lines]
        runs = [run for line in lines for run in (line.mean, *line.seeds)]
        return [value for run in runs for value in run if not value < low and not value > high]

    @property
    def notes(self) -> str:
        """What a reader must know of an axis that does not show all numbers as usual."""
        every = [v for panel in self.panels for line in panel.lines for v in line.mean]
        beyond = [value for value in every if not math.isfinite(value)]
        return notes(fit(self.points), [*self.points, *beyond])


def fitted(data: Panels) -> Panels:
    """Brings the numbers of panels to their places on an axis that they all fit on."""
    scale = fit(data.points, data.bounds)
    low, high = _limits(data, scale)
    far = 1e3 * (high - low)

    def place(value: float) -> float:
        return min(max(scale.place(value), low - far), high + far)

    def placed(line: Line) -> Line:
        seeds = tuple(tuple(map(place, run)) for run in line.seeds)
        return replace(line, mean=tuple(map(place, line.mean)), seeds=seeds)

    panels = tuple(replace(p, lines=tuple(map(placed, p.lines))) for p in data.panels)
    axis = scale.named(data.y_axis)
    return replace(data, panels=panels, bounds=(low, high), y_axis=axis, scale=scale)


def _limits(data: Panels, scale: AxisScale) -> tuple[float, float]:
    if not scale.log:
        return scale.bounds(data.bounds) or (0.0, 1.0)
    places = scale.places(data.points)
    room = 0.08 * (max(places) - min(places))
    return min(places) - room, max(places) + room


@dataclass(frozen=True, slots=True)
class _Grid:
    """Pixels of a grid of panels; the numbers of the vertical axis stand at its left, once."""

    columns: int
    cell: float
    right: float
    top: float
    bottom: float
    widest: float = 420.0


_NUMBERS = 44.0
"""Pixels for the numbers at the left of a grid."""


def interaction_figure(data: Panels, width: int) -> Figure:
    """Lays out one panel per pair of factors."""
    data = fitted(data)
    columns = min(3, len(data.panels)) if width >= WIDE else 1
    grid = _Grid(columns, cell=270, right=118, top=34, bottom=52, widest=340)
    figure, places = _lay_out(data, width, grid)
    for axes, panel in zip(places, data.panels, strict=True):
        plot_interaction(axes, panel)
        finish(axes, data, panel.title, room=_width(axes) + grid.right - 8)
        label_ends(axes, panel, room=grid.right)
    _number_first_column(places, columns)
    return figure


def curve_figure(data: Panels, width: int) -> Figure:
    """Lays out one panel per arm."""
    data = fitted(data)
    most = 4 if width >= WIDE else 2
    columns = min(most, len(data.panels))
    grid = _Grid(columns, cell=178, right=18, top=46, bottom=30, widest=300)
    figure, places = _lay_out(data, width, grid)
    for i, (axes, panel) in enumerate(zip(places, data.panels, strict=True)):
        plot_curves(axes, panel)
        finish(axes, data, panel.title, room=_width(axes) + 14)
        if i == len(data.panels) - 1:
            axes.set_xlabel(panel.x_axis, loc="right", labelpad=3)
    _number_first_column(places, columns)
    return figure


def _width(ax: Axes) -> float:
    return float(ax.get_window_extent().width)


def _number_first_column(places: Sequence[Axes], columns: int) -> None:
    for i, axes in enumerate(places):
        if i % columns:
            axes.tick_params(axis="y", labelleft=False)


def _lay_out(data: Panels, width: int, grid: _Grid) -> tuple[Figure, list[Axes]]:
    head, foot = (52.0 if data.legend else 30.0), 18.0
    height = head + math.ceil(len(data.panels) / grid.columns) * grid.cell + foot
    figure = canvas(width, height)
    wide = min((width - _NUMBERS) / grid.columns, grid.widest)
    size = ((wide - grid.right) / width, (grid.cell - grid.bottom - grid.top) / height)
    places = []
    for i in range(len(data.panels)):
        row, column = divmod(i, grid.columns)
        x = _NUMBERS + column * wide
        y = height - head - (row + 1) * grid.cell + grid.bottom
        places.append(figure.add_axes((x / width, y / height, *size)))
    _write_head(figure, data)
    return figure, places


def _write_head(figure: Figure, data: Panels) -> None:
    width, height = figure.get_size_inches() * 72
    y = 1 - 10 / height
    words = shorten_axis(data.y_axis, width - 4)
    figure.text(2 / width, y, words, fontsize=SMALL, color=LIGHT["muted"], va="center")
    write_legend(figure, data.legend, top=32)


def write_legend(figure: Figure, names: Sequence[str], *, top: float) -> None:
    """Names the colours of the lines, in a row that many pixels below the top."""
    width, height = figure.get_size_inches() * 72
    at = 2.0
    for name, colour in zip(names, SERIES, strict=False):
        figure.text(
            at / width, 1 - top / height, f"━ {name}", fontsize=SMALL, color=LIGHT[colour],
            va="center", fontweight="bold",
        )  # fmt: skip
        at += (len(name) + 4) * 0.56 * TEXT


def plot_interaction(ax: Axes, panel: Panel) -> None:
    """Draws a line per level over the levels of the other factor, seeds as dots."""
    x = range(len(panel.x_labels))
    for line, name in zip(panel.lines, _cycled(len(panel.lines)), strict=True):
        colour = LIGHT[name]
        for seed in line.seeds:
            ax.plot(x, seed, "o", color=colour, markersize=4, markeredgewidth=0, alpha=0.4)
        ax.plot(x, line.mean, "o-", color=colour, linewidth=MARKS["thick"], markersize=6)
    ax.set_xlim(-0.25, len(panel.x_labels) - 0.75)
    ax.set_xticks(x, [shorten(label, 80, size=SMALL) for label in panel.x_labels])
    ax.set_xlabel(shorten(panel.x_axis, _width(ax) + 80, size=SMALL), labelpad=4)


def plot_curves(ax: Axes, panel: Panel) -> None:
    """Draws each seed thin and the mean thick."""
    for line, name in zip(panel.lines, _cycled(len(panel.lines)), strict=True):
        colour = LIGHT[name]
        runs = [list(enumerate(seed, start=1)) for seed in line.seeds]
        ax.add_collection(
            LineCollection(runs, colors=colour, linewidths=MARKS["thin"], alpha=0.45), autolim=False
        )
        ax.plot(range(1, len(line.mean) + 1), line.mean, color=colour, linewidth=MARKS["thick"])
    longest = max((len(s) for line in panel.lines for s in (line.mean, *line.seeds)), default=1)
    ax.set_xlim(1, max(2, longest))
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))


def finish(ax: Axes, data: Panels, title: str, *, room: float) -> None:
    """Gives a plot its vertical axis, its grid and its title."""
    low, high = data.bounds
    ax.set_ylim(low, high)
    data.scale.tick(ax.yaxis, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.spines["left"].set_visible(False)
    ax.grid(visible=True, axis="y", zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, pad=5)
    words = wrapped(title, room)
    ax.set_title(words, loc="left", fontsize=SMALL, color=LIGHT["ink"], pad=9, linespacing=1.25)


def label_ends(ax: Axes, panel: Panel, *, room: float) -> None:
    """Writes each line's name at its right end, moved apart where they meet."""
    low, high = ax.get_ylim()
    gap = (high - low) * 17 / ax.get_window_extent().height
    named = zip(panel.lines, _cycled(len(panel.lines)), strict=True)
    drawn = [(line, colour) for line, colour in named if math.isfinite(line.mean[-1])]
    ends = sorted(drawn, key=lambda e: e[0].mean[-1])
    places = spaced([line.mean[-1] for line, _ in ends], gap, top=high)
    for (line, colour), place in zip(ends, places, strict=True):
        label = shorten(line.label, room - 12, size=SMALL)
        ax.annotate(
            label, (1, place), xycoords=("axes fraction", "data"),
            xytext=(4, 0), textcoords="offset points", va="center", fontsize=SMALL,
            color=LIGHT[colour], fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _cycled(count: int) -> Sequence[str]:
    return [SERIES[i % len(SERIES)] for i in range(count)]
