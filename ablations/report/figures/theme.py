"""One palette and one size table for every figure and page.

The colours are Okabe and Ito's (2008), which stay apart in the common forms of colour blindness;
text roles are chosen for a contrast of 4.5 or more on their paper. Figures are drawn in the light
colours; on a page each becomes a CSS variable, so that the dark ones can take over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1d1f21",
    "muted": "#5c6166",
    "grid": "#e3e5e8",
    "rule": "#a9aeb4",
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "vermillion": "#d55e00",
    "purple": "#cc79a7",
    "sky": "#56b4e9",
    "alarm": "#b54a00",
    "wash": "#f4f5f6",
    "shade": "#d9dbde",
}
DARK: Mapping[str, str] = {
    "paper": "#15181b",
    "ink": "#e9ebed",
    "muted": "#a4abb2",
    "grid": "#2c3136",
    "rule": "#5f666d",
    "blue": "#56b4e9",
    "orange": "#e69f00",
    "green": "#2cc79b",
    "vermillion": "#ff8a4c",
    "purple": "#dfa0c4",
    "sky": "#8fd0f5",
    "alarm": "#ff8a4c",
    "wash": "#1e2226",
    "shade": "#000000",
}
SERIES = ("blue", "vermillion", "green", "purple", "orange", "sky")
"""Colours of lines that belong together, in their order of use."""

VERDICT_COLOURS = {
    "improved": "blue",
    "regressed": "vermillion",
    "equivalent": "ink",
    "inconclusive": "muted",
}

WIDE, NARROW = 800, 358
"""Figure widths in CSS pixels: beside a page's column, and on a phone."""

TEXT, SMALL = 14.0, 12.5
"""Font sizes in CSS pixels; a figure is shown at its own size, so they hold as they are."""

MARKS = {"dot": 5.5, "mean": 7.5, "interval": 2.6, "adjusted": 1.0, "thin": 0.9, "thick": 2.4}
"""Diameters and line widths in CSS pixels."""

SANS = (
    "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', "
    "'Liberation Sans', Arial, sans-serif"
)

FAMILIES = ("Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Liberation Sans", "Arial")
"""The same as Matplotlib knows them: the layout leaves room for letters of their width."""

_STYLE: Any = {
    "svg.fonttype": "none",  # the reader's own font, selectable and searchable
    "svg.hashsalt": "ablations",  # the same bytes for the same records
    "text.parse_math": False,  # a level may be called "$x$"
    "axes.unicode_minus": True,
    "font.size": TEXT,
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["rule"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.labelsize": SMALL,
    "axes.facecolor": "none",
    "axes.linewidth": 1.0,
    "axes.spines.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": SMALL,
    "xaxis.labellocation": "right",
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 1.0,
    "xtick.color": LIGHT["rule"],
    "ytick.color": LIGHT["rule"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.solid_capstyle": "round",
}


@contextmanager
def style() -> Iterator[None]:
    """Draws in the report's style, and keeps the settings of the caller's matplotlib."""
    import matplotlib as mpl  # here, as pages need the colours and no drawing

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def css_variables(colours: Mapping[str, str]) -> str:
    """Writes a palette as CSS declarations."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
