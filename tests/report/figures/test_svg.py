from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl

from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.layout import canvas
from ablations.report.figures.svg import draw, for_page, standalone, themed
from ablations.report.figures.theme import LIGHT, style

HOSTILE = '$x$ <script> & "q" #0072b2 id="z" url(#p) 漢字'


def _drawing(label: str) -> str:
    chart = DotPlot((Row(label, (1.0, 2.0), 1.5, (1.2, 1.8)),), "axis", line=1.0, line_label="l")
    with style():
        return draw(chart.figure(800))


def test_colours_become_variables_on_a_page_and_stay_fixed_in_a_file() -> None:
    svg = _drawing("a")
    page = for_page(svg, name="n", alt="An alt", shown="wide")
    assert "var(--blue)" in page
    assert LIGHT["blue"] not in page
    assert 'role="img" aria-label="An alt"' in page
    assert LIGHT["blue"] in standalone(svg, alt="An alt")
    assert "prefers-color-scheme" in themed(svg, alt="An alt")


def test_a_label_may_hold_anything_and_stays_as_it_is() -> None:
    page = for_page(_drawing(HOSTILE), name="n", alt=HOSTILE, shown="wide")
    root = ET.fromstring(page)
    assert HOSTILE in {element.text for element in root.iter("text")}
    assert root.get("aria-label") == HOSTILE


def test_files_are_whole_documents_with_a_title() -> None:
    root = ET.fromstring(standalone(_drawing("a"), alt="a < b"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].text == "a < b"


def test_ids_belong_to_their_figure_and_references_still_meet() -> None:
    root = ET.fromstring(for_page(_drawing("a"), name="fig", alt="", shown="wide"))
    ids = {e.get("id") for e in root.iter() if e.get("id")}
    used = {e.get("href", "")[1:] for e in root.iter("use")}
    assert used
    assert used <= ids
    assert all(str(name).startswith("fig-") for name in ids)


def test_no_font_of_this_machine_is_named() -> None:
    assert "DejaVu" not in _drawing("a")


def test_the_callers_matplotlib_keeps_its_settings() -> None:
    before = dict(mpl.rcParams)
    with style():
        canvas(10, 10)
    assert dict(mpl.rcParams) == before
