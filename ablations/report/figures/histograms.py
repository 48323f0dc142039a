"""Draws histograms as small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.axes import AxisScale, plain_or_powers
from ablations.report.figures.layout import Grid, lay_out, wrapped, write_head
from ablations.report.figures.theme import LIGHT, SERIES, WIDE

Bin = tuple[float, float, float]
"""Where a bin begins and ends, and the height of its bar."""


@dataclass(frozen=True, slots=True)
class Histograms:
    """Bins by title; plots share the vertical axis, and each has a horizontal axis of its own."""

    plots: Mapping[str, Sequence[Bin]]
    y_axis: str
    notes: str = ""

    def figure(self, width: int) -> Figure:
        """Lays out the series side by side, or on a phone one above the other."""
        columns = min(3, len(self.plots)) if width >= WIDE else 1
        grid = Grid(columns, cell=196, widest=380, head=24, top=30, bottom=34, right=40)
        figure, places = lay_out(len(self.plots), width, grid)
        shares = [share for bins in self.plots.values() for *_, share in bins]
        scale = plain_or_powers(shares)
        write_head(figure, scale.label(self.y_axis))
        top, bottom = (scale.place(end(shares, default=0.0)) for end in (max, min))
        plots = zip(places, self.plots.items(), cycle(SERIES), strict=False)
        for axes, (title, bins), colour in plots:
            axes.set_ylim(min(0.0, bottom), top * 1.06 if top > 0 else 1.0)
            plot_histogram(axes, bins, scale, colour=colour)
            axes.set_title(wrapped(title, axes.get_window_extent().width), pad=8)
        return figure


def plot_histogram(ax: Axes, bins: Sequence[Bin], upward: AxisScale, *, colour: str) -> None:
    """Draws one outline over all bins, filled."""
    found = [bins[0][0], *(end for _, end, _ in bins)] if bins else [0.0, 1.0]
    scale = plain_or_powers(found)
    edges = scale.places(found)
    heights = [upward.place(share) for *_, share in bins] or [0.0]
    ax.stairs(heights, edges, fill=True, color=LIGHT[colour], alpha=0.85, zorder=2)
    if edges[0] != edges[-1]:
        ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(scale.label("").strip(", "))
    scale.set_ticks(ax.xaxis, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    upward.set_ticks(ax.yaxis, MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    ax.tick_params(pad=5)
    ax.grid(visible=True, axis="y", zorder=0)
    ax.set_axisbelow(True)
