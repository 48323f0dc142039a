from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablations.core.findings import Findings
from ablations.errors import StudyError
from ablations.records.written import MANIFEST
from ablations.report.publish.summaries import SITE_MARKER
from ablations.report.writing import render_report
from ablations.sites import make_posts, make_site

Make = Callable[..., Findings]
COMMITTED = Path(__file__).parents[3] / "reports"


@pytest.fixture(scope="session")
def rendered(
    findings: Findings, nothing: Findings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    later = replace(
        nothing,
        study=replace(nothing.study, slug="empty", title="<i>Not run</i>"),
    )
    render_report(findings, folder)
    render_report(later, folder)
    return folder


@pytest.fixture
def reports(rendered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered, tmp_path / "reports"))


def test_a_site_has_a_card_per_study_and_its_pages(reports: Path, tmp_path: Path) -> None:
    index = make_site([reports], tmp_path / "site")
    text = index.read_text(encoding="utf-8")
    assert text.index("cats-or-dogs/index.html") < text.index("empty/index.html")
    assert "20 November 2026" in text
    assert "✓\u00a02\u00a0passed" in text
    assert "&lt;i&gt;Not run&lt;/i&gt;" in text
    assert (tmp_path / "site" / ".nojekyll").is_file()
    for target in re.findall(r'(?:href|src)="([^"#][^"]*)"', text):
        assert (tmp_path / "site" / target).is_file(), target


def test_a_study_page_leads_back_to_the_index(reports: Path, tmp_path: Path) -> None:
    make_site([reports], tmp_path / "site")
    page = (tmp_path / "site" / "cats-or-dogs" / "index.html").read_text(encoding="utf-8")
    assert '<a href="../index.html">' in page
    assert '<a href="../index.html">' not in (reports / "cats-or-dogs" / "index.html").read_text(
        encoding="utf-8"
    )


def test_a_site_is_replaced_by_the_next_and_nothing_else_is(reports: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_site([reports], site)
    (site / "CNAME").write_text("example.org")
    shutil.rmtree(reports / "empty")
    make_site([reports], site)
    assert not (site / "empty").exists()
    assert (site / "CNAME").read_text() == "example.org"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").touch()
    with pytest.raises(StudyError, match="holds something else"):
        make_site([reports], tmp_path / "other")


def test_a_site_without_manifest_is_refused_and_stays(reports: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_site([reports], site)
    (site / MANIFEST).unlink()
    (site / "CNAME").touch()
    before = sorted(site.rglob("*"))
    with pytest.raises(StudyError, match="holds something else"):
        make_site([reports], site)
    assert sorted(site.rglob("*")) == before
    assert (site / SITE_MARKER).is_file()


def test_reports_in_folders_of_their_own_keep_their_paths(reports: Path, tmp_path: Path) -> None:
    deep = reports / "posts" / "2026"
    deep.mkdir(parents=True)
    (reports / "cats-or-dogs").rename(deep / "cats-or-dogs")
    shutil.copytree(deep / "cats-or-dogs", reports / "before")
    shutil.copytree(deep / "cats-or-dogs", reports / ".hidden" / "cats-or-dogs")
    (reports / "posts" / "link").symlink_to(reports)
    site = reports / "site"
    for _ in range(2):
        text = make_site([reports], site).read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"#][^"]*)"', text)
    assert sorted(links) == [
        "before/index.html", "empty/index.html", "posts/2026/cats-or-dogs/index.html"
    ]  # fmt: skip
    for link in links:
        page = site / link
        home = re.search(r'<nav class="home".*?href="([^"]+)"', page.read_text(encoding="utf-8"))
        assert home is not None
        assert (page.parent / home[1]).resolve() == site / "index.html"


@pytest.mark.parametrize("name", ["index.html", "robots.txt"])
def test_a_report_in_a_folder_named_as_a_file_of_the_site_is_refused(
    reports: Path, tmp_path: Path, name: str
) -> None:
    make_site([reports], tmp_path / "site")
    before = (tmp_path / "site" / name).read_bytes()
    shutil.copytree(reports / "empty", reports / name)
    with pytest.raises(StudyError) as error:
        make_site([reports], tmp_path / "site")
    assert str(error.value) == (
        f"a study has the address of a file that every site has. Received: {name}. Rename the "
        "folder of that report."
    )
    assert (tmp_path / "site" / name).read_bytes() == before
    (reports / name).rename(reports / "another")  # the cure
    make_site([reports], tmp_path / "site")
    assert (tmp_path / "site" / "another" / "index.html").is_file()


