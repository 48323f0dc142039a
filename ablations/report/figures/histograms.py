"""Draws histograms as small multiples. Computes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import plain_or_powers
from ablations.report.figures.layout import canvas, plain_numbers, wrapped
from ablations.report.figures.theme import LIGHT, SERIES, SMALL, WIDE

Bin = tuple[float, float, float]
"""Where a bin begins and ends, and the height of its bar."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """One series; each has a horizontal axis of its own."""

    title: str
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Histograms:
    """Plots that share the vertical axis."""

    plots: tuple[Histogram, ...]
    y_axis: str


_TITLE, _PLOT, _FOOT, _LEFT, _HEAD = 30.0, 132.0, 34.0, 44.0, 24.0


def histogram_figure(data: Histograms, width: int) -> Figure:
    """Lays out the series side by side, or on a phone one above the other."""
    data = _fitted(data)
    columns = min(3, len(data.plots)) if width >= WIDE else 1
    cell = _TITLE + _PLOT + _FOOT
    height = _HEAD + math.ceil(len(data.plots) / columns) * cell
    figure = canvas(width, height)
    figure.text(2 / width, 1 - 10 / height, data.y_axis, fontsize=SMALL, color=LIGHT["muted"],
                va="center")  # fmt: skip
    wide = min((width - _LEFT) / columns, 380.0)
    top = max((share for plot in data.plots for *_, share in plot.bins), default=1.0)
    bottom = min((share for plot in data.plots for *_, share in plot.bins), default=0.0)
    for i, plot in enumerate(data.plots):
        row, column = divmod(i, columns)
        y = height - _HEAD - (row + 1) * cell + _FOOT
        size = ((wide - 40) / width, _PLOT / height)
        axes = figure.add_axes(((_LEFT + column * wide) / width, y / height, *size))
        axes.set_ylim(min(0.0, bottom), (top * 1.06 if top > 0 else 0.0) or 1.0)
        plot_histogram(axes, plot, colour=SERIES[i % len(SERIES)])
        axes.set_title(wrapped(plot.title, wide - 40), loc="left", fontsize=SMALL,
                       color=LIGHT["ink"], pad=8)  # fmt: skip
        axes.tick_params(length=0, pad=5, labelleft=column == 0)
    return figure


def _fitted(data: Histograms) -> Histograms:
    """Brings the heights to their places on an axis that they all fit on."""
    scale = plain_or_powers([share for plot in data.plots for *_, share in plot.bins])
    plots = tuple(
        replace(
            plot, bins=tuple((start, end, scale.place(share)) for start, end, share in plot.bins)
        )
        for plot in data.plots
    )
    return Histograms(plots, scale.named(data.y_axis))


def plot_histogram(ax: Axes, data: Histogram, *, colour: str) -> None:
    """Draws one outline over all bins, filled."""
    found = [data.bins[0][0], *(end for _, end, _ in data.bins)] if data.bins else [0.0, 1.0]
    scale = plain_or_powers(found)
    edges, heights = scale.places(found), [share for *_, share in data.bins] or [0.0]
    ax.stairs(heights, edges, fill=True, color=LIGHT[colour], alpha=0.85, zorder=2)
    if edges[0] != edges[-1]:
        ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(scale.named("").strip(", "), loc="right")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(plain_numbers())
    ax.spines["left"].set_visible(False)
    ax.grid(visible=True, axis="y", zorder=0)
    ax.set_axisbelow(True)
