"""Draws the picture that a chat or a social network shows beside a link: the answer in words.

Pillow draws it, in a hundredth of a second, with the fonts that Matplotlib brings. Equal words give
equal bytes, as text is set without the libraries of the system.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from ablations.report.figures.theme import LIGHT
from ablations.report.site.contents import Site, SiteStudy
from ablations.text.commits.history import answer_lines
from ablations.text.escaping import one_line
from ablations.text.formatting import counted, day, few

WIDTH, HEIGHT = 1200, 630
"""Pixels, as the Open Graph pictures of most networks."""

TITLE = "Ablation studies"
QUESTION = "What each part of a training recipe buys, by how much, and how sure we are."

_LEFT, _EDGE, _SHADES = 80, 24, 15
_LONGEST = 1000
"""Characters of a text that are looked at; fewer fit."""

_COLOURS = {"failed": "vermillion", "regressed": "vermillion", "passed": "green"}


@dataclass(frozen=True, slots=True)
class Words:
    """What a picture says; ``status`` colours its edge."""

    title: str
    question: str
    answer: str
    foot: str
    status: str = ""

    @property
    def alt(self) -> str:
        """The picture in words."""
        parts = (self.title, self.question, self.answer, self.foot)
        return " ".join(f"{part.rstrip('.')}." if part[-1:] not in "?!" else part
                        for part in map(one_line, parts) if part)  # fmt: skip


def preview_path(study: SiteStudy | None) -> str:
    """Returns where the picture of a study lies, or that of the site."""
    return f"{study.place}/preview.png" if study else "preview.png"


def study_preview(study: SiteStudy, _base_url: str | None) -> dict[str, str | bytes]:
    """Returns the picture of a study."""
    return {preview_path(study): drawn(words_of(study))}


def site_preview(site: Site) -> dict[str, str | bytes]:
    """Returns the picture of the site."""
    studies = site.studies
    newest = [day(studies[0].changed_at)] if studies else []
    words = Words(
        title=TITLE,
        question=QUESTION,
        answer=few([study.title for study in studies]),
        foot=" · ".join([counted(len(studies), "study", "studies"), *newest]),
    )
    return {preview_path(None): drawn(words)}


def words_of(study: SiteStudy) -> Words:
    """Returns what the picture of a study says."""
    summary, past, gates = study.summary, study.history, study.gates
    answer: Sequence[str] = summary.answer if summary else ()
    if past and not summary:
        answer = answer_lines(past.found, past.labels)
    regressed = past and any(own.verdict == "regressed" for own in past.found.series)
    return Words(
        title=study.title,
        question=study.question,
        answer=" ".join(answer),
        foot=" · ".join((*(words for words, _ in gates), day(study.changed_at))),
        status="regressed" if regressed else gates[0][1] if gates else "",
    )


def drawn(words: Words) -> bytes:
    """Draws a picture as PNG, in few shades, which is quick and small."""
    image = Image.new("L", (WIDTH, HEIGHT), LIGHT["paper"])
    draw = ImageDraw.Draw(image)
    top = _set(draw, 70, words.title, size=54, most=2, bold=True)
    top = _set(draw, top + 14, words.question, size=30, most=2, colour="muted")
    _set(draw, top + 30, words.answer, size=36, most=5)
    _set(draw, HEIGHT - 80, words.foot, size=28, most=1, colour="muted")
    stream = io.BytesIO()
    _coloured(image, _COLOURS.get(words.status, "blue")).save(stream, "PNG", bits=4)
    return stream.getvalue()


def _coloured(image: Image.Image, edge: str) -> Image.Image:
    """Gives a grey picture an edge, as the last of its shades."""
    shades = image.point([value * (_SHADES - 1) // 255 for value in range(256)])
    found = Image.frombytes("P", image.size, shades.tobytes())
    ramp = [[value * 255 // (_SHADES - 1)] * 3 for value in range(_SHADES)]
    found.putpalette([*chain.from_iterable(ramp), *ImageColor.getrgb(LIGHT[edge])])
    ImageDraw.Draw(found).rectangle((0, 0, _EDGE, HEIGHT), fill=_SHADES)
    return found


def _set(draw: ImageDraw.ImageDraw, top: float, text: str, *, size: int, most: int,
         bold: bool = False, colour: str = "ink") -> float:  # fmt: skip
    """Sets text in at most so many lines, and returns where the next text may begin."""
    font = _font(size, bold)
    lines = list(islice(_lines(one_line(text[:_LONGEST]), font), most + 1))
    shown = lines[:most]
    if len(lines) > most:
        shown[-1] = f"{shown[-1].rstrip(' .,;:')} …"
    for line in shown:
        draw.text((_LEFT, top), line, font=font, fill=LIGHT[colour])
        top += 1.32 * size
    return top


def _lines(text: str, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Yields lines that are as wide as the picture has room for."""
    room, line = WIDTH - 2 * _LEFT - font.getlength(" …"), ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= room:
            line = longer
            continue
        if line:
            yield line
        *whole, line = _pieces(word, font, room)
        yield from whole
    if line:
        yield line


def _pieces(word: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Cuts a name without spaces where a line ends."""
    found = [""]
    for sign in word:
        if font.getlength(found[-1] + sign) > room:
            found.append("")
        found[-1] += sign
    return found


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    spec = find_spec("matplotlib")  # which is not imported for this
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    file = folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
