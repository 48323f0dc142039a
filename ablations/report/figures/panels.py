"""Draws small multiples: interaction plots and learning curves; reads no findings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import PLAIN, AxisScale, fit, joined, notes
from ablations.report.figures.dots import MOST, QUANTILES, crowded, dots_of
from ablations.report.figures.layout import (
    BESIDE,
    Bounds,
    Grid,
    lay_out,
    shorten,
    spaced,
    wrapped,
    write_head,
    write_legend,
)
from ablations.report.figures.svg import say
from ablations.report.figures.theme import LIGHT, MARKS, SERIES, SMALL, WIDE

FIRST = (
    f"Where there are more than {MOST} seeds, the curves of the first {MOST} are drawn; the means "
    "are over all."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One mean line and the seeds behind it; all of shape (x,).

    ``says`` is what each of its thin lines or dots says where a reader points at it, ``means``
    what each mean does, or the whole mean line.
    """

    label: str
    mean: tuple[float, ...]
    seeds: tuple[tuple[float, ...], ...]
    says: tuple[str, ...] = ()
    means: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One small plot: of an interaction, or without ``x_labels`` of curves over epochs from 1."""

    title: str
    lines: tuple[Line, ...]
    x_labels: tuple[str, ...] = ()
    x_axis: str = ""


@dataclass(frozen=True, slots=True)
class Panels:
    """Small plots that share the vertical axis; ``left_out`` says which are not drawn."""

    panels: tuple[Panel, ...]
    y_axis: str
    bounds: Bounds
    legend: tuple[str, ...] = ()
    scale: AxisScale = PLAIN
    left_out: str = ""

    @property
    def points(self) -> list[float]:
        """Every number that lies within the bounds; of many curves those that are drawn."""
        low, high = self.bounds
        most = None if self.panels[0].x_labels else MOST
        lines = [line for panel in self.panels for line in panel.lines]
        runs = [run for line in lines for run in (line.mean, *line.seeds[:most])]
        return [value for run in runs for value in run if not value < low and not value > high]

    @property
    def notes(self) -> str:
        """What a reader must know of an axis that does not show all numbers as usual."""
        lines = [line for panel in self.panels for line in panel.lines]
        beyond = [v for line in lines for v in line.mean if not math.isfinite(v)]
        many = QUANTILES if self.panels[0].x_labels else FIRST
        thinned = many if crowded(line.seeds for line in lines) else ""
        own = notes(fit(self.points), [*self.points, *beyond])
        return joined((self.left_out, thinned, own))

    def figure(self, width: int) -> Figure:
        """Lays out the plots as what they are."""
        lay_out = interaction_figure if self.panels[0].x_labels else curve_figure
        return lay_out(self, width)


@dataclass(frozen=True, slots=True)
class Histories:
    """Plots of one arm's curves, one a metric; each has a vertical axis of its own."""

    plots: tuple[Panels, ...]

    @property
    def notes(self) -> str:
        """What a reader must know of axes that do not show all numbers as usual."""
        return joined(plot.notes for plot in self.plots)

    def figure(self, width: int) -> Figure:
        """Lays out the plots side by side, or on a phone one above the other."""
        columns = len(self.plots) if width >= WIDE else 1
        grid = Grid(columns, cell=246, widest=430, head=26, top=34, bottom=34, right=22,
                    has_numbers=True)  # fmt: skip
        figure, places = lay_out(len(self.plots), width, grid)
        write_legend(figure, self.plots[0].legend, top=12)
        for axes, plot in zip(places, map(fitted, self.plots), strict=True):
            plot_curves(axes, plot.panels[0])
            finish(axes, plot, plot.y_axis, room=_width(axes) + 6)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
            axes.set_xlabel("epoch", labelpad=3)
        return figure


def fitted(data: Panels) -> Panels:
    """Brings what is drawn of panels to its places on an axis that all numbers fit on.

    Of a line with more seeds than ``MOST`` that is so many quantiles, or curves.
    """
    scale = fit(data.points, data.bounds)
    low, high = _limits(data, scale)
    far = 1e3 * (high - low)

    def place(value: float) -> float:
        return min(max(scale.place(value), low - far), high + far)

    def placed(line: Line, *, dots: bool) -> Line:
        drawn = _dots_by_place(line.seeds) if dots else line.seeds[:MOST]
        seeds = tuple(tuple(map(place, run)) for run in drawn)
        return replace(line, mean=tuple(map(place, line.mean)), seeds=seeds)

    panels = tuple(
        replace(p, lines=tuple(placed(line, dots=bool(p.x_labels)) for line in p.lines))
        for p in data.panels
    )
    axis = scale.label(data.y_axis)
    return replace(data, panels=panels, bounds=(low, high), y_axis=axis, scale=scale)


