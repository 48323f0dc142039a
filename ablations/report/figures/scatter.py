"""Draws what each arm reaches against what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import AxisScale, fit, joined, notes
from ablations.report.figures.layout import (
    Bounds,
    add_plot,
    canvas,
    shorten_axis,
    spaced,
    text_width,
    wrapped,
)
from ablations.report.figures.svg import say
from ablations.report.figures.theme import LIGHT, MARKS, SMALL, WIDE


@dataclass(frozen=True, slots=True)
class Point:
    """One arm of the cost plot, with the interval of its metric, and what it says to who points."""

    label: str
    x: float
    y: float
    bar: Bounds | None
    colour: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Scatter:
    """Cost to the right, the metric upwards; ``front`` are the points that no other dominates.

    ``factors`` bring costs and metric into the units of their axes, ``left_out`` says which points
    are not drawn.
    """

    points: tuple[Point, ...]
    x_axis: str
    y_axis: str
    log: bool = False
    front: tuple[Point, ...] = ()
    factors: tuple[float, float] = (1.0, 1.0)
    left_out: str = ""

    @property
    def _numbers(self) -> tuple[list[float], list[float], list[float]]:
        """Costs, metrics, and the ends of the metrics' intervals."""
        bars = [end for point in self.points for end in point.bar or ()]
        return [point.x for point in self.points], [point.y for point in self.points], bars

    @property
    def scales(self) -> tuple[AxisScale, AxisScale]:
        """The axes that all points fit on."""
        (x, y, bars), (across, upward) = self._numbers, self.factors
        return fit(x, factor=across), fit(y, bars, upward)

    @property
    def notes(self) -> str:
        """What a reader must know of axes that do not show all numbers as usual."""
        (x, y, bars), (across, upward) = self._numbers, self.scales
        return joined([self.left_out, notes(across, x), notes(upward, y, bars)])

    def placed(self, points: Iterable[Point]) -> list[Point]:
        """Brings those points that can be drawn to their places on the axes."""
        across, upward = self.scales
        found = (
            replace(p, x=across.place(p.x), y=upward.place(p.y), bar=upward.bounds(p.bar))
            for p in points
        )
        return [point for point in found if math.isfinite(point.x) and math.isfinite(point.y)]

    def figure(self, width: int) -> Figure:
        """Lays out the points, and their labels in a column at the right."""
        points, height = self.placed(self.points), 330.0 if width >= WIDE else 380.0
        room = min(290.0, 0.46 * width, text_width([point.label for point in points]) + 40)
        figure = canvas(width, height)
        axes = add_plot(figure, 58, 52, width - 58 - room, height - 52 - 34)
        _plot_points(axes, points, self.placed(self.front))
        _finish_axes(axes, self, room=room)
        _label_points(axes, points, room=room)
        return figure


def _plot_points(ax: Axes, points: Sequence[Point], front: Sequence[Point]) -> None:
    """Draws the points, their intervals, and the front as steps."""
    if len(front) > 1:
        x, y = [point.x for point in front], [point.y for point in front]
        ax.step(x, y, where="post", color=LIGHT["rule"], linewidth=1.4, zorder=1)
    for point in points:
        colour = LIGHT[point.colour]
        if point.bar:
            ax.plot([point.x] * 2, point.bar, "-", color=colour, linewidth=1.2, alpha=0.6)
        mark = ax.plot(
            [point.x], [point.y], "o", color=colour, markersize=MARKS["mean"], markeredgewidth=0
        )
        say(mark[0], point.says)


def _finish_axes(ax: Axes, data: Scatter, *, room: float) -> None:
    """Sets scales, numbers and titles of both axes."""
    across, upward = data.scales
    if data.log and not across.log and not across.exponent:
        ax.set_xscale("log")
    else:
        if not across.log:
            below = any(point.x < 0 for point in data.points)
            ax.set_xlim(left=min(0, ax.get_xlim()[0]) if below else 0)
        across.set_ticks(ax.xaxis, MaxNLocator(5))
    upward.set_ticks(ax.yaxis, MaxNLocator(5))
    wide = ax.get_window_extent().width
    ax.set_xlabel(shorten_axis(across.label(data.x_axis), wide + 100), labelpad=6)
    title = shorten_axis(upward.label(data.y_axis), wide + room)
    ax.set_title(title, color=LIGHT["muted"], pad=12)
    ax.spines["left"].set_visible(True)
    ax.grid(visible=True, zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(pad=6)


def _label_points(ax: Axes, points: Sequence[Point], *, room: float) -> None:
    low, high = ax.get_ylim()
    texts = {point.label: wrapped(point.label, room - 12) for point in points}
    pixels = 31 if any("\n" in text for text in texts.values()) else 17
    gap = (high - low) * pixels / ax.get_window_extent().height
    shown = sorted((point for point in points if point.label), key=lambda point: point.y)
    places = spaced([point.y for point in shown], gap, top=high - gap / 2)
    for point, place in zip(shown, places, strict=True):
        ax.annotate(
            texts[point.label], (point.x, point.y), xycoords="data",
            xytext=(1.03, (place - low) / (high - low)), textcoords="axes fraction",
            va="center", fontsize=SMALL, annotation_clip=False, linespacing=1.05,
            arrowprops={"arrowstyle": "-", "color": LIGHT["rule"], "linewidth": 0.7,
                        "shrinkA": 2, "shrinkB": 5, "relpos": (0, 0.5)},
        )  # fmt: skip
