"""Writes reports as posts and assets into an existing Jekyll blog."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablations.errors import StudyError
from ablations.report.folders import replaced
from ablations.report.site import find_reports
from ablations.report.templating import render_markdown
from ablations.report.views import PostPage
from ablations.report.writing import MARKER

_OURS = "generator: ablations\n"
_LINK = re.compile(r"\]\(((?:figures|data)/[\w./-]+)\)")


def build_jekyll(reports_dir: Path, out: Path) -> list[Path]:
    """Writes ``_posts/<date>-<slug>.md`` and ``assets/<slug>/`` for every finished report.

    Reports in which no trial has run yet have no date and are left out. Nothing else in the blog
    is touched.

    Args:
        reports_dir: Where `render_report` wrote its reports.
        out: The blog's folder, which holds ``_config.yml`` or ``_posts``.

    Returns:
        The posts, in the order of their names.

    Raises:
        StudyError: if there is no report, ``out`` is no blog, or a post or folder is not ours.
    """
    reports = find_reports(reports_dir)
    if not any((out / name).exists() for name in ("_config.yml", "_config.toml", "_posts")):
        raise StudyError(
            "this is not the folder of a Jekyll blog",
            received=str(out),
            cure="Name the folder that holds _config.yml or _posts",
        )
    dated = [(folder, summary) for folder, summary in reports.items() if summary["finished_at"]]
    posts = {folder: _post_path(out, summary) for folder, summary in dated}
    for folder, summary in dated:
        _write_assets(folder, out / "assets" / folder.name)
        _write_post(folder, summary, posts[folder])
    return sorted(posts.values())


def _post_path(out: Path, summary: Mapping[str, Any]) -> Path:
    """Returns where a post goes; one that we wrote earlier keeps its date, and so its address."""
    slug, folder = summary["slug"], out / "_posts"
    named = re.compile(rf"\d{{4}}-\d\d-\d\d-{re.escape(slug)}\.md")
    for path in sorted(folder.glob(f"*-{slug}.md")):
        if named.fullmatch(path.name) and _OURS in path.read_text(encoding="utf-8"):
            return path
    path = folder / f"{summary['finished_at'][:10]}-{slug}.md"
    if path.exists():
        raise StudyError(
            "a post of this name was written by someone else",
            received=str(path),
            cure="Rename that post or the study",
        )
    return path


def _write_assets(report: Path, target: Path) -> None:
    with replaced(target, marker=MARKER) as fresh:
        shutil.copytree(report, fresh, dirs_exist_ok=True)
        (fresh / f"{report.name}.md").unlink()


def _write_post(report: Path, summary: Mapping[str, Any], path: Path) -> None:
    text = (report / f"{report.name}.md").read_text(encoding="utf-8")
    _, body = text.split("\n", 1)  # the blog's layout shows the title
    page = PostPage(report.name, summary["title"], _linked(guard(body.strip()), report.name))
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(render_markdown("post.md.j2", page), encoding="utf-8")
    temporary.replace(path)


def guard(text: str) -> str:
    """Keeps Liquid, Jekyll's template language, from reading what a study happens to contain.

    Example:
        >>> print(guard("a {{ b }}"))
        a {% raw %}{{{% endraw %} b }}
    """
    return re.sub(r"\{\{|\{%", lambda found: f"{{% raw %}}{found[0]}{{% endraw %}}", text)


def _linked(body: str, slug: str) -> str:
    """Points links at the assets, wherever the blog is served from."""
    return _LINK.sub(lambda link: f"]({{{{ '/assets/{slug}/{link[1]}' | relative_url }}}})", body)
