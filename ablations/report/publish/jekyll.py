"""Writes reports as posts and assets into an existing Jekyll blog."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.errors import StudyError
from ablations.report.formats.markdown import render_markdown
from ablations.report.publish.atomic import replaced
from ablations.report.publish.summaries import SUMMARY, FoundReport

_HEADER = re.compile(r"---\n(?:.*\n)*?---\n")
_CHECKSUM = re.compile(r"^checksum: (.*)\n", re.MULTILINE)
_LINK = re.compile(r"(?<!\\)\]\(((?:figures|data)/[\w./-]+)\)")


@dataclass(frozen=True, slots=True)
class PostPage:
    """A post of a Jekyll blog around a report's Markdown."""

    title: str
    checksum: str
    body: str


def build_jekyll(reports: Sequence[FoundReport], out: Path) -> list[Path]:
    """Writes ``_posts/<date>-<slug>.md`` and ``assets/<slug>/`` for every finished report.

    Reports in which no trial has run yet have no date and are left out. Nothing else in the blog
    is touched.

    Args:
        reports: What to publish.
        out: The blog's folder, which holds ``_config.yml`` or ``_posts``.

    Returns:
        The posts, in the order of their names.

    Raises:
        StudyError: if two reports are of one study; if ``out`` is no blog, or a post or folder is
            not ours or was changed since we wrote it.
    """
    if not any((out / name).exists() for name in ("_config.yml", "_config.toml", "_posts")):
        raise StudyError(
            "this is not the folder of a Jekyll blog",
            received=str(out),
            cure="Name the folder that holds _config.yml or _posts",
        )
    _require_one_each(reports)
    posts = {_post_path(out, r, r.summary.finished_at): r for r in reports if r.summary.finished_at}
    for path, report in posts.items():
        _write_assets(report, out / "assets" / report.summary.slug)
        _write_post(report, path)
    return sorted(posts)


def _require_one_each(reports: Sequence[FoundReport]) -> None:
    """Two reports of one study would share an address."""
    owners: dict[str, FoundReport] = {}
    for report in reports:
        other = owners.setdefault(report.summary.slug, report)
        if other is not report:
            raise StudyError(
                f"two reports are of the study '{report.summary.slug}'",
                received=f"{other.folder} and {report.folder}",
                cure=f"Name the folder of one of them: ablations site --jekyll {other.folder}",
            )


def _post_path(out: Path, report: FoundReport, finished_at: str) -> Path:
    """Returns where a post goes; one that we wrote earlier keeps its date, and so its address."""
    slug, folder = report.summary.slug, out / "_posts"
    named = re.compile(rf"[0-9]{{4}}-[0-9][0-9]-[0-9][0-9]-{re.escape(slug)}\.md")
    earlier = [path for path in sorted(folder.glob(f"*-{slug}.md")) if named.fullmatch(path.name)]
    path = next(filter(_is_ours, earlier), folder / f"{finished_at[:10]}-{slug}.md")
    if path.exists() and not _is_unchanged(path):
        raise StudyError(
            "a post of this name was written or changed by someone else",
            received=str(path),
            cure="Rename or delete it, then issue the same command again",
        )
    return path


def _is_ours(path: Path) -> bool:
    header = _HEADER.match(path.read_text(encoding="utf-8", errors="replace"))
    return header is not None and "\ngenerator: ablations\n" in header[0]


def _is_unchanged(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    noted = _CHECKSUM.search(text)
    return noted is not None and noted[1] == _checksum(_CHECKSUM.sub("", text, count=1))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_assets(report: FoundReport, target: Path) -> None:
    post = f"{report.summary.slug}.md"
    with replaced(target, SUMMARY) as fresh:
        report.copy(fresh, [name for name in report.files if name != post])


def _write_post(report: FoundReport, path: Path) -> None:
    slug, title = report.summary.slug, report.summary.title
    text = (report.folder / f"{slug}.md").read_text(encoding="utf-8")
    _, body = text.split("\n", 1)  # the blog's layout shows the title
    linked = _linked(guard(body.strip()), slug)
    bare = _CHECKSUM.sub("", render_markdown("post.md.j2", PostPage(title, "", linked)), count=1)
    page = PostPage(title, _checksum(bare), linked)
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
