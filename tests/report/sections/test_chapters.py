from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from ablations import load_study
from ablations.core.estimates import Interval, Summary
from ablations.core.findings import Comparison, Findings
from ablations.core.metrics import TEST_IN_ANY_VALIDATION, MetricInfo
from ablations.core.record import Exhibit, RunRecord, Table
from ablations.core.study import Chapter
from ablations.report import exhibits
from ablations.report.blocks import Code, Section
from ablations.report.blocks import Table as TableBlock
from ablations.report.figures.theme import style
from ablations.report.sections import published
from ablations.report.sections.chapters import epoch_log
from ablations.report.sections.models import chapter_places
from ablations.report.words.glossary import validation_data
from ablations.report.writing import render_report
from ablations.session import Session


class Links(HTMLParser):
    """Gathers ids, addresses, headings and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.levels: list[int] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [
            found[name] for name in ("href", "src") if name in found and tag != "use"
        ]
        self.levels += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page_path(post: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(post, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def markdown(page_path: Path) -> str:
    return (page_path.parent / "post.md").read_text(encoding="utf-8")


def sections(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, flags=re.MULTILINE)


def test_chapters_are_numbered_as_in_a_post(markdown: str) -> None:
    assert sections(markdown)[:8] == [
        "§1 Data",
        "§2 First model",
        "§3 Data augmentation",
        "§4 Data preprocessing",
        "§5 Transfer learning",
        "§6 Score on test data",
        "Published against reproduced",
        "Summary",
    ]
    assert "How the arms learned" not in sections(markdown)
    assert "Data and models" not in sections(markdown)


def test_every_sentence_links_to_rows_that_exist(page_path: Path) -> None:
    page = Links(page_path)
    assert [name for name, n in Counter(page.ids).items() if n > 1] == []
    for address in page.addresses:
        found = address[1:] in page.ids if address.startswith("#") else None
        assert found or (page_path.parent / address).is_file(), address
    html = page_path.read_text(encoding="utf-8")
    sentences = re.findall(r'<(?:li|p class="observation[^>]*)>(.*?)</(?:li|p)>', html)
    ruled = [s for s in sentences if "ranged" in s or "overfit" in s or "model1" in s]
    assert len(ruled) == 14
    assert all('<a class="rows"' in sentence for sentence in ruled)


def test_headings_skip_no_level(page_path: Path) -> None:
    levels = Links(page_path).levels
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_page_and_markdown_hold_the_same_observations(page_path: Path, markdown: str) -> None:
    text = Links(page_path).text
    lines = [line[2:] for line in markdown.splitlines() if line.startswith("- ")]
    assert len(lines) > 15
    assert all(line.replace("\\", "") in text for line in lines)


def test_pictures_lie_beside_the_page_and_histograms_are_drawn(page_path: Path) -> None:
    folder = page_path.parent
    assert (folder / "figures/exhibits/arm-3-2-augmented-copies.png").is_file()
    with (folder / "data/arm-3-3-pixels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["series"] for row in rows] == ["before"] * 2 + ["after"] * 2
    assert float(rows[1]["to"]) == 255
    assert "Histogram of Pixel values; before: 0 to 255 and after: 0 to 1.00." in (
        folder / "figures/arm-3-3-pixels.svg"
    ).read_text(encoding="utf-8")


def test_samples_are_left_out_and_it_says_so(post: Findings, tmp_path: Path) -> None:
    path = render_report(post, tmp_path, samples=False)
    assert not list(path.parent.rglob("*.png"))
    for file in (path, path.parent / "post.md"):
        text = file.read_text(encoding="utf-8")
        assert text.count("left out of this report") == 1
        assert "Augmented" not in text
        assert "Pixel values" in text
    assert path.stat().st_size < 2_000_000


def test_a_study_without_chapters_says_so_as_well(findings: Findings, tmp_path: Path) -> None:
    path = render_report(findings, tmp_path, samples=False)
    assert "left out of this report" in path.read_text(encoding="utf-8")
    assert (path.parent / "figures/exhibits/study-2-grid.png").is_file(), "it is no sample"


def test_no_name_of_an_exhibit_leaves_the_folder() -> None:
    hostile = Exhibit("../../etc/ passwd", "t", image_png=b"x")
    assert exhibits.file_name("arm-1", 3, hostile) == "arm-1-3-etc-passwd"
    assert exhibits.file_name("study", 1, Exhibit("漢字", "t")) == "study-1"


@pytest.mark.parametrize(
    "table",
    [
        Table(("a", "b"), (("x", 1),)),
        Table(("series", "from", "to", "share"), (("x", 0, None, 0.5),)),
        Table(("series", "from", "to", "share"), ()),
    ],
)
def test_a_histogram_without_its_numbers_stays_a_table(table: Table) -> None:
    with style():
        shown = exhibits.show("study", [Exhibit("h", "H", table=table, chart="histogram")])
    (section,) = shown
    assert isinstance(section, Section)
    (block,) = section.blocks
    assert isinstance(block, TableBlock)
    assert block.data == ()


def test_an_arm_is_in_one_chapter_and_the_others_stay_in_the_fold(
    post: Findings, tmp_path: Path
) -> None:
    chapters = (Chapter("First", {"model": "model2"}), Chapter("All", {"model": "model2"}))
    findings = replace(post, study=replace(post.study, chapters=chapters))
    assert chapter_places(findings) == ((2,), ())
    text = (render_report(findings, tmp_path).parent / "post.md").read_text(encoding="utf-8")
    assert sections(text)[:4] == ["§1 Data", "§2 First", "§3 All", "§4 Score on test data"]
    assert "<summary>model1</summary>" in text


def test_the_epoch_log_reads_as_keras_prints_it(post: Findings) -> None:
    arm = post.arms[1]
    record = RunRecord(
        key="k", study="post", entry="m:f", arm=arm.arm, seed=0, settings={}, data="",
        status="completed", started_at="2026-11-20T14:00:00+00:00", seconds=1.0,
        steps=(np.array([0.1, 0.04, 0.04]),),
    )  # fmt: skip
    found = epoch_log(arm, "model2", [replace(record, status="failed", steps=()), record])
    assert found is not None
    assert found.title == "Epoch log of seed 0 of model2"
    (code,) = found.blocks
    assert isinstance(code, Code)
    first, second = code.text.splitlines()[:2]
    assert re.fullmatch(
        r"Epoch 1/12 – 3 steps – 60 ms/step – loss \d\.\d{4} – accuracy \d\.\d{4} – "
        r"val_loss \d\.\d{4} – val_accuracy \d\.\d{4}",
        first,
    )
    assert second.startswith("Epoch 2/12 – loss "), "no steps were kept of it"
    assert epoch_log(replace(arm, curves=()), "model2", [record]) is None


def test_published_runs_outside_come_first(post: Findings) -> None:
    table = published.published_table(post)
    assert [row[0] for row in table.rows] == ["model3", "model1", "model2", "model4"]
    assert [row[1] for row in table.rows] == [
        "✗ outside: best validation accuracy", "✓ inside", "✓ inside", "✓ inside"
    ]  # fmt: skip
    assert table.rows[0][2:] == (
        "90.0%", "65.0% [62.5, 67.5],\n64.0 to 66.0%", "80.0 to 90.0%", "55.0 to 66.0%",
        "70.0\u202fms", "50.0\u202fms",
    )  # fmt: skip
    assert published.headline(post) == (
        "Of 4 published numbers, 1 lies outside our 95% prediction intervals"
    )


def test_a_sentence_names_what_lies_outside(page_path: Path) -> None:
    assert (
        "Model3: the published best validation accuracy, 90.0%, lies outside the range that our "
        "seeds predict for one more run (60.0 to 70.0%)."
    ) in Links(page_path).text


@pytest.mark.parametrize(
    ("low", "high", "place", "bounds"),
    [
        (0.948, 0.96502, "just outside", "94.8 to 96.5%"),
        (0.96541, 0.98, "just outside", "96.5 to 98.0%"),
        (0.948, 0.9602, "outside", "94.8 to 96.0%"),
    ],
)
def test_what_rounding_would_put_inside_is_just_outside(
    low: float, high: float, place: str, bounds: str
) -> None:
    metric, interval = (
        MetricInfo("test_accuracy", "fraction", "higher"),
        Interval(low, high, 0.95, "t"),
    )
    ours = Summary(metric, (), None, None, None, None, None, None)
    compared = Comparison(metric, 0.9653, ours, interval, False)
    assert published.outside_text("model4", compared) == (
        f"Model4: the published test accuracy, 96.5%, lies {place} the range that our seeds predict "
        f"for one more run ({bounds})."
    )


def test_one_seed_gives_no_prediction(post_once: Findings, tmp_path: Path) -> None:
    table = published.published_table(post_once)
    assert {row[1] for row in table.rows} == {"? unknown below two seeds"}
    text = render_report(post_once, tmp_path).read_text(encoding="utf-8")
    assert (
        "None of 4 published numbers can be compared: a prediction interval needs two seeds" in text
    )
    assert "One seed gives no interval" in text
    assert 'aria-label="Dot plot of 4 published numbers beside ours."' in text


def test_the_score_names_its_choice_and_the_reuse_of_images(markdown: str, post: Findings) -> None:
    assert (
        "From 4 arms, ‘model4’ was selected by its mean best validation accuracy, using validation "
        "images, which include some test images. The best of several means tends to be too high"
        in markdown
    )
    assert "Of these test images, 96.0% were validation images in some epoch" in markdown
    assert "the same arm reaches 63.0% [60.5, 65.5]." in markdown


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "without using the test data"),
        (0.96, "using validation images, which include some test images"),
        (1.0, "using validation images, which include all test images"),
    ],
)
def test_the_choice_says_how_many_test_images_it_saw(
    post: Findings, share: float, said: str
) -> None:
    assert post.best
    best = post.arm(post.best)
    seen = replace(best.summaries[TEST_IN_ANY_VALIDATION], mean=share)
    arm = replace(best, summaries={**best.summaries, seen.metric.name: seen})
    arms = tuple(arm if own is best else own for own in post.arms)
    assert validation_data(replace(post, arms=arms)) == said


def test_a_selection_by_the_score_itself_says_so(post: Findings, tmp_path: Path) -> None:
    same = replace(post, best_by="test_accuracy")
    text = render_report(same, tmp_path).read_text(encoding="utf-8")
    assert "by its mean test accuracy, the number that it is also scored by" in text


def test_frozen_parameters_are_counted_apart(markdown: str) -> None:
    n = "\u202f"
    assert (
        f"**model4**: 2{n}260{n}546 parameters: 2{n}562 trained, 2{n}257{n}984 frozen." in markdown
    )
    assert f"**model1**: 2{n}562 parameters, all of them trained." in markdown


def test_claims_stand_beside_our_effects(claimed: Findings, tmp_path: Path) -> None:
    path = render_report(claimed, tmp_path)
    text = Links(path).text
    assert "What remains of the published gains" in text
    assert "the published change is close to zero (+0.2\u202fpp); our effect is " in text
    assert "Published numbers: a-post.txt." in text
    rows = (path.parent / "data/survival.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 4


def test_a_study_with_chapters_renders_without_any_trial(
    post: Findings, nothing: Findings, tmp_path: Path
) -> None:
    bare = {"summaries": {}, "timing": None, "difference": None, "curves": (), "exhibits": ()}
    arms = tuple(replace(arm, n_completed=0, **bare) for arm in post.arms)
    empty = {"n_completed": 0, "best": None, "best_by": None, "exhibits": (), "reproductions": ()}
    path = render_report(replace(post, arms=arms, effects=(), gates=(), **empty), tmp_path)
    text = Links(path).text
    assert "There is no answer yet" in text
    assert not re.search(r"\bnan\b|\bNone\b", text)


def test_equal_findings_give_equal_bytes(
    post: Findings, page_path: Path, tmp_path: Path, forget_drawings: Callable[[], None]
) -> None:
    forget_drawings()
    again = render_report(post, tmp_path).parent
    for path in page_path.parent.rglob("*"):
        if path.is_file():
            other = again / path.relative_to(page_path.parent)
            assert path.read_bytes() == other.read_bytes(), path.name


def test_a_study_with_chapters_reads_as_reviewed(
    markdown: str, snapshot: SnapshotAssertion
) -> None:
    assert markdown == snapshot


def test_two_kinds_of_seeds_have_a_range_each() -> None:
    findings = _post_b()
    found = next(r for r in findings.reproductions if any(c.groups for c in r.comparisons))
    text = published.groups_text("model1", found).replace("\u202f", " ")
    dead = found.comparisons[0].groups[0]
    assert text.startswith(
        f"Model1: of our networks, {dead.n} of {found.comparisons[0].ours.n} did"
    )
    assert "One more run is expected in the range of its own kind." in text
    assert all("outside" not in published.groups_text("x", r) for r in findings.reproductions)


def _post_b() -> Findings:
    session = Session(load_study("post-b"), source=Path("reports/posts/records/post-b.jsonl"))
    return session.findings(session.records())
