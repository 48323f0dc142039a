"""What all pages of a site have: the way back, the feed, their address and their preview."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ablations.report.formats.html import own_style, render_html
from ablations.report.formats.policy import allowing, sealed
from ablations.report.site.addresses import INDEX, address
from ablations.report.site.contents import SiteStudy
from ablations.report.site.feed import FEED
from ablations.report.site.previews import HEIGHT, QUESTION, TITLE, WIDTH, preview_path, words_of

_HOOK, _HEAD_END = "<!-- home -->", "</head>"

_ROBOTS = {"connect-src": "'self'"}
"""In a site, audits such as Lighthouse read robots.txt from within a page; our scripts do not."""


@dataclass(frozen=True, slots=True)
class Around:
    """What goes into a page; addresses are relative to it but for those of ``head``.

    Args:
        trail: The pages above it, the first page first: address and words.
        history: The address of the study's history, empty where the page leads there or above.
        feed: The address of the feed.
        title: The title, for those who see a link to the page.
        description: What the page is about, for them.
        address: The page's own address in full, empty where the site's is unknown.
        image: The address of its picture in full.
        alt: What the picture shows.
        style: The user's own style sheet, which follows ours.
    """

    trail: Sequence[tuple[str, str]]
    history: str
    feed: str
    title: str
    description: str
    address: str
    image: str
    alt: str
    style: Markup
    width: int = WIDTH
    height: int = HEIGHT


def surrounded(
    files: Mapping[str, str | bytes], study: SiteStudy | None, base_url: str | None
) -> dict[str, str | bytes]:
    """Returns files of a site, the pages among them with what all pages of a site have.

    Args:
        files: By their paths in the site; pages are text.
        study: The one that they belong to, if they do.
        base_url: Where the site is served, if known.
    """
    return {
        path: _with(content, _around(path, study, base_url))
        if isinstance(content, str) and path.endswith(".html")
        else content
        for path, content in files.items()
    }


def _with(page: str, around: Around) -> str:
    """Sets what is around a page into it: its texts are escaped, so both marks are our own."""
    head = render_html("_head.html.j2", around)
    page = allowing(page, _ROBOTS).replace(_HEAD_END, f"{head.strip()}\n{_HEAD_END}", 1)
    trail = render_html("_trail.html.j2", around) if around.trail else ""
    return sealed(page.replace(_HOOK, trail, 1))


def _around(path: str, study: SiteStudy | None, base_url: str | None) -> Around:
    def to(target: str) -> str:
        return address(None, posixpath.relpath(target, posixpath.dirname(path) or "."))

    history = f"{study.place}/history/{INDEX}" if study and study.history else ""
    return Around(
        trail=[(to(target), words) for target, words in _above(path, study)],
        history=to(history) if study and history and path == f"{study.place}/{INDEX}" else "",
        feed=to(FEED),
        title=study.title if study else TITLE,
        description=study.question if study else QUESTION,
        address=address(base_url, path) if base_url else "",
        image=address(base_url, preview_path(study)),
        alt=words_of(study).alt if study else QUESTION,
        style=own_style(),
    )


def _above(path: str, study: SiteStudy | None) -> list[tuple[str, str]]:
    """Returns the pages above one, the first page first."""
    if path == INDEX:
        return []
    above = [(INDEX, "All studies")]
    if study and path != study.page:
        above.append((study.page, study.title))
        history = f"{study.place}/history/{INDEX}"
        if path.startswith(f"{study.place}/history/") and history not in (path, study.page):
            above.append((history, "History"))
    return above
