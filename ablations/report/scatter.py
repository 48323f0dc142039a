"""Draws what each arm reaches against what it costs. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.canvas import (
    Bounds,
    canvas,
    plain_numbers,
    spaced,
    text_width,
    wrapped,
)
from ablations.report.palette import LIGHT, MARKS, SMALL, WIDE


@dataclass(frozen=True, slots=True)
class Point:
    """One arm of the cost plot, with the interval of its metric."""

    label: str
    x: float
    y: float
    bar: Bounds | None
    colour: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """Cost to the right, the metric upwards; ``front`` are the points that no other dominates."""

    points: tuple[Point, ...]
    x_axis: str
    y_axis: str
    log: bool = False
    front: tuple[tuple[float, float], ...] = ()


def cost_figure(data: Scatter, width: int) -> Figure:
    """Lays out the cost plot with its labels in a column at the right."""
    height = 330.0 if width >= WIDE else 380.0
    room = min(290.0, 0.46 * width, text_width([point.label for point in data.points]) + 40)
    figure = canvas(width, height)
    left, bottom = 58.0, 52.0
    size = ((width - left - room) / width, (height - bottom - 34) / height)
    axes = figure.add_axes((left / width, bottom / height, *size))
    plot_cost(axes, data, room=room)
    return figure


def plot_cost(ax: Axes, data: Scatter, *, room: float) -> None:
    """Draws the points, their intervals, the front, and their labels at thin lines."""
    if len(data.front) > 1:
        x, y = zip(*data.front, strict=True)
        ax.step(x, y, where="post", color=LIGHT["rule"], linewidth=1.4, zorder=1)
    for point in data.points:
        colour = LIGHT[point.colour]
        if point.bar:
            ax.plot([point.x] * 2, point.bar, "-", color=colour, linewidth=1.2, alpha=0.6)
        ax.plot(
            [point.x], [point.y], "o", color=colour, markersize=MARKS["mean"], markeredgewidth=0
        )
    if data.log:
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(plain_numbers())
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(plain_numbers())
    ax.set_xlabel(data.x_axis, loc="right", labelpad=6)
    ax.set_title(data.y_axis, loc="left", fontsize=SMALL, color=LIGHT["muted"], pad=12)
    ax.grid(visible=True, zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, pad=6)
    _label_points(ax, data.points, room=room)


def _label_points(ax: Axes, points: Sequence[Point], *, room: float) -> None:
    low, high = ax.get_ylim()
    texts = {point.label: wrapped(point.label, room - 12) for point in points}
    pixels = 31 if any("\n" in text for text in texts.values()) else 17
    gap = (high - low) * pixels / ax.get_window_extent().height
    shown = sorted((point for point in points if point.label), key=lambda point: point.y)
    for point, place in zip(
        shown, spaced([p.y for p in shown], gap, top=high - gap / 2), strict=True
    ):
        ax.annotate(
            texts[point.label], (point.x, point.y), xycoords="data",
            xytext=(1.03, (place - low) / (high - low)), textcoords="axes fraction",
            va="center", fontsize=SMALL, annotation_clip=False, linespacing=1.05,
            arrowprops={"arrowstyle": "-", "color": LIGHT["rule"], "linewidth": 0.7,
                        "shrinkA": 2, "shrinkB": 5, "relpos": (0, 0.5)},
        )  # fmt: skip