def _dots_by_place(runs: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """Thins out seeds at each place of an axis; both have shape (seed, place)."""
    return tuple(zip(*map(dots_of, zip(*runs, strict=True)), strict=True))


def _limits(data: Panels, scale: AxisScale) -> tuple[float, float]:
    if not scale.log:
        return scale.bounds(data.bounds) or (0.0, 1.0)
    places = scale.places(data.points)
    room = 0.08 * (max(places) - min(places))
    return min(places) - room, max(places) + room


def interaction_figure(data: Panels, width: int) -> Figure:
    """Lays out one panel per pair of factors."""
    data = fitted(data)
    columns = min(3, len(data.panels)) if width >= WIDE else 1
    grid = Grid(columns, cell=270, widest=340, head=30, top=34, bottom=52, right=118, foot=18)
    figure, places = lay_out(len(data.panels), width, grid)
    write_head(figure, data.y_axis)
    for axes, panel in zip(places, data.panels, strict=True):
        plot_interaction(axes, panel)
        finish(axes, data, panel.title, room=_width(axes) + grid.right - 8)
        label_ends(axes, panel, room=grid.right)
    return figure


def curve_figure(data: Panels, width: int) -> Figure:
    """Lays out one panel per arm."""
    data = fitted(data)
    columns = min(4 if width >= WIDE else 2, len(data.panels))
    head = 52 if data.legend else 30
    grid = Grid(columns, cell=178, widest=300, head=head, top=46, bottom=30, right=18, foot=18)
    figure, places = lay_out(len(data.panels), width, grid)
    write_head(figure, data.y_axis)
    write_legend(figure, data.legend, top=32)
    for axes, panel in zip(places, data.panels, strict=True):
        plot_curves(axes, panel)
        finish(axes, data, panel.title, room=_width(axes) + 14)
    places[-1].set_xlabel(data.panels[-1].x_axis, labelpad=3)
    return figure


def _width(ax: Axes) -> float:
    return float(ax.get_window_extent().width)


def plot_interaction(ax: Axes, panel: Panel) -> None:
    """Draws a line per level over the levels of the other factor, seeds as dots."""
    x = range(len(panel.x_labels))
    for line, name in zip(panel.lines, cycle(SERIES), strict=False):
        colour = LIGHT[name]
        # Many quantiles are one line of markers: a line for each takes most of the time.
        many = [sum(line.seeds, ())] if len(line.seeds) >= MOST else line.seeds
        for place, dots in enumerate(many):
            seeds = ax.plot([*x] * (len(dots) // len(x)), dots, "o", color=colour, markersize=4,
                            markeredgewidth=0, alpha=0.4)  # fmt: skip
            own = line.says[place * len(x) : (place + 1) * len(x)] if many is line.seeds else ()
            say(seeds[0], panel.title, line.label, own)
        mean = ax.plot(x, line.mean, "o-", color=colour, linewidth=MARKS["thick"], markersize=6)
        say(mean[0], panel.title, line.label, ("mean", *(f"mean, {one}" for one in line.means)))
    ax.set_xlim(-0.25, len(panel.x_labels) - 0.75)
    ax.set_xticks(x, [shorten(label, 80, size=SMALL) for label in panel.x_labels])
    axis = shorten(panel.x_axis, _width(ax) + 80, size=SMALL)
    ax.set_xlabel(axis, loc="center", labelpad=4)


def plot_curves(ax: Axes, panel: Panel) -> None:
    """Draws each seed thin and the mean thick."""
    for line, name in zip(panel.lines, cycle(SERIES), strict=False):
        colour = LIGHT[name]
        runs = [list(enumerate(seed, start=1)) for seed in line.seeds]
        seeds = LineCollection(runs, colors=colour, linewidths=MARKS["thin"], alpha=0.45)
        ax.add_collection(seeds, autolim=False)
        say(seeds, panel.title, line.label, line.says)
        x = range(1, len(line.mean) + 1)
        mean = ax.plot(x, line.mean, color=colour, linewidth=MARKS["thick"])
        say(mean[0], panel.title, line.label, line.means)
    longest = max((len(s) for line in panel.lines for s in (line.mean, *line.seeds)), default=1)
    ax.set_xlim(1, max(2, longest))
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))


def finish(ax: Axes, data: Panels, title: str, *, room: float) -> None:
    """Gives a plot its vertical axis, its grid and its title."""
    low, high = data.bounds
    ax.set_ylim(low, high)
    data.scale.set_ticks(ax.yaxis, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.grid(visible=True, axis="y", zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(pad=5)
    ax.set_title(wrapped(title, room), pad=9, linespacing=1.25)


def label_ends(ax: Axes, panel: Panel, *, room: float) -> None:
    """Writes each line's name at its right end, moved apart where they meet."""
    low, high = ax.get_ylim()
    gap = (high - low) * 17 / ax.get_window_extent().height
    named = zip(panel.lines, cycle(SERIES), strict=False)
    drawn = [(line, colour) for line, colour in named if math.isfinite(line.mean[-1])]
    ends = sorted(drawn, key=lambda e: e[0].mean[-1])
    places = spaced([line.mean[-1] for line, _ in ends], gap, top=high)
    for (line, colour), place in zip(ends, places, strict=True):
        ax.annotate(shorten(line.label, room - 12, size=SMALL), (1, place), xytext=(4, 0),
                    fontsize=SMALL, color=LIGHT[colour], fontweight="bold", **BESIDE)  # fmt: skip
