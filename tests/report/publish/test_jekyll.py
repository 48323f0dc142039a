from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablations.core.findings import Findings
from ablations.errors import StudyError
from ablations.report.writing import render_report
from ablations.sites import make_posts

Make = Callable[..., Findings]
TITLE = 'A "quoted" title: {{ site.title }} {% raw %}'


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    folder = tmp_path / "blog"
    folder.mkdir()
    (folder / "_config.yml").write_text("title: Mine\n")
    return folder


@pytest.fixture(scope="session")
def rendered(make: Make, nothing: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    render_report(make(title=TITLE, question=TITLE), folder)
    render_report(replace(nothing, study=replace(nothing.study, slug="empty")), folder)
    return folder


@pytest.fixture
def reports(rendered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered, tmp_path / "reports"))


def test_a_finished_report_becomes_a_post_with_its_assets(reports: Path, blog: Path) -> None:
    posts = make_posts([reports], blog)
    assert [post.name for post in posts] == ["2026-11-20-cats-or-dogs.md"]
    text = posts[0].read_text(encoding="utf-8")
    assert text.startswith(
        '---\nlayout: post\ntitle: "A \\"quoted\\" title: {{ site.title }} {% raw %}"\n'
        "generator: ablations\nchecksum: "
    )
    assert "\n# " not in text, "the layout shows the title"
    links = re.findall(r"\]\(\{\{ '/(assets/[^']+)' \| relative_url \}\}\)", text)
    assert len(links) > 10
    assert all((blog / link).is_file() for link in links)


def test_liquid_in_a_study_is_not_run(reports: Path, blog: Path) -> None:
    (post,) = make_posts([reports], blog)
    body = post.read_text(encoding="utf-8").split("---\n", 2)[2]
    links_gone = re.sub(r"\{\{ '/assets/[^']+' \| relative_url \}\}", "", body)
    guarded = re.sub(r"\{% raw %\}(\{\{|\{%)\{% endraw %\}", "", links_gone)
    assert "{{" not in guarded
    assert "{%" not in guarded


def test_nothing_else_in_the_blog_is_touched(reports: Path, blog: Path) -> None:
    (blog / "_posts").mkdir()
    (blog / "_posts" / "2020-01-01-hello.md").write_text("hello")
    make_posts([reports], blog)
    assert (blog / "_posts" / "2020-01-01-hello.md").read_text() == "hello"
    assert sorted(path.name for path in blog.iterdir()) == ["_config.yml", "_posts", "assets"]
    assert [path.name for path in (blog / "assets").iterdir()] == ["cats-or-dogs"]


def test_a_later_render_keeps_the_address_of_the_post(
    reports: Path, blog: Path, findings: Findings
) -> None:
    make_posts([reports], blog)
    render_report(replace(findings, finished_at="2027-01-02T00:00:00+00:00"), reports)
    posts = make_posts([reports], blog)
    assert [post.name for post in posts] == ["2026-11-20-cats-or-dogs.md"]
    assert "2 January 2027" in posts[0].read_text(encoding="utf-8")


def test_a_post_of_someone_else_is_not_overwritten(reports: Path, blog: Path) -> None:
    mine = blog / "_posts" / "2026-11-20-cats-or-dogs.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(StudyError) as error:
        make_posts([reports], blog)
    assert str(error.value) == (
        f"a post of this name was written or changed by someone else. Received: {mine}. "
        "Rename or delete it, then issue the same command again."
    )
    assert mine.read_text() == "mine"
    assert not (blog / "assets").exists()


def test_a_folder_without_a_blog_is_refused(reports: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        make_posts([reports], tmp_path / "no")
    assert str(error.value) == (
        f"this is not the folder of a Jekyll blog. Received: {tmp_path / 'no'}. "
        "Name the folder that holds _config.yml or _posts."
    )


@pytest.mark.parametrize("change", ["tags: [mine]\n---\n", "---\nA line of mine.\n"])
def test_a_post_that_was_changed_is_not_overwritten(reports: Path, blog: Path, change: str) -> None:
    (post,) = make_posts([reports], blog)
    first, header, body = post.read_text(encoding="utf-8").split("---\n", 2)
    changed = f"{first}---\n{header}{change}{body}"
    post.write_text(changed, encoding="utf-8")
    with pytest.raises(StudyError, match="written or changed by someone else"):
        make_posts([reports], blog)
    assert post.read_text(encoding="utf-8") == changed
    post.rename(post.with_name("2026-11-20-mine.md"))
    assert make_posts([reports], blog) == [post]


def test_the_mark_of_our_posts_counts_in_the_header_alone(reports: Path, blog: Path) -> None:
    mine = blog / "_posts" / "2026-01-01-cats-or-dogs.md"
    mine.parent.mkdir()
    mine.write_text("---\ntitle: mine\n---\n\n```\ngenerator: ablations\n```\n")
    (post,) = make_posts([reports], blog)
    assert post.name == "2026-11-20-cats-or-dogs.md"
    assert "mine" in mine.read_text()


def test_files_of_someone_else_among_the_assets_stay(reports: Path, blog: Path) -> None:
    make_posts([reports], blog)
    mine = blog / "assets" / "cats-or-dogs" / "mine.png"
    mine.touch()
    (reports / "cats-or-dogs" / "my-notes.md").touch()
    make_posts([reports], blog)
    assert mine.exists()
    assert not (blog / "assets" / "cats-or-dogs" / "my-notes.md").exists()


def test_two_reports_of_one_study_are_named(reports: Path, blog: Path) -> None:
    shutil.copytree(reports / "cats-or-dogs", reports / "old" / "cats-or-dogs")
    with pytest.raises(StudyError) as error:
        make_posts([reports], blog)
    one, other = reports / "cats-or-dogs", reports / "old" / "cats-or-dogs"
    assert str(error.value) == (
        f"two reports are of the study 'cats-or-dogs'. Received: {one} and {other}. "
        f"Name the folder of one of them: ablations site --jekyll {one}."
    )
    assert make_posts([one], blog)
