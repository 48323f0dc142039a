"""Draws the history of one arm: accuracy and loss beside each other. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablations.report.figures.layout import canvas
from ablations.report.figures.panels import Panels, finish, fitted, plot_curves, write_legend
from ablations.report.figures.theme import WIDE

_HEAD, _TITLE, _PLOT, _FOOT, _LEFT = 26.0, 34.0, 178.0, 34.0, 44.0


def history_figure(data: Sequence[Panels], width: int) -> Figure:
    """Lays out one plot a metric, side by side, or on a phone one above the other.

    Unlike small multiples, each has a vertical axis of its own.
    """
    data = [fitted(panels) for panels in data]
    columns = len(data) if width >= WIDE else 1
    rows = -(-len(data) // columns)
    cell = _TITLE + _PLOT + _FOOT
    height = _HEAD + rows * cell
    figure = canvas(width, height)
    wide = min(width / columns, 430.0)
    write_legend(figure, data[0].legend, top=12)
    for i, panels in enumerate(data):
        row, column = divmod(i, columns)
        y = height - _HEAD - (row + 1) * cell + _FOOT
        place = ((column * wide + _LEFT) / width, y / height)
        size = ((wide - _LEFT - 22) / width, _PLOT / height)
        axes = figure.add_axes((*place, *size))
        plot_curves(axes, panels.panels[0])
        finish(axes, panels, panels.y_axis, room=wide - 60)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axes.set_xlabel("epoch", loc="right", labelpad=3)
    return figure
