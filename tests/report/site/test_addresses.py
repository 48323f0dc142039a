"""Addresses, the map of a site and what lets robots read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from urllib.parse import unquote
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

from ablations.report.site.addresses import address, addresses
from ablations.report.site.contents import Site, SiteStudy, StudyHistory

NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_without_a_base_url_there_is_no_map(site: Site):
    assert set(addresses(site)) == {"robots.txt"}


def test_the_map_names_each_page_once_by_the_rules_of_the_protocol(site: Site):
    """https://www.sitemaps.org/protocol.html"""
    files = addresses(replace(site, base_url="https://example.org/a"))
    root = ET.fromstring(files["sitemap.xml"])
    assert root.tag == f"{NAMESPACE}urlset"
    assert {own.tag for own in root} == {f"{NAMESPACE}url"}
    places = [own.findtext(f"{NAMESPACE}loc") or "" for own in root]
    assert len(places) == len(set(places))
    own = {page for study in site.studies for page in study.pages}
    assert set(places) == {
        f"https://example.org/a/{page}" for page in (*own, "index.html", "search.html")
    }
    for changed in root.iter(f"{NAMESPACE}lastmod"):
        date.fromisoformat(changed.text or "")


def test_robots_may_read_all_and_find_the_map(site: Site):
    text = addresses(replace(site, base_url="https://example.org/a"))["robots.txt"]
    robots = RobotFileParser()
    robots.parse(str(text).splitlines())
    assert robots.can_fetch("anyone", "https://example.org/a/cats-or-dogs/index.html")
    assert robots.site_maps() == ["https://example.org/a/sitemap.xml"]


def test_odd_names_become_addresses(past: Callable[..., StudyHistory]):
    place = "a b/<&?#:é\udcff"
    assert address(None, place) == "a%20b/%3C%26%3F%23%3A%C3%A9%FF"
    assert unquote(address(None, place), errors="surrogateescape") == place
    odd = Site([SiteStudy(place, None, past())], base_url="https://example.org")
    assert ET.fromstring(addresses(odd)["sitemap.xml"]) is not None