def test_a_link_that_leads_to_itself_is_no_output(reports: Path, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(StudyError, match="the output folder cannot be replaced"):
        make_site([reports], loop)


def test_the_committed_reports_make_a_site(tmp_path: Path) -> None:
    text = make_site([COMMITTED], tmp_path / "site").read_text(encoding="utf-8")
    assert "sample/quickstart/index.html" in text
    assert "posts/post-a-clean/index.html" in text


def test_the_folder_of_one_report_makes_a_site(reports: Path, tmp_path: Path) -> None:
    make_site([reports / "empty"], tmp_path / "site")
    assert (tmp_path / "site" / "empty" / "index.html").is_file()


def test_only_what_we_wrote_is_published(reports: Path, tmp_path: Path) -> None:
    report, site = reports / "cats-or-dogs", tmp_path / "site"
    (report / "my-notes.md").write_text("private")
    (tmp_path / "secret").write_text("private")
    (report / "figures" / "arms.svg").unlink()
    (report / "figures" / "arms.svg").symlink_to(tmp_path / "secret")
    (report / "data" / "all").symlink_to(tmp_path)
    make_site([reports], site)
    folder = site / report.name
    assert (folder / "index.html").is_file()
    assert "private" not in {p.read_text("latin-1") for p in folder.rglob("*") if p.is_file()}
    assert not (folder / "data" / "all").exists()


@pytest.mark.parametrize("build", [make_site, make_posts])
def test_a_report_without_manifest_is_one_clear_line(
    reports: Path, tmp_path: Path, build: Callable[[list[Path], Path], object]
) -> None:
    report, out = reports / "cats-or-dogs", tmp_path / "out"
    if build is make_posts:
        (out / "_posts").mkdir(parents=True)
    (report / MANIFEST).unlink()
    with pytest.raises(StudyError) as error:
        build([report], out)
    assert str(error.value) == (
        "it is unknown which files of this report may be published. "
        f"Received: no .ablations-manifest in {report}. "
        "Move the folder away, then render the report again: 'ablations report STUDY'."
    )
    assert not list(out.rglob("*.html"))


@pytest.mark.parametrize("out", [".", "..", "reports", "/", "../work", "link"])
def test_a_folder_that_holds_others_is_refused(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "work").mkdir()
    reports.rename(tmp_path / "work" / "reports")
    (tmp_path / "work" / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "work")
    what = "what it is built from" if out == "reports" else "the current folder"
    with pytest.raises(StudyError) as error:
        make_site([Path("reports")], Path(out))
    assert str(error.value) == (
        f"a site cannot take the place of a folder that holds {what}. "
        f"Received: {Path(out).resolve()}. Name a folder of its own, such as 'site'."
    )
    assert make_site([Path("reports")], Path("site")).is_file()


def test_no_reports_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        make_site([tmp_path], tmp_path / "site")
    assert str(error.value) == (
        f"there is no report to build from. Received: {tmp_path}. "
        "Render one first: 'ablations report STUDY'."
    )
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"slug": "other"}', "3", "[" * 9999, '{"slug": "\\ud800"}', "\x00", ""]
)
def test_a_broken_summary_is_one_clear_line(reports: Path, tmp_path: Path, text: str) -> None:
    broken = reports / "empty" / "report.json"
    broken.write_text(text)
    with pytest.raises(StudyError) as error:
        make_site([reports], tmp_path / "site")
    assert str(error.value) == (
        f"this is not the summary of a report. Received: {broken}. "
        "Render the report again: 'ablations report STUDY'."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("finished_at", "../../.."),
        ("finished_at", "2026-11-20/../../x"),
        ("finished_at", "20261120T140322"),
        ("finished_at", 7),
        ("slug", "../cats-or-dogs"),
        ("slug", "a/b"),
        ("slug", ""),
        ("slug", ".git"),
        ("slug", "a" * 300),
        ("schema", 2),
        ("title", None),
        ("answer", "text"),
        ("gates", [{"status": 'x" onclick="alert(1)'}]),
        ("gates", [{}]),
    ],
)
def test_a_summary_with_a_field_that_is_not_ours_writes_nothing(
    reports: Path, tmp_path: Path, field: str, value: object
) -> None:
    path = reports / "cats-or-dogs" / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), field: value}))
    blog = tmp_path / "blog"
    (blog / "_posts").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    for build in (make_site, make_posts):
        with pytest.raises(StudyError, match="this is not the summary of a report"):
            build([reports], blog)
    assert sorted(tmp_path.rglob("*")) == before
