"""Sites from what lies on disk: what is built from, what is kept, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import ablations
from ablations.core.findings import Findings
from ablations.core.study import Study
from ablations.errors import AblationsError, StoreError, StudyError
from ablations.plan import load_study
from ablations.records.history import Line, add_lines
from ablations.records.written import MANIFEST
from ablations.report.publish.summaries import SITE_MARKER, find_reports
from ablations.report.writing import render_report
from ablations.sites import make_posts, make_site


def lines_of(study: Study, *, commits: int = 12, drop: float = 0.0, **given) -> list[Line]:
    """Lines of all arms; the first arm is worse by ``drop`` in the second half."""
    rng, found = np.random.default_rng(3), []
    for place in range(commits):
        name = hashlib.sha256(str(place).encode()).hexdigest()[:40]
        for i, arm in enumerate(study.arms):
            if (place, i) in given.get("without", ()):
                continue
            for seed in range(4):
                accuracy = 0.8 + 0.01 * seed + 0.002 * rng.standard_normal()
                accuracy -= drop * (i == 0 and place >= commits // 2)
                found.append(Line(
                    1, given.get("name", study.report_name), name,
                    f"2026-{1 + place // 28:02}-{1 + place % 28:02}T00:00:00Z", dict(arm.levels), seed,
                    given.get("data", lambda _: "d")(place), "m", "e",
                    {"test_accuracy": accuracy, "median_step_seconds": 0.01 * (1 + 0.01 * rng.random())},
                ))  # fmt: skip
    return found


@pytest.fixture
def margin(edit: Callable[[str, str], Path]) -> Path:
    """The study file, with a margin."""
    path = edit("[design]", "[analysis]\nsmallest_effect_that_matters = 0.01\n\n[design]")
    return Path(path.name)


@pytest.fixture
def history(margin: Path) -> Path:
    """A folder with the history of the study ``small``, whose baseline got worse."""
    add_lines(Path("history"), "small", lines_of(load_study(margin), drop=0.05), [])
    return Path("history")


@pytest.fixture(scope="session")
def rendered(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of another study, in a folder of reports."""
    folder = tmp_path_factory.mktemp("rendered") / "reports"
    render_report(findings, folder)
    return folder


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            if name == "id" and value is not None:
                self.anchors.append(value)


