"""Turns a matplotlib figure into SVG: themed for a page, or on white for everything else."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote, unquote

from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablations.report.figures.theme import DARK, LIGHT, SANS, css_variables
from ablations.text.escaping import one_line, printable

_NAME = {value: name for name, value in LIGHT.items()}
_SAYS = "says:"
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def say(artist: Artist, head: str, line: str = "", each: Sequence[str] = ()) -> None:
    """Has marks say on a page what they are, where a reader points at one.

    Args:
        artist: The marks.
        head: What all of them belong to, such as an arm.
        line: The name of their line, which a reader can hide; empty where that makes no sense.
        each: What each of them is, in the order in which they are drawn; empty where the head says
            all.
    """
    artist.set_gid(_SAYS + quote("\t".join(map(one_line, (head, line, *each))), safe=""))


def draw(figure: Figure) -> str:
    """Renders a figure as bare SVG: no prolog, no style sheet, no ids but those in use."""
    for text in figure.findobj(Text):
        if text.get_text() != (words := printable(text.get_text())):
            text.set_text(words)
    stream = io.StringIO()
    with warnings.catch_warnings():
        # Matplotlib measures with its own font; the text itself is drawn by the reader's.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(stream, format="svg", metadata=_NO_METADATA, transparent=True)
    return _bare(stream.getvalue())


def _bare(svg: str) -> str:
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>", "", body)
    body = _in_tags(body, _tidy_tag)
    return re.sub(r"\s*\n\s*", "\n", body).strip()


def _in_tags(svg: str, change: Callable[[str], str]) -> str:
    """Changes only tags: a label may hold anything, even text in the form of an attribute."""
    return re.sub(r"<[^>]*>", lambda tag: change(tag[0]), svg)


def _tidy_tag(tag: str) -> str:
    if tag.startswith("<g "):
        tag = re.sub(rf' id="{_SAYS}([^"]*)"', r' data-says="\1"', tag)
        tag = re.sub(r' id="[^"]*"', "", tag)
    if tag.startswith("<svg"):
        tag = re.sub(r' (xmlns|xmlns:xlink|version)="[^"]*"', "", tag)
        tag = re.sub(r'"([\d.]+)pt"', r'"\1"', tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r"font-family: [^;\"]*", f"font-family: {SANS}", tag)
    return tag.replace("xlink:href", "href")


def for_page(svg: str, *, name: str, alt: str, shown: str) -> Markup:
    """Makes SVG part of a page: its colours follow the page's theme.

    Args:
        svg: From `draw`.
        name: Unique on the page; keeps the ids of two figures apart.
        alt: What the figure shows, for those who do not see it.
        shown: CSS class, ``wide`` or ``narrow``.
    """
    body = _with_variables(_in_tags(svg, lambda tag: _owned(tag, name)))
    body = re.sub(r' data-says="([^"]*)"', lambda own: f' data-says="{_words(own[1])}"', body)
    attributes = f'<svg class="{shown}" role="img" aria-label="{escape(printable(alt))}"'
    return Markup(body.replace("<svg", attributes, 1))  # noqa: S704 - drawn by us, alt escaped


def standalone(svg: str, *, alt: str) -> str:
    """Makes SVG a file of its own, in fixed colours on white."""
    return _document(svg, alt, f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>')


def themed(svg: str, *, alt: str) -> str:
    """Makes SVG a file of its own that follows the reader's light or dark setting."""
    rules = (
        f"svg{{{css_variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{svg{{{css_variables(DARK)}}}}}"
    )
    return _document(_with_variables(svg), alt, f"<style>{rules}</style>")


def _document(svg: str, alt: str, first: str) -> str:
    namespace = '<svg xmlns="http://www.w3.org/2000/svg" role="img"'
    svg = _in_tags(svg, lambda tag: re.sub(r' data-says="[^"]*"', "", tag))
    start, rest = svg.replace("<svg", namespace, 1).split(">", 1)
    return f"{start}>\n<title>{escape(printable(alt))}</title>\n{first}{rest}\n"


def _owned(tag: str, name: str) -> str:
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)  # the page's own font
    tag = re.sub(r' style="([^"]*)"', lambda own: _attributes(own[1]), tag)
    tag = re.sub(r' (?:d|x|y)="[^"]*"', _near, tag)
    return re.sub(r'( id="| href="#|url\(#)', rf"\g<1>{name}-", tag)


def _near(places: re.Match[str]) -> str:
    """Cuts places after hundredths of a pixel, which nobody sees."""
    return re.sub(r"(\.\d\d)\d+", r"\1", places[0])


def _attributes(rules: str) -> str:
    """Writes the declarations of a style as attributes, which the policy of a page allows.

    Example:
        >>> _attributes("fill: none; stroke: #0072b2")
        ' fill="none" stroke="#0072b2"'
    """
    pairs = (rule.split(":", 1) for rule in rules.split(";") if ":" in rule)
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)


def _words(quoted: str) -> str:
    return escape(printable(unquote(quoted)))


def _with_variables(svg: str) -> str:
    return _in_tags(svg, lambda tag: re.sub(r"#[0-9a-f]{6}\b", _variable, tag))


def _variable(colour: re.Match[str]) -> str:
    return f"var(--{_NAME[colour[0]]})" if colour[0] in _NAME else colour[0]
