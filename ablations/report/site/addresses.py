"""Where the pages of a site are served, and what tells search engines so."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote
from xml.etree import ElementTree as ET

from ablations.report.site.contents import Site

INDEX, SEARCH, SITEMAP, ROBOTS = "index.html", "search.html", "sitemap.xml", "robots.txt"

_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"
_MOST = 50_000
"""Addresses that one map may have, by https://www.sitemaps.org/protocol.html"""


def address(base_url: str | None, path: str) -> str:
    """Returns the address of a page: in full, or from the first page where no base URL is known.

    Example:
        >>> address("https://example.org/a", "one/index.html"), address(None, "a b/index.html")
        ('https://example.org/a/one/index.html', 'a%20b/index.html')
    """
    quoted = quote(path, errors="surrogateescape")
    return f"{base_url}/{quoted}" if base_url else quoted


def addresses(site: Site) -> dict[str, str | bytes]:
    """Returns the map of the site, which needs full addresses, and what lets robots read it."""
    if site.base_url is None:
        return {ROBOTS: "User-agent: *\nAllow: /\n"}
    return {
        ROBOTS: f"User-agent: *\nAllow: /\nSitemap: {address(site.base_url, SITEMAP)}\n",
        SITEMAP: _map(site),
    }


def _map(site: Site) -> bytes:
    ET.register_namespace("", _SCHEMA)
    root = ET.Element(f"{{{_SCHEMA}}}urlset")
    for path, moment in list(_pages(site))[:_MOST]:
        own = ET.SubElement(root, f"{{{_SCHEMA}}}url")
        ET.SubElement(own, f"{{{_SCHEMA}}}loc").text = address(site.base_url, path)
        if moment:
            ET.SubElement(own, f"{{{_SCHEMA}}}lastmod").text = moment[:10]
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _pages(site: Site) -> Iterator[tuple[str, str | None]]:
    """Yields the pages with the moment of their last change: first pages first."""
    newest = max((own.changed_at for own in site.studies if own.changed_at), default=None)
    yield from ((path, newest) for path in (INDEX, SEARCH))
    for own in site.studies:
        yield own.page, own.changed_at
    for own in site.studies:
        yield from ((path, own.changed_at) for path in own.pages[1:])