def broken_links(root: Path) -> Iterator[str]:
    """Yields each link of a site that leads nowhere, out of the site, or to a missing anchor."""
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    for path, page in pages.items():
        if len(set(page.anchors)) < len(page.anchors):
            yield f"{path}: an id that is there twice"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme == "data" or parts.fragment.startswith(":~:"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            inside = not parts.scheme and not parts.netloc and target.is_relative_to(root.resolve())
            anchored = not parts.fragment or (
                target in pages and unquote(parts.fragment) in pages[target].anchors
            )
            if not inside or not target.is_file() or not anchored:
                yield f"{path}: {link}"


def inodes(root: Path) -> dict[str, tuple[int, int]]:
    """Returns what changes where a file is written: its inode and its time of change."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def test_all_links_of_a_site_resolve_in_a_sub_path(
    rendered: Path, history: Path, margin: Path
) -> None:
    shutil.copytree(rendered, "reports/deep er")
    site = Path("www/sub/site")
    make_site([margin, history, "reports"], site)
    pages = [path.relative_to(site).as_posix() for path in site.rglob("*.html")]
    assert "deep er/cats-or-dogs/index.html" in pages
    assert "small/history/baseline-test-accuracy.html" in pages
    assert list(broken_links(site)) == []
    (site / "small" / "history" / "baseline-test-accuracy.html").unlink()
    assert len(list(broken_links(site))) > 5  # the checker finds what is broken


def test_a_history_is_shown_with_what_was_found(history: Path, margin: Path) -> None:
    index = make_site([margin, history], Path("site"))
    own = Path("site/small/history")
    assert {f"{arm}-{metric}.html" for arm in ("baseline", "a", "b", "a-b")
            for metric in ("test-accuracy", "median-step-seconds")} <= {
        path.name for path in own.iterdir()
    }  # fmt: skip
    text = (own / "index.html").read_text(encoding="utf-8")
    assert "▼\u00a0regressed with" in text
    assert text.index('class="answer"') < text.index("<table")
    arm = (own / "baseline-test-accuracy.html").read_text(encoding="utf-8")
    assert "Test accuracy ▼\u00a0regressed by −5." in arm
    assert arm.count("<svg") == 2
    assert 'rel="next"' in arm
    numbers = json.loads((own / "history.json").read_text(encoding="utf-8"))
    assert len(numbers["found"]["commits"]) == 12
    card = index.read_text(encoding="utf-8")
    assert 'href="small/history/index.html"' in card
    assert 'src="small/history/thumbnail.svg"' in card
    assert "12\u202f" not in card
    assert "12 commits" in card


def test_what_did_not_change_is_not_written(
    rendered: Path, history: Path, margin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(rendered, "reports")
    sources, site = [margin, history, "reports"], Path("site")
    make_site(sources, site)
    before, folder = inodes(site), site.stat().st_ino
    make_site(sources, site)
    assert (inodes(site), site.stat().st_ino) == (before, folder)  # not even swapped
    late = [
        Line(1, "small", "f" * 40, "2026-09-09T00:00:00Z", one.arm, one.seed, "d", "m", "e",
             one.metrics)
        for one in lines_of(load_study(margin), commits=1)
    ]  # fmt: skip
    add_lines(history, "small", late, [])
    monkeypatch.setattr(
        "ablations.sites._same", lambda report: pytest.fail(f"{report.folder} is read again")
    )
    make_site(sources, site)
    now = inodes(site)
    changed = {name for name in now if now[name] != before.get(name)}
    assert {name for name in changed if name.startswith("cats-or-dogs/")} == set()
    assert {"index.html", "small/history/index.html", SITE_MARKER, MANIFEST} <= changed
    assert {"robots.txt", ".nojekyll", "preview.png"} & changed == set()


def test_the_same_site_comes_of_the_same_sources(history: Path, margin: Path) -> None:
    make_site([margin, history], Path("one"))
    make_site([margin, history], Path("two"))
    shutil.copytree("one", "three")
    (Path("history/small") / "2026-01.jsonl").write_text(
        "".join(sorted((Path("history/small") / "2026-01.jsonl").read_text().splitlines(True)))
    )
    make_site([margin, history], Path("three"))  # by way of an earlier one, from sorted lines
    files = [{p.relative_to(f): p.read_bytes() for p in Path(f).rglob("*") if p.is_file()}
             for f in ("one", "two", "three")]  # fmt: skip
    assert files[0] == files[1]
    marks = {Path(SITE_MARKER), Path(MANIFEST)}
    assert {n: t for n, t in files[0].items() if n not in marks} == {
        n: t for n, t in files[2].items() if n not in marks
    }


def test_without_links_files_are_copied(
    history: Path, margin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_site([margin, history], Path("site"))
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in Path("site").rglob("*.html")}

    def refused(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    margin.write_text(margin.read_text() + "\n# a comment\n")
    make_site([margin, history], Path("site"))
    assert before == {
        p: (p.stat().st_mtime_ns, p.read_bytes()) for p in Path("site").rglob("*.html")
    }


def test_a_page_that_was_changed_by_hand_is_noticed_and_one_that_is_gone_comes_back(
    history: Path, margin: Path
) -> None:
    make_site([margin, history], Path("site"))
    page = Path("site/small/history/index.html")
    page.unlink()
    make_site([margin, history], Path("site"))
    text = page.read_text(encoding="utf-8")
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError) as error:
        make_site([margin, history], Path("site"))
    assert str(error.value) == (
        "files that are to be written were put there, or changed, by someone else. Received: "
        f"{page.resolve()}. Rename or delete them, then issue the same command again."
    )
    page.rename("site/small/history/mine.html")  # the cure
    make_site([margin, history], Path("site"))
    assert page.read_text(encoding="utf-8") == text
    assert Path("site/small/history/mine.html").read_text() == "mine"


def test_another_address_or_program_makes_all_pages_again(
    history: Path, margin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_site([margin, history], Path("site"))
    make_site([margin, history], Path("site"), base_url="https://example.org/studies/")
    page = Path("site/small/history/index.html").read_text(encoding="utf-8")
    assert "https://example.org/studies/small/history/index.html" in page
    before = Path("site", SITE_MARKER).read_text()
    monkeypatch.setattr("ablations.sites._program", lambda _look: "other")
    make_site([margin, history], Path("site"), base_url="https://example.org/studies")
    assert Path("site", SITE_MARKER).read_text() != before


def test_an_address_is_written_in_ascii_where_others_read_it(history: Path, margin: Path) -> None:
    make_site(
        [margin, history], Path("site"), base_url="https://b\u00fccher.example:8080/f\u00fcnf/"
    )
    for name in ("sitemap.xml", "robots.txt", "feed.xml", "small/history/index.html"):
        text = Path("site", name).read_text(encoding="utf-8")
        assert "https://xn--bcher-kva.example:8080/f%C3%BCnf/" in text
        assert "cher.example:8080/f\u00fcnf" not in text


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "ftp://example.org",
        "https://",
        "https://x.org/?q",
        'https://x.org/"',
        "https://a..b/",
    ],
)
def test_an_address_that_is_none_is_one_clear_line(study_path: Path, url: str) -> None:
    with pytest.raises(StudyError) as error:
        make_site([], Path("site"), base_url=url)
    assert str(error.value) == (
        f"this is not the address of a site. Received: {url}. "
        "Write it as in: --base-url https://example.org/studies."
    )


def test_the_history_of_an_unknown_study_names_the_cure(history: Path) -> None:
    with pytest.raises(StudyError) as error:
        make_site([history], Path("site"))
    assert str(error.value) == (
        "it is unknown how to judge the history of small: its study says by which metric and margin. "
        "Received: history/small. Name the study file as well, as in: ablations site small.toml "
        "history."
    )
    assert make_site(["small.toml", "history"], Path("site")).is_file()  # the cure
    assert not list(Path("site").glob("small/index.html"))  # there are no records


def test_a_built_in_study_and_one_with_other_settings_are_known(margin: Path) -> None:
    quick = load_study("quickstart")
    add_lines(Path("history"), "quickstart", lines_of(quick, commits=2), [])
    name = "small-with-epochs-2"
    add_lines(Path("history"), name, lines_of(load_study(margin), commits=2, name=name), [])
    make_site([margin, "history/quickstart"], Path("one"))
    assert sorted(p.parent.name for p in Path("one").glob("*/history")) == ["quickstart"]
    make_site([margin, "history"], Path("site"))
    text = Path("site", name, "history", "index.html").read_text(encoding="utf-8")
    assert "(with epochs-2)" in text


def test_a_damaged_line_is_named_with_its_place(history: Path, margin: Path) -> None:
    path = Path("history/small/2026-01.jsonl")
    path.write_text(path.read_text() + '{"schema_version": 1}\n')
    number = len(path.read_text().splitlines())
    with pytest.raises(StoreError, match=f"history/small/2026-01.jsonl:{number} is no line of a"):
        make_site([margin, history], Path("site"))
    assert not Path("site").exists()
    path.write_text("")
    with pytest.raises(StoreError, match="history/small holds no line of a history"):
        make_site([margin, history], Path("site"))


def test_a_commit_that_lacks_an_arm_has_its_row_without_numbers(margin: Path) -> None:
    study = load_study(margin)
    add_lines(Path("history"), "small", lines_of(study, without=[(3, 0), (4, 0)]), [])
    make_site([margin, "history"], Path("site"))
    text = Path("site/small/history/baseline-test-accuracy.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr id=.*?</tr>", text)
    assert [place for place, row in enumerate(reversed(rows)) if "–" in row] == [3, 4]


def test_a_newest_commit_on_other_data_is_compared_with_none(margin: Path) -> None:
    study = load_study(margin)
    lines = lines_of(study, commits=5, data=lambda place: "new" if place == 4 else "old")
    add_lines(Path("history"), "small", lines, [])
    make_site([margin, "history"], Path("site"))
    text = Path("site/small/history/index.html").read_text(encoding="utf-8")
    assert "is the only commit on this data: there is none to compare it with." in text
    assert "4 commits left out: measured on other data" in text
    assert text.count("<tr><th") == 1 + 1 + 1 + 2 * 4 + 5  # three heads, arms twice, commits
    assert list(broken_links(Path("site"))) == []


def test_a_history_without_the_metric_still_shows_its_speeds(
    margin: Path, edit: Callable[[str, str], Path]
) -> None:
    add_lines(Path("history"), "small", lines_of(load_study(margin), commits=2), [])
    edit("smallest_effect_that_matters = 0.01", 'metric = "recall"')
    edit('[[gates]]\nmetric = "test_accuracy"', '[[gates]]\nmetric = "recall"')
    make_site([margin, "history"], Path("site"))  # its speeds are there
    assert "Median step time" in Path("site/small/history/index.html").read_text(encoding="utf-8")


def test_a_store_is_rendered_where_the_study_has_no_report(study_path: Path) -> None:
    study = load_study("small.toml")
    ablations.run_study(study, jobs=0)
    make_site(["small.toml"], Path("site"))
    assert "<h1" in Path("site/small/index.html").read_text(encoding="utf-8")
    assert list(broken_links(Path("site"))) == []
    before = inodes(Path("site"))
    for source in ("runs", "runs/small", "runs/small/records.sqlite"):  # the same study
        make_site([source], Path("site"))
        assert inodes(Path("site")) == before
    Path("elsewhere").mkdir()
    shutil.copy("runs/small/records.sqlite", "elsewhere")
    with pytest.raises(StudyError) as error:
        make_site(["elsewhere"], Path("site"))
    assert str(error.value) == (
        "it is unknown of which study these records are. Received: elsewhere/records.sqlite. Name the "
        "study file in its place, and with --runs-dir the folder of its runs: ablations site STUDY "
        "--runs-dir RUNS."
    )


def test_one_place_is_for_one_study(rendered: Path, study_path: Path) -> None:
    shutil.copytree(rendered, "reports")
    shutil.copytree("reports", "others")
    with pytest.raises(StudyError) as error:
        make_site(["reports", "others"], Path("site"))
    assert str(error.value) == (
        "two studies have one address in the site, or one lies inside of the other. Received: "
        "cats-or-dogs/ and cats-or-dogs/. Leave one of the two sources out, or move its folder to "
        "another name."
    )
    Path("others/cats-or-dogs").rename("others/before")  # the cure
    make_site(["reports", "others"], Path("site"))
    assert make_site(["reports", "reports/cats-or-dogs"], Path("twice")).is_file()  # one report
    Path("blog/_posts").mkdir(parents=True)
    with pytest.raises(StudyError, match="two reports are of the study 'cats-or-dogs'"):
        make_posts(["reports", "others"], Path("blog"))


def test_what_is_no_source_is_one_clear_line(study_path: Path) -> None:
    Path("empty").mkdir()
    for sources, words in (
        (
            [],
            "there is nothing to build a site from. Received: no folder reports and no folder hist",
        ),
        (["empty"], "there is no report to build from. Received: empty."),
        (
            ["none"],
            "this is nothing that a site can be built from. Received: none. Name folders of",
        ),
        (
            ["none.toml"],
            "there is no such study file and no built-in study of this name. Received:",
        ),
        (["small.toml"], "there is nothing to build a site from. Received: small.toml. Train a"),
    ):
        with pytest.raises(AblationsError) as error:
            make_site(sources, Path("site"))
        assert str(error.value).startswith(words)
    assert not Path("site").exists()


def test_two_histories_of_a_study_are_refused(history: Path, margin: Path) -> None:
    shutil.copytree("history", "old")
    with pytest.raises(StudyError) as error:
        make_site([margin, "history", "old"], Path("site"))
    assert str(error.value) == (
        "two histories are of the study 'small'. Received: history/small and old/small. Leave one of "
        "them out, or move the lines of both into one folder."
    )


@pytest.mark.parametrize("out", ["history/site", "site"])
def test_a_site_may_lie_within_its_sources(history: Path, margin: Path, out: str) -> None:
    for _ in range(2):
        make_site([margin, history], Path(out))
    assert Path(out, "small/history/index.html").is_file()
    with pytest.raises(StudyError, match="cannot take the place of a folder that holds what it is"):
        make_site([margin.resolve(), history], Path("history"))


def test_reports_and_history_are_the_defaults(
    rendered: Path, history: Path, margin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(rendered, "reports")
    with pytest.raises(
        StudyError, match="it is unknown how to judge the history of small"
    ) as error:
        make_site([], Path("site"))
    assert str(error.value).endswith("as in: ablations site small.toml reports history.")
    make_site(["small.toml", "reports", "history"], Path("cure"))
    assert Path("cure/small/history/index.html").is_file()
    for report in find_reports(Path("reports")):
        assert Path("cure", report.place, "index.html").is_file()
    shutil.rmtree("history/small")
    assert make_site([], Path("site")).is_file()
