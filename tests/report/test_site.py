from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.findings import Findings
from ablations.report import build_site, render_report

Make = Callable[..., Findings]


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
    index = build_site(reports, tmp_path / "site")
    text = index.read_text(encoding="utf-8")
    assert text.index("cats-or-dogs/index.html") < text.index("empty/index.html")
    assert "20 November 2026" in text
    assert "✓\u00a02\u00a0passed" in text
    assert "&lt;i&gt;Not run&lt;/i&gt;" in text
    assert (tmp_path / "site" / ".nojekyll").is_file()
    for target in re.findall(r'(?:href|src)="([^"#][^"]*)"', text):
        assert (tmp_path / "site" / target).is_file(), target


def test_a_study_page_leads_back_to_the_index(reports: Path, tmp_path: Path) -> None:
    build_site(reports, tmp_path / "site")
    page = (tmp_path / "site" / "cats-or-dogs" / "index.html").read_text(encoding="utf-8")
    assert '<a href="../index.html">' in page
    assert '<a href="../index.html">' not in (reports / "cats-or-dogs" / "index.html").read_text(
        encoding="utf-8"
    )


def test_a_site_is_replaced_by_the_next_and_nothing_else_is(reports: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    build_site(reports, site)
    (site / "old.html").touch()
    build_site(reports, site)
    assert not (site / "old.html").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").touch()
    with pytest.raises(StudyError, match="holds something else"):
        build_site(reports, tmp_path / "other")


def test_no_reports_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        build_site(tmp_path, tmp_path / "site")
    assert str(error.value) == (
        f"there is no report to build from. Received: {tmp_path}. "
        "Render one first: 'ablations report STUDY'."
    )
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"slug": "other"}', "3"])
def test_a_broken_summary_is_one_clear_line(reports: Path, tmp_path: Path, text: str) -> None:
    broken = reports / "empty" / "report.json"
    broken.write_text(text)
    with pytest.raises(StudyError) as error:
        build_site(reports, tmp_path / "site")
    assert str(error.value) == (
        f"this is not the summary of a report. Received: {broken}. "
        "Render the report again: 'ablations report STUDY'."
    )
