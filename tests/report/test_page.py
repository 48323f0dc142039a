"""What a reader can do with a page, tried in a browser."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ablations.report.blocks import DataFile, Fold, Link, Page, Prose, Section
from ablations.report.figures.dots import DotPlot, Row
from ablations.report.figures.drawings import drawn
from ablations.report.figures.panels import Line, Panel, Panels
from ablations.report.figures.theme import style
from ablations.report.formats.html import html
from ablations.report.formats.policy import digest, rules_of
from ablations.report.tables import make_table
from ablations.templates import __file__ as templates

TEMPLATES = Path(templates).parent
ATTACK = '"><script>alert(1)</script><b>'
VERDICTS = ("▲\u00a0improved", "?\u00a0inconclusive", "▼\u00a0regressed")
TIMES = ("900\u202fms", "1.1\u202fs", "–", "2\u202fmin 5\u202fs")

Open = Callable[..., Any]


def figures() -> tuple[Any, ...]:
    rows = tuple(
        Row(f"arm {n}", (0.5 + n, 0.75 + n), 0.625 + n, (0.4 + n, 0.9 + n), note=f"{n}%",
            detail="[1, 2]", says=("seed 0: a", "seed 7: b"))
        for n in range(3)
    )  # fmt: skip
    panels = tuple(
        Panel(arm, tuple(Line(name, (1.0, 2.0), ((1.0, 2.5), (1.0, 1.5)), ("seed 0: 2", "seed 7: 1"),
              ("mean: 2",)) for name in ("training", "validation")), x_axis="epoch")
        for arm in ("baseline", ATTACK)
    )  # fmt: skip
    table = make_table("numbers", ["arm", "x"], [["a", "1"]], numeric=["x"])
    charts = {"arms": DotPlot(rows, "x"), "curves": Panels(panels, "y", (0.0, 3.0))}
    with style():
        return tuple(
            drawn(chart, name=name, headline=name, reading="Read this.", alt=f"Picture of {name}",
                  table=table, data=DataFile(name, "a"))
            for name, chart in charts.items()
        )  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    """64 arms in a table that folds, six effects, two figures, and a fold."""
    arms = [
        ["on" if n % 2 else "off", ATTACK if n == 5 else f"width {n}", f"{n - 9:+d}.0\u202fpp".replace("-", "−"), TIMES[n % 4]]
        for n in range(64)
    ]  # fmt: skip
    effects = [
        [f"effect {n}", f"{n}", VERDICTS[n % 3], {2: "a", 4: "b"}.get(n, "")] for n in range(6)
    ]
    blocks = (
        *figures(),
        make_table("Arms", ["augment", "=width", "change", "time"], arms, numeric=["change", "time"], name="arm"),
        make_table("Effects", ["effect", "estimate", "verdict", "sort"], effects, numeric=["estimate"], name="effect"),
        Fold("More", (Prose("Hidden words."),)),
    )  # fmt: skip
    section = Section("arms", "Arms", blocks)
    made = Page("study", "A study", (Prose("An answer.", style="answer"),), (section,), Link("x.csv", "all"))  # fmt: skip
    return str(html(made)["index.html"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api", reason="no playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no browser: install the package chromium")
    with sync.sync_playwright() as playwright:
        own = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield own
        own.close()


@pytest.fixture
def show(browser: Any, page: str, tmp_path: Path) -> Iterator[Open]:
    """Opens the page from its file; anything on the console is an error."""
    said: list[str] = []
    contexts = []

    def opened(after: str = "", text: str = page, **options: Any) -> Any:
        path = tmp_path / "index.html"
        path.write_text(text, encoding="utf-8")
        options = {"viewport": {"width": 1200, "height": 900}, **options}
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        own = context.new_page()
        own.on("console", lambda message: said.append(message.text))
        own.on("pageerror", lambda error: said.append(str(error)))
        own.goto(path.as_uri() + after)
        return own

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def cells(own: Any, table: str, column: int) -> list[str]:
    """The words of a column, of the rows that are shown."""
    found = own.locator(f"#{table}-table tbody tr:visible > :nth-child({column})")
    return list(found.all_inner_texts())


def copied(own: Any, table: str, name: str) -> str:
    scroll = own.locator(f".scroll:has(#{table}-table)")
    scroll.locator("xpath=following-sibling::div[1]").get_by_role("button", name=name).click()
    return str(own.evaluate("navigator.clipboard.readText()"))


def test_the_script_is_the_minified_source_and_small() -> None:
    own = (TEMPLATES / "page.min.js").read_text(encoding="utf-8").strip()
    assert len(own.encode()) < 5_000
    minify = pytest.importorskip("minify", reason="no tdewolff-minify")
    source = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    made = minify.string("application/javascript", f"{{{source}}}")
    assert made == own, "python bench/page.py writes it"


def test_the_page_allows_this_script_and_these_styles_alone(page: str) -> None:
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    (styles,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = rules_of(page)
    assert policy["script-src"] == digest(script)
    assert policy["style-src"] == digest(styles)
    assert "unsafe" not in str(policy)
    assert not re.search(r"<[^>]*\s(style|on\w+)=", page)


def test_columns_sort_by_what_their_words_mean(show: Open) -> None:
    own = show()
    head = own.locator("#arm-table thead")
    head.get_by_role("button", name="change").click()
    assert cells(own, "arm", 3)[:2] == ["−9.0\u202fpp", "−8.0\u202fpp"]
    assert head.locator("th").nth(2).get_attribute("aria-sort") == "ascending"
    head.get_by_role("button", name="change").click()
    assert cells(own, "arm", 3)[0] == "+54.0\u202fpp"  # from the rows that were folded
    assert head.locator("th").nth(2).get_attribute("aria-sort") == "descending"
    head.get_by_role("button", name="change").click()
    assert cells(own, "arm", 3)[0] == "−9.0\u202fpp"
    assert head.locator("[aria-sort]").count() == 0
    own.get_by_role("button", name="All 64 rows").click()
    for order in ([*TIMES[:2], TIMES[3]], [TIMES[3], *TIMES[1::-1]]):
        head.get_by_role("button", name="time").click()
        found = list(dict.fromkeys(cells(own, "arm", 4)))
        assert found == [*order, "–"]  # what is unknown is last
    head.get_by_role("button", name="=width").click()
    words = [one for one in cells(own, "arm", 2) if one.startswith("width")]
    assert words[:4] == ["width 0", "width 1", "width 2", "width 3"]
    assert words[-1] == "width 63"


def test_a_view_is_in_the_address_and_can_be_sent(show: Open) -> None:
    own = show()
    assert own.locator("#arm-table tbody tr:visible").count() == 30
    own.get_by_label("augment").select_option("on")
    assert set(cells(own, "arm", 1)) == {"on"}
    assert own.get_by_text("32 of 64 rows").is_visible()
    assert own.get_by_role("button", name="All 32 rows").is_visible()
    own.get_by_label("verdict").select_option(VERDICTS[0])
    assert cells(own, "effect", 1) == ["effect 0", "effect 3"]
    own.locator("#effect-table").get_by_role("button", name="estimate").click()
    own.locator("#effect-table").get_by_role("button", name="estimate").click()
    assert own.get_by_label("sort").locator("option").all_inner_texts() == ["all", "a", "b"]
    sent = show(own.evaluate("location.hash"))
    assert cells(sent, "effect", 1) == ["effect 3", "effect 0"]
    assert set(cells(sent, "arm", 1)) == {"on"}
    assert sent.evaluate("scrollY") > 500
    sent.evaluate(
        "location.hash = 'effect-table.verdict=' + encodeURIComponent('?\\u00a0inconclusive')"
    )
    sent.wait_for_function("document.querySelectorAll('#effect-table tbody tr:not([hidden])').length === 2")  # fmt: skip
    assert cells(sent, "effect", 1) == ["effect 1", "effect 4"]


@pytest.mark.parametrize("after", ["#arm-60", "#arms", "#x=%ZZ&.=..", "#arm-table=99", "#arm-table.augment=none"])  # fmt: skip
def test_any_address_opens_the_page(show: Open, after: str) -> None:
    own = show(after)
    assert own.locator("h1").inner_text() == "A study"
    if after == "#arm-60":  # a link to a row that is folded shows it
        assert own.locator("#arm-60").is_visible()


def test_tables_are_copied_as_they_are_shown(show: Open) -> None:
    own = show()
    rows = list(csv.reader(io.StringIO(copied(own, "arm", "CSV"))))
    assert len(rows) == 65
    assert rows[0] == ["augment", "'=width", "change", "time"]  # no formula
    assert rows[6] == ["on", ATTACK, "−4.0\u202fpp", "1.1\u202fs"]
    own.get_by_label("augment").select_option("off")
    assert len(copied(own, "arm", "CSV").splitlines()) == 33
    own.get_by_label("augment").select_option("on")
    lines = copied(own, "arm", "Markdown").splitlines()
    assert lines[:3] == ["| augment | =width | change | time |", "|--|--|--:|--:|", "| on | width 1 | −8.0\u202fpp | 1.1\u202fs |"]  # fmt: skip
    assert r'"\>' not in lines[4]
    assert r"\<script>alert(1)\</script>\<b>" in lines[4]
    tex = copied(own, "effect", "LaTeX").splitlines()
    assert tex[0] == r"\begin{tabular}{lrll}"
    assert tex[3:5] == [r"\midrule", r"effect 0 & 0 & improved &  \\"]
    assert tex[-1] == r"\end{tabular}"
    assert own.get_by_role("button", name="LaTeX ✓").count() == 1


def test_latex_has_no_sign_that_is_a_command(show: Open) -> None:
    cell = "50% of \\input{x_1} & #~^$ <|> [*] −3\u202fpp"
    table = make_table("T", ["a"], [[cell], ["b"]], name="own")
    made = Page("s", "S", (Prose("A.", style="answer"), table), (), Link("x", "x"))
    text = copied(show("", str(html(made)["index.html"])), "own", "LaTeX")
    assert text.splitlines()[4] == (
        r"50\% of {$\backslash$}input\{x\_1\} \& \#\~{}\^{}\$ {$<$}{$|$}{$>$} {$[$}{$*$}] {$-$}3\,pp \\"
    )


def test_a_mark_says_its_seed_value_and_interval(show: Open) -> None:
    own = show()
    svg = own.locator("figure svg.wide").first
    mark = svg.locator("[data-says^='arm 1'][data-says*='seed'] use").nth(1).bounding_box()
    own.mouse.move(mark["x"] + 3, mark["y"] + 3)
    assert own.locator(".tip").inner_text() == "arm 1, seed 7: b"
    own.mouse.move(0, 0)
    assert own.locator(".tip").inner_text() == ""


def test_the_keyboard_alone_reaches_and_reads_everything(show: Open) -> None:
    own = show()
    reached = set()
    for _ in range(60):
        own.keyboard.press("Tab")
        reached.add(own.evaluate("document.activeElement.textContent.trim().slice(0, 9) || document.activeElement.type || document.activeElement.getAttribute('role')"))  # fmt: skip
    assert {"change", "Markdown", "PNG", "Numbers b", "Skip to t"} <= reached
    own.locator("figure svg.wide").first.focus()
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        own.keyboard.press(key)
        said.append(own.locator(".tip").inner_text())
    means = [f"arm {n}, {n}% [1, 2]" for n in range(3)]
    assert said == [*means, *means[1::-1], "arm 2, seed 7: b"]  # the last mark follows the first
    own.keyboard.press("Escape")
    assert own.locator(".tip").inner_text() == ""


def test_lines_and_arms_of_curves_can_be_hidden(show: Open) -> None:
    own = show()
    figure = own.locator("figure").nth(1)
    figure.get_by_text("Choose lines").click()
    marks = figure.locator("svg.wide [data-says]")
    assert marks.count() == 8
    figure.get_by_label("validation").uncheck()
    assert figure.locator("svg.wide .off").count() == 4
    figure.get_by_label(ATTACK).uncheck()
    assert figure.locator("svg.wide .off").count() == 6
    figure.get_by_label("validation").check()
    assert figure.locator("svg.wide .off").count() == 4
    figure.locator("svg.wide").focus()
    own.keyboard.press("ArrowLeft")
    own.keyboard.press("ArrowRight")
    assert own.locator(".tip").inner_text().startswith("baseline")


def test_a_figure_is_saved_in_the_colours_of_the_page(show: Open) -> None:
    for scheme, paper in (("light", "#ffffff"), ("dark", "#15181b")):
        own = show(color_scheme=scheme)
        figure = own.locator("figure").nth(1)
        with own.expect_download() as got:
            figure.get_by_role("button", name="SVG").click()
        assert got.value.suggested_filename == "figure-curves.svg"
        text = Path(got.value.path()).read_text(encoding="utf-8")
        assert f'fill="{paper}"' in text
        assert "var(" not in text
        with own.expect_download() as got:
            figure.get_by_role("button", name="PNG").click()
        assert got.value.suggested_filename == "figure-curves.png"
        assert Path(got.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_a_script_all_is_there_and_no_control(show: Open) -> None:
    own = show(java_script_enabled=False)
    assert own.locator("button, select, input, .ours").count() == 0
    assert own.locator("tbody tr").count() >= 64 + 6
    own.locator(".rest summary").click()
    assert own.locator("#arm-64").is_visible()
    assert own.get_by_text("Hidden words.").is_hidden()


def test_a_phone_scrolls_only_downwards_and_shows_its_own_figures(show: Open) -> None:
    for script in (True, False):
        own = show(
            viewport={"width": 390, "height": 844}, has_touch=True, java_script_enabled=script
        )
        assert own.locator("svg.narrow").first.is_visible()
        assert own.locator("svg.wide").first.is_hidden()
        wide = own.locator("body").bounding_box()
        assert wide["width"] == 390
    own = show(viewport={"width": 390, "height": 844}, has_touch=True)
    assert own.evaluate("document.documentElement.scrollWidth") == 390
    mark = own.locator(
        "svg.narrow [data-says^='arm 1'][data-says*='seed'] use"
    ).first.bounding_box()
    own.touchscreen.tap(mark["x"] + 3, mark["y"] + 3)
    assert own.locator(".tip").inner_text() == "arm 1, seed 0: a"
    tip = own.locator(".tip").bounding_box()
    assert tip["x"] + tip["width"] <= 390


def test_paper_has_all_rows_whole_figures_and_no_controls(show: Open) -> None:
    own = show()
    own.emulate_media(media="print")
    assert own.locator("#arm-table tbody tr:visible").count() == 64
    assert own.locator(".ours:visible, .tip:visible").count() == 0
    assert own.get_by_text("Hidden words.").is_visible()
    assert own.evaluate("[...document.querySelectorAll('figure')].every(f => getComputedStyle(f).breakInside === 'avoid')")  # fmt: skip
    assert own.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_axe_finds_no_violation(show: Open, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    own = show(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    own.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    own.locator("#arm-table").get_by_role("button", name="change").click()
    own.locator("figure svg:visible").first.focus()
    own.keyboard.press("ArrowRight")
    found = axe.Axe().run(own)
    assert found.violations_count == 0, found.generate_report()
