from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from ablations import templates
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo
from ablations.core.study import Chapter
from ablations.errors import StudyError
from ablations.report.publish.manifests import (
    MANIFEST,
    all_files,
    digest,
    is_unchanged,
    present,
    read_manifest,
)
from ablations.report.publish.summaries import require_report_folder
from ablations.report.sections.gates import gate_tables
from ablations.report.writing import render_report

Make = Callable[..., Findings]
OURS = [(Path(templates.__file__).parent / "page.min.js").read_text(encoding="utf-8").strip()]
"""The scripts of a page."""

COMMITTED = Path(__file__).parents[2] / "reports"
HOSTILE = "<script>alert(1)</script> {{ 7*7 }} a|b *c* \"q\" 'r'"
CELLS = {"td", "th", "li", "p", "h1", "h2", "h3", "caption", "dt", "dd", "text"}
VOID = {"meta", "img", "br", "link", "path", "use", "rect"}


class Page(HTMLParser):
    """Reads a page: elements with their attributes, text, and whether tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.drawn: list[str] = []
        self.headings: list[str] = []
        self.markdown = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        self.text += "\n" if tag in CELLS else ""

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text += data
        if self.open[-2:] == ["h2", "a"] and "figcaption" not in self.open:
            self.headings.append(data)
        if self.open[-1:] == ["text"]:
            self.drawn.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def folder(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(findings, tmp_path_factory.mktemp("reports")).parent


@pytest.fixture(scope="session")
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_a_report_is_a_page_a_post_figures_and_data(folder: Path) -> None:
    found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    names = ["arms", "cost", "curves", "effects", "interactions", "steps"]
    assert found == sorted(
        ["index.html", "cats-or-dogs.md", "report.json", "data/trials.csv", ".ablations-manifest"]
        + ["figures/thumbnail.svg", "figures/exhibits/study-2-grid.png"]
        + [f"data/{name}.csv" for name in names]
        + [f"figures/{name}.svg" for name in names]
    )


def test_equal_findings_give_equal_bytes(
    folder: Path, findings: Findings, tmp_path: Path, forget_drawings: Callable[[], None]
) -> None:
    forget_drawings()
    again = render_report(findings, tmp_path).parent
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes(), path.name


def test_the_page_asks_no_other_host_and_runs_no_script_but_ours(folder: Path, page: Page) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]", text)
    assert page.scripts == OURS
    assert page.all("script") == [{"type": "module"}]
    policy = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
    assert policy[0] is not None
    assert policy[0].startswith("default-src 'none'")
    assert len(text) < 2_000_000


def test_all_links_and_pictures_of_the_page_exist(folder: Path, page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    targets = [a["href"] for a in page.all("a")] + [i["src"] for i in page.all("img")]
    for target in targets:
        assert target is not None
        assert target[1:] in ids if target.startswith("#") else (folder / target).is_file(), target


def test_links_of_the_markdown_exist(folder: Path) -> None:
    text = (folder / "cats-or-dogs.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 10
    assert all((folder / link).is_file() for link in links)


def test_the_page_is_sound_and_usable_without_eyes_or_mouse(page: Page) -> None:
    assert page.open == []
    ids = Counter(a["id"] for _, a in page.elements if a.get("id"))
    assert [name for name, n in ids.items() if n > 1] == []
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    assert all(image["alt"] for image in page.all("img"))
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    assert len(page.all("table")) == len(page.all("caption"))
    regions = [a for _, a in page.elements if a.get("class") == "scroll"]
    assert len(regions) == len(page.all("table"))
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)
    assert {"main", "header", "footer", "nav"} <= {tag for tag, _ in page.elements}
    assert ("a", {"class": "skip", "href": "#main"}) in page.elements
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings.count(1) == 1
    assert all(b <= a + 1 or b == 3 for a, b in pairwise(headings))


LONG = "the_name_of_a_factor_that_nobody_would_break_into_two_parts_and_that_never_ends_0123456789abcdefghij"


@pytest.fixture(scope="session")
def pages(
    folder: Path, make: Make, failed: Findings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Page]:
    """Reports of several kinds: crossed, with failures, told in chapters, with endless names."""
    factors = {LONG: {"off": {}, f"x{LONG}": {LONG: LONG}}, "b": {"x": {}, "y": {}}}
    metric = MetricInfo(LONG, "fraction", "higher")
    endless = make(title=LONG, question=LONG, factors=factors, metric=metric, slug="endless")
    chapters = tuple(Chapter(LONG, dict(arm.levels)) for arm in failed.study.arms[:4])
    told = replace(failed, study=replace(failed.study, chapters=chapters, slug="told"))
    out = tmp_path_factory.mktemp("pages")
    paths = [folder / "index.html", *(render_report(f, out) for f in (failed, told, endless))]
    found = {}
    for i, path in enumerate(paths):
        page = found[path.parent.name + str(i)] = Page(path.read_text("utf-8"))
        page.markdown = (path.parent / f"{path.parent.name}.md").read_text("utf-8")
    return found


def test_contents_and_sections_agree(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        sections = [a["aria-labelledby"] for a in page.all("section")]
        headings = [a["id"] for a in page.all("h2") if not str(a["id"]).startswith("figure-")]
        start = page.elements.index(
            ("nav", {"class": "contents", "id": "contents", "aria-label": "Contents"})
        )
        links = [a["href"] for tag, a in page.elements[start:] if tag == "a"][: len(sections)]
        assert links == [f"#{section}" for section in sections], name
        assert headings == sections, name
        assert len(sections) >= 6


def test_the_markdown_has_the_same_sections_in_the_same_order(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        found = re.findall(r"^## (.*)$", page.markdown, re.MULTILINE)
        assert [title.replace("\\", "") for title in found] == page.headings, name
        assert len(found) == len(page.all("section"))


def test_the_contents_are_reached_from_everywhere_on_a_phone(page: Page) -> None:
    assert ("a", {"class": "up", "href": "#contents"}) in page.elements
    css = (Path(templates.__file__).parent / "style.css").read_text(encoding="utf-8")
    phone = css[css.index("@media (max-width:52rem){") : css.index("@media (min-width:32rem)")]
    assert ".up{display:block;position:fixed;" in phone
    assert ".up{display:none}" in css[: css.index("@media (max-width:52rem){")]


def test_every_heading_has_an_address_and_a_link_to_it(pages: dict[str, Page]) -> None:
    for page in pages.values():
        at = [i for i, (tag, _) in enumerate(page.elements) if re.fullmatch("h[1-6]", tag)]
        for i in at:
            anchor = page.elements[i][1]["id"]
            assert page.elements[i + 1] == ("a", {"href": f"#{anchor}"})
        ids = [a["id"] for _, a in page.elements if a.get("id")]
        assert [name for name, n in Counter(ids).items() if n > 1] == []


def test_landmarks_have_names_of_their_own(pages: dict[str, Page]) -> None:
    for page in pages.values():
        named = [a["aria-labelledby"] for a in page.all("section")]
        assert len(named) == len(set(named))
        assert [a for _, a in page.elements if a.get("role") == "region"] == []


def test_long_names_fit_a_phone(pages: dict[str, Page]) -> None:
    page = pages["endless3"]
    widths = [float(str(svg["viewbox"]).split()[2]) for svg in page.all("svg")]
    assert set(widths) == {800.0, 358.0}
    assert LONG in page.text
    drawn = [words for words in page.drawn if len(words) * 0.5 * 12.5 > 800]
    assert drawn == []
    css = (Path(templates.__file__).parent / "style.css").read_text(encoding="utf-8")
    assert "body{margin:0;overflow-wrap:anywhere;" in css
    assert ".scroll{overflow-x:auto;max-width:100%" in css
    assert ".rows{font-size:.875rem}" in css


def test_print_opens_what_is_folded_and_keeps_rows_and_figures_whole() -> None:
    css = (Path(templates.__file__).parent / "style.css").read_text(encoding="utf-8")
    printed = css[css.index("@media print{") :]
    assert "details::details-content{content-visibility:visible;block-size:auto}" in printed
    assert "figure,tr,dt,li{break-inside:avoid}" in printed
    assert not re.search(r"table[^{]*\{[^}]*break-inside:avoid", printed)


def test_markdown_and_page_state_the_same_numbers(folder: Path, page: Page) -> None:
    text = (folder / "cats-or-dogs.md").read_text(encoding="utf-8")
    numbers = re.compile(r"[+−]?\d+\.\d+(?:%|\u202f(?:pp|ms|s))")
    said = set(numbers.findall(re.sub(r"!\[.*?\]\(.*?\)", "", text)))
    assert len(said) > 50
    assert said <= set(numbers.findall(page.text))


def test_the_csv_holds_full_precision(folder: Path, findings: Findings) -> None:
    with (folder / "data" / "effects.csv").open(encoding="utf-8", newline="") as file:
        written = [float(row["estimate"]) for row in csv.DictReader(file)]
    assert written == [effect.estimate for effect in findings.effects]


def test_the_summary_is_for_machines(folder: Path) -> None:
    summary = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert summary["slug"] == "cats-or-dogs"
    assert summary["trials"] == {"planned": 24, "completed": 24, "failed": 0, "missing": 0}
    assert [effect["verdict"] for effect in summary["effects"]].count("improved") == 3
    assert summary["gates"][0]["status"] == "inconclusive"


def test_names_are_only_ever_text(make: Make, tmp_path: Path) -> None:
    factors = {HOSTILE: {"off": {}, HOSTILE: {"k": HOSTILE}}, "b": {"x": {}, "y": {}}}
    found = make(factors=factors, title=HOSTILE, question=HOSTILE)
    folder = render_report(found, tmp_path).parent
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.scripts == OURS
    assert HOSTILE in page.text
    markdown = (folder / "cats-or-dogs.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    heads = [i for i, row in enumerate(rows) if set(row) <= set("|-: ")]
    assert all(widths[i] == widths[i - 1] == widths[i + 1] for i in heads)


def test_failures_stand_out_and_empty_arms_print_dashes(failed: Findings, tmp_path: Path) -> None:
    folder = render_report(failed, tmp_path).parent
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    markdown = (folder / "cats-or-dogs.md").read_text(encoding="utf-8")
    for text in (page.text, markdown):
        assert "Of 24 trials, 2 failed and 1 has not run" in text
        assert "2 trials of 24 failed: 1 diverged and 1 raised an error" in text
    assert "| off | on | transfer | 0 | – | – | – | – | – | – | – |" in markdown


def test_a_study_without_any_trial_renders(nothing: Findings, tmp_path: Path) -> None:
    page = Page(render_report(nothing, tmp_path).read_text(encoding="utf-8"))
    assert "There is no answer yet" in page.text
    assert not page.all("svg")


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": (7,)},
        {"factors": {"augmentation": {"off": {}, "on": {}}}},
        {"metric": MetricInfo("latency_seconds", "seconds", "lower")},
        {"metric": MetricInfo("parameters", "count", "neither")},
        {"factors": {"w": {str(n): {"w": n} for n in (1, 2, 4)}, "d": {"1": {}, "2": {}}}},
        {"title": "漢字 — Überblick 🐈", "margin": 0.02},
    ],
    ids=["one seed", "one factor", "seconds", "counts", "three levels", "unicode"],
)
def test_unusual_studies_render(make: Make, tmp_path: Path, changes: dict[str, object]) -> None:
    page = Page(render_report(make(**changes), tmp_path).read_text(encoding="utf-8"))
    assert page.open == []
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page.text.replace("None of", ""))


def test_thirty_arms_stay_below_two_megabytes(make: Make, tmp_path: Path) -> None:
    factors = {f"f{i}": {f"l{i}{j}": {} for j in range(n)} for i, n in enumerate((5, 3, 2))}
    path = render_report(make(factors=factors, gains={}), tmp_path)
    assert path.stat().st_size < 2_000_000


def test_a_folder_that_is_no_report_is_left_alone(findings: Findings, tmp_path: Path) -> None:
    (tmp_path / "cats-or-dogs").mkdir()
    (tmp_path / "cats-or-dogs" / "mine.txt").touch()
    with pytest.raises(StudyError, match="holds something else"):
        render_report(findings, tmp_path)
    assert (tmp_path / "cats-or-dogs" / "mine.txt").exists()


def test_notes_in_a_report_stay(findings: Findings, tmp_path: Path) -> None:
    folder = render_report(findings, tmp_path).parent
    (folder / "my-notes.md").write_text("mine")
    (folder / "data" / "mine.csv").write_text("mine")
    render_report(findings, tmp_path)
    assert (folder / "my-notes.md").read_text() == "mine"
    assert (folder / "data" / "mine.csv").read_text() == "mine"


def test_a_page_that_was_changed_is_not_overwritten(findings: Findings, tmp_path: Path) -> None:
    page = render_report(findings, tmp_path)
    page.write_text("mine")
    with pytest.raises(StudyError, match="put there, or changed, by someone else"):
        render_report(findings, tmp_path)
    assert page.read_text() == "mine"


def test_a_summary_that_git_has_put_there_alone_is_replaced(
    findings: Findings, make: Make, tmp_path: Path
) -> None:
    summary = render_report(findings, tmp_path).parent / "report.json"
    (tmp_path / "clone" / "cats-or-dogs").mkdir(parents=True)
    cloned = tmp_path / "clone" / "cats-or-dogs" / "report.json"
    cloned.write_bytes(summary.read_bytes())
    page = render_report(make(seeds=(0, 1)), tmp_path / "clone")
    assert page.is_file()
    assert cloned.read_bytes() != summary.read_bytes()
    cloned.write_bytes(summary.read_bytes())  # as another branch has it
    render_report(make(seeds=(0, 1)), tmp_path / "clone")
    assert cloned.read_bytes() != summary.read_bytes()


def test_a_summary_of_another_branch_hides_no_page_that_was_changed(
    findings: Findings, tmp_path: Path
) -> None:
    page = render_report(findings, tmp_path)
    page.write_text("mine")
    summary = page.with_name("report.json")
    summary.write_text(summary.read_text().replace("Cats or dogs", "Dogs or cats"))
    require_report_folder(page.parent)
    found = present(page.parent)
    assert found is not None
    assert found["index.html"] == digest(page)


@pytest.mark.parametrize("text", ["{}", '{"slug": "cats-or-dogs"}', "not JSON"])
def test_a_file_called_report_json_makes_no_report(
    findings: Findings, tmp_path: Path, text: str
) -> None:
    (tmp_path / "cats-or-dogs").mkdir()
    (tmp_path / "cats-or-dogs" / "report.json").write_text(text)
    with pytest.raises(StudyError, match="holds something else"):
        render_report(findings, tmp_path)
    assert (tmp_path / "cats-or-dogs" / "report.json").read_text() == text


def test_a_report_without_manifest_is_refused_and_stays(findings: Findings, tmp_path: Path) -> None:
    folder = render_report(findings, tmp_path).parent
    (folder / MANIFEST).unlink()
    before = sorted(folder.rglob("*"))
    with pytest.raises(StudyError, match=rf"{MANIFEST}, .* is missing\. .*\. Move it away"):
        render_report(findings, tmp_path)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "folder", sorted(COMMITTED.glob("*/*/report.json")), ids=lambda p: p.parent.name
)
def test_a_committed_report_holds_nothing_that_is_not_ours(folder: Path) -> None:
    own = read_manifest(folder.parent) or {}
    assert {*all_files(folder.parent)} == {MANIFEST, *own}
    assert all(is_unchanged(folder.parent / name, expected) for name, expected in own.items())


def test_markdown_reads_as_reviewed(folder: Path, snapshot: SnapshotAssertion) -> None:
    assert (folder / "cats-or-dogs.md").read_text(encoding="utf-8") == snapshot


def test_words_of_the_page_read_as_reviewed(page: Page, snapshot: SnapshotAssertion) -> None:
    words = re.sub(r"\s*\n\s*", "\n", page.text)
    assert words == snapshot


def test_a_gate_without_a_metric_prints_dashes(findings: Findings) -> None:
    lost = replace(findings.gates[0], metric=None, summary=None, judged=None, status="incomplete")
    (table,) = gate_tables(replace(findings, gates=(lost,)))
    assert table.rows == (("transfer", "–", "0", "…\u00a0incomplete"),)


def test_a_folder_that_may_not_be_written_is_named_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != tmp_path)
    with pytest.raises(StudyError) as caught:
        require_report_folder(tmp_path / "reports" / "small")
    assert str(caught.value) == (
        f"reports may not be written here. Received: {tmp_path / 'reports'}. Change the "
        "permissions of this folder, or name another with --reports-dir."
    )
    monkeypatch.undo()
    require_report_folder(tmp_path / "reports" / "small")
